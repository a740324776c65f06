package remote_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/state"
)

// TestToldTogether: what comes one by one within a moment is told in one question, and soon.
func TestToldTogether(t *testing.T) {
	s := start(t)
	h, other := open(t, s.url()), open(t, s.url())
	const visits = 60
	s.do("CONFIG", "RESETSTAT")
	before := time.Now()
	for n := range visits {
		h.Visit(address(n), state.Visit{At: began})
		time.Sleep(2 * time.Millisecond)
	}
	most := int(time.Since(before)/(50*time.Millisecond)) + 2
	told(t, h)
	questions := 0
	_, rest, _ := strings.Cut(fmt.Sprint(s.do("INFO", "commandstats")), "cmdstat_evalsha:calls=")
	fmt.Sscan(rest, &questions)
	if questions == 0 || questions > most {
		t.Errorf("%d visits in %d questions, not %d at most", visits, questions, most)
	}
	h.Visit(address(visits), state.Visit{At: began})
	eventually(t, time.Second, "another host knows the visit", func() bool {
		got, _ := knows(t, other, address(visits), began)
		return got.Sessions == 1
	})
}

// TestToldInTurns: a host with much to tell leaves the store to others between its questions, so that a
// hundred of them do no harm when it is back.
func TestToldInTurns(t *testing.T) {
	s := start(t)
	var late atomic.Int64
	h := open(t, "redis://"+slowly(t, s.socket, &late))
	h.Visit(address(0), state.Visit{At: began})
	told(t, h) // the server has the script
	late.Store(int64(10 * time.Millisecond))
	before := time.Now()
	const questions, atOnce = 10, 64
	for n := range questions * atOnce {
		h.Visit(address(n), state.Visit{At: began})
	}
	told(t, h)
	// The rest of each is four times as long as its answer took, but for the last one's.
	if took := time.Since(before); took < questions*10*time.Millisecond+(questions-1)*40*time.Millisecond {
		t.Errorf("told in %v without a rest", took)
	}
}

// TestTriedInTurns: hosts that lost the store in one moment do not come back in one.
func TestTriedInTurns(t *testing.T) {
	s := start(t)
	var all []*mx
	for range 20 {
		all = append(all, open(t, s.url()))
	}
	s.kill()
	for _, h := range all {
		h.Known(item(h, "n", "x"), began)
		h.Known(item(h, "n", "x"), began)
		h.Known(item(h, "n", "x"), began)
	}
	s.start()
	var back []time.Duration
	began := time.Now()
	for n := 0; n < len(all) && time.Since(began) < 10*time.Second; time.Sleep(5 * time.Millisecond) {
		n = 0
		for _, h := range all {
			if !h.Degraded() {
				n++
			}
		}
		for len(back) < n {
			back = append(back, time.Since(began))
		}
	}
	if len(back) < len(all) || back[len(back)-1]-back[0] < 100*time.Millisecond {
		t.Errorf("%d of %d came back: %v", len(back), len(all), back)
	}
}
