package main

import (
	"container/heap"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
)

const (
	retryAfter = 15 * time.Minute
	retries    = 8 // then the sender is told
)

// retry is a message that was put off.
type retry struct {
	event
	mail  int // its place in the scene, to break ties
	tried int
}

type queue []retry

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(retry)) }
func (q queue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].mail < q[j].mail
}
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// play runs the scene through one filter.
type play struct {
	scene  *scene
	filter *filter
	tally  *tally
	queue  queue
	mails  int
	macros map[string]string
	fields policy.Headers

	through func(*event) ([]answer, error) // plays a session in place of the method; nil is the method
}

// answer is what the MTA told the client about one message.
type answer struct {
	delivered bool
	text      string // the reply of a refusal
	judged    judged
}

func (p *play) run(ctx context.Context) error {
	p.macros = mtascript.StandardMacros(mtascript.Postfix, mtascript.Client{Host: "x", Addr: "192.0.2.1"})
	p.macros["j"] = mxName
	for i := range p.scene.events {
		e := &p.scene.events[i]
		for len(p.queue) > 0 && p.queue[0].at.Before(e.at) {
			if err := p.step(ctx, heap.Pop(&p.queue).(retry)); err != nil {
				return err
			}
		}
		if err := p.step(ctx, retry{event: *e}); err != nil {
			return err
		}
	}
	for len(p.queue) > 0 {
		if err := p.step(ctx, heap.Pop(&p.queue).(retry)); err != nil {
			return err
		}
	}
	return nil
}

// step plays one session, and puts what was put off into the queue if its sender
// tries again.
func (p *play) step(ctx context.Context, r retry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	session := p.session
	if p.through != nil {
		session = p.through
	}
	answers, err := session(&r.event)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", r.host.group, r.at.Format(time.DateTime), err)
	}
	_, began := p.filter.takes()
	for i := range answers {
		m := r.mails[i]
		p.tally.note(&r, &m, &answers[i], began)
		if answers[i].delivered || !strings.HasPrefix(answers[i].text, "4") || !p.again(&r, &m) {
			continue
		}
		p.mails++
		again := r
		again.at, again.mails, again.tried, again.mail = r.at.Add(retryAfter), []mail{m}, r.tried+1, p.mails
		heap.Push(&p.queue, again)
	}
	return nil
}

// again reports whether the sender tries again: mail servers do so, spamware for the
// most part does not.
func (p *play) again(r *retry, m *mail) bool {
	if r.tried >= retries {
		return false
	}
	if r.host.group.bad() {
		return p.scene.retryBots > 0 && rand.New(rand.NewPCG(m.seed, 2)).Float64() < p.scene.retryBots
	}
	return true
}

// session plays one SMTP connection, through the socket if there is one.
func (p *play) session(e *event) ([]answer, error) {
	f := p.filter
	f.begin(e)
	var answers []answer
	var err error
	if f.server == nil {
		answers = p.direct(e)
	} else if answers, err = p.wire(e); err != nil {
		return nil, err
	}
	if f.silent {
		return answers, nil
	}
	judged, _ := f.takes()
	if len(judged) != len(e.mails) {
		return nil, fmt.Errorf("%d messages, %d records", len(e.mails), len(judged))
	}
	for i, j := range judged {
		if refuses := j.action == policy.ActionReject; refuses != strings.HasPrefix(answers[i].text, "5") {
			return nil, fmt.Errorf("recorded %v, answered %q", j.action, answers[i].text)
		}
		answers[i].judged = j
	}
	return answers, nil
}

// wire plays the connection through the socket.
func (p *play) wire(e *event) ([]answer, error) {
	t, err := p.script(e).Dial("unix", p.filter.socket)
	if err != nil {
		return nil, err
	}
	if len(t.Messages) != len(e.mails) {
		return nil, fmt.Errorf("%d messages, %d outcomes", len(e.mails), len(t.Messages))
	}
	answers := make([]answer, len(e.mails))
	for i, m := range t.Messages {
		answers[i] = answer{delivered: m.Delivered, text: m.Final.Text}
	}
	return answers, nil
}

// direct plays it to the decider, as the milter server would: that takes a tenth of
// the time, and the test compares both.
func (p *play) direct(e *event) []answer {
	ctx := context.Background()
	c := policy.Client{
		At: e.at, Session: p.filter.newID(), MTA: mxName, Addr: policy.ParseAddr(e.host.addr()), Port: 40000,
		Server: netip.MustParseAddrPort("192.0.2.25:25"), Daemon: mxName, Iprev: policy.IprevPermError,
	}
	if e.host.iprev != nameNone {
		c.Name, c.Iprev = policy.Seen(e.host.name), policy.IprevPass
		if e.host.iprev == nameUnconfirmed {
			c.Iprev = policy.IprevFail
		}
	}
	k := p.filter.decider.Open(c)
	defer k.Close()
	k.Greeting(policy.Greeting{Name: policy.Seen(e.host.helo)})
	answers := make([]answer, len(e.mails))
	for i := range e.mails {
		m := &e.mails[i]
		k.Sender(policy.Envelope{From: policy.Seen(m.from)})
		v := k.Recipient(ctx, m.rcpt)
		end := policy.EndAbort
		if !v.Refuses() {
			p.fields.Reset("")
			p.fields.KeepType()
			for _, h := range p.scene.headers(e, m) {
				p.fields.Add([]byte(h.Name), []byte(h.Value))
			}
			if k.Reads(&p.fields) {
				var text policy.Body
				text.Add(p.scene.body(e, m))
				p.fields.Links = text.Links(&p.fields)
			}
			v, end = k.Message(ctx, "4F2A1", &p.fields), policy.EndEOM
		}
		k.End(end)
		answers[i] = answer{delivered: !v.Refuses(), text: v.Reply}
	}
	return answers
}

// script is the event as the MTA plays it.
func (p *play) script(e *event) *mtascript.Session {
	s := &mtascript.Session{Helo: e.host.helo, Macros: maps.Clone(p.macros), Client: mtascript.Client{Port: 40000}}
	e.host.client(&s.Client, s.Macros)
	s.Messages = make([]mtascript.Message, len(e.mails))
	for i := range e.mails {
		m := &e.mails[i]
		s.Messages[i] = mtascript.Message{From: m.from, Rcpts: []string{m.rcpt}, QueueID: "4F2A1", Headers: p.scene.headers(e, m), Body: p.scene.body(e, m)}
	}
	return s
}

func (sc *scene) headers(e *event, m *mail) []mtascript.Header {
	if e.host.group.bad() {
		list := sc.templates[m.template].headers(e.host, m, e.at)
		if sc.vary {
			return varied(list, m)
		}
		return list
	}
	return e.host.headers(m, e.at)
}
