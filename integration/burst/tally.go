package main

import (
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// count is what became of messages.
type count struct {
	Sent     int `json:"sent"`
	Yes      int `json:"flagged_yes"`
	Suspect  int `json:"flagged_suspect"`
	Deferred int `json:"deferred"` // at their first try
	Refused  int `json:"refused"`
	Accepted int `json:"accepted"` // at whichever try
	Campaign int `json:"by_campaign"`
}

func (c *count) add(o *count) {
	c.Sent += o.Sent
	c.Yes += o.Yes
	c.Suspect += o.Suspect
	c.Deferred += o.Deferred
	c.Refused += o.Refused
	c.Accepted += o.Accepted
	c.Campaign += o.Campaign
}

// stopped are those that were never accepted.
func (c *count) stopped() int { return c.Sent - c.Accepted }

// tally is what a configuration did.
type tally struct {
	counts   [numGroups][phaseSecond + 1]count
	fleet    map[string]*count // by line
	escaped  map[escape]int
	classes  map[policy.Class]*count // of the bursts' messages
	runs     [2]map[int]*course      // by template, for each burst
	innocent int                     // campaigns that a legitimate message declared
	minutes  [2][60]count            // of the bursts
}

// escape is how a message of a burst was seen that was accepted.
type escape struct {
	class policy.Class
	kind  string
	first bool // before its template was declared
}

// course is how far a template came until it was declared.
type course struct {
	sent     int // so far
	declared int // sent when it was; 0 for never
	after    int // sent after that
	passed   int // of them accepted
}

func newTally() *tally {
	return &tally{
		fleet: map[string]*count{}, escaped: map[escape]int{}, classes: map[policy.Class]*count{},
		runs: [2]map[int]*course{{}, {}},
	}
}

// note takes one answer; began is how many campaigns the message's session declared.
func (t *tally) note(r *retry, m *mail, a *answer, began int) {
	var c count
	if r.tried == 0 {
		c.Sent = 1
		switch a.judged.flag {
		case policy.FlagYes:
			c.Yes = 1
		case policy.FlagSuspect:
			c.Suspect = 1
		}
		if strings.HasPrefix(a.text, "4") {
			c.Deferred = 1
		}
		if !a.delivered && a.judged.reason == policy.ReasonCampaign {
			c.Campaign = 1
		}
	}
	switch {
	case a.delivered:
		c.Accepted = 1
	case strings.HasPrefix(a.text, "5"):
		c.Refused = 1
	}
	t.counts[r.host.group][r.phase].add(&c)
	if !r.host.group.bad() {
		t.legitimate(r, &c, began)
		return
	}
	burst := r.phase - phaseFirst
	minute := int(r.at.Sub(firstBurst.Add(between * time.Duration(burst))).Minutes())
	t.minutes[burst][min(minute, 59)].add(&c)
	if t.classes[a.judged.class] == nil {
		t.classes[a.judged.class] = new(count)
	}
	t.classes[a.judged.class].add(&c)
	run := t.runs[burst][m.template]
	if run == nil {
		run = new(course)
		t.runs[burst][m.template] = run
	}
	run.sent += c.Sent
	if run.declared > 0 {
		run.after += c.Sent
		run.passed += c.Accepted
	} else if began > 0 {
		run.declared = run.sent
	}
	if c.Accepted > 0 {
		t.escaped[escape{a.judged.class, r.host.kind, run.declared == 0}]++
	}
}

func (t *tally) legitimate(r *retry, c *count, began int) {
	t.innocent += began
	if r.host.group != groupFleet || r.phase != phaseDay {
		return
	}
	if t.fleet[r.host.kind] == nil {
		t.fleet[r.host.kind] = new(count)
	}
	t.fleet[r.host.kind].add(c)
}

// burst is what became of the bursts' messages; of is the phase, or both for 0.
func (t *tally) burst(of phase) (sum count) {
	for g := groupThing; g <= groupPC; g++ {
		for p := phaseFirst; p <= phaseSecond; p++ {
			if of == 0 || of == p {
				sum.add(&t.counts[g][p])
			}
		}
	}
	return sum
}

// legit is what became of the day's legitimate mail, or of that of the days before.
func (t *tally) legit(of phase) (sum count) {
	for g := groupServer; g < numGroups; g++ {
		sum.add(&t.counts[g][of])
	}
	return sum
}

// declared tells after how many of its messages a template was declared: the first
// of all, the median and the last, over the templates that were new in a burst; never
// is how many were not.
func (t *tally) declared(size *size) (first, median, last, never int) {
	var after []int
	for burst, runs := range t.runs {
		for template, run := range runs {
			if burst == 1 && template < size.templates {
				continue // declared in the first
			}
			if run.declared == 0 {
				never++
				continue
			}
			after = append(after, run.declared)
		}
	}
	slices.Sort(after)
	if len(after) == 0 {
		return 0, 0, 0, never
	}
	return after[0], after[len(after)/2], after[len(after)-1], never
}
