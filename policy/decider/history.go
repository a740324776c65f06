package decider

import (
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// recall takes in what the memory has of the client's address by now, until the session
// is a part of that. A recording without times has none.
func (c *decision) recall() {
	if c.visited {
		return
	}
	if past := c.decider.past(&c.facts.Client); past != c.facts.Past {
		c.facts.Past, c.fresh = past, false
	}
}

func (d *Decider) past(client *policy.Client) (p policy.Past) {
	if client.At.IsZero() || !client.Addr.IsValid() {
		return p
	}
	h, ok := d.opts.State.Host(client.Addr, client.At)
	if !ok || h.Wide {
		return p
	}
	return policy.Past{
		Sessions: int(h.Sessions), Suspect: int(h.Suspect) + int(h.Flagged), Days: int(h.Days),
		Device: h.Device, Shown: h.Shown.Time(),
	}
}

// remember notes the session in the client's history, once: it is of the address,
// not of its mails.
func (c *decision) remember() {
	client := &c.facts.Client
	if c.visited || client.At.IsZero() || !client.Addr.IsValid() || c.message.exempt != policy.ExemptNone {
		return
	}
	c.visited = true
	v := state.Visit{At: client.At, Flag: c.judged.Flag, Class: c.judged.Class}
	if c.judged.Flag == policy.FlagYes && c.judged.Shows(policy.FamilyClient) {
		v.Device = c.judged.Device
	}
	c.decider.opts.State.Visit(client.Addr, v)
}
