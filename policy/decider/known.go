package decider

import (
	"strings"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// A known sender is a sender's address that mailed the same domain from the same
// network on two earlier days, and was let in: the box in somebody's cellar that
// reports to its owner. It may look like the things that send spam in every other
// respect; they do not come back with the same three.

// spared is what is done about a message to rcpt where the rules want the verdict: a
// known sender is tagged at most. Limits look after themselves: those by address hold
// for everybody.
func (c *decision) spared(verdict policy.Action, reason, rcpt string) (policy.Action, string) {
	if verdict > policy.ActionTag && verdict != policy.ActionLimit && c.known(rcpt) {
		return policy.ActionTag, policy.ReasonKnown
	}
	return verdict, reason
}

// known reports whether the open message's sender is known to write to rcpt. Nothing is
// noted: who is refused on three days is not known on the third.
func (c *decision) known(rcpt string) bool {
	it, ok := c.sending(rcpt)
	if !ok {
		return false
	}
	h := &c.message.sending
	if !h.asked {
		h.asked, h.known = true, c.decider.opts.State.Known(it, c.facts.Client.At)
	}
	return h.known
}

// learn notes a message that was let in, of those who may need it one day.
func (c *decision) learn(how policy.End) {
	m := &c.message
	if how != policy.EndEOM || !c.fresh || m.exempt != policy.ExemptNone || m.outcome.action > policy.ActionTag || !c.suspect() {
		return
	}
	if it, ok := c.sending(m.rcpt); ok {
		c.decider.opts.State.Learn(it, c.facts.Client.At)
	}
}

// suspect reports whether the client is of a class that campaigns and shared limits
// act on.
func (c *decision) suspect() bool {
	return c.judged.Class == policy.ClassAccess || c.judged.Class == policy.ClassDevice
}

// sending is the habit of the open message's sender; ok is false where there is none:
// the null sender is everybody's (safety rule 11), and a recording may have no times.
func (c *decision) sending(rcpt string) (it state.Item, ok bool) {
	from, to, addr := c.facts.Envelope.From.String(), domain(rcpt), c.facts.Client.Addr
	if from == "" || to == "" || !addr.IsValid() || c.facts.Client.At.IsZero() {
		return it, false
	}
	if h := &c.message.sending; h.to != to {
		m, network := c.decider.opts.State, c.network()
		*h = sending{to: to, item: state.Item{
			Key:  m.Key("sender", c.prefix(), strings.ToLower(from), to),
			Wide: m.Key("wide", "sender", network), Network: m.Key(network),
		}}
	}
	return c.message.sending.item, true
}

// sending is what a message's sender does, as the memory calls it, and to which domain:
// it is wanted more than once, and asked about once.
type sending struct {
	to           string
	item         state.Item
	asked, known bool
}
