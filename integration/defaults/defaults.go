// Package defaults has the settings of the daemon's default configuration for commands that
// play many sessions without a daemon. Only main and parts of internal import internal; a
// test compares this with the daemon's own translation.
package defaults

import (
	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
)

// Settings are the decider's for the default configuration, or one that differs in modes,
// actions and numbers. They have no sources of evidence.
func Settings(c *conf.Config) *decider.Settings {
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
