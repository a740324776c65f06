package cli

import (
	"runtime"
	"runtime/debug"
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

// TestHasten: what is for the start alone ends with it.
func TestHasten(t *testing.T) {
	all := runtime.GOMAXPROCS(8)
	defer runtime.GOMAXPROCS(all)
	t.Setenv("GOMAXPROCS", "")
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	unhurried := hasten()
	if percent := debug.SetGCPercent(-1); percent != -1 || runtime.GOMAXPROCS(0) != 8 {
		t.Errorf("the collector runs at %d %% on %d processors while the daemon starts", percent, runtime.GOMAXPROCS(0))
	}
	unhurried()
	if percent := debug.SetGCPercent(77); percent != 77 || runtime.GOMAXPROCS(0) != 2 {
		t.Errorf("the collector runs at %d %% on %d processors afterwards, not at 77 on 2", percent, runtime.GOMAXPROCS(0))
	}
}
