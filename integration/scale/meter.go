package main

import (
	"slices"
	"sync"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// meter is what all nodes' stores and deciders tell. It is safe for concurrent use.
type meter struct {
	mu       sync.Mutex
	calls    map[string]map[string]int // by op and outcome
	behind   map[string]map[string]int
	awaited  []time.Duration // calls that mail waited for, also those that failed; not the own memory's answers
	degraded int             // how often a node went on alone
	failOpen int             // messages that passed unjudged
	suspects int             // decisions about clients flagged yes or suspect
}

func newMeter() *meter {
	return &meter{calls: map[string]map[string]int{}, behind: map[string]map[string]int{}}
}

// aside are the questions that no mail waits for.
var aside = []string{"hosts", "visits", "habits", "facts", "trial"}

// Call implements remote.Meter.
func (m *meter) Call(op, outcome string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	add(m.calls, op, outcome, 1)
	if !slices.Contains(aside, op) && outcome != "local" {
		m.awaited = append(m.awaited, took)
	}
}

// Behind implements remote.Meter.
func (m *meter) Behind(op, outcome string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	add(m.behind, op, outcome, n)
}

// Degraded implements remote.Meter.
func (m *meter) Degraded(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if on {
		m.degraded++
	}
}

func add(to map[string]map[string]int, op, outcome string, n int) {
	if to[op] == nil {
		to[op] = map[string]int{}
	}
	to[op][outcome] += n
}

// take returns what was told since the last call.
func (m *meter) take() told {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := told{m.calls, m.behind, m.awaited, m.degraded, m.failOpen, m.suspects}
	m.calls, m.behind, m.awaited = map[string]map[string]int{}, map[string]map[string]int{}, nil
	m.degraded, m.failOpen, m.suspects = 0, 0, 0
	return t
}

// done is how many of an op were told or heard, so far.
func (m *meter) done(op string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.behind[op]["done"] + m.behind[op]["dropped"]
}

type told struct {
	calls, behind map[string]map[string]int
	awaited       []time.Duration
	degraded      int
	failOpen      int
	suspects      int
}

// late is how many answers that mail waited for did not come from the store, of how many.
func (t *told) late() (late, all int) {
	for op, outcomes := range t.calls {
		if slices.Contains(aside, op) {
			continue
		}
		for outcome, n := range outcomes {
			all += n
			if outcome != "ok" {
				late += n
			}
		}
	}
	return late, all
}

// dropped is how much of what no mail waits for was dropped, of how much.
func (t *told) dropped() (dropped, all int) {
	for _, outcomes := range t.behind {
		dropped += outcomes["dropped"]
		all += outcomes["dropped"] + outcomes["done"]
	}
	return dropped, all
}

// add joins what was told before.
func (t *told) add(before told) {
	for _, part := range []struct{ to, from map[string]map[string]int }{{t.calls, before.calls}, {t.behind, before.behind}} {
		for op, outcomes := range part.from {
			for outcome, n := range outcomes {
				add(part.to, op, outcome, n)
			}
		}
	}
	t.awaited = append(before.awaited, t.awaited...)
	t.degraded, t.failOpen, t.suspects = t.degraded+before.degraded, t.failOpen+before.failOpen, t.suspects+before.suspects
}

// Record implements policy.Recorder, and what follows decider.Meter.
func (m *meter) Record(r *policy.Record) {
	if r.Judgement != nil && r.Judgement.Flag != policy.FlagNo {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.suspects++
	}
}

// FailOpen counts what passed unjudged.
func (m *meter) FailOpen(string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failOpen++
}

// NamesSuspended is not looked at.
func (*meter) NamesSuspended(bool) {}

// ClientHidden is not looked at.
func (*meter) ClientHidden(bool) {}

// LimitedBystander is not looked at.
func (*meter) LimitedBystander() {}

// CampaignBegan is not looked at.
func (*meter) CampaignBegan() {}

// CampaignMessage is not looked at.
func (*meter) CampaignMessage() {}

// quantile of durations, which it sorts.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}
