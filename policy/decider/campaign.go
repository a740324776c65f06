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
	URLs   bool // what a message links to is a template, too
}

// reads reports whether bodies are looked at.
func (r *Campaign) reads() bool { return r.URLs && r.Hosts > 0 }

// templates are the open message's, under the installation's secret; 0 is none. What
// has no header has no template.
type templates struct{ exact, loose, links state.Key }

// templateOf reads the header, which is the caller's memory, while it is there. Only
// lines and devices can be of a campaign, and a recording without times has none.
func (c *decision) templateOf() templates {
	if c.settings.Campaign.Hosts == 0 || c.facts.Client.At.IsZero() || !c.suspect() {
		return templates{}
	}
	of := c.facts.Template()
	keyed := func(hash uint64) state.Key {
		if hash == 0 {
			return 0
		}
		return c.decider.opts.State.Hashed(hash)
	}
	t := templates{exact: keyed(of.Exact), loose: keyed(of.Loose)}
	if c.settings.Campaign.URLs {
		t.links = keyed(of.Links)
	}
	return t
}

// Reads implements policy.Case. Only suspects' bodies are looked at, by all that is at
// hand before the body.
func (c *decision) Reads(headers *policy.Headers) bool {
	m := &c.message
	if !c.settings.Campaign.reads() || !m.open || m.exempt != policy.ExemptNone || c.failed() || c.facts.Client.At.IsZero() {
		return false
	}
	c.start()
	defer c.stop()
	c.parse()
	if c.lookups != nil {
		c.see(ended)
	}
	r := c.rules()
	c.facts.Headers = headers
	c.judged.Judge(&c.facts, policy.StageEOM, &r.Prior, r.Thresholds)
	c.facts.Headers = nil
	return m.exempt == policy.ExemptNone && c.suspect()
}

// campaign is what is done about a message whose template comes from many clients of
// class access or device at once, flagged or not. That is hearsay (safety rule 9): it
// acts on those classes alone, neither counts nor hits what came on earlier days too,
// and refuses only where the message would be refused for its own client's sake.
func (c *decision) campaign(o outcome) outcome {
	t := c.message.template
	if t.loose == 0 {
		return o
	}
	header := state.Mail{Habit: c.habit(t.loose), Templates: [2]state.Key{t.exact, t.loose}}
	if t.exact == 0 {
		header.Templates = [2]state.Key{t.loose}
	}
	sender, named := c.sending(c.message.rcpt)
	header.Sender = sender
	found := c.mailed(header, "header")
	if c.message.habit = found.Habit; found.Habit {
		return o
	}
	if h := &c.message.sending; named && !h.asked {
		h.asked, h.known = true, found.Sender
	}
	if t.links != 0 { // has a habit of its own: a thing's alerts may differ in all but the link
		c.mailed(state.Mail{Habit: c.habit(t.links), Templates: [2]state.Key{t.links}}, "links")
	}
	if c.message.run == 0 || c.known(c.message.rcpt) {
		return o
	}
	return c.hit(o)
}

// mailed has the templates counted, by what they are of, and notes the first of which a
// campaign is on.
func (c *decision) mailed(mail state.Mail, by string) state.MailAnswer {
	m := c.decider.opts.State
	mail.Network, mail.ASN, mail.At = m.Key(c.network()), c.facts.Network.ASN, c.facts.Client.At
	found := m.Mailed(mail, c.settings.Campaign.CampaignRule)
	for i := range found.Campaigns {
		is := &found.Campaigns[i]
		if is.Began {
			c.decider.began(is, by)
		}
		if is.On && c.message.run == 0 {
			c.message.run = is.Template
		}
	}
	return found
}

// habit is what a client of the network sends to the recipient's domain.
func (c *decision) habit(template state.Key) state.Item {
	m, network := c.decider.opts.State, c.network()
	return state.Item{
		Key:  m.Key("habit", strconv.FormatUint(uint64(template), 16), c.prefix(), domain(c.message.rcpt)),
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
func (d *Decider) began(c *state.Campaign, by string) {
	d.opts.Meter.CampaignBegan()
	d.opts.Log.Warn("campaign", "id", CampaignID(c.Template), "by", by, "networks", c.Networks, "messages", c.Messages,
		"hint", "one template comes from many suspect networks at once; iot-milter top campaigns shows it")
}

// CampaignID is how a template is called in log and answers.
func CampaignID(template state.Key) string { return strconv.FormatUint(uint64(template), 36) }
