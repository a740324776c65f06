package decider

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// decision is the case of one connection.
type decision struct {
	decider  *Decider
	settings *Settings
	facts    policy.Facts
	exempt   string // of the connection
	lookups  Lookups
	judged   policy.Judgement
	fresh    bool // judged is of the facts in hand
	broken   bool // own trouble: everything passes unjudged from now on

	messages int // opened so far: they number the ids
	message  message
}

// message is what lives from MAIL to the end of the message.
type message struct {
	open     bool
	id       string
	exempt   string
	stage    policy.Stage
	accepted int
	refused  int
	kind     kind
	rcpt     string // the first accepted one
	deferred bool   // the message was asked for its retry already

	queueID string
	outcome outcome
	took    time.Duration
}

// kind is which recipients a transaction holds. A transaction that may be
// refused at its end holds one kind only.
type kind uint8

const (
	kindNone kind = iota
	kindOrdinary
	kindExempt
)

// outcome is the last word on a message.
type outcome struct {
	verdict policy.Action
	action  policy.Action
	reason  string
}

func (c *decision) rules() *policy.Rules { return &c.settings.Rules }

// ownHosts are the names by which the MTA and its siblings go, lower case.
func (c *decision) ownHosts() []string {
	hosts := make([]string, 0, 2+len(c.rules().OwnHosts))
	for _, h := range [...]string{c.facts.Client.MTA, c.rules().Hostname} {
		if h != "" {
			hosts = append(hosts, strings.ToLower(h))
		}
	}
	return append(hosts, c.rules().OwnHosts...)
}

// Greeting implements policy.Case.
func (c *decision) Greeting(g policy.Greeting) {
	c.facts.Greeting = g
	c.facts.ParseGreeting()
	c.fresh = false
	if c.lookups != nil {
		c.lookups.Greeting(g)
	}
}

// Sender implements policy.Case.
func (c *decision) Sender(e policy.Envelope) {
	c.End(policy.EndImplied)
	c.messages++
	c.facts.Envelope, c.facts.Headers = e, nil
	c.fresh = false
	c.message = message{
		open:  true,
		id:    c.facts.Client.Session + "." + strconv.Itoa(c.messages),
		stage: policy.StageMail, exempt: c.exempt,
	}
	if c.message.exempt == policy.ExemptNone {
		c.message.exempt = c.rules().Exempt.Sender(&e)
	}
	if c.broken {
		c.message.outcome.reason = policy.ReasonFailOpen
	}
}

// Early implements policy.Case. Recipients are not known yet: while any are
// exempt nothing is refused here.
func (c *decision) Early(ctx context.Context, at policy.Stage) policy.Verdict {
	r := c.rules()
	exempt := c.exempt
	if at >= policy.StageMail {
		exempt = c.message.exempt
	}
	if c.broken || exempt != policy.ExemptNone || len(r.Exempt.Recipients) > 0 {
		return policy.Verdict{}
	}
	defer c.clock()()
	if !c.judge(ctx, policy.StageRcpt) {
		return policy.Verdict{FailOpen: true}
	}
	verdict, reason := r.Conclude(&c.judged)
	if r.InMode(verdict) != policy.ActionReject {
		return policy.Verdict{}
	}
	id := c.facts.Client.Session + "." + at.String()
	c.record(id, at, outcome{verdict, policy.ActionReject, reason}, policy.EndRefused)
	return policy.Verdict{Action: policy.ActionReject, Reply: r.Reply(policy.ActionReject, id)}
}

// Recipient implements policy.Case.
func (c *decision) Recipient(ctx context.Context, rcpt string) policy.Verdict {
	c.message.stage = policy.StageRcpt
	if c.message.exempt != policy.ExemptNone || c.failed() {
		c.accept(rcpt, kindNone)
		return policy.Verdict{}
	}
	defer c.clock()()
	if !c.judge(ctx, policy.StageRcpt) {
		c.failOpen("deadline")
		c.accept(rcpt, kindNone)
		return policy.Verdict{FailOpen: true}
	}
	r := c.rules()
	k := kindOrdinary
	if r.Exempt.Recipient(rcpt) {
		k = kindExempt
	}
	verdict, reason := r.Conclude(&c.judged)
	if o := c.atRecipient(verdict, reason, rcpt, k); o.action > policy.ActionTag {
		return c.refuse(o, r.Reply)
	}
	if c.message.kind != kindNone && c.message.kind != k && r.MayRefuse(&c.judged) {
		o := outcome{verdict, policy.ActionDefer, policy.ReasonMixed}
		return c.refuse(o, func(policy.Action, string) string { return r.MixedReply() })
	}
	c.accept(rcpt, k)
	return policy.Verdict{}
}

// atRecipient is what is done about one recipient at RCPT. Defer and limit for
// the null sender wait for the end of message, so that call-outs are answered.
func (c *decision) atRecipient(verdict policy.Action, reason, rcpt string, k kind) outcome {
	r := c.rules()
	o := outcome{verdict, r.InMode(verdict), reason}
	if o.action <= policy.ActionTag || r.EnforceAt > policy.StageRcpt || o.action == policy.ActionQuarantine {
		return outcome{verdict, policy.ActionTag, reason}
	}
	if k == kindExempt {
		if o.action == policy.ActionReject || o.action == policy.ActionDefer {
			return outcome{verdict, policy.ActionTag, policy.ReasonRecipient}
		}
	}
	if c.facts.Envelope.From.String() == "" && o.action != policy.ActionReject {
		return outcome{verdict, policy.ActionTag, reason}
	}
	return c.remembered(o, rcpt, false)
}

// remembered asks the memory about defer and limit: what came again, or is
// within its limit, passes as tagged.
func (c *decision) remembered(o outcome, rcpt string, take bool) outcome {
	switch o.action {
	case policy.ActionDefer:
		c.message.deferred = true
		s := c.settings
		if c.decider.opts.State.Retried(c.deferKey(rcpt), c.facts.Client.At, s.DeferDelay, s.DeferKeep) {
			return outcome{o.verdict, policy.ActionTag, policy.ReasonDeferPassed}
		}
	case policy.ActionLimit:
		if _, full := c.reached(rcpt, take); !full {
			return outcome{o.verdict, policy.ActionTag, policy.ReasonLimitPassed}
		}
	}
	return o
}

// refuse answers a recipient with an error and records that.
func (c *decision) refuse(o outcome, reply func(policy.Action, string) string) policy.Verdict {
	c.message.refused++
	id := c.message.id + "." + strconv.Itoa(c.message.refused)
	c.record(id, policy.StageRcpt, o, policy.EndRefused)
	return policy.Verdict{Action: o.action, Reply: reply(o.action, id)}
}

func (c *decision) accept(rcpt string, k kind) {
	if c.message.accepted == 0 {
		c.message.rcpt = rcpt
	}
	c.message.accepted++
	if k == kindExempt || c.message.kind == kindNone {
		c.message.kind = k
	}
}

// Message implements policy.Case.
func (c *decision) Message(ctx context.Context, queueID string, headers *policy.Headers) policy.Verdict {
	defer c.clock()()
	m := &c.message
	m.queueID = queueID
	if headers != nil {
		m.stage = policy.StageEOM
	}
	r := c.rules()
	if c.failed() {
		return c.passed()
	}
	if headers != nil && r.Exempt.Relay(&c.facts.Client) {
		if keep := headers.MarkOf(c.facts.Hosts); keep > 0 {
			m.exempt, m.outcome.reason = policy.ExemptRelay, policy.ReasonKept
			return policy.Verdict{KeepMark: keep}
		}
	}
	if m.exempt != policy.ExemptNone {
		return c.marked(policy.ExemptMark(m.exempt, c.host()), policy.ActionAccept)
	}
	c.facts.Headers = headers
	defer func() { c.facts.Headers = nil }() // the caller's memory; findings hold strings only
	if !c.judge(ctx, policy.StageEOM) {
		c.failOpen("deadline")
		return c.passed()
	}
	verdict, reason := r.Conclude(&c.judged)
	m.outcome = c.atEnd(verdict, reason)
	switch a := m.outcome.action; a {
	case policy.ActionReject, policy.ActionDefer, policy.ActionLimit:
		return policy.Verdict{Action: a, Reply: r.Reply(a, m.id)}
	}
	v := c.marked(c.judged.Mark(m.outcome.action, c.host()), m.outcome.action)
	if v.Action == policy.ActionQuarantine {
		v.Hold = "iot-milter " + m.id
	}
	return v
}

// atEnd is what is done at end of message, where an answer hits all recipients:
// with an exempt one aboard the message is tagged at most.
func (c *decision) atEnd(verdict policy.Action, reason string) outcome {
	o := outcome{verdict, c.rules().InMode(verdict), reason}
	if o.action <= policy.ActionTag {
		return o
	}
	if c.message.kind == kindExempt && o.action != policy.ActionLimit {
		return outcome{verdict, policy.ActionTag, policy.ReasonRecipient}
	}
	if o.action == policy.ActionDefer && c.message.deferred {
		return outcome{verdict, policy.ActionTag, policy.ReasonDeferPassed}
	}
	return c.remembered(o, c.message.rcpt, true)
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

// judge brings the judgement up to date. Where the facts in hand would do more
// than tag, look-ups still under way are awaited; that they are late is own
// trouble, and false.
func (c *decision) judge(ctx context.Context, stage policy.Stage) bool {
	r := c.rules()
	if c.fresh && stage < policy.StageEOM {
		return true
	}
	c.judged.Judge(&c.facts, stage, &r.Prior, r.Thresholds)
	if c.lookups != nil {
		if a, _ := r.Conclude(&c.judged); r.InMode(a) > policy.ActionTag {
			ctx, cancel := context.WithTimeout(ctx, c.settings.Deadline)
			defer cancel()
			if err := c.lookups.Await(ctx, &c.facts); err != nil {
				return false
			}
			c.judged.Judge(&c.facts, stage, &r.Prior, r.Thresholds)
		}
	}
	c.fresh = true
	return true
}

// Fail implements policy.Case.
func (c *decision) Fail(cause string) {
	c.broken = true
	c.failOpen(cause)
}

// failed reports whether the open message passes because of own trouble.
func (c *decision) failed() bool { return c.message.outcome.reason == policy.ReasonFailOpen }

func (c *decision) failOpen(cause string) {
	c.decider.opts.Meter.FailOpen(cause)
	c.message.outcome = outcome{reason: policy.ReasonFailOpen}
	c.fresh = false
}

// End implements policy.Case.
func (c *decision) End(how policy.End) {
	m := &c.message
	if !m.open {
		return
	}
	m.open = false
	if how != policy.EndEOM && m.outcome.reason == "" && m.exempt == policy.ExemptNone {
		m.outcome = c.unfinished()
	}
	c.record(m.id, m.stage, m.outcome, how)
}

// unfinished is the outcome of a message that never came: what would have been
// concluded of its recipients, and nothing done.
func (c *decision) unfinished() outcome {
	if !c.fresh {
		return outcome{}
	}
	verdict, reason := c.rules().Conclude(&c.judged)
	return outcome{verdict: verdict, reason: reason}
}

func (c *decision) record(id string, stage policy.Stage, o outcome, end policy.End) {
	rec := policy.Record{
		ID: id, Facts: &c.facts, QueueID: c.message.queueID, Rcpts: c.message.accepted, Stage: stage,
		Mode: c.rules().Mode, Verdict: o.verdict, Action: o.action, Exempt: c.message.exempt, Reason: o.reason,
		Took: c.message.took, End: end,
	}
	if c.fresh {
		rec.Judgement = &c.judged
	}
	c.decider.opts.Recorder.Record(&rec)
}

// clock measures own work: call the result when it is done.
func (c *decision) clock() func() {
	start := c.decider.opts.Now()
	return func() { c.message.took += c.decider.opts.Now().Sub(start) }
}
