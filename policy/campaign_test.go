package policy_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// campaigning are rules in mode enforce by which nothing but a campaign acts.
func campaigning(action policy.Action) *decider.Settings {
	s := enforcing()
	s.Rules.Device, s.Rules.Access = policy.ActionTag, policy.ActionTag
	s.Campaign = decider.Campaign{
		CampaignRule: state.CampaignRule{Window: 10 * time.Minute, Hosts: 25, Hold: 24 * time.Hour}, Action: action,
	}
	return s
}

// bot is the n-th suspect, in a network of its own.
func bot(n int, at time.Time) policy.Client {
	addr := netip.AddrFrom4([4]byte{203, 0, byte(n), 7})
	return client(func(c *policy.Client) {
		c.At, c.Addr = at, addr
		c.Name = policy.Seen("cpe-" + strings.ReplaceAll(addr.String(), ".", "-") + ".dyn.isp.example")
	})
}

func spam(n int) *policy.Headers {
	return header("From: a@example.org", "To: b@example.net", fmt.Sprintf("Subject: Cheap watches %d", n),
		"Date: Sun, 22 Nov 2026 20:00:00 +0000", fmt.Sprintf("Message-ID: <%d$x@pc>", n))
}

// run sends the template from n networks at a time each a second later and returns
// the number of the first message that was put off, 0 if none was.
func run(w *world, at time.Time, n int) (first int) {
	for i := range n {
		_, eom := talk(w, bot(i, at.Add(time.Duration(i)*time.Second)), "user-pc", spam(i), "u@example.test")
		if eom.Refuses() && first == 0 {
			first = i + 1
		}
	}
	return first
}

func TestCampaign(t *testing.T) {
	w := newWorld(t, campaigning(policy.ActionDefer), nil)
	if first := run(w, began, 40); first != 25 {
		t.Errorf("the first to be put off is message %d", first)
	}
	if w.meter.campaigns != 2 || w.meter.hits != 16 { // with the subject and without
		t.Errorf("%d campaigns, %d messages", w.meter.campaigns, w.meter.hits)
	}
	if n := strings.Count(w.log.String(), "msg=campaign"); n != 2 {
		t.Errorf("%d lines of log", n)
	}
	lines := w.taken()
	if d := lines[len(lines)-1]; d.Reason != policy.ReasonCampaign || d.Verdict != "defer" || d.Action != "defer" {
		t.Errorf("%+v", d)
	}
	_, eom := talk(w, bot(50, began.Add(time.Hour)), "user-pc", header("From: a@example.org", "Subject: other", "X-Mailer: x"), "u@example.test")
	if eom.Refuses() {
		t.Error("another template is put off")
	}
}

// TestCampaignRetry: who comes again, as mail servers do, is let through.
func TestCampaignRetry(t *testing.T) {
	w := newWorld(t, campaigning(policy.ActionDefer), nil)
	run(w, began, 30)
	late := began.Add(20 * time.Minute)
	if _, eom := talk(w, bot(60, late), "user-pc", spam(60), "u@example.test"); !eom.Refuses() {
		t.Fatal("not put off")
	}
	if _, eom := talk(w, bot(60, late.Add(15*time.Minute)), "user-pc", spam(60), "u@example.test"); eom.Refuses() {
		t.Error("put off twice")
	}
}

// TestSafety09Bystanders: whoever is no suspect is not touched, whatever he sends.
func TestSafety09Bystanders(t *testing.T) {
	w := newWorld(t, campaigning(policy.ActionReject), nil)
	run(w, began, 40)
	for i := range 20 {
		c := client(server)
		c.At = began.Add(time.Minute)
		if _, eom := talk(w, c, serverName, spam(i), "u@example.test"); eom.Refuses() {
			t.Fatalf("a mail server: %+v", eom)
		}
		unknown := client(func(c *policy.Client) {
			c.At, c.Addr, c.Name = began.Add(time.Minute), netip.MustParseAddr("198.51.100.9"), policy.Seen("berlin.example.org")
		})
		if _, eom := talk(w, unknown, "berlin.example.org", spam(i), "u@example.test"); eom.Refuses() {
			t.Fatalf("a host of no class: %+v", eom)
		}
		if _, eom := talk(w, bot(i, began.Add(time.Minute)), "user-pc", spam(i), "postmaster"); eom.Refuses() {
			t.Fatalf("mail to postmaster: %+v", eom)
		}
	}
}

// TestSafety09Refusal: a campaign refuses only whom his own facts would.
func TestSafety09Refusal(t *testing.T) {
	w := newWorld(t, campaigning(policy.ActionReject), nil)
	run(w, began, 40)
	at := began.Add(time.Minute)
	if _, eom := talk(w, bot(50, at), "user-pc", spam(50), "u@example.test"); eom.Action != policy.ActionReject {
		t.Errorf("line and client: %+v", eom)
	}
	c := bot(51, at)
	name := c.Name.String()
	traced := header("Received: from a by b", "From: a@example.org", "To: b@example.net", "Subject: Cheap watches 9",
		"Date: Sun, 22 Nov 2026 20:00:00 +0000", "Message-ID: <9$x@pc>")
	w2 := newWorld(t, campaigning(policy.ActionReject), nil)
	for i := range 40 {
		b := bot(i, began)
		talk(w2, b, b.Name.String(), traced, "u@example.test")
	}
	if _, eom := talk(w2, c, name, traced, "u@example.test"); eom.Action != policy.ActionDefer {
		t.Errorf("the line alone: %+v", eom)
	}
}

// TestSafety09Fleet: devices of one maker that mail their alerts on one morning, as
// they did on mornings before.
func TestSafety09Fleet(t *testing.T) {
	s := campaigning(policy.ActionDefer)
	w := newWorldOf(t, s, nil, 100_000)
	alert := func() *policy.Headers {
		return header("From: nas@example.org", "To: admin@example.net", "Subject: [DiskStation] Backup finished", "Message-ID: <1@DiskStation>")
	}
	put := make([]int, 4)
	for day := range put {
		for i := range 200 {
			at := began.AddDate(0, 0, day).Add(time.Duration(i) * time.Second)
			// On the first two mornings they come one by one, over hours.
			if day < 2 {
				at = began.AddDate(0, 0, day).Add(time.Duration(i) * time.Minute)
			}
			if _, eom := talk(w, bot(i, at), "DiskStation", alert(), "admin@example.test"); eom.Refuses() {
				put[day]++
			}
		}
	}
	if put[2] != 0 || put[3] != 0 {
		t.Errorf("put off by day: %v", put)
	}
}

// TestCampaignOff: without the rule nothing is counted.
func TestCampaignOff(t *testing.T) {
	s := campaigning(policy.ActionDefer)
	s.Campaign = decider.Campaign{}
	if w := newWorld(t, s, nil); run(w, began, 60) != 0 || w.meter.campaigns > 0 {
		t.Error("a campaign")
	}
}
