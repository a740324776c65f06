package decider

import (
	"strconv"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// Campaign says what makes a campaign and what is done about its messages.
type Campaign struct {
	state.CampaignRule
	Action policy.Action
}

// templates are the open message's, under the installation's secret. The zero value
// is none.
type templates struct {
	keys [2]state.Key // the exact one first; 0 where it is not known
	n    int
}

// templateOf reads the header, which is the caller's memory, while it is there. Only
// lines and devices can be of a campaign, and a recording without times has none.
func (c *decision) templateOf() (t templates) {
	if c.settings.Campaign.Hosts == 0 || c.facts.Client.At.IsZero() || !c.suspect() {
		return t
	}
	of := c.facts.Template() // nothing without a header
	for _, hash := range [...]uint64{of.Exact, of.Loose} {
		if hash != 0 {
			t.keys[t.n] = c.decider.opts.State.Hashed(hash)
			t.n++
		}
	}
	return t
}

// campaign is what is done about a message whose template comes from many clients of
// class access or device at once, flagged or not. That is hearsay (safety rule 9): it
// acts on those classes alone, neither counts nor hits what came on earlier days too,
// and refuses only where the message would be refused for its own client's sake.
func (c *decision) campaign(o outcome) outcome {
	t := c.message.template
	if t.n == 0 {
		return o
	}
	m := c.decider.opts.State
	mail := state.Mail{
		Habit: c.habit(t), Templates: t.keys, Network: m.Key(c.network()), ASN: c.facts.Network.ASN, At: c.facts.Client.At,
	}
	sender, named := c.sending(c.message.rcpt)
	mail.Sender = sender
	found := m.Mailed(mail, c.settings.Campaign.CampaignRule)
	if found.Habit {
		return o
	}
	if h := &c.message.sending; named && !h.asked {
		h.asked, h.known = true, found.Sender
	}
	on := false
	for i := range found.Campaigns {
		is := &found.Campaigns[i]
		if is.Began {
			c.decider.began(is)
		}
		if is.On && !on {
			on, c.message.run = true, is.Template
		}
	}
	if !on || c.known(c.message.rcpt) {
		return o
	}
	return c.hit(o)
}

// habit is what a client of the network sends to the recipient's domain.
func (c *decision) habit(t templates) state.Item {
	m, network := c.decider.opts.State, c.network()
	loose := strconv.FormatUint(uint64(t.keys[t.n-1]), 16)
	return state.Item{
		Key:  m.Key("habit", loose, prefix(c.facts.Client.Addr, 24, 64), domain(c.message.rcpt)),
		Wide: m.Key("wide", "habit", network), Network: m.Key(network),
	}
}

// hit is the campaign's action where it is stricter than the message's own.
func (c *decision) hit(o outcome) outcome {
	r := c.rules()
	c.decider.opts.Meter.CampaignMessage()
	action := c.settings.Campaign.Action
	if action == policy.ActionReject && !r.MayRefuse(&c.judged) {
		action = policy.ActionDefer
	}
	if action <= o.verdict {
		return o
	}
	return outcome{action, c.done(action), policy.ReasonCampaign}
}

// began tells of a new campaign.
func (d *Decider) began(c *state.Campaign) {
	d.opts.Meter.CampaignBegan()
	d.opts.Log.Warn("campaign", "id", CampaignID(c.Template), "networks", c.Networks, "messages", c.Messages,
		"hint", "one template comes from many suspect networks at once; iot-milter top campaigns shows it")
}

// CampaignID is how a template is called in log and answers.
func CampaignID(template state.Key) string { return strconv.FormatUint(uint64(template), 36) }
