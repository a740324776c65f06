package main

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

func small(names string) *options {
	return &options{scale: 0.05, lines: 1, seed: 1, bursts: 2, entries: entries(), names: true, only: names, parallel: 2}
}

func mustMeasure(t *testing.T, o *options) *results {
	t.Helper()
	rs, err := measure(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// TestSceneIsThatOfTheReport looks at the whole scene, which is not played.
func TestSceneIsThatOfTheReport(t *testing.T) {
	s := whole()
	sc := compose(s, 1, 1)
	addresses, networks, things := [2]map[string]int{{}, {}}, map[uint32]bool{}, 0
	legit, fleet := 0, 0
	exempt := enforcing().Rules.Exempt
	for i := range sc.events {
		e := &sc.events[i]
		if i > 0 && e.at.Before(sc.events[i-1].at) {
			t.Fatal("not in the order of time")
		}
		switch {
		case e.phase == phaseDay:
			legit += len(e.mails)
			if e.host.group == groupFleet {
				fleet++
			}
		case e.phase >= phaseFirst:
			addr := e.host.addr()
			c := policy.Client{Addr: policy.ParseAddr(addr)}
			if why := exempt.Client(&c); why != "" || !c.Addr.IsValid() {
				t.Fatalf("%s is exempt: %s", addr, why)
			}
			n := addresses[e.phase-phaseFirst]
			if n[addr]++; n[addr] > most {
				t.Fatalf("%d messages from %s", n[addr], addr)
			}
			if e.phase == phaseFirst {
				networks[e.host.network] = true
				if n[addr] == 1 && e.host.group == groupThing {
					things++
				}
			}
		}
	}
	for addr := range addresses[1] {
		if addresses[0][addr] > 0 {
			t.Fatalf("%s is in both bursts", addr)
		}
	}
	quarter := s.addresses / thingShare
	if len(addresses[0]) != s.addresses || len(networks) != s.networks || things < quarter*95/100 || things > quarter*105/100 ||
		legit != s.legit || fleet != s.fleet || len(sc.templates) != s.templates*3/2 {
		t.Errorf("%d addresses, %d networks, %d things, %d legitimate, %d of the fleet, %d templates",
			len(addresses[0]), len(networks), things, legit, fleet, len(sc.templates))
	}
}

// TestSocketAndDecider: through the socket it is the same as asked directly.
func TestSocketAndDecider(t *testing.T) {
	o := small("defaults,device-defer")
	o.scale = 0.01
	direct := mustMeasure(t, o)
	o.socket = true
	through := mustMeasure(t, o)
	if a, b := printed(t, direct), printed(t, through); a != b {
		t.Errorf("directly %s\nthrough the socket %s", a, b)
	}
}

func printed(t *testing.T, rs *results) string {
	t.Helper()
	b, err := json.Marshal(rs)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRepeatable: the same seed gives the same numbers, another one others.
func TestRepeatable(t *testing.T) {
	o := small("device-defer")
	o.scale = 0.02
	first := printed(t, mustMeasure(t, o))
	if again := printed(t, mustMeasure(t, o)); again != first {
		t.Errorf("%s\nand then %s", first, again)
	}
	o.seed = 2
	if other := printed(t, mustMeasure(t, o)); other == first {
		t.Error("the seed changes nothing")
	}
}

// reached is what is stopped of the burst at this scale at least, whatever the seed.
const reached = 0.90

// TestBurst holds what the whole run asks for as far as a twentieth of it tells.
func TestBurst(t *testing.T) {
	rs := mustMeasure(t, small(""))
	by := map[string]*result{}
	for _, r := range rs.Results {
		by[r.Name] = r
		if r.Trouble > 0 {
			t.Errorf("%s: %d messages pass unjudged", r.Name, r.Trouble)
		}
		if r.LegitLost != r.LegitRefused && r.Name != "peers" {
			t.Errorf("%s: %d legitimate messages are never accepted, %d refused", r.Name, r.LegitLost, r.LegitRefused)
		}
	}
	for name, r := range by {
		if r.LegitRefused > 0 {
			t.Errorf("%s refuses %d legitimate messages", name, r.LegitRefused)
		}
	}
	for _, name := range []string{"defaults", "device-defer"} {
		if r := by[name]; r.DeferredShare > mayDefer || r.Stopped < reached {
			t.Errorf("%s: %.2f %% of legitimate mail deferred, %.1f %% of the burst stopped", name, 100*r.DeferredShare, 100*r.Stopped)
		}
	}
	if tag, peers := by["tag"], by["peers"]; tag.Stopped != 0 || tag.Tagged < 0.7 || peers.Stopped > 0.01 {
		t.Errorf("tag: %.1f %% stopped, %.1f %% tagged; a plain limit: %.1f %% stopped", 100*tag.Stopped, 100*tag.Tagged, 100*peers.Stopped)
	}
	if by["campaigns"].DeclaredFirst == 0 {
		t.Error("no campaign")
	}
}

// TestFailedNamesEachRequirement: a result that meets nothing fails in all.
func TestFailedNamesEachRequirement(t *testing.T) {
	bad := result{LegitRefused: 1, LegitLost: 2, DeferredShare: 0.01, Stopped: 0.5, DeclaredFirst: 5, DeclaredLast: 101}
	if n := len(bad.failed()); n != 5 {
		t.Errorf("%d failures: %q", n, bad.failed())
	}
	good := result{DeferredShare: 0.001, Stopped: 0.95, DeclaredFirst: 25, DeclaredLast: 100}
	if n := len(good.failed()); n != 0 {
		t.Errorf("%q", good.failed())
	}
}

// TestRetriesOfBots: what comes again after a deferral is accepted.
func TestRetriesOfBots(t *testing.T) {
	o := small("device-defer")
	o.scale, o.retrying = 0.02, 1
	if r := mustMeasure(t, o).Results[0]; r.Stopped > 0.01 || r.Deferred < 0.5 {
		t.Errorf("%.1f %% stopped, %.1f %% deferred", 100*r.Stopped, 100*r.Deferred)
	}
}

// TestPeers: the plain limit takes ten an hour of an address.
func TestPeers(t *testing.T) {
	memory, err := state.New(state.Options{Entries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	p := &peers{memory: memory, rate: *configurations[slices.IndexFunc(configurations, func(c configuration) bool { return c.peers != nil })].peers}
	for i := range 12 {
		c := p.Open(policy.Client{At: morning, Addr: policy.ParseAddr("198.51.100.7")})
		if v := c.Recipient(context.Background(), "u@example.test"); v.Refuses() != (i >= 10) {
			t.Errorf("message %d: %+v", i, v)
		}
	}
}
