package milter_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
)

// The number of each test is that of the quirk in doc.go.

func TestQuirk01StateOutlivesAnswers(t *testing.T) {
	both(t, func(t *testing.T, mta mtascript.MTA) {
		f := start(t, options{settings: settings(policy.ModeEnforce)})
		tr := f.run(from(mta, line, "DiskStation",
			mail("a@example.org", "user@example.test", "postmaster@example.test"),
			mail("b@example.org", "postmaster@example.test")))
		if r := tr.Messages[0].Rcpts; !strings.HasPrefix(r[0].Text, "550 5.7.1 ") || r[1].Kind != mtascript.Continue {
			t.Errorf("recipients of the first message: %+v", r)
		}
		for i, m := range tr.Messages {
			if got := marks(m); len(got) != 1 || !strings.HasPrefix(got[0], "Yes, class=device device=nas") {
				t.Errorf("message %d: %q", i+1, got)
			}
		}
		for _, d := range f.recorded(3) {
			if d.Client != line.Addr || d.HELO == nil || *d.HELO != "DiskStation" {
				t.Errorf("the client was forgotten: %+v", d)
			}
		}
	})
}

func TestQuirk02EveryAnswerKeepsTheSession(t *testing.T) {
	// A refusal at RCPT (reply code) and one at end of message, then a message
	// that passes, all on one connection.
	s := settings(policy.ModeEnforce)
	s.Rules.EnforceAt = policy.StageEOM
	f := start(t, options{settings: s})
	tr := f.run(from(mtascript.Postfix, line, "DiskStation",
		mail("a@example.org", "user@example.test"), mail("b@example.org", "postmaster@example.test")))
	if m := tr.Messages[0]; m.Refused != mtascript.CmdEOM || !strings.HasPrefix(m.Final.Text, "550 5.7.1 ") {
		t.Errorf("first message: %+v", m.Final)
	}
	if got := marks(tr.Messages[1]); len(got) != 1 || !strings.Contains(got[0], "class=device") {
		t.Errorf("second message: %q", got)
	}
}

func TestQuirk03MacrosByScope(t *testing.T) {
	f := start(t, options{})
	s := from(mtascript.Postfix, server, "mx1.example.org", mail("a@example.org", "user@example.test"), mail("b@example.org", "user@example.test"))
	s.Messages[0].Macros = map[string]string{"{auth_authen}": "alice", "{auth_type}": "PLAIN"}
	s.Messages[0].QueueID, s.Messages[1].QueueID = "4F2A1", "4F2A2"
	f.run(s)
	d := f.recorded(2)
	if d[0].Exempt != policy.ExemptAuthenticated || d[1].Exempt != "" {
		t.Errorf("exempt: %q then %q; the login is one message's", d[0].Exempt, d[1].Exempt)
	}
	if d[0].QueueID != "4F2A1" || d[1].QueueID != "4F2A2" {
		t.Errorf("queue ids %q, %q", d[0].QueueID, d[1].QueueID)
	}
	if d[1].MTA != "mx.example.test" || d[1].PTR != "mx1.example.org" || d[1].Iprev != "pass" {
		t.Errorf("the connection's macros are gone: %+v", d[1])
	}
}

// Sendmail tells nothing of a reset when MAIL needs no answer: the next MAIL ends
// the message, and its macros have come before it.
func TestQuirk03MacrosOfMailThatEndsAnother(t *testing.T) {
	for i, want := range []string{policy.ExemptAuthenticated, ""} {
		f := start(t, options{})
		s := from(mtascript.Sendmail, server, "mx1.example.org", mail("a@example.org", "user@example.test"), mail("b@example.org", "user@example.test"))
		s.Messages[0].ResetAfter = mtascript.CmdRcpt
		s.Messages[1-i].Macros = map[string]string{"{auth_authen}": "alice", "{auth_type}": "PLAIN"}
		f.run(s)
		if d := f.recorded(2); d[1].Exempt != want || d[0].End != "implied" {
			t.Errorf("second message: exempt %q, want %q; the first ended by %s", d[1].Exempt, want, d[0].End)
		}
	}
}

func TestQuirk04HeadersOfOneMessage(t *testing.T) {
	f := start(t, options{})
	forged := mail("a@example.org", "user@example.test")
	forged.Headers = append(forged.Headers, mtascript.Header{Name: policy.HeaderName, Value: "No, host=mx.example.test"})
	tr := f.run(from(mtascript.Sendmail, server, "mx1.example.org", forged, mail("b@example.org", "user@example.test")))
	for i, m := range tr.Messages {
		if got := marks(m); len(got) != 1 {
			t.Errorf("message %d: %q", i+1, got)
		}
	}
	if n := len(tr.Messages[1].Final.Edits); n != 1 {
		t.Errorf("message 2 got %d edits, want only its own header: %+v", n, tr.Messages[1].Final.Edits)
	}
}

func TestQuirk05Addresses(t *testing.T) {
	for addr, want := range map[string]string{
		"IPv6:2001:db8::1":    "2001:db8::1",
		"2001:db8::1":         "2001:db8::1",
		"IPv6:fe80::1%eth0":   "fe80::1",
		"::ffff:198.51.100.7": "198.51.100.7",
		"no address":          "",
		"":                    "",
	} {
		f := start(t, options{})
		c := mtascript.Client{Host: "mx1.example.org", Family: mtascript.FamilyInet6, Port: 25000, Addr: addr}
		f.run(from(mtascript.Sendmail, c, "mx1.example.org"))
		if got := f.recorded(1)[0].Client; got != want {
			t.Errorf("%q: client %q, want %q", addr, got, want)
		}
	}
}

func TestQuirk06AgreesOnNoMoreThanOffered(t *testing.T) {
	offers := []mtascript.Offer{
		{Version: 6, Actions: mtascript.AllActions, Protocol: mtascript.AllProtocol},
		{Version: 6, Actions: mtascript.ActAddHeaders | mtascript.ActChgHeaders, Protocol: 0x7f},
		{Version: 2, Actions: 0x3f, Protocol: 0x7f},
		{Version: 2, Actions: 0, Protocol: 0},
		{Version: 6, Actions: mtascript.AllActions, Protocol: 0},
	}
	both(t, func(t *testing.T, mta mtascript.MTA) {
		for _, o := range offers {
			f := start(t, options{})
			s := from(mta, server, "mx1.example.org")
			s.Offer = &o
			tr := f.run(s) // Negotiate fails on more than was offered
			if tr.Agreement.Version != 2 {
				t.Errorf("version %d", tr.Agreement.Version)
			}
			edits := len(tr.Messages[0].Final.Edits)
			if may := o.Actions&mtascript.ActAddHeaders != 0; (edits == 1) != may {
				t.Errorf("offer %+v: %d edits", o, edits)
			}
		}
	})
}

func TestQuirk07ListsConnectAlone(t *testing.T) {
	f := start(t, options{})
	tr := f.run(from(mtascript.Postfix, server, "mx1.example.org"))
	if len(tr.Agreement.Macros) != 1 || !slices.Contains(tr.Agreement.Macros[mtascript.CmdConnect], "{client_resolve}") {
		t.Errorf("macro lists: %v", tr.Agreement.Macros)
	}
	s := from(mtascript.Postfix, server, "mx1.example.org")
	s.Offer = &mtascript.Offer{Version: 6, Actions: mtascript.AllActions &^ mtascript.ActSetSymList, Protocol: mtascript.AllProtocol}
	if tr = f.run(s); tr.Agreement.Macros != nil {
		t.Errorf("macro lists that were not offered: %v", tr.Agreement.Macros)
	}
}

func TestQuirk08DataIsNotAgreedAway(t *testing.T) {
	f := start(t, options{})
	tr := f.run(from(mtascript.Postfix, server, "mx1.example.org"))
	if tr.Agreement.Protocol&mtascript.ProtoNRData != 0 {
		t.Error("no reply to DATA was asked for")
	}
	c := f.dial()
	if _, err := c.Negotiate(mtascript.Offer{Version: 6, Actions: mtascript.AllActions}); err != nil {
		t.Fatal(err)
	}
	for _, frame := range []mtascript.Frame{mtascript.Data(), mtascript.Unknown("HELP"), mtascript.Body([]byte("x"))} {
		c.Send(frame.Code, frame.Payload)
		if got, err := c.Recv(); err != nil || got.Code != mtascript.ReplyContinue {
			t.Errorf("%s: %v, %v", frame, got, err)
		}
	}
	if err := c.Finish(); err != nil {
		t.Error(err)
	}
}

// Quirk 9 is TestStall, TestShutdown… and TestAcceptErrors.

func TestQuirk10OneWritePerAnswer(t *testing.T) {
	counted := &countingListener{}
	f := start(t, options{listener: counted.wrap})
	message := mail("a@example.org", "user@example.test")
	for range 20 {
		message.Headers = append(message.Headers, mtascript.Header{Name: policy.HeaderName, Value: "No, forged"})
	}
	tr, err := from(mtascript.Postfix, server, "mx1.example.org", message).Run(f.dialPlain())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tr.Messages[0].Final.Edits); n != 21 {
		t.Fatalf("%d edits, want 20 removals and one insertion", n)
	}
	// OPTNEG, RCPT and EOM are answered; CONNECT, HELO and MAIL need none.
	if w := counted.writes.Load(); w != 3 {
		t.Errorf("%d writes, want 3", w)
	}
	if r := counted.reads.Load(); r > 10 {
		t.Errorf("%d reads", r)
	}
}

func TestQuirk11PanicFailsOpen(t *testing.T) {
	for _, at := range []string{"open", "greeting", "sender", "recipient", "message", "fail", "end"} {
		t.Run(at, func(t *testing.T) {
			f := start(t, options{settings: settings(policy.ModeEnforce), wrap: func(d policy.Decider) policy.Decider {
				return panicking{d, at}
			}})
			tr := f.run(from(mtascript.Postfix, line, "DiskStation",
				mail("a@example.org", "postmaster@example.test"), mail("b@example.org", "postmaster@example.test")))
			for i, m := range tr.Messages {
				got := marks(m)
				if !m.Delivered || len(got) != 1 {
					t.Fatalf("message %d: delivered %t, %q", i+1, m.Delivered, got)
				}
				if at != "end" && got[0] != policy.FailOpenMark("mx.example.test") {
					t.Errorf("message %d: %q", i+1, got[0])
				}
			}
			if n := f.meter.count("panic"); n == 0 {
				t.Error("the panic was not counted")
			}
			// Another session is unharmed.
			if tr := f.run(from(mtascript.Postfix, server, "mx1.example.org")); !tr.Messages[0].Delivered {
				t.Error("the next session's message was not delivered")
			}
		})
	}
}

func TestQuirk12NullSenderAndReplyText(t *testing.T) {
	s := settings(policy.ModeEnforce)
	s.Rules.Replies.Reject = "550 5.7.1 100% [id={id}]"
	f := start(t, options{settings: s})
	tr := f.run(from(mtascript.Postfix, line, "DiskStation", mail("", "user@example.test")))
	d := f.recorded(2)[0]
	if d.From == nil || *d.From != "<>" {
		t.Errorf("null sender: %v", d.From)
	}
	// The script undoes the doubling as an MTA does: a lone % would be eaten.
	if got := tr.Messages[0].Rcpts[0].Text; got != "550 5.7.1 100% [id=s1.1.1]" {
		t.Errorf("reply %q", got)
	}
}

func TestQuirk13OddHeaderFramesKeepStep(t *testing.T) {
	f := start(t, options{})
	c := f.dial()
	if _, err := c.Negotiate(mtascript.FullOffer()); err != nil {
		t.Fatal(err)
	}
	send := func(frames ...mtascript.Frame) {
		for _, frame := range frames {
			if _, err := c.Event(frame); err != nil {
				t.Fatalf("%s: %v", frame, err)
			}
		}
	}
	send(mtascript.Connect("mx1.example.org", '4', 40000, "192.0.2.10"), mtascript.Helo("mx1.example.org"),
		mtascript.Mail("<a@example.org>"), mtascript.Rcpt("<user@example.test>"))
	for _, payload := range []string{"", "\x00", "Name", "Name\x00", "A\x00b\x00c\x00", "\x00\x00\x00\x00", strings.Repeat("x", 60000)} {
		c.Queue(mtascript.Frame{Code: mtascript.CmdHeader, Payload: []byte(payload)})
	}
	if err := c.Quiet(50 * time.Millisecond); err != nil {
		t.Fatalf("a header frame was answered: %v", err)
	}
	send(mtascript.EOH(), mtascript.EOM())
	if err := c.Finish(); err != nil {
		t.Error(err)
	}
}
