package daemon

import (
	"strings"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
)

// Settings translates a configuration into what the decider goes by.
func Settings(c *conf.Config) *decider.Settings {
	return &decider.Settings{
		Rules:  rules(c),
		Limits: limits(c.Limit),
		Campaign: decider.Campaign{
			CampaignRule: state.CampaignRule{Window: c.Campaign.Window, Hosts: c.Campaign.Hosts, Hold: c.Campaign.Hold},
			Action:       c.Campaign.Action,
			URLs:         c.Campaign.URLs,
		},
		Ramp: &decider.Ramp{
			All: float64(c.Ramp.Enforce), Device: float64(c.Ramp.Device), Access: float64(c.Ramp.Access),
		},
		DeferDelay: c.Defer.Delay,
		DeferKeep:  c.Defer.Keep,
		Deadline:   min(c.Limits.Evidence, c.Limits.Stage),
		Table:      table(c),
	}
}

// table is nil, the built-in one, unless the admin has rows or the registry of
// makers.
func table(c *conf.Config) *device.Table {
	var t *device.Table
	if c.Tables.Dir != "" {
		t = device.Extend(&c.Tables.Rows)
	}
	if c.Identify.Makers != nil {
		t = t.WithMakers(c.Identify.Makers)
	}
	return t
}

func rules(c *conf.Config) policy.Rules {
	kinds := make(map[device.Kind]policy.Action, len(c.Device))
	for kind, o := range c.Device {
		kinds[kind] = o.Action
	}
	return policy.Rules{
		Mode:      c.Mode,
		EnforceAt: c.EnforceAt,
		Prior: policy.PerClass{
			policy.ClassMailserver: c.Prior.Mailserver,
			policy.ClassHosting:    c.Prior.Hosting,
			policy.ClassBusiness:   c.Prior.Business,
			policy.ClassAccess:     c.Prior.Access,
			policy.ClassDevice:     c.Prior.Device,
		},
		Thresholds: policy.Thresholds{Device: c.Class.Device.Confidence, Access: c.Class.Access.Confidence},
		Device:     c.Class.Device.Action,
		Access:     c.Class.Access.Action,
		Kinds:      kinds,
		Exempt: policy.Exempt{
			Authenticated: c.Exempt.Authenticated,
			Networks:      c.Exempt.Networks,
			Relays:        c.Exempt.Relays,
			Daemons:       c.Exempt.Daemons,
			Ports:         c.Exempt.Ports,
			Names:         lower(c.Exempt.PTR),
			Recipients:    c.Exempt.Recipients,
		},
		Replies:    policy.Replies{Reject: c.Reply.Reject, Limit: c.Reply.Limit, Contact: c.Reply.Contact},
		Hostname:   c.Hostname,
		OwnHosts:   lower(c.OwnHosts),
		AuthResult: c.AuthenticationResults,
		Authserv:   c.AuthservID,
		Notify:     c.Quarantine.Notify,
	}
}

func limits(from []conf.Limit) []decider.Limit {
	var to []decider.Limit
	for _, l := range from {
		keys := make([]decider.LimitKey, len(l.Key))
		for i, k := range l.Key {
			keys[i] = decider.LimitKey(k)
		}
		to = append(to, decider.Limit{
			Name: l.Name, Classes: l.Class, Keys: keys,
			Rate:       state.Rate{Count: l.Rate.Count, Per: l.Rate.Per, Burst: l.Burst},
			Recipients: l.Count == "recipients", RefuseAfter: l.RefuseAfter,
		})
	}
	return to
}

func lower(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	return out
}
