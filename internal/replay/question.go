package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// Question is what explain is asked about: a client in words. What is "" or nil is
// unknown, which is no evidence.
type Question struct {
	Client     string // an address, with or without a port; required
	PTR, Iprev string // with a name alone it is confirmed
	HELO, From *string
	Stack      string // see policy.ParseStack
	Headers    *policy.Headers
}

// Explain judges the client along the path of the daemon, with a memory that is empty,
// so that nothing is changed by it. Errors that begin with a word of Question, in lower
// case, are the asker's.
func (q *Question) Explain(ctx context.Context, settings *decider.Settings) (*policy.Decision, policy.Verdict, error) {
	r, stack, err := q.record()
	if err != nil {
		return nil, policy.Verdict{}, err
	}
	asked := *settings
	asked.Evidence, asked.Explain = given(stack, settings.Evidence), true
	memory, err := state.New(state.Options{Entries: 16})
	if err != nil {
		return nil, policy.Verdict{}, err
	}
	j := NewJudge(decider.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, State: memory}, &asked)
	d, v, ok := j.Message(ctx, r)
	if !ok {
		return nil, v, errors.New("no decision was made")
	}
	d.Time, d.Took, d.End = nil, "", ""
	return &d, v, nil
}

// Check says what is wrong with the question.
func (q *Question) Check() error {
	_, _, err := q.record()
	return err
}

func (q *Question) record() (*Record, policy.Stack, error) {
	stack, err := policy.ParseStack(q.Stack)
	if err != nil {
		return nil, stack, fmt.Errorf("stack: %w; hint: ws=3,mss=1452,ts=1,sack=1", err)
	}
	client, err := q.facts()
	if err != nil {
		return nil, stack, err
	}
	r := &Record{Client: client, Headers: q.Headers}
	if q.HELO != nil {
		r.Greeting.Name = policy.Seen(policy.ClipName(*q.HELO))
	}
	if q.From != nil {
		r.Envelope.From = policy.Seen(strings.Trim(*q.From, "<>"))
	}
	return r, stack, nil
}

func (q *Question) facts() (client policy.Client, err error) {
	if at, err := netip.ParseAddrPort(q.Client); err == nil {
		client.Addr, client.Port = at.Addr().WithZone("").Unmap(), at.Port()
	} else if client.Addr = policy.ParseAddr(q.Client); !client.Addr.IsValid() {
		return client, fmt.Errorf("client %q is no address; hint: 192.0.2.7, 192.0.2.7:40123 or [2001:db8::7]:40123", q.Client)
	}
	if client.Iprev, err = policy.ParseIprev(q.Iprev); err != nil {
		return client, fmt.Errorf("iprev: %w; hint: pass, fail, permerror or temperror", err)
	}
	name := policy.HostName(q.PTR)
	switch {
	case name == "" && client.Iprev == policy.IprevPass:
		return client, errors.New("iprev pass without a name; hint: give the PTR name")
	case name != "" && client.Iprev == policy.IprevPermError:
		return client, errors.New("iprev permerror says that there is no PTR name; hint: leave the name out, or use fail")
	case name != "":
		client.Name = policy.Seen(name)
		if client.Iprev == policy.IprevUnknown {
			client.Iprev = policy.IprevPass
		}
	}
	client.At = time.Now()
	return client, nil
}

// given is evidence with a stack that was told, beside what next looks up, which may
// be nil.
func given(stack policy.Stack, next policy.Evidence) policy.Evidence {
	if !stack.Known {
		return next
	}
	return told{stack, next}
}

type told struct {
	stack policy.Stack
	next  policy.Evidence
}

func (t told) Start(c policy.Client) policy.Lookups {
	stack := t.stack
	stack.V6 = c.Addr.Is6()
	if t.next == nil {
		return toldOf{stack, nothing{}}
	}
	return toldOf{stack, t.next.Start(c)}
}

type toldOf struct {
	stack policy.Stack
	policy.Lookups
}

func (t toldOf) Await(ctx context.Context, f *policy.Facts) error {
	err := t.Lookups.Await(ctx, f)
	f.Stack = t.stack
	return err
}

// nothing is looked up.
type nothing struct{}

func (nothing) Greeting(policy.Greeting)                   {}
func (nothing) Sender(policy.Envelope)                     {}
func (nothing) Await(context.Context, *policy.Facts) error { return nil }
func (nothing) Judged(*policy.Facts, *policy.Judgement)    {}
func (nothing) Close()                                     {}
