//go:build race

// Package racetest tells tests whether the race detector is on: it empties pools at
// random, so that what is pinned without it costs more allocations with it. It is for
// tests alone.
package racetest

// Enabled reports whether the race detector is on.
const Enabled = true
