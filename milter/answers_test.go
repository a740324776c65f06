package milter_test

import (
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/policy"
)

// stuck is a decider of whom a session cannot learn what is wanted.
type stuck struct {
	policy.Decider
	mu *sync.Mutex
}

func (s stuck) Wishes() policy.Wishes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Decider.Wishes()
}

func TestAnswers(t *testing.T) {
	var mu sync.Mutex
	f := start(t, options{wrap: func(d policy.Decider) policy.Decider { return stuck{d, &mu} }, limits: milter.Limits{Sessions: 1}})
	for range 10 { // more than there are slots
		if err := f.server.Answers(5 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(20 * time.Millisecond) // for what would be counted late
	for _, e := range milter.Events {
		if n := f.meter.count(e); n != 0 {
			t.Errorf("%s was counted %d times", e, n)
		}
	}
	mu.Lock()
	if err := f.server.Answers(50 * time.Millisecond); err == nil {
		t.Error("an answer of a server whose decider hangs")
	}
	mu.Unlock()
}
