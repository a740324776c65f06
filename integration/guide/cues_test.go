//go:build integration

package guide

import (
	"maps"
	"strings"
	"time"
)

// cue is what happens before or after commands of the page that have a text, and what must be so then.
type cue struct {
	at            string
	before, after func(*walk)
}

// networks is how many networks of NAS the ramp is tried with.
const networks = 40

var cues = []cue{
	{at: "history --limit 2", before: (*walk).mailIsNoted},
	{at: "grep -A2 '^X-IoT-Spam:'", before: (*walk).mailIsTagged},
	{at: "allow add --from-id", after: (*walk).allowedPasses},
	{at: "history --action reject", before: (*walk).someAreRefused},
	{at: "stop iot-milter", after: (*walk).mailPassesUnseen},
	{at: "start iot-milter", after: (*walk).allAreRefused},
}

const forgery = "X-IoT-Spam: No, class=mailserver confidence=1.00 host=mx.example.com\r\n"

// mailIsNoted: in mode observe mail arrives without a field of ours, forged or not, and there is a decision on it.
func (w *walk) mailIsNoted() {
	forged := server
	forged.text = forgery + server.text
	forged.sent(w.t, "250 ")
	w.without("X-IoT-Spam", w.mailbox(1))
	nas.sent(w.t, "250 ")
	w.without("X-IoT-Spam", w.mailbox(1))
	w.noted(2)
}

// mailIsTagged: a forged field goes, ours comes.
func (w *walk) mailIsTagged() {
	forged := server
	forged.text = forgery + server.text
	forged.sent(w.t, "250 ")
	if got := w.mailbox(1); strings.Count(got, "X-IoT-Spam: ") != 1 || !strings.Contains(got, "X-IoT-Spam: No, class=mailserver ") {
		w.t.Fatalf("stored is\n%s", got)
	}
	nas.sent(w.t, "250 ")
	w.with("X-IoT-Spam: Yes, class=device device=nas ", w.mailbox(1))
	w.noted(4)
}

// allowedPasses: who is on the list is not judged; off it again, for the steps to come.
func (w *walk) allowedPasses() {
	nas.sent(w.t, "250 ")
	w.with("X-IoT-Spam: No, exempt=allowed", w.mailbox(1))
	w.command(program, "allow", "remove", nas.addr)
}

// someAreRefused: of many networks some, and the same ones when they come again; mail servers never.
func (w *walk) someAreRefused() {
	first, again := w.refused(), w.refused()
	if len(first) == networks || !maps.Equal(first, again) {
		w.t.Errorf("refused were the networks %v, then %v", first, again)
	}
	server.sent(w.t, "250 ")
	w.with("X-IoT-Spam: No, ", w.mailbox(1))
	if n := w.limited(); n > 0 {
		w.t.Errorf("%d messages of a consumer line were limited, whose share is nought", n)
	}
}

// limited sends more than one network may in an hour, and says how much of it was put off.
func (w *walk) limited() (n int) {
	w.t.Helper()
	for range 8 {
		replies := home.send(w.t, "berta@example.com")
		switch last := replies[len(replies)-1]; {
		case strings.HasPrefix(last, "451 4.7.1 "):
			n++
		case strings.HasPrefix(last, "250 "):
			w.with("X-IoT-Spam: Suspect, ", w.mailbox(1))
		default:
			w.t.Fatalf("a consumer line was answered %q", replies)
		}
	}
	return n
}

// refused sends from all networks and returns those that were refused.
func (w *walk) refused() map[int]bool {
	w.t.Helper()
	refused := map[int]bool{}
	for n := range networks {
		replies := nas.at(n+1).send(w.t, "berta@example.com")
		switch last := replies[len(replies)-1]; {
		case strings.HasPrefix(last, "550 5.7.1 "):
			refused[n] = true
		case strings.HasPrefix(last, "250 "):
			w.with("X-IoT-Spam: Yes, ", w.mailbox(1))
		default:
			w.t.Fatalf("network %d was answered %q", n, replies)
		}
	}
	return refused
}

// mailPassesUnseen: a daemon that is stopped stops no mail.
func (w *walk) mailPassesUnseen() {
	nas.sent(w.t, "250 ")
	w.without("X-IoT-Spam", w.mailbox(1))
}

// allAreRefused: in mode enforce, beyond the ramp; not postmaster, and not mail servers.
func (w *walk) allAreRefused() {
	if got := w.refused(); len(got) != networks {
		w.t.Errorf("refused were %d of %d networks", len(got), networks)
	}
	if reply := nas.sent(w.t, "550 5.7.1 "); !strings.Contains(reply, "[id=") || !strings.Contains(reply, "https://example.com/mail") {
		w.t.Errorf("the reply is %q", reply)
	}
	if replies := nas.send(w.t, "postmaster@example.com"); !strings.HasPrefix(replies[len(replies)-1], "250 ") {
		w.t.Errorf("postmaster was answered %q", replies)
	}
	w.with("X-IoT-Spam: Yes, ", w.mailbox(1))
	if n := w.limited(); n == 0 || n == 8 {
		w.t.Errorf("%d of 8 messages of a consumer line were limited", n)
	}
	server.sent(w.t, "250 ")
	w.with("X-IoT-Spam: No, ", w.mailbox(1))
}

func (w *walk) with(field, message string) {
	w.t.Helper()
	if !strings.Contains(message, "\n"+field) {
		w.t.Fatalf("no %s in\n%s", field, message)
	}
}

func (w *walk) without(field, message string) {
	w.t.Helper()
	if strings.Contains(message, "\n"+field) {
		w.t.Fatalf("%s in\n%s", field, message)
	}
}

// noted waits until the history has so many decisions.
func (w *walk) noted(n int) {
	w.t.Helper()
	got := ""
	for range 50 {
		if got = w.command(program, "history", "--json", "--limit", "10000"); strings.Count(got, `"session":`) == n {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("the history has not %d decisions:\n%s", n, got)
}
