package decider

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// decision is the case of one connection.
type decision struct {
	decider  *Decider
	settings *Settings
	facts    policy.Facts
	exempt   string         // of the connection
	lookups  policy.Lookups // nil where nobody looks anything up
	judged   policy.Judgement
	parsed   parsed
	visited  bool   // the session is in the client's history
	fresh    bool   // judged is of the facts in hand
	broken   string // the cause of own trouble: everything passes unjudged from now on

	early    int       // refusals before the first recipient: they number the ids
	messages int       // opened so far: they number the ids
	began    time.Time // of the own work under way; zero when there is none
	message  message
	limits   limits
	networks networks
	told     policy.Record // the last one, kept for its memory
}

// parsed says which names were parsed. That is left to the first judgement:
// exempt connections need none, and own trouble in it has a message to be told
// of.
type parsed struct{ client, greeting bool }

// message is what lives from MAIL to the end of the message.
type message struct {
	open     bool
	habit    bool // its template came from the network on earlier days
	asked    bool // a recipient is being judged
	from     bool // the sender's domain is asked about
	deferred bool // the message was asked for its retry already
	stage    policy.Stage
	refusal  policy.Action // the last refused recipient's
	kind     kind
	id       string
	exempt   string
	accepted int
	refused  int
	rcpt     string // the first accepted one
	to       recipients

	sending  sending // computed last
	template templates
	run      state.Key // the template of the campaign that it is of; 0 for none
	queueID  string
	outcome  outcome
	took     time.Duration
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

// Greeting implements policy.Case.
func (c *decision) Greeting(g policy.Greeting) {
	g.Before = c.facts.Greeting.Before
	if before, ok := c.facts.Greeting.Name.Get(); ok && g.Name.Known() && !strings.EqualFold(before, g.Name.String()) {
		g.Before = policy.Seen(before)
	}
	c.facts.Greeting = g
	c.parsed.greeting = false
	c.fresh = false
	if c.lookups != nil {
		c.lookups.Greeting(g)
	}
}

// addressed sets the domain of the recipient that is judged. Only a client that
// greets with such a domain is judged anew for it.
func (c *decision) addressed(to policy.Text) {
	helo := c.facts.Greeting.Name.String()
	greets := func(t policy.Text) bool { return t.Known() && strings.EqualFold(helo, t.String()) }
	if greets(c.facts.Recipient) != greets(to) {
		c.fresh = false
	}
	c.facts.Recipient = to
}

// Sender implements policy.Case.
func (c *decision) Sender(e policy.Envelope) {
	c.End(policy.EndImplied)
	c.messages++
	c.facts.Envelope = e
	c.addressed(policy.Text{})
	c.message = message{
		open:  true,
		id:    c.facts.Client.Session + "." + strconv.Itoa(c.messages),
		stage: policy.StageMail, exempt: c.exempt,
	}
	if c.message.exempt == policy.ExemptNone {
		c.message.exempt = c.rules().Exempt.Sender(&c.facts.Envelope)
	}
	if c.broken != "" {
		c.failOpen(c.broken)
	}
	c.lookUpSender()
}

// lookUpSender asks about the domains of suspects' senders alone: the answers are
// pardons, and all others would pay for them.
func (c *decision) lookUpSender() {
	if c.lookups == nil || c.message.exempt != policy.ExemptNone || c.failed() {
		return
	}
	c.parse()
	c.recall()
	late := c.see(ended)
	r := c.rules()
	c.judged.Judge(&c.facts, policy.StageRcpt, &r.Prior, r.Thresholds)
	if c.askSender() {
		late = c.see(ended) || late || c.facts.Sending != policy.IprevUnknown || c.facts.SPF != policy.SPFUnknown
	}
	c.fresh = !late && c.exempt == policy.ExemptNone // nothing more will be found before RCPT
}

// askSender asks about the open message's sender, if it is a suspect's and has not
// been asked about. It reports whether it did.
func (c *decision) askSender() bool {
	m := &c.message
	if !m.open || m.from || m.exempt != policy.ExemptNone || c.judged.Flag == policy.FlagNo && !c.settings.Patient {
		return false
	}
	m.from = true
	c.lookups.Sender(c.facts.Envelope)
	return true
}

// Early implements policy.Case. Who authenticates is not known before MAIL, and
// recipients are not known yet: while any of them are exempt nothing is refused
// here.
func (c *decision) Early(ctx context.Context, at policy.Stage) policy.Verdict {
	r := c.rules()
	exempt := c.exempt
	if at >= policy.StageMail {
		exempt = c.message.exempt
	}
	switch {
	case exempt != policy.ExemptNone || len(r.Exempt.Recipients) > 0,
		at < r.EnforceAt || at < policy.StageMail && r.Exempt.Authenticated,
		c.broken != "" || c.failed():
		return policy.Verdict{}
	}
	c.start()
	defer c.stop()
	if cause := c.judge(ctx, policy.StageRcpt); cause != "" {
		c.trouble(cause)
		return policy.Verdict{FailOpen: true}
	}
	verdict, reason := r.Conclude(&c.judged)
	if c.exempt != policy.ExemptNone || c.done(verdict) != policy.ActionReject {
		return policy.Verdict{}
	}
	id := c.message.id
	if at < policy.StageMail {
		c.early++
		id = c.facts.Client.Session + "." + at.String() + "." + strconv.Itoa(c.early)
	}
	c.record(id, at, outcome{verdict, policy.ActionReject, reason}, policy.EndRefused, nil)
	c.close()
	return policy.Verdict{Action: policy.ActionReject, Reply: r.Reply(policy.ActionReject, id)}
}

// judge brings the judgement up to date. What look-ups have found so far is in
// hand; those still under way are awaited only where the facts in hand would do
// more than tag, or would if a pardon were not still unknown. It returns the
// cause of own trouble, "" when there was none. It may find that the client is
// exempt, and then judges nothing.
func (c *decision) judge(ctx context.Context, stage policy.Stage) (trouble string) {
	c.recall()
	if c.fresh && stage < policy.StageEOM {
		return ""
	}
	c.fresh = false
	c.parse()
	if c.lookups != nil {
		c.see(ended)
	}
	r := c.rules()
	c.judged.Judge(&c.facts, stage, &r.Prior, r.Thresholds)
	if c.lookups != nil && (c.settings.Patient || c.acts(stage) || r.EnforceAt <= stage && r.Mode == policy.ModeEnforce && r.Pardoned(&c.judged)) {
		if trouble = c.await(ctx, stage); trouble != "" {
			return trouble
		}
	}
	c.fresh = c.exempt == policy.ExemptNone
	return ""
}

// ended is the context of a look that does not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// await judges once more with all that is found within the deadline. That it is
// late is own trouble where more than a tag would follow; a pardon that is still
// unknown stands.
func (c *decision) await(ctx context.Context, stage policy.Stage) (trouble string) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Deadline)
	defer cancel()
	r := c.rules()
	c.askSender()
	late := c.see(ctx)
	c.judged.Judge(&c.facts, stage, &r.Prior, r.Thresholds)
	if !late && c.askSender() { // who is a suspect only now may be pardoned, too
		late = c.see(ctx)
		c.judged.Judge(&c.facts, stage, &r.Prior, r.Thresholds)
	}
	if late && c.exempt == policy.ExemptNone && c.acts(stage) {
		return "deadline"
	}
	return ""
}

// see takes in what look-ups have found, waiting until ctx ends, and reports
// whether some are not done. An own look-up may know the client's name better than
// the MTA, which shows a temporary failure like a forgery; the name that it confirms
// may be one that the admin exempts.
func (c *decision) see(ctx context.Context) (late bool) {
	name, iprev := c.facts.Client.Name, c.facts.Client.Iprev
	late = c.lookups.Await(ctx, &c.facts) != nil
	if !c.message.from { // what was found is about an earlier message's sender
		c.facts.Sending, c.facts.SPF = policy.IprevUnknown, policy.SPFUnknown
	}
	if c.facts.Client.Name == name && c.facts.Client.Iprev == iprev {
		return late
	}
	switch c.facts.Client.Iprev {
	case policy.IprevPass, policy.IprevFail, policy.IprevPermError:
		c.facts.NamesSuspended = false // somebody's DNS is ill, not ours
	}
	c.exempt = c.exemption()
	if c.message.open && c.message.exempt == policy.ExemptNone {
		c.message.exempt = c.exempt
	}
	c.parsed.client = false
	c.parse()
	return late
}

// acts reports whether more than a tag follows from the judgement at the stage.
func (c *decision) acts(stage policy.Stage) bool {
	r := c.rules()
	verdict, _ := r.Conclude(&c.judged)
	action := c.done(verdict)
	if stage < policy.StageEOM && (stage < r.EnforceAt || action == policy.ActionQuarantine) {
		return false // nothing yet
	}
	return action > policy.ActionTag
}

func (c *decision) parse() {
	if !c.parsed.client {
		c.facts.ParseClient()
		c.parsed.client = true
	}
	if !c.parsed.greeting {
		c.facts.ParseGreeting()
		c.parsed.greeting = true
	}
}

// Fail implements policy.Case. The caller logs the cause.
func (c *decision) Fail(cause string) {
	c.broken = cause
	c.began, c.facts.Headers = time.Time{}, nil
	if c.message.asked {
		c.accept("", kindNone)
	}
	if c.message.open && !c.failed() {
		c.failOpen(cause)
	}
}

// failed reports whether the open message passes because of own trouble.
func (c *decision) failed() bool { return c.message.outcome.reason == policy.ReasonFailOpen }

// failOpen lets the open message pass unjudged. An exempt one does so anyway.
func (c *decision) failOpen(cause string) {
	if c.message.exempt != policy.ExemptNone {
		return
	}
	c.decider.opts.Meter.FailOpen(cause)
	c.message.outcome = outcome{reason: policy.ReasonFailOpen}
	c.fresh = false
}

// trouble is failOpen with a line in the log. Before there is a message it only
// tells: the next stage tries again.
func (c *decision) trouble(cause string) {
	c.decider.complain(cause, c.facts.Client.Session)
	if c.message.open {
		c.failOpen(cause)
	} else {
		c.decider.opts.Meter.FailOpen(cause)
	}
}

// End implements policy.Case.
func (c *decision) End(how policy.End) {
	m := &c.message
	if !m.open {
		return
	}
	c.learn(how)
	if how != policy.EndEOM && m.outcome.reason == "" && m.exempt == policy.ExemptNone {
		m.outcome = c.unfinished()
	}
	c.record(m.id, m.stage, m.outcome, how, m.to.domains[:m.to.n])
	c.close()
}

// Close implements policy.Case.
func (c *decision) Close() {
	if c.lookups != nil {
		c.lookups.Close()
		c.lookups = nil
	}
}

// close forgets the message, and what was judged by its header: the next one of
// the connection begins anew.
func (c *decision) close() {
	c.message = message{}
	c.limits.forget()
	c.facts.Envelope, c.facts.Headers = policy.Envelope{}, nil
	c.fresh = false
}

// unfinished is the outcome of a message that never came: what would have been
// concluded of its recipients, and nothing done, unless all were refused.
func (c *decision) unfinished() outcome {
	if !c.fresh {
		return outcome{}
	}
	verdict, reason := c.rules().Conclude(&c.judged)
	if c.message.accepted == 0 && c.message.refused > 0 {
		return outcome{verdict, c.message.refusal, policy.ReasonNoRecipients}
	}
	return outcome{verdict: verdict, reason: reason}
}
