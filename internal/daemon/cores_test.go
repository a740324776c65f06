package daemon

import (
	"runtime"
	"testing"
)

func TestShareOfProcessors(t *testing.T) {
	for all, want := range map[int]int{1: 1, 2: 1, 4: 1, 5: 2, 8: 2, 16: 4, 64: 16} {
		if got := shareOf(all); got != want {
			t.Errorf("of %d processors: %d, want %d", all, got, want)
		}
	}
}

func TestTakeShare(t *testing.T) {
	all := runtime.GOMAXPROCS(8)
	defer runtime.GOMAXPROCS(all)
	t.Setenv("GOMAXPROCS", "8")
	takeShare()
	if got := runtime.GOMAXPROCS(0); got != 8 {
		t.Errorf("%d processors where the admin said 8", got)
	}
	t.Setenv("GOMAXPROCS", "")
	takeShare()
	if got := runtime.GOMAXPROCS(0); got != 2 {
		t.Errorf("%d processors, want 2 of 8", got)
	}
}
