//go:build linux

package main

import "testing"

// BenchmarkCalibration is work that never changes and touches no memory to speak of:
// FNV-1a over 4 KiB, written out, so that it depends on the processor and the compiler
// alone. Recorded beside other benchmarks it says how quick the machine was then.
func BenchmarkCalibration(b *testing.B) {
	data := make([]byte, 4096)
	for i := range data {
		data[i] = byte(i * 7)
	}
	sum := uint64(14695981039346656037)
	for b.Loop() {
		for _, c := range data {
			sum = (sum ^ uint64(c)) * 1099511628211
		}
	}
	if sum == 0 {
		b.Fatal("an unlikely sum")
	}
}
