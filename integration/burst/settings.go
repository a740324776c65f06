package main

import (
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
)

// configuration is one way to run the filter, by name.
type configuration struct {
	name, what string
	settings   func(*decider.Settings)
	peers      *state.Rate // of a plain limit by address in place of iot-milter
	bodies     bool        // only of interest where messages have bodies
}

// configurations are compared in one run. The first five are a part each of what the
// filter does.
var configurations = []configuration{
	{name: "tag", what: "mode tag: who is flagged", settings: func(s *decider.Settings) { s.Rules.Mode = policy.ModeTag }},
	{name: "class", what: "class alone: device reject, access reject", settings: func(s *decider.Settings) {
		s.Rules.Access, s.Limits, s.Campaign = policy.ActionReject, nil, decider.Campaign{}
	}},
	{name: "limits", what: "limits alone: 20/1h by network", settings: func(s *decider.Settings) {
		s.Rules.Device, s.Rules.Access, s.Rules.Kinds, s.Campaign = policy.ActionLimit, policy.ActionLimit, nil, decider.Campaign{}
	}},
	{name: "campaigns", what: "campaigns alone: defer", settings: func(s *decider.Settings) {
		s.Rules.Device, s.Rules.Access, s.Rules.Kinds = policy.ActionTag, policy.ActionTag, nil
	}},
	{name: "links", what: "campaigns alone, by links too", bodies: true, settings: func(s *decider.Settings) {
		s.Rules.Device, s.Rules.Access, s.Rules.Kinds, s.Campaign.URLs = policy.ActionTag, policy.ActionTag, nil, true
	}},
	{name: "defaults", what: "the defaults, in mode enforce", settings: func(*decider.Settings) {}},
	{name: "device-defer", what: "the defaults, class.device defer", settings: func(s *decider.Settings) {
		s.Rules.Device = policy.ActionDefer
	}},
	{name: "suspects-defer", what: "the defaults, class.device and class.access defer", settings: func(s *decider.Settings) {
		s.Rules.Device, s.Rules.Access = policy.ActionDefer, policy.ActionDefer
	}},
	{name: "peers", what: "a plain limit: 10/1h by address, whoever it is", peers: &state.Rate{Count: 10, Per: time.Hour, Burst: 10}},
}

// recommended is the configuration that must do what is asked.
const recommended = "defaults"

// entries is the size of the tables by default.
func entries() int { return conf.Default().Store.Hosts }

// enforcing are the defaults of the configuration in mode enforce. Commands outside
// internal do not import it: the test compares this with the daemon's own.
func enforcing() *decider.Settings {
	c := conf.Default()
	s := &decider.Settings{
		Rules: policy.Rules{
			Mode: policy.ModeEnforce, EnforceAt: c.EnforceAt,
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
		Ramp: &decider.Ramp{
			All: float64(c.Ramp.Enforce), Device: float64(c.Ramp.Device), Access: float64(c.Ramp.Access),
		},
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
