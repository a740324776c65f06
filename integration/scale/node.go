package main

import (
	"log/slog"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/integration/defaults"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

// node is what one MX host's daemon puts together, with its defaults and without the protocol: memory,
// shared store, look-ups and decider.
type node struct {
	local   *state.Memory
	store   *remote.Store
	lookups *evidence.Collector
	decider *decider.Decider
}

var nowhere = slog.New(slog.DiscardHandler)

// site is how all nodes are configured.
type site struct {
	name  string
	mode  policy.Mode
	lists int
}

var (
	outOfTheBox = site{"mode tag, no DNS list", policy.ModeTag, 0} // the defaults
	hardest     = site{"mode enforce, two DNS lists", policy.ModeEnforce, len(zones)}
)

func newNode(url string, m *meter, dns *dns, w site) (*node, error) {
	c := conf.Default()
	n := &node{}
	var err error
	if n.local, err = state.New(state.Options{Entries: c.Store.Hosts}); err != nil {
		return nil, err
	}
	n.store, err = remote.Open(remote.Options{URL: url, Local: n.local, Join: evidence.Join, Log: nowhere, Meter: m, Now: time.Now})
	if err != nil {
		return nil, err
	}
	n.lookups = evidence.New(evidence.Options{DNS: dns, SPF: dns.spf, Lists: zones[:w.lists], Most: c.Limits.Lookups,
		Facts: evidence.NewFacts(n.store, time.Now)})
	s := defaults.Settings(&c)
	s.Rules.Mode, s.Evidence = w.mode, n.lookups
	n.decider = decider.New(decider.Options{Recorder: m, Meter: m, Log: nowhere, Now: time.Now, State: n.store}, s)
	return n, nil
}

func (n *node) close() {
	n.lookups.Close()
	n.store.Close()
}
