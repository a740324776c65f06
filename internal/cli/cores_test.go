package cli

import "testing"

func TestShareOfProcessors(t *testing.T) {
	for all, want := range map[int]int{1: 1, 2: 1, 4: 1, 5: 2, 8: 2, 16: 4, 64: 16} {
		if got := share(all); got != want {
			t.Errorf("of %d processors: %d, want %d", all, got, want)
		}
	}
}
