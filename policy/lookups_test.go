package policy_test

import (
	"context"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// slowly is evidence of which a look sees nothing: all of it must be awaited. What
// it says of senders it says of the last that it was asked about.
type slowly struct {
	found   policy.Found
	name    policy.Text
	iprev   policy.Iprev
	office  string // the sender whose domain names the client
	asked   []string
	awaited int
	seen    bool // what is found was awaited
}

func (s *slowly) Start(policy.Client) policy.Lookups      { return s }
func (s *slowly) Greeting(policy.Greeting)                {}
func (s *slowly) Judged(*policy.Facts, *policy.Judgement) {}
func (s *slowly) Close()                                  {}
func (s *slowly) Sender(e policy.Envelope)                { s.asked = append(s.asked, e.From.String()) }
func (s *slowly) Await(ctx context.Context, f *policy.Facts) error {
	if ctx.Err() == nil {
		s.awaited++
		s.seen = true
	}
	if !s.seen {
		return ctx.Err()
	}
	f.Found = s.found
	if n := len(s.asked); n > 0 && s.asked[n-1] == s.office {
		f.Sending, f.SPF = policy.IprevPass, policy.SPFPass
	}
	if s.iprev != policy.IprevUnknown {
		f.Client.Name, f.Client.Iprev = s.name, s.iprev
	}
	return nil
}

// TestSafety03LateSuspect: who turns out to be a suspect after MAIL is asked for the
// pardon of small offices, too.
func TestSafety03LateSuspect(t *testing.T) {
	for _, awaited := range []bool{false, true} {
		s := enforcing()
		s.Rules.Access = policy.ActionReject
		e := &slowly{name: policy.Seen(lineName), iprev: policy.IprevPass, office: "a@example.com"}
		w := newWorld(t, s, e)
		k := w.Open(client(func(c *policy.Client) {
			if c.Name, c.Iprev = (policy.Text{}), policy.IprevUnknown; awaited {
				c.Name, c.Iprev = policy.Seen(lineName), policy.IprevPass
			}
		}))
		k.Greeting(helo("user-pc"))
		k.Sender(sender("a@example.com"))
		e.seen = !awaited
		v := k.Recipient(background, "u@example.test")
		k.End(policy.EndAbort)
		if v.Refuses() || len(e.asked) != 1 {
			t.Errorf("a small office: %+v, asked about %q\n%+v", v, e.asked, w.taken())
		}
	}
}

// TestSenderOfAnEarlierMessage: what is known of one message's sender pardons no
// other message.
func TestSenderOfAnEarlierMessage(t *testing.T) {
	s := enforcing()
	s.Rules.Access = policy.ActionReject
	e := &slowly{office: "a@example.com"}
	w := newWorld(t, s, e)
	k := w.Open(client(nil))
	k.Greeting(helo("user-pc"))
	for from, refused := range map[string]bool{"a@example.com": false, "b@example.net": true} {
		k.Sender(sender("a@example.com"))
		k.Recipient(background, "u@example.test")
		k.End(policy.EndAbort)
		w.taken()
		k.Sender(sender(from))
		v := k.Recipient(background, "u@example.test")
		k.End(policy.EndAbort)
		if v.Refuses() != refused {
			t.Errorf("from %s after the office's: %+v\n%+v", from, v, w.taken())
		}
	}
}

// TestEnforceAtEOMWaitsThere: while nothing can follow yet nobody waits, and being
// late is no trouble.
func TestEnforceAtEOMWaitsThere(t *testing.T) {
	s := enforcing()
	s.Rules.Access, s.Rules.EnforceAt, s.Deadline = policy.ActionReject, policy.StageEOM, 20*time.Millisecond
	e := &stub{block: true}
	w := newWorld(t, s, e)
	k := w.Open(client(nil))
	k.Greeting(helo("user-pc"))
	k.Sender(sender("a@example.com"))
	if v := k.Recipient(background, "u@example.test"); v.FailOpen || e.awaited != 0 {
		t.Errorf("%+v, awaited %d times", v, e.awaited)
	}
	e.block = false
	if v := k.Message(background, "4F2A1", plain()); v.Action != policy.ActionReject {
		t.Errorf("%+v", v)
	}
	k.End(policy.EndEOM)
}
