package policy_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
)

// box is a device on a line that is refused in mode enforce, on a day.
func box(day int) policy.Client {
	return client(func(c *policy.Client) { c.At = began.AddDate(0, 0, day) })
}

// write sends a message of the box and reports whether it was let in.
func write(w *world, c policy.Client, from, rcpt string) bool {
	rcpts, eom := talkFrom(w, c, "DiskStation", from, plain(), rcpt)
	return !rcpts[0].Refuses() && !eom.Refuses()
}

// TestKnownSender: who mailed the same domain on two days before enforcing began is let
// in afterwards.
func TestKnownSender(t *testing.T) {
	s := defaults()
	w := newWorld(t, s, nil)
	for day := range 2 {
		if !write(w, box(day), "nas@example.org", "admin@example.test") {
			t.Fatal("refused in mode tag")
		}
	}
	w.Swap(enforcing())
	w.taken()
	if !write(w, box(2), "NAS@example.org", "other@example.test") {
		t.Error("a known sender is refused")
	}
	if d := w.taken(); len(d) != 1 || d[0].Reason != policy.ReasonKnown || d[0].Verdict != "tag" || d[0].Flag != "yes" {
		t.Errorf("%+v", d)
	}
	neighbour := box(2)
	neighbour.Addr = netip.MustParseAddr("203.0.113.200")
	if !write(w, neighbour, "nas@example.org", "admin@example.test") {
		t.Error("it is refused at the line's next address")
	}
	stranger := box(2)
	stranger.Addr = netip.MustParseAddr("203.0.114.7")
	for name, refused := range map[string]bool{
		"another sender":  !write(w, box(2), "nas2@example.org", "admin@example.test"),
		"another domain":  !write(w, box(2), "nas@example.org", "admin@example.com"),
		"another network": !write(w, stranger, "nas@example.org", "admin@example.test"),
		"months later":    !write(w, box(90), "nas@example.org", "admin@example.test"),
	} {
		if !refused {
			t.Errorf("%s: let in", name)
		}
	}
}

// TestKnownByRefusal: who is refused day after day does not become known by that.
func TestKnownByRefusal(t *testing.T) {
	w := newWorld(t, enforcing(), nil)
	for day := range 5 {
		if write(w, box(day), "nas@example.org", "admin@example.test") {
			t.Errorf("let in on day %d", day)
		}
	}
}

// TestSafety11KnownNullSender: the null sender is everybody's.
func TestSafety11KnownNullSender(t *testing.T) {
	w := newWorld(t, defaults(), nil)
	for day := range 3 {
		write(w, box(day), "", "admin@example.test")
	}
	w.Swap(enforcing())
	if write(w, box(3), "", "admin@example.test") {
		t.Error("let in")
	}
}

// TestKnownAborted: sessions that end before the message are none.
func TestKnownAborted(t *testing.T) {
	w := newWorld(t, defaults(), nil)
	for day := range 3 {
		c := w.Open(box(day))
		c.Greeting(helo("DiskStation"))
		c.Sender(sender("nas@example.org"))
		c.Recipient(t.Context(), "admin@example.test")
		c.End(policy.EndAbort)
		c.Close()
	}
	w.Swap(enforcing())
	if write(w, box(3), "nas@example.org", "admin@example.test") {
		t.Error("let in")
	}
}

// TestKnownDeferred: neither a deferral nor a campaign holds a known sender up.
func TestKnownDeferred(t *testing.T) {
	for name, change := range map[string]func(*decider.Settings){
		"defer":      func(s *decider.Settings) { s.Rules.Device = policy.ActionDefer },
		"quarantine": func(s *decider.Settings) { s.Rules.Device, s.Rules.Notify = policy.ActionQuarantine, "p@example.test" },
		"campaign":   func(s *decider.Settings) { *s = *campaigning(policy.ActionDefer) },
	} {
		w := newWorldOf(t, defaults(), nil, 100_000)
		for day := range 2 {
			write(w, box(day), "nas@example.org", "admin@example.test")
		}
		s := enforcing()
		change(s)
		w.Swap(s)
		if name == "campaign" {
			for i := range 40 {
				c := bot(i, began.AddDate(0, 0, 2).Add(-time.Minute))
				talk(w, c, "DiskStation", plain(), "u@example.test")
			}
			if w.meter.campaigns == 0 {
				t.Fatal("no campaign")
			}
		}
		w.taken()
		if !write(w, box(2), "nas@example.org", "admin@example.test") {
			t.Errorf("%s: held up: %+v", name, w.taken())
		}
		if d := w.taken(); len(d) != 1 || d[0].Action != "tag" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
