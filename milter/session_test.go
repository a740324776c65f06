package milter_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
)

func (f *filter) dialPlain() *mtascript.Conn {
	c := f.dial()
	c.Settle = 0
	c.Coalesce = true
	return c
}

// countingListener counts reads and writes of its connections.
type countingListener struct {
	net.Listener
	reads, writes atomic.Int64
}

func (l *countingListener) wrap(inner net.Listener) net.Listener { l.Listener = inner; return l }

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, l}, nil
}

type countingConn struct {
	net.Conn
	l *countingListener
}

func (c countingConn) Read(p []byte) (int, error)  { c.l.reads.Add(1); return c.Conn.Read(p) }
func (c countingConn) Write(p []byte) (int, error) { c.l.writes.Add(1); return c.Conn.Write(p) }

// panicking panics at one method of a case, in sessions from an access line.
type panicking struct {
	policy.Decider
	at string
}

func (p panicking) Open(c policy.Client) policy.Case {
	if c.Name.String() != line.Host {
		return p.Decider.Open(c)
	}
	p.boom("open")
	return panickingCase{p.Decider.Open(c), p}
}

func (p panicking) boom(at string) {
	if p.at == at || p.at == "fail" && at == "message" {
		panic("test: " + at)
	}
}

type panickingCase struct {
	policy.Case
	p panicking
}

func (c panickingCase) Greeting(g policy.Greeting) { c.p.boom("greeting"); c.Case.Greeting(g) }
func (c panickingCase) Sender(e policy.Envelope)   { c.p.boom("sender"); c.Case.Sender(e) }
func (c panickingCase) Recipient(ctx context.Context, rcpt string) policy.Verdict {
	c.p.boom("recipient")
	return c.Case.Recipient(ctx, rcpt)
}
func (c panickingCase) Message(ctx context.Context, id string, h *policy.Headers) policy.Verdict {
	c.p.boom("message")
	return c.Case.Message(ctx, id, h)
}
func (c panickingCase) Fail(cause string) {
	if c.p.at == "fail" {
		panic("test: fail")
	}
	c.Case.Fail(cause)
}
func (c panickingCase) End(how policy.End) { c.p.boom("end"); c.Case.End(how) }

func TestTagsYesSuspectAndNo(t *testing.T) {
	both(t, func(t *testing.T, mta mtascript.MTA) {
		f := start(t, options{})
		for _, tc := range []struct {
			client mtascript.Client
			helo   string
			want   string
		}{
			{server, "mx1.example.org", "No, class=mailserver confidence=0."},
			{line, "DiskStation", "Yes, class=device device=nas confidence=0."},
			{line, line.Host, "Suspect, class=access confidence=0."},
		} {
			m := f.run(from(mta, tc.client, tc.helo)).Messages[0]
			got := marks(m)
			if len(got) != 1 || !strings.HasPrefix(got[0], tc.want) || !strings.HasSuffix(got[0], "host=mx.example.test") {
				t.Errorf("%s: %q, want %q…", tc.helo, got, tc.want)
			}
			if m.Headers[0].Name != policy.HeaderName {
				t.Errorf("%s: %q is on top", tc.helo, m.Headers[0].Name)
			}
		}
	})
}

func TestEnds(t *testing.T) {
	ends := func(ds []policy.Decision) (s []string) {
		for _, d := range ds {
			s = append(s, d.End)
		}
		return s
	}
	aborted := func(at byte) mtascript.Message {
		m := mail("a@example.org", "user@example.test")
		m.ResetAfter = at
		return m
	}
	t.Run("rset", func(t *testing.T) {
		f := start(t, options{})
		f.run(from(mtascript.Postfix, server, "mx1.example.org", aborted(mtascript.CmdRcpt), mail("b@example.org", "u@example.test")))
		if got := ends(f.recorded(2)); got[0] != "abort" || got[1] != "eom" {
			t.Error(got)
		}
	})
	t.Run("sendmail says nothing of a reset that it thinks nobody saw", func(t *testing.T) {
		f := start(t, options{})
		f.run(from(mtascript.Sendmail, server, "mx1.example.org", aborted(mtascript.CmdRcpt), mail("b@example.org", "u@example.test")))
		if got := ends(f.recorded(2)); got[0] != "implied" || got[1] != "eom" {
			t.Error(got)
		}
	})
	t.Run("lost", func(t *testing.T) {
		f := start(t, options{})
		s := from(mtascript.Postfix, server, "mx1.example.org")
		s.Fault = &mtascript.Fault{Kind: mtascript.FaultReset, At: mtascript.CmdEOM}
		if _, err := s.Run(f.dial()); err != nil {
			t.Fatal(err)
		}
		if got := ends(f.recorded(1)); got[0] != "lost" {
			t.Error(got)
		}
	})
	t.Run("abort before mail, twice, and none", func(t *testing.T) {
		f := start(t, options{})
		c := f.dial()
		c.Negotiate(mtascript.FullOffer())
		for _, frame := range []mtascript.Frame{mtascript.Abort(), mtascript.Connect("h", '4', 1, "192.0.2.10"), mtascript.Abort(), mtascript.Abort()} {
			if _, err := c.Event(frame); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Finish(); err != nil {
			t.Fatal(err)
		}
		f.recorded(0)
	})
}

func TestStartTLSRefreshesTheGreeting(t *testing.T) {
	f := start(t, options{})
	s := from(mtascript.Postfix, server, "mx1.example.org")
	s.StartTLS = map[string]string{"{tls_version}": "TLSv1.3", "{cipher}": "AES"}
	f.run(s)
	for _, sig := range f.recorded(1)[0].Signals {
		if sig.Name == "tls" && strings.Contains(sig.Fact, "TLSv1.3") {
			return
		}
	}
	t.Error("the TLS version of the second greeting was not seen")
}

func TestSecondClientOnOneConnection(t *testing.T) {
	for _, between := range [][]mtascript.Frame{nil, {mtascript.QuitNC()}, {mtascript.Abort()}} {
		f := start(t, options{})
		c := f.dial()
		if _, err := c.Negotiate(mtascript.FullOffer()); err != nil {
			t.Fatal(err)
		}
		send := func(frames ...mtascript.Frame) {
			for _, frame := range frames {
				if _, err := c.Event(frame); err != nil {
					t.Fatal(frame, err)
				}
			}
		}
		one := []mtascript.Frame{mtascript.Helo("x.example.org"), mtascript.Mail("<a@example.org>"), mtascript.Rcpt("<u@example.test>"), mtascript.EOH(), mtascript.EOM()}
		send(mtascript.Connect("a.example.org", '4', 1, "192.0.2.1"))
		send(one...)
		send(between...)
		send(mtascript.Connect("b.example.org", '4', 2, "192.0.2.2"))
		send(one...)
		if err := c.Finish(); err != nil {
			t.Fatal(err)
		}
		d := f.recorded(2)
		if d[0].Client != "192.0.2.1" || d[1].Client != "192.0.2.2" {
			t.Errorf("clients %s, %s", d[0].Client, d[1].Client)
		}
	}
}

func TestClientNames(t *testing.T) {
	for _, tc := range []struct {
		name   string
		host   string
		macros map[string]string
		ptr    string
		iprev  string
	}{
		{"confirmed", "a.example.org", map[string]string{"{client_resolve}": "OK", "{client_name}": "a.example.org", "{client_ptr}": "a.example.org"}, "a.example.org", "pass"},
		{"none", "[192.0.2.1]", map[string]string{"{client_resolve}": "FAIL", "{client_ptr}": "unknown"}, "", "permerror"},
		{"claimed, Postfix", "[192.0.2.1]", map[string]string{"{client_resolve}": "FAIL", "{client_ptr}": "a.example.org"}, "a.example.org", "fail"},
		{"claimed, Sendmail", "[192.0.2.1]", map[string]string{"{client_resolve}": "FORGED", "{client_ptr}": "a.example.org"}, "a.example.org", "fail"},
		{"forged by trace", "[192.0.2.1]", map[string]string{"{client_resolve}": "FORGED", "{client_ptr}": "", "_": "a.example.org [192.0.2.1] (may be forged)"}, "a.example.org", "fail"},
		{"temporary", "[192.0.2.1]", map[string]string{"{client_resolve}": "TEMP", "{client_ptr}": "unknown"}, "", "temperror"},
		{"temporary forward failure without client_resolve", "[192.0.2.1]", map[string]string{"{client_resolve}": "", "{client_ptr}": "", "_": "a.example.org [192.0.2.1] (may be forged)"}, "a.example.org", ""},
		{"bracketed without client_resolve", "[192.0.2.1]", map[string]string{"{client_resolve}": "", "{client_ptr}": "", "_": "unknown [192.0.2.1]"}, "", ""},
		{"host alone", "a.example.org", map[string]string{"{client_resolve}": "", "{client_ptr}": "", "{client_name}": "", "_": ""}, "a.example.org", "pass"},
		{"no macros at all", "[192.0.2.1]", nil, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := start(t, options{})
			s := from(mtascript.Postfix, mtascript.Client{Host: tc.host, Port: 1, Addr: "192.0.2.1"}, "h.example.org")
			if tc.macros == nil {
				s.Macros = map[string]string{}
			}
			for k, v := range tc.macros {
				s.Macros[k] = v
				if v == "" {
					delete(s.Macros, k)
				}
			}
			f.run(s)
			if d := f.recorded(1)[0]; d.PTR != tc.ptr || d.Iprev != tc.iprev {
				t.Errorf("ptr %q iprev %q, want %q %q", d.PTR, d.Iprev, tc.ptr, tc.iprev)
			}
		})
	}
}

func TestSafety13ExemptSessions(t *testing.T) {
	for want, change := range map[string]func(*mtascript.Session){
		"network": func(s *mtascript.Session) { s.Client.Addr = "10.1.2.3" },
		"local": func(s *mtascript.Session) {
			s.Client = mtascript.Client{Host: "localhost", Family: 'L', Addr: "/run/x"}
		},
		"daemon": func(s *mtascript.Session) { s.Macros["{daemon_name}"] = "ORIGINATING" },
		"port":   func(s *mtascript.Session) { s.Macros["{daemon_port}"] = "587" },
		"authenticated": func(s *mtascript.Session) {
			s.Messages[0].Macros = map[string]string{"{auth_authen}": "alice"}
		},
	} {
		t.Run(want, func(t *testing.T) {
			f := start(t, options{settings: settings(policy.ModeEnforce)})
			s := from(mtascript.Postfix, line, "DiskStation")
			s.Messages[0].Headers = append(s.Messages[0].Headers, mtascript.Header{Name: "x-iot-spam", Value: "No, host=mx.example.test"})
			change(&s)
			m := f.run(s).Messages[0]
			got := marks(m)
			if want := "No, exempt=" + want + " host=mx.example.test"; len(got) != 1 || got[0] != want {
				t.Errorf("%q, want %q and the forged one gone", got, want)
			}
			if d := f.recorded(1)[0]; d.Exempt != want || d.Flag != "no" || len(d.Signals) != 0 {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestSafety14VerdictOfAnOwnHostIsKept(t *testing.T) {
	both(t, func(t *testing.T, mta mtascript.MTA) {
		const own = "Yes, class=device device=nas confidence=0.97 action=tag\n signals=helo-device host=mx.example.test"
		relayed := mail("a@example.org", "user@example.test")
		relayed.Headers = append([]mtascript.Header{
			{Name: policy.HeaderName, Value: "No, class=mailserver host=mx.evil.example"},
			{Name: policy.HeaderName, Value: own},
			{Name: policy.HeaderName, Value: "No, class=mailserver host=mx.example.test"},
		}, relayed.Headers...)
		f := start(t, options{})
		relay := mtascript.Client{Host: "localhost", Port: 1, Addr: "127.0.0.1"}
		if got := marks(f.run(from(mta, relay, "localhost", relayed)).Messages[0]); len(got) != 1 || got[0] != own {
			t.Errorf("from a relay: %q", got)
		}
		got := marks(f.run(from(mta, server, "mx1.example.org", relayed)).Messages[0])
		if len(got) != 1 || !strings.HasPrefix(got[0], "No, class=mailserver confidence=") {
			t.Errorf("from outside: %q", got)
		}
		d := f.recorded(2)
		if d[0].Reason != policy.ReasonKept || d[0].Exempt != policy.ExemptRelay {
			t.Errorf("%+v", d[0])
		}
	})
}

func TestSafety16AboveTheSessionLimitStripsOnly(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 1}, settings: settings(policy.ModeEnforce)})
	held := f.dial()
	if _, err := held.Negotiate(mtascript.FullOffer()); err != nil {
		t.Fatal(err)
	}
	s := from(mtascript.Postfix, line, "DiskStation")
	s.Messages[0].Headers = append(s.Messages[0].Headers, mtascript.Header{Name: policy.HeaderName, Value: "No, forged"})
	m := f.run(s).Messages[0]
	if !m.Delivered || len(marks(m)) != 0 {
		t.Errorf("delivered %t, %q", m.Delivered, marks(m))
	}
	if f.meter.count(milter.EventStripOnly) != 1 {
		t.Error("not counted")
	}
	if err := held.Finish(); err != nil {
		t.Error(err)
	}
}

func TestTwoMTAsAtOnce(t *testing.T) {
	f := start(t, options{})
	errs := make(chan error, 64)
	for i := range 64 {
		go func() {
			s := from(mtascript.MTA(i%2), line, "DiskStation", mail("a@example.org", "u@example.test"), mail("b@example.org", "u@example.test"))
			c, err := mtascript.Dial("unix", f.path)
			if err == nil {
				_, err = s.Run(c)
			}
			errs <- err
		}()
	}
	for range 64 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	f.recorded(128)
}

func TestSafety20NothingIsForged(t *testing.T) {
	f := start(t, options{settings: settings(policy.ModeEnforce)})
	helo := "DiskStation\r\n250 OK\r\nX-IoT-Spam: No\x1b[2J" + strings.Repeat("\xff", 300)
	tr := f.run(from(mtascript.Postfix, line, helo, mail("a@example.org", "postmaster@example.test", "u@example.test")))
	for _, v := range marks(tr.Messages[0]) {
		if strings.Contains(v, "250 OK") || strings.Count(v, policy.HeaderName) != 0 {
			t.Errorf("header %q", v)
		}
	}
	for _, d := range f.recorded(1 + refused(tr)) {
		if len(*d.HELO) > 255 {
			t.Errorf("a HELO of %d bytes was kept", len(*d.HELO))
		}
	}
}

func refused(tr *mtascript.Transcript) (n int) {
	for _, r := range tr.Messages[0].Rcpts {
		if r.Kind.Refused() {
			n++
		}
	}
	return n
}

func TestManyAndLongHeaders(t *testing.T) {
	f := start(t, options{})
	message := mail("a@example.org", "user@example.test")
	for i := range 10000 {
		h := mtascript.Header{Name: "X-Filler", Value: strings.Repeat("\xe4", 100)}
		if i%20 == 0 {
			h = mtascript.Header{Name: policy.HeaderName, Value: "No, forged"}
		}
		message.Headers = append(message.Headers, h)
	}
	message.Headers = append(message.Headers, mtascript.Header{Name: "X-Long", Value: strings.Repeat("y", 65000)})
	m, err := from(mtascript.Postfix, server, "mx1.example.org", message).Run(f.dialPlain())
	if err != nil {
		t.Fatal(err)
	}
	if got := marks(m.Messages[0]); len(got) != 1 || strings.Contains(got[0], "forged") {
		t.Errorf("%d fields of our name are left", len(got))
	}
}

func TestAuthenticationResults(t *testing.T) {
	s := settings(policy.ModeTag)
	s.Rules.AuthResult = true
	f := start(t, options{settings: s})
	message := mail("a@example.org", "user@example.test")
	for _, v := range []string{
		"mx.example.test; iprev=pass policy.iprev=192.0.2.1",
		"mx.example.test; spf=pass smtp.mailfrom=example.org",
		"other.example; iprev=pass policy.iprev=192.0.2.1",
		"MX.example.test 1; dkim=none; IPREV=fail",
	} {
		message.Headers = append(message.Headers, mtascript.Header{Name: "Authentication-Results", Value: v})
	}
	m := f.run(from(mtascript.Postfix, server, "mx1.example.org", message)).Messages[0]
	var got []string
	for _, h := range m.Headers {
		if h.Name == "Authentication-Results" {
			got = append(got, h.Value)
		}
	}
	want := []string{
		"mx.example.test;\n iprev=pass policy.iprev=192.0.2.10 (mx1.example.org)",
		"mx.example.test; spf=pass smtp.mailfrom=example.org",
		"other.example; iprev=pass policy.iprev=192.0.2.1",
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q\nwant %q", got, want)
	}
	// Re-injected, with our verdict on it: our own field stays.
	again := mtascript.Message{From: "a@example.org", Rcpts: []string{"u@example.test"}, Headers: m.Headers[:2:2]}
	kept := f.run(from(mtascript.Postfix, mtascript.Client{Host: "localhost", Port: 1, Addr: "127.0.0.1"}, "localhost", again))
	if edits := kept.Messages[0].Final.Edits; len(edits) != 0 {
		t.Errorf("re-injection edits %+v", edits)
	}
}

func TestObserveWritesNothing(t *testing.T) {
	f := start(t, options{settings: settings(policy.ModeObserve)})
	s := from(mtascript.Postfix, line, "DiskStation")
	s.Messages[0].Headers = append(s.Messages[0].Headers, mtascript.Header{Name: policy.HeaderName, Value: "No, forged"})
	if got := marks(f.run(s).Messages[0]); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if d := f.recorded(1)[0]; d.Flag != "yes" || d.Verdict != "reject" || d.Action != "accept" {
		t.Errorf("%+v", d)
	}
}

func TestIdleSessionsAreCheap(t *testing.T) {
	f := start(t, options{})
	var conns []*mtascript.Conn
	for range 1000 {
		c := f.dialPlain()
		if _, err := c.Negotiate(mtascript.FullOffer()); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	began := time.Now()
	if !f.run(from(mtascript.Postfix, server, "mx1.example.org")).Messages[0].Delivered {
		t.Error("not delivered")
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %s beside 1,000 idle sessions", d)
	}
	for _, c := range conns {
		c.Close()
	}
}

// closing tells of each case that is opened and closed.
type closing struct {
	policy.Decider
	open, opened *atomic.Int64
}

func (c closing) Open(client policy.Client) policy.Case {
	c.open.Add(1)
	c.opened.Add(1)
	return closingCase{c.Decider.Open(client), c}
}

type closingCase struct {
	policy.Case
	c closing
}

func (c closingCase) Close() { c.c.open.Add(-1); c.Case.Close() }

// TestCasesAreClosed: however a session ends, what is looked up about its client
// ends with it.
func TestCasesAreClosed(t *testing.T) {
	both(t, func(t *testing.T, mta mtascript.MTA) {
		var open, opened atomic.Int64
		f := start(t, options{wrap: func(d policy.Decider) policy.Decider { return closing{d, &open, &opened} }})
		f.run(from(mta, server, "mx1.example.org")) // ends with QUIT
		lost := f.dialPlain()
		if _, err := lost.Negotiate(mtascript.FullOffer()); err != nil {
			t.Fatal(err)
		}
		for _, frame := range []mtascript.Frame{mtascript.Connect("mx1.example.org", '4', 1, "192.0.2.1"),
			mtascript.Mail("<a@example.org>"), mtascript.Rcpt("<u@example.test>")} {
			if _, err := lost.Event(frame); err != nil {
				t.Fatal(err)
			}
		}
		lost.Close()
		for i := 0; i < 500 && (open.Load() > 0 || opened.Load() < 2); i++ {
			time.Sleep(10 * time.Millisecond)
		}
		if open.Load() > 0 || opened.Load() != 2 {
			t.Errorf("%d of %d cases stay open", open.Load(), opened.Load())
		}
	})
}
