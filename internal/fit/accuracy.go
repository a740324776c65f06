package main

func (d *data) accuracy(dir string) error { return nil }
