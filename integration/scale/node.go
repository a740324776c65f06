package main

import (
	"log/slog"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
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
	s := defaults(&c)
	s.Rules.Mode, s.Evidence = w.mode, n.lookups
	n.decider = decider.New(decider.Options{Recorder: m, Meter: m, Log: nowhere, Now: time.Now, State: n.store}, s)
	return n, nil
}

func (n *node) close() {
	n.lookups.Close()
	n.store.Close()
}

// defaults are those of the configuration. The test compares this with the daemon's own translation, which
// commands outside internal do not import.
func defaults(c *conf.Config) *decider.Settings {
	s := &decider.Settings{
		Rules: policy.Rules{
			Mode: c.Mode, EnforceAt: c.EnforceAt,
			Prior: policy.PerClass{policy.ClassMailserver: c.Prior.Mailserver, policy.ClassHosting: c.Prior.Hosting,
				policy.ClassBusiness: c.Prior.Business, policy.ClassAccess: c.Prior.Access, policy.ClassDevice: c.Prior.Device},
			Thresholds: policy.Thresholds{Device: c.Class.Device.Confidence, Access: c.Class.Access.Confidence},
			Device:     c.Class.Device.Action, Access: c.Class.Access.Action, Kinds: map[device.Kind]policy.Action{},
			Exempt: policy.Exempt{Authenticated: c.Exempt.Authenticated, Networks: c.Exempt.Networks, Relays: c.Exempt.Relays,
				Daemons: c.Exempt.Daemons, Ports: c.Exempt.Ports, Names: []string{}, Recipients: c.Exempt.Recipients},
			Replies:  policy.Replies{Reject: c.Reply.Reject, Limit: c.Reply.Limit, Contact: c.Reply.Contact},
			OwnHosts: []string{},
		},
		Campaign: decider.Campaign{
			CampaignRule: state.CampaignRule{Window: c.Campaign.Window, Hosts: c.Campaign.Hosts, Hold: c.Campaign.Hold},
			Action:       c.Campaign.Action,
		},
		Ramp:       &decider.Ramp{All: float64(c.Ramp.Enforce), Device: float64(c.Ramp.Device), Access: float64(c.Ramp.Access)},
		DeferDelay: c.Defer.Delay, DeferKeep: c.Defer.Keep, Deadline: min(c.Limits.Evidence, c.Limits.Stage),
	}
	for kind, o := range c.Device {
		s.Rules.Kinds[kind] = o.Action
	}
	for _, l := range c.Limit {
		to := decider.Limit{Name: l.Name, Classes: l.Class, Rate: state.Rate{Count: l.Rate.Count, Per: l.Rate.Per, Burst: l.Burst}}
		for _, k := range l.Key {
			to.Keys = append(to.Keys, decider.LimitKey(k))
		}
		s.Limits = append(s.Limits, to)
	}
	return s
}
