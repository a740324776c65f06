package main

import (
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/integration/defaults"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
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

// enforcing are the defaults of the configuration in mode enforce.
func enforcing() *decider.Settings {
	c := conf.Default()
	c.Mode = policy.ModeEnforce
	return defaults.Settings(&c)
}
