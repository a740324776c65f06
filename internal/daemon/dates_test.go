package daemon

import "testing"

func TestDatesAreKnown(t *testing.T) {
	for data, built := range dates() {
		if built.Year() < 2026 {
			t.Errorf("%s were built on %v", data, built)
		}
	}
}
