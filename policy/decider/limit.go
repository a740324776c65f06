package decider

import (
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// Limit is one [[limit]] of the configuration: how much mail of the classes may
// come under one key. It answers 451, and only to suspects.
type Limit struct {
	Name        string
	Classes     []policy.Class
	Keys        []LimitKey
	Rate        state.Rate
	Recipients  bool // counts recipients, not messages
	RefuseAfter int  // tries of one message within a day that it puts off; 0 is all of them
}

// limits are what the open message draws from them. They are kept for their memory.
type limits struct {
	draws []state.Draw
	of    []*Limit // of each draw
	used  []policy.LimitUse
	parts []string // of a key
}

func (l *limits) forget() { l.draws, l.of, l.used = l.draws[:0], l.of[:0], l.used[:0] }

// limited is what is done about a message that limits may count: with take it draws from
// each when all have room, so that what is full for one is not taken from another.
// Without room in the table nothing is full.
func (c *decision) limited(o outcome, rcpt string, k kind, take bool) outcome {
	l, shared := &c.limits, c.shares()
	full, room := c.full(rcpt, k, take, shared)
	if full && shared && l.sharedFull() && c.comesBack(rcpt) {
		full, room = c.full(rcpt, k, take, false)
	}
	if !room {
		l.forget()
		return c.crowded()
	}
	l.note(c.facts.Client.At)
	if !full {
		return outcome{o.verdict, policy.ActionTag, policy.ReasonLimitPassed}
	}
	if !c.suspect() {
		c.decider.opts.Meter.LimitedBystander()
	}
	if c.triedTooOften(rcpt, k) {
		return outcome{policy.ActionReject, policy.ActionReject, policy.ReasonLimitRefused}
	}
	return o
}

// full reports whether one of the limits is; those whose buckets others can fill are left
// out unless they are shared.
func (c *decision) full(rcpt string, k kind, take, shared bool) (full, room bool) {
	c.draw(rcpt, k, take, shared)
	m, at, draws := c.decider.opts.State, c.facts.Client.At, c.limits.draws
	if !take {
		return m.Available(at, draws) >= 0, true
	}
	empty, room := m.Take(at, draws)
	return empty >= 0, room
}

// sharedFull reports whether a bucket that others can fill is full.
func (l *limits) sharedFull() bool {
	for i := range l.draws {
		if l.draws[i].Short && !l.of[i].own() {
			return true
		}
	}
	return false
}

// note keeps what the draws found for the record.
func (l *limits) note(at time.Time) {
	for i := range l.draws {
		d := &l.draws[i]
		u := policy.LimitUse{Name: l.of[i].Name, Recipients: l.of[i].Recipients, Full: d.Short, Left: d.Left}
		want := 1
		if d.Short {
			want = d.Needs(true)
		}
		if missing := float64(want) - d.Left; missing > 0 {
			u.Room = at.Add(d.Rate.Time(missing))
		}
		l.used = append(l.used, u)
	}
}

// draw makes a draw for each limit that holds for the decided class and whose key is
// known: at RCPT of what the message needs with one recipient more, at its end of all.
func (c *decision) draw(rcpt string, k kind, take, shared bool) {
	c.limits.forget()
	more := 1
	if take {
		more = 0
	}
	for i := range c.settings.Limits {
		l := &c.settings.Limits[i]
		if !slices.Contains(l.Classes, c.judged.Class) || !shared && !l.own() {
			continue
		}
		switch {
		case !slices.Contains(l.Keys, KeyRcptDomain):
			c.drawFrom(l, "", c.message.accepted+more, k)
		case take:
			r := &c.message.to
			for i, to := range r.domains[:r.n] {
				c.drawFrom(l, to, int(r.counts[i]), k)
			}
		default:
			to := domain(rcpt)
			c.drawFrom(l, to, c.message.to.of(to)+1, k)
		}
	}
}

// drawFrom makes the draw from one limit, for recipients of the domain where it counts
// by that.
func (c *decision) drawFrom(l *Limit, to string, recipients int, k kind) {
	key, ok := c.limitKey(l, to, k)
	if !ok {
		return
	}
	if !l.Recipients {
		recipients = 1
	}
	m, network := c.decider.opts.State, c.network()
	c.limits.of = append(c.limits.of, l)
	c.limits.draws = append(c.limits.draws, state.Draw{
		Item: state.Item{Key: key, Wide: m.Key("wide", l.Name, network), Network: m.Key(network)}, Rate: l.Rate, N: recipients,
	})
}

// own reports whether the limit's buckets are a client's own: nobody else fills them.
func (l *Limit) own() bool { return slices.Contains(l.Keys, KeyAddress) }

// shares reports whether the client draws from buckets that others can fill, too. All
// classes but two do not, nor who is known by his history or his template (safety
// rule 8).
func (c *decision) shares() bool {
	return c.suspect() && !c.facts.Past.Regular() && !c.message.habit
}

// comesBack reports whether a bucket that others can fill does not touch the client, although
// it draws from it: a known sender, or who passed a deferral. The memory is asked only where
// such a bucket is full, for it may be another host's.
func (c *decision) comesBack(rcpt string) bool {
	return c.known(rcpt) || c.decider.opts.State.Passed(c.attempt(rcpt), c.facts.Client.At, c.settings.DeferKeep)
}

// triedTooOften counts the message's tries at limits that are full, and reports whether one
// of them has put it off so often that it refuses it. Whom the rules would not
// refuse for his own sake is put off for ever, known senders and mail to exempt recipients,
// too.
func (c *decision) triedTooOften(rcpt string, k kind) (yes bool) {
	if k == kindExempt || rcpt == "" || !c.rules().MayRefuse(&c.judged) || c.known(rcpt) {
		return false
	}
	var counted *Limit // draws from one limit stand together
	for i, l := range c.limits.of {
		if l.RefuseAfter == 0 || l == counted || !c.limits.draws[i].Short {
			continue
		}
		counted = l
		if c.decider.opts.State.Tried(c.mail("tries "+l.Name, rcpt), c.facts.Client.At) > l.RefuseAfter {
			yes = true
		}
	}
	return yes
}

// wouldCount are the limits that would count the client, and by what. The recipient's domain
// is "*" where none is known.
func (c *decision) wouldCount() (all []policy.LimitUse) {
	for i := range c.settings.Limits {
		l := &c.settings.Limits[i]
		if !slices.Contains(l.Classes, c.judged.Class) || !l.own() && !c.shares() {
			continue
		}
		u, known := policy.LimitUse{Name: l.Name, Recipients: l.Recipients, Key: make(map[string]string)}, true
		for _, by := range l.Keys {
			part, ok := c.limitPart(by, domain(c.message.rcpt))
			if by == KeyRcptDomain && !ok {
				part, ok = "*", true
			}
			u.Key[string(by)], known = part, known && ok
		}
		if known {
			all = append(all, u)
		}
	}
	return all
}

// retried asks whether the message comes again after its deferral: mail servers do
// so from their network with the same sender and recipient.
func (c *decision) retried(rcpt string) (passed, room bool) {
	return c.decider.opts.State.Retried(c.attempt(rcpt), c.facts.Client.At, c.settings.DeferDelay, c.settings.DeferKeep)
}

// attempt is the open message as it is deferred. Whoever greets like that from that network
// is known to come again once one of his has.
func (c *decision) attempt(rcpt string) state.Attempt {
	it := state.Attempt{Item: c.mail("defer", rcpt)}
	if helo := c.facts.Greeting.Name.String(); helo != "" {
		it.Client = c.decider.opts.State.Key("defer", c.prefix(), strings.ToLower(helo))
	}
	return it
}

// mail names the open message as it is known again when it is tried again: by the
// client's network, sender and recipient.
func (c *decision) mail(what, rcpt string) state.Item {
	m, network := c.decider.opts.State, c.network()
	return state.Item{
		Key: m.Key(what, c.prefix(),
			strings.ToLower(c.facts.Envelope.From.String()), strings.ToLower(rcpt)),
		Wide: m.Key("wide", network), Network: m.Key(network),
	}
}
