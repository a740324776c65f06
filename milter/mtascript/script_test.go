package mtascript

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestOrderOfFrames(t *testing.T) {
	nr := ProtoNRHeader | ProtoNREOH | ProtoNRBody | ProtoNRMail
	cases := []struct {
		name     string
		mta      MTA
		version  uint32
		protocol uint32
		change   func(*Session)
		want     string
	}{
		{"postfix", Postfix, 6, 0, nil, "OcChHmMrRrRtTlLlLnNbBeEAAQ"},
		{"postfix two messages", Postfix, 6, nr, func(s *Session) {
			s.Messages = append(s.Messages, s.Messages[0])
		}, "OcChHmMrRrRtTlLlLnNbBeEAmMrRrRtTlLlLnNbBeEAAQ"},
		{"postfix v2 gets no DATA, no unknown and no macros for them", Postfix, 2, 0, func(s *Session) {
			s.Messages[0].Unknown = []string{"HELP ME"}
		}, "OcChHmMrRrRlLlLnNbBeEAAQ"},
		{"postfix v3 gets unknown", Postfix, 3, 0, func(s *Session) {
			s.Messages[0].Unknown = []string{"HELP ME"}
		}, "OcChHuUmMrRrRlLlLnNbBeEAAQ"},
		{"postfix suppressed events keep their macros", Postfix, 6, ProtoNoHelo | ProtoNoRcpt | ProtoNoHeaders | ProtoNoBody,
			nil, "OcChmMrrtTnNeEAAQ"},
		{"postfix STARTTLS", Postfix, 6, 0, func(s *Session) {
			s.StartTLS = map[string]string{"{tls_version}": "TLSv1.3"}
			s.Messages = nil
		}, "OcChHAhHAQ"},
		{"postfix RSET after RCPT", Postfix, 6, 0, func(s *Session) { s.Messages[0].ResetAfter = CmdRcpt },
			"OcChHmMrRrRAAQ"},
		{"postfix client lost", Postfix, 6, 0, func(s *Session) { s.Messages[0].LostAfter = CmdData },
			"OcChHmMrRrRtTAAQ"},
		{"postfix no HELO", Postfix, 6, 0, func(s *Session) { s.Helo = "" }, "OcCmMrRrRtTlLlLnNbBeEAQ"},
		{"sendmail", Sendmail, 6, 0, nil, "OcChHmMrRrRTLLNBeEQ"},
		{"sendmail v2", Sendmail, 2, 0, func(s *Session) {
			s.Messages[0].Unknown = []string{"HELP ME"}
		}, "OcChHmMrRrRLLNBeEQ"},
		{"sendmail two messages", Sendmail, 6, nr, func(s *Session) {
			s.Messages = append(s.Messages, s.Messages[0])
		}, "OcChHmMrRrRTLLNBeEmMrRrRTLLNBeEQ"},
		{"sendmail RSET", Sendmail, 6, 0, func(s *Session) { s.Messages[0].ResetAfter = CmdRcpt }, "OcChHmMrRrRAQ"},
		{"sendmail client lost", Sendmail, 6, 0, func(s *Session) { s.Messages[0].LostAfter = CmdRcpt }, "OcChHmMrRrRQ"},
		{"sendmail RSET unseen with no reply to MAIL", Sendmail, 6, nr, func(s *Session) {
			s.Messages[0].ResetAfter = CmdRcpt
		}, "OcChHmMrRrRQ"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, srv := startFilter(t, agree(tc.version, 0, tc.protocol, nil))
			mustRun(t, with(tc.mta, tc.change), c)
			if got := srv.codes(); got != tc.want {
				t.Errorf("frames\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	text := Frame{ReplyCode, cstrings("550 5.7.1 no %% of yours")}
	reject := Frame{Code: ReplyReject}
	accept := Frame{Code: ReplyAccept}
	cases := []struct {
		at     byte
		reply  Frame
		mta    MTA
		want   string
		final  Kind
		delivd bool
	}{
		{CmdConnect, reject, Postfix, "OcC", NotSent, false},
		{CmdConnect, reject, Sendmail, "OcCQ", NotSent, false},
		{CmdHelo, accept, Postfix, "OcChH", NotSent, false},
		{CmdHelo, accept, Sendmail, "OcChHQ", NotSent, false},
		{CmdMail, text, Postfix, "OcChHmMAAQ", ReplyText, false},
		{CmdMail, text, Sendmail, "OcChHmMQ", ReplyText, false},
		{CmdRcpt, text, Postfix, "OcChHmMrRrRAAQ", ReplyText, false},
		{CmdRcpt, text, Sendmail, "OcChHmMrRrRAQ", ReplyText, false},
		{CmdRcpt, accept, Sendmail, "OcChHmMrRQ", Accept, true},
		{CmdHeader, reject, Postfix, "OcChHmMrRrRtTlLAAQ", Reject, false},
		{CmdHeader, accept, Sendmail, "OcChHmMrRrRTLQ", Accept, true},
		{CmdEOM, text, Postfix, "OcChHmMrRrRtTlLlLnNbBeEAAQ", ReplyText, false},
		{CmdEOM, text, Sendmail, "OcChHmMrRrRTLLNBeEQ", ReplyText, false},
	}
	for _, tc := range cases {
		t.Run(fmt.Sprintf("%v %s %v", tc.mta, StageName(tc.at), tc.reply), func(t *testing.T) {
			c, srv := startFilter(t, agree(6, 0, 0, map[byte][]Frame{tc.at: {tc.reply}}))
			tr := mustRun(t, with(tc.mta, nil), c)
			if got := srv.codes(); got != tc.want {
				t.Errorf("frames\n got %s\nwant %s", got, tc.want)
			}
			if len(tr.Messages) == 0 {
				if tc.final != NotSent {
					t.Fatal("no message in the transcript")
				}
				return
			}
			m := tr.Messages[0]
			if m.Final.Kind != tc.final || m.Delivered != tc.delivd {
				t.Errorf("final %v delivered %v", m.Final.Kind, m.Delivered)
			}
			if tc.final == ReplyText && m.Final.Text != "550 5.7.1 no % of yours" {
				t.Errorf("text %q", m.Final.Text)
			}
		})
	}
}

func TestMacros(t *testing.T) {
	lists := OptNeg(Offer{2, ActSetSymList, 0})
	lists.Payload = append(lists.Payload, 0, 0, 0, 0)
	lists.Payload = append(lists.Payload, cstrings("j {client_ptr} {j} nothing")...)
	special := map[byte][]Frame{CmdOptNeg: {lists}}
	for _, mta := range []MTA{Postfix, Sendmail} {
		c, srv := startFilter(t, agree(2, 0, 0, special))
		tr := mustRun(t, with(mta, nil), c)
		if got := strings.Join(tr.Agreement.Macros[CmdConnect], " "); got != "j {client_ptr} {j} nothing" {
			t.Errorf("%v list %q", mta, got)
		}
		srv.codes()
		want := Macro(CmdConnect, "j", "mx.example.org", "{client_ptr}", "mail.example.net", "{j}", "mx.example.org")
		if got := srv.got[1]; got.String() != want.String() {
			t.Errorf("%v connect macros %v", mta, got)
		}
		id := "i\x004F2A1\x00"
		var mail, rcpts []string
		for _, f := range srv.got {
			if f.Code == CmdMacro && f.Payload[0] == CmdMail {
				mail = append(mail, string(f.Payload))
			}
			if f.Code == CmdMacro && f.Payload[0] == CmdRcpt {
				rcpts = append(rcpts, string(f.Payload))
			}
		}
		if got := strings.Contains(mail[0], id); got != (mta == Sendmail) {
			t.Errorf("%v queue id at MAIL: %v", mta, got)
		}
		if mta == Postfix && (strings.Contains(rcpts[0], id) || !strings.Contains(rcpts[1], id)) {
			t.Errorf("queue id at RCPT: %q", rcpts)
		}
	}
}

func TestSendmailTiesListOfEOMToEOH(t *testing.T) {
	stage := func(n byte, list string) string { return string([]byte{0, 0, 0, n}) + list + "\x00" }
	for lists, want := range map[string]string{
		stage(5, "i j"):                "E{msg_id}\x00<1@example.org>\x00",
		stage(6, "i"):                  "",
		stage(5, "i j") + stage(6, ""): "Ei\x004F2A1\x00j\x00mx.example.org\x00",
	} {
		answer := OptNeg(Offer{2, ActSetSymList, 0})
		answer.Payload = append(answer.Payload, lists...)
		c, srv := startFilter(t, agree(2, 0, 0, map[byte][]Frame{CmdOptNeg: {answer}}))
		mustRun(t, with(Sendmail, nil), c)
		srv.codes()
		got := ""
		for _, f := range srv.got {
			if f.Code == CmdMacro && f.Payload[0] == CmdEOM {
				got = string(f.Payload)
			}
		}
		if got != want {
			t.Errorf("lists %q: macros at EOM %q, want %q", lists, got, want)
		}
	}
}

func TestStrayReplies(t *testing.T) {
	for _, mta := range []MTA{Postfix, Sendmail} {
		// The filter agreed to no reply for headers and sends one all the same.
		special := map[byte][]Frame{CmdHeader: {{Code: ReplyContinue}}}
		c, _ := startFilter(t, agree(6, 0, ProtoNRHeader, special))
		_, err := with(mta, nil).Run(c)
		wantError(t, err, ErrOutOfStep)

		c, _ = startFilter(t, agree(6, 0, 0, map[byte][]Frame{CmdAbort: {{Code: ReplyContinue}}}))
		_, err = with(mta, func(s *Session) { s.Messages[0].ResetAfter = CmdMail }).Run(c)
		wantError(t, err, ErrOutOfStep)

		c, _ = startFilter(t, agree(6, 0, 0, map[byte][]Frame{CmdMail: {editFrame(ReplyAddHeader, 0, "X", "y")}}))
		_, err = with(mta, nil).Run(c)
		wantError(t, err, ErrOutOfStep)
	}
	c, _ := startFilter(t, agree(6, 0, ProtoNRHeader, map[byte][]Frame{CmdHeader: {{Code: ReplyContinue}}}))
	c.Settle = time.Second
	if _, err := c.Negotiate(FullOffer()); err != nil {
		t.Fatal(err)
	}
	_, err := c.Event(HeaderField("A", "b"))
	wantError(t, err, ErrOutOfStep)
}

func TestEditsReachTheHeaders(t *testing.T) {
	edits := []Frame{
		editFrame(ReplyChgHeader, 1, "subject", ""),
		editFrame(ReplyInsHeader, 0, "X-IoT-Spam", "No"),
		{Code: ReplyProgress},
		{ReplyQuarantine, cstrings("why")},
		{Code: ReplyContinue},
	}
	for _, mta := range []MTA{Postfix, Sendmail} {
		c, _ := startFilter(t, agree(6, AllActions, 0, map[byte][]Frame{CmdEOM: edits}))
		tr := mustRun(t, with(mta, nil), c)
		m := tr.Messages[0]
		if got := names(m.Headers); got != "X-IoT-Spam Received* From" {
			t.Errorf("%v headers %s", mta, got)
		}
		if m.Final.Progress != 1 || m.Final.Edits[2].Value != "why" {
			t.Errorf("%v final %+v", mta, m.Final)
		}
	}
}

func TestBodyChunksAndSkip(t *testing.T) {
	big := func(s *Session) { s.Messages[0].Body = []byte(strings.Repeat("0123456789\n", 20000)) }
	c, srv := startFilter(t, agree(6, 0, ProtoNRBody, nil))
	mustRun(t, with(Postfix, big), c)
	if got := strings.Count(srv.codes(), "B"); got != 4 {
		t.Errorf("%d chunks", got)
	}
	c, srv = startFilter(t, agree(6, 0, 0, map[byte][]Frame{CmdBody: {{Code: ReplySkip}}}))
	mustRun(t, with(Sendmail, big), c)
	if got := strings.Count(srv.codes(), "B"); got != 1 {
		t.Errorf("%d chunks after skip", got)
	}
}
