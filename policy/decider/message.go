package decider

import (
	"context"
	"strconv"

	"github.com/iot-milter/iot-milter/policy"
)

// Recipient implements policy.Case. What is no recipient of an open message
// passes.
func (c *decision) Recipient(ctx context.Context, rcpt string) policy.Verdict {
	m := &c.message
	if !m.open {
		return policy.Verdict{}
	}
	m.stage = policy.StageRcpt
	if m.exempt != policy.ExemptNone || c.failed() {
		c.accept(rcpt, kindNone)
		return policy.Verdict{FailOpen: c.failed()}
	}
	c.start()
	defer c.stop()
	m.asked = true
	v := c.recipient(ctx, rcpt)
	m.asked = false
	return v
}

func (c *decision) recipient(ctx context.Context, rcpt string) policy.Verdict {
	r := c.rules()
	c.limits.forget()
	c.addressed(policy.DomainOf(rcpt))
	if cause := c.judge(ctx, policy.StageRcpt); cause != "" {
		c.trouble(cause)
		c.accept(rcpt, kindNone)
		return policy.Verdict{FailOpen: true}
	}
	if c.message.exempt != policy.ExemptNone {
		c.accept(rcpt, kindNone)
		return policy.Verdict{}
	}
	k := kindOrdinary
	if r.Exempt.Recipient(rcpt) {
		k = kindExempt
	}
	verdict, reason := r.Conclude(&c.judged)
	if c.message.kind != kindNone && c.message.kind != k && r.MayAct(&c.judged) {
		return c.refuse(rcpt, outcome{verdict, policy.ActionDefer, policy.ReasonMixed}, r.MixedReply())
	}
	if c.done(verdict) > policy.ActionTag {
		verdict, reason = c.spared(verdict, reason, rcpt)
	}
	o := c.atRecipient(verdict, reason, rcpt, k)
	if o.action > policy.ActionTag {
		return c.refuse(rcpt, o, "")
	}
	c.accept(rcpt, k)
	return policy.Verdict{FailOpen: c.failed()}
}

// atRecipient is what is done about one recipient at RCPT. Defer and limit for
// the null sender wait for the end of message, so that call-outs are answered.
func (c *decision) atRecipient(verdict policy.Action, reason, rcpt string, k kind) outcome {
	r := c.rules()
	o := outcome{verdict, c.done(verdict), reason}
	if o.action <= policy.ActionTag || r.EnforceAt > policy.StageRcpt || o.action == policy.ActionQuarantine {
		return outcome{verdict, policy.ActionTag, reason}
	}
	if k == kindExempt && o.action != policy.ActionLimit {
		return outcome{verdict, policy.ActionTag, policy.ReasonRecipient}
	}
	if c.facts.Envelope.From.String() == "" && o.action != policy.ActionReject {
		return outcome{verdict, policy.ActionTag, reason}
	}
	return c.remembered(o, rcpt, k, false)
}

// remembered asks the memory about defer and limit: what came again, or is
// within its limit, passes as tagged. A recording without times is not asked
// for. Where the memory has no room the message passes unjudged.
func (c *decision) remembered(o outcome, rcpt string, k kind, take bool) outcome {
	if c.facts.Client.At.IsZero() && (o.action == policy.ActionDefer || o.action == policy.ActionLimit) {
		return outcome{o.verdict, policy.ActionTag, o.reason}
	}
	switch o.action {
	case policy.ActionDefer:
		c.message.deferred = true
		passed, room := c.retried(rcpt)
		if !room {
			return c.crowded()
		}
		if passed {
			return outcome{o.verdict, policy.ActionTag, policy.ReasonDeferPassed}
		}
	case policy.ActionLimit:
		return c.limited(o, rcpt, k, take)
	}
	return o
}

// crowded is the outcome where a table is full.
func (c *decision) crowded() outcome {
	c.trouble("table")
	return c.message.outcome
}

// refuse answers a recipient with an error, the action's own or the given one,
// and records that.
func (c *decision) refuse(rcpt string, o outcome, reply string) policy.Verdict {
	c.message.refused++
	c.message.refusal = o.action
	id := c.message.id + "." + strconv.Itoa(c.message.refused)
	if reply == "" {
		reply = c.rules().Reply(o.action, id)
	}
	c.record(id, policy.StageRcpt, o, policy.EndRefused, []string{domain(rcpt)})
	c.limits.forget()
	return policy.Verdict{Action: o.action, Reply: reply}
}

func (c *decision) accept(rcpt string, k kind) {
	m := &c.message
	m.asked = false
	if m.accepted == 0 {
		m.rcpt = rcpt
	}
	m.accepted++
	m.to.add(domain(rcpt))
	if k == kindExempt || m.kind == kindNone {
		m.kind = k
	}
}

// Message implements policy.Case. The field of an own host is kept even in own
// trouble: re-injection must not wash a verdict away.
func (c *decision) Message(ctx context.Context, queueID string, headers *policy.Headers) policy.Verdict {
	m := &c.message
	if !m.open {
		return policy.Verdict{FailOpen: true}
	}
	c.start()
	defer c.stop()
	m.queueID = queueID
	if headers != nil {
		m.stage = policy.StageEOM
	}
	r := c.rules()
	if headers != nil && r.Exempt.Relay(&c.facts.Client) {
		if keep := headers.MarkOf(c.facts.Hosts); keep > 0 {
			m.exempt, m.outcome = policy.ExemptRelay, outcome{reason: policy.ReasonKept}
			return policy.Verdict{KeepMark: keep, KeepAuth: true}
		}
	}
	if m.exempt != policy.ExemptNone {
		return c.marked(policy.ExemptMark(m.exempt, c.host()), policy.ActionAccept)
	}
	if c.failed() {
		return c.passed()
	}
	c.facts.Headers = headers
	cause := c.judge(ctx, policy.StageEOM)
	m.template = c.templateOf()
	c.facts.Headers = nil // the caller's memory; findings hold strings only
	if cause != "" {
		c.trouble(cause)
		return c.passed()
	}
	if m.exempt != policy.ExemptNone {
		return c.marked(policy.ExemptMark(m.exempt, c.host()), policy.ActionAccept)
	}
	return c.atEnd()
}

// atEnd carries out the rules at end of message.
func (c *decision) atEnd() policy.Verdict {
	r, m := c.rules(), &c.message
	c.limits.forget()
	verdict, reason := r.Conclude(&c.judged)
	verdict, reason = c.spared(verdict, reason, m.rcpt)
	m.outcome = c.lastWord(c.campaign(outcome{verdict, c.done(verdict), reason}))
	if c.failed() {
		return c.passed()
	}
	switch a := m.outcome.action; a {
	case policy.ActionReject, policy.ActionDefer, policy.ActionLimit:
		return policy.Verdict{Action: a, Reply: r.Reply(a, m.id)}
	}
	v := c.marked(c.judged.Mark(m.outcome.action, c.host()), m.outcome.action)
	if v.Action == policy.ActionQuarantine {
		v.Hold = "iot-milter " + m.id + ", " + r.Notify + " looks after it"
	}
	return v
}

// lastWord is what is done at end of message, where an answer hits all
// recipients: with an exempt one aboard the message is tagged at most, or
// limited.
func (c *decision) lastWord(o outcome) outcome {
	switch {
	case o.action <= policy.ActionTag:
		return o
	case c.message.kind == kindExempt && o.action != policy.ActionLimit:
		return outcome{o.verdict, policy.ActionTag, policy.ReasonRecipient}
	case o.action == policy.ActionQuarantine && !c.facts.Client.CanHold:
		return outcome{o.verdict, policy.ActionTag, policy.ReasonNoHold}
	case o.action == policy.ActionDefer && c.message.deferred:
		return outcome{o.verdict, policy.ActionTag, policy.ReasonDeferPassed}
	}
	return c.remembered(o, c.message.rcpt, c.message.kind, true)
}

// marked is the verdict of a message that passes, with the fields that the mode
// allows.
func (c *decision) marked(mark string, a policy.Action) policy.Verdict {
	r := c.rules()
	v := policy.Verdict{Action: a}
	if r.Mode == policy.ModeObserve {
		return v
	}
	v.Mark = mark
	if r.AuthResult && c.message.exempt == policy.ExemptNone {
		v.Auth = policy.AuthResult(r.Authserv, &c.facts.Client)
	}
	return v
}

// passed is the verdict of a message that own trouble lets pass.
func (c *decision) passed() policy.Verdict {
	v := c.marked(policy.FailOpenMark(c.host()), policy.ActionAccept)
	v.FailOpen, v.Auth = true, ""
	return v
}

func (c *decision) host() string { return c.rules().Host(c.facts.Client.MTA) }
