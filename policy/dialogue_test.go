package policy_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// TestPropertyDialogue plays random dialogues in enforce mode with every action,
// out of order now and then, and holds what the rules promise of all of them.
func TestPropertyDialogue(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	refused, exempt := 0, 0
	for i := range 4000 {
		s := enforcing()
		actions := []policy.Action{policy.ActionTag, policy.ActionLimit, policy.ActionDefer, policy.ActionQuarantine, policy.ActionReject}
		s.Rules.Device, s.Rules.Access = one(r, actions), one(r, actions)
		s.Rules.Notify = one(r, []string{"", "postmaster@example.test"})
		s.Rules.EnforceAt = one(r, []policy.Stage{policy.StageConnect, policy.StageMail, policy.StageRcpt, policy.StageEOM})
		s.Limits[0].Recipients, s.Limits[0].RefuseAfter = r.IntN(2) == 0, r.IntN(2)
		if r.IntN(4) == 0 {
			s.Rules.Exempt.Recipients, s.Rules.Exempt.Authenticated = nil, false
		}
		d := &dialogue{T: t, r: r, world: newWorld(t, s, nil), exempting: len(s.Rules.Exempt.Recipients) > 0}
		d.play(i)
		for _, l := range d.world.taken() {
			d.line(l)
			if l.Exempt != "" {
				exempt++
			}
			if l.Action == "reject" && l.Reason != policy.ReasonNoRecipients {
				refused++
			}
		}
		if d.ended != d.opened || d.refusals != d.refusedLines {
			t.Fatalf("%d messages, %d lines; %d refusals, %d lines", d.opened, d.ended, d.refusals, d.refusedLines)
		}
	}
	if refused == 0 || exempt == 0 {
		t.Errorf("%d refusals, %d exempt messages: the test shows nothing", refused, exempt)
	}
}

func one[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

type dialogue struct {
	*testing.T
	r     *rand.Rand
	world *world

	exempting bool // recipients are exempt by the rules

	opened, ended          int
	refusals, refusedLines int
}

func (d *dialogue) play(n int) {
	c := client(func(c *policy.Client) {
		c.At = began.Add(time.Duration(n) * time.Second)
		c.Addr = netip.MustParseAddr(one(d.r, []string{"203.0.113.7", "2001:db8::7", "192.168.1.1", "127.0.0.1"}))
		c.Iprev = policy.Iprev(d.r.IntN(5))
		c.Name = policy.Seen(one(d.r, []string{lineName, serverName, "berlin.example.org"}))
		c.Daemon = one(d.r, []string{"", "", "", "MSA"})
		c.CanHold = true
	})
	k := d.world.Open(c)
	open, inMessage := false, 0
	for range d.r.IntN(14) {
		switch d.r.IntN(8) {
		case 0:
			k.Greeting(helo(one(d.r, []string{"DiskStation", "user-pc", lineName, serverName, "localhost"})))
		case 1, 2:
			k.Sender(policy.Envelope{From: policy.Seen(one(d.r, []string{"", "a@example.com"})), AuthUser: one(d.r, []string{"", "", "", "a"})})
			open, inMessage = true, 0
			d.opened++
		case 3, 4, 5:
			rcpt := one(d.r, []string{"u@example.test", "v@example.test", "postmaster", "Abuse@example.test"})
			v := k.Recipient(background, rcpt)
			d.recipient(rcpt, v)
			if !v.Refuses() && open {
				inMessage++
			}
		case 6:
			if open && inMessage > 0 {
				v := k.Message(background, "4F2A1", one(d.r, []*policy.Headers{nil, plain(), header("Subject: x")}))
				d.verdict(v)
				k.End(policy.EndEOM)
				open = false
			}
		case 7:
			if d.r.IntN(6) == 0 {
				k.Fail("panic")
			} else if d.r.IntN(3) == 0 {
				k.End(policy.EndAbort)
				open = false
			}
		}
	}
	k.End(policy.EndLost)
}

func (d *dialogue) recipient(rcpt string, v policy.Verdict) {
	d.verdict(v)
	if v.Refuses() {
		d.refusals++
	}
	if exempt := !strings.HasPrefix(rcpt, "u@") && !strings.HasPrefix(rcpt, "v@"); exempt && d.exempting && v.Action == policy.ActionReject {
		d.Fatalf("%s is refused: %s", rcpt, v.Reply)
	}
}

func (d *dialogue) verdict(v policy.Verdict) {
	if v.Refuses() == (v.Reply == "") {
		d.Fatalf("%+v", v)
	}
	if v.Refuses() && (v.Mark != "" || v.FailOpen || (v.Action == policy.ActionReject) != (v.Reply[0] == '5')) {
		d.Fatalf("%+v", v)
	}
}

// line holds what is promised of every line.
func (d *dialogue) line(l policy.Decision) {
	if l.End == "refused" {
		d.refusedLines++
	} else {
		d.ended++
	}
	var line, client bool
	for _, s := range l.Signals {
		line, client = line || s.Family == "line", client || s.Family == "client"
	}
	switch {
	case l.Exempt != "" && (len(l.Signals) > 0 || l.Class != "unknown" || l.Flag != "no" || l.Action != "accept"):
		d.Fatalf("an exempt session is judged: %+v", l)
	case l.Reason == policy.ReasonFailOpen && (l.Action != "accept" || l.Class != "unknown"):
		d.Fatalf("fail-open: %+v", l)
	case l.Verdict == "reject" && !(line && client):
		d.Fatalf("refused by one family: %+v", l)
	case slices.Contains([]string{"reject", "defer", "limit"}, l.Action) && l.Flag == "no" && l.Reason != policy.ReasonMixed && l.Reason != policy.ReasonNoRecipients:
		d.Fatalf("%s of a client without a flag: %+v", l.Action, l)
	case l.Action == "quarantine" && (l.End != "eom" || l.QueueID == ""):
		d.Fatalf("quarantine: %+v", l)
	case !strings.HasPrefix(l.ID, "s1."+strconv.Itoa(max(1, d.ended))) && l.End != "refused":
		d.Fatalf("message %d has the id %s", d.ended, l.ID)
	}
}

// TestPropertyExemptRecipients: whatever the client and the rules, mail to
// postmaster alone is never refused, only limited for what its own client sent.
func TestPropertyExemptRecipients(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 2000 {
		s := enforcing()
		s.Rules.Device = one(r, []policy.Action{policy.ActionDefer, policy.ActionQuarantine, policy.ActionReject})
		s.Rules.Access = one(r, []policy.Action{policy.ActionLimit, policy.ActionDefer, policy.ActionReject})
		s.Rules.EnforceAt = one(r, []policy.Stage{policy.StageConnect, policy.StageRcpt, policy.StageEOM})
		w := newWorld(t, s, nil)
		name := one(r, []string{"DiskStation", "user-pc", lineName, "localhost"})
		rcpts, eom := talk(w, client(nil), name, one(r, []*policy.Headers{plain(), header("Subject: x")}), one(r, []string{"postmaster", "ABUSE@example.test"}))
		if rcpts[0].Refuses() || eom.Refuses() || eom.Action == policy.ActionQuarantine || eom.Mark == "" {
			t.Fatalf("%+v %+v", rcpts, eom)
		}
	}
}

// TestPassIsUnjudged: a session that the edge cannot judge passes, with its line.
func TestPassIsUnjudged(t *testing.T) {
	w := newWorld(t, enforcing(), nil)
	k := w.Pass(client(nil), "limit")
	k.Greeting(helo("DiskStation"))
	k.Sender(sender("a@example.com"))
	if v := k.Recipient(background, "u@example.test"); v.Refuses() {
		t.Errorf("%+v", v)
	}
	if v := k.Message(background, "4F2A1", plain()); !v.FailOpen || !strings.Contains(v.Mark, "reason=fail-open") {
		t.Errorf("%+v", v)
	}
	k.End(policy.EndEOM)
	if lines := w.taken(); len(lines) != 1 || lines[0].Reason != policy.ReasonFailOpen || w.meter.failOpen["limit"] != 1 {
		t.Errorf("%+v %v", lines, w.meter.failOpen)
	}
}
