package policy_test

import (
	"testing"

	"github.com/iot-milter/iot-milter/policy/decider"
)

// refusedOf sends one message of each of 250 devices and returns which were refused.
func refusedOf(t *testing.T, w *world) (refused map[int]bool) {
	t.Helper()
	refused = map[int]bool{}
	for i := range 250 {
		rcpts, eom := talk(w, bot(i, began), "DiskStation", plain(), "u@example.test")
		if rcpts[0].Refuses() {
			refused[i] = true
		} else if eom.Refuses() || eom.Mark == "" {
			t.Fatalf("device %d: %+v", i, eom)
		}
	}
	return refused
}

// TestRamp: a share of the networks meets the action, always the same, and the
// others are tagged with the verdict logged.
func TestRamp(t *testing.T) {
	s := enforcing()
	s.Ramp = &decider.Ramp{All: 20, Device: 100, Access: 100}
	w := newWorld(t, s, nil)
	first := refusedOf(t, w)
	if n := len(first); n < 25 || n > 75 {
		t.Errorf("%d of 250 are refused at 20 %%", n)
	}
	for _, d := range w.taken() {
		if d.Verdict == "reject" && d.Action != "reject" && d.Action != "tag" {
			t.Errorf("%+v", d)
		}
	}
	for i := range refusedOf(t, w) {
		if !first[i] {
			t.Errorf("device %d is refused the second time alone", i)
		}
	}
	wider := *s
	wider.Ramp = &decider.Ramp{All: 60, Device: 100, Access: 100}
	w.Swap(&wider)
	second := refusedOf(t, w)
	for i := range first {
		if !second[i] {
			t.Errorf("device %d is of 20 %% and not of 60 %%", i)
		}
	}
	if n := len(second); n < 110 || n > 190 {
		t.Errorf("%d of 250 are refused at 60 %%", n)
	}
}

func TestRampByClass(t *testing.T) {
	for _, tt := range []struct {
		ramp    decider.Ramp
		refused int
	}{
		{decider.Ramp{All: 100, Device: 0, Access: 100}, 0}, {decider.Ramp{All: 0, Device: 100, Access: 100}, 0},
		{decider.Ramp{All: 100, Device: 100, Access: 0}, 250},
	} {
		s := enforcing()
		s.Ramp = &tt.ramp
		if n := len(refusedOf(t, newWorld(t, s, nil))); n != tt.refused {
			t.Errorf("%+v: %d refused", tt.ramp, n)
		}
	}
}
