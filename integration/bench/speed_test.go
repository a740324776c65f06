//go:build linux

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// inbox is a real SMTP server that keeps what it is sent, and refuses one sender.
type inbox struct {
	mu      sync.Mutex
	mails   map[string]int // by sender
	last    []byte
	refused string
}

func (i *inbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mail{inbox: i}, nil }

type mail struct {
	*inbox
	from string
}

func (m *mail) Mail(from string, _ *smtp.MailOptions) error {
	if m.from = from; from == m.refused {
		return &smtp.SMTPError{Code: 550, Message: "no"}
	}
	return nil
}
func (m *mail) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (m *mail) Reset()                               {}
func (m *mail) Logout() error                        { return nil }

func (m *mail) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails[m.from]++
	m.last = b
	return err
}

func TestLoad(t *testing.T) {
	in := &inbox{mails: map[string]int{}}
	s := smtp.NewServer(in)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	z := size{8, 5}
	local := func(i int) caller { c := server(i % 10); c.addr = l.Addr().(*net.TCPAddr).AddrPort().Addr(); return c }
	load := load{to: l.Addr().String(), sessions: 4, messages: 50, data: wire(z.fields(), z.text()), caller: local}
	if took, err := load.send(context.Background()); err != nil || took <= 0 {
		t.Fatal(took, err)
	}
	for i := range 10 {
		if from := "a@" + server(i).domain; in.mails[from] != 5 {
			t.Errorf("%d mails of %s", in.mails[from], from)
		}
	}
	if !bytes.Contains(in.last, []byte("\r\n\r\nThe quick brown")) || !bytes.HasSuffix(in.last, []byte("worse for it.\r\n")) {
		t.Errorf("%.300q … %q", in.last, in.last[len(in.last)-20:])
	}
	in.refused = "a@" + server(7).domain
	if _, err := load.send(context.Background()); err == nil || !strings.Contains(err.Error(), "550") {
		t.Error("a refusal is", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := load.send(ctx); err == nil {
		t.Error("nothing is sent, and that is no error")
	}
}

func TestSizes(t *testing.T) {
	for _, p := range append(plans(options{}), plans(options{quick: true})...) {
		if got := len(p.fields()) + 1; got != p.Fields { // the signature is to come
			t.Errorf("%s: %d fields", p.size, got)
		}
		if got := len(p.text()); got > p.KiB<<10 || got < p.KiB<<10-200 {
			t.Errorf("%s: %d bytes", p.size, got)
		}
	}
	if all := plans(options{messages: 7, rounds: 2}); all[0].messages != 7 || all[0].rounds != 2 || all[1].messages == 7 {
		t.Errorf("%+v", all[:2])
	}
}

// TestCallers: no two are at one address, all are in the network that is theirs, and DNS takes
// their records.
func TestCallers(t *testing.T) {
	seen := map[string]bool{}
	var zone strings.Builder
	for n := range mostCallers {
		for _, c := range []caller{server(n), suspect(n)} {
			if !benchNetwork.Contains(c.addr) || seen[c.addr.String()] || seen[c.domain] {
				t.Fatalf("%d: %+v", n, c)
			}
			seen[c.addr.String()], seen[c.domain] = true, true
			if n < 3 {
				zone.WriteString(c.records)
			}
		}
	}
	s, err := dnstest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Set(zone.String()); err != nil {
		t.Error(err)
	}
}

// measuredWith has a round in which each filter takes some times as long as the plain one in C.
func measuredWith(wall, cpu map[string]float64) measuredSize {
	m := measuredSize{Size: size{20, 5}, Messages: 10, Rounds: 2}
	for _, name := range []string{noFilter, cPlain, cBits, ours, oursCold, oursSuspects, rspamd} {
		m.Rows = append(m.Rows, measuredRow{Name: name, Messages: 10, MTA: []float64{1, 1}, Questions: []float64{2, 2},
			Wall: []float64{2 * wall[name], 3 * wall[name]}, CPU: []float64{100 * cpu[name], 200 * cpu[name]}})
	}
	return m
}

func TestReportSpeed(t *testing.T) {
	wall := map[string]float64{noFilter: 0.5, cPlain: 1, cBits: 0.8, ours: 0.84, oursCold: 1, oursSuspects: 1, rspamd: 4.2}
	cpu := map[string]float64{cPlain: 1, cBits: 0.5, ours: 0.75, oursCold: 1, oursSuspects: 1, rspamd: 6}
	r := reportSpeed([]measuredSize{measuredWith(wall, cpu)}, options{sessions: 16})
	var b strings.Builder
	m := measured{part: part{name: "postfix"}, result: r}
	if err := r.tables[0].text(&b); err != nil {
		t.Fatal(err)
	}
	if want := "iot-milter, warm      476         2.10               0.84 (0.84–0.84)  1.05 (1.05–1.05)"; !strings.Contains(b.String(), want) {
		t.Errorf("no %q in\n%s", want, b.String())
	}
	want := [][]string{
		{"postfix", "wall time to the plain C filter", "≤ 0.90", "0.84", "met"},
		{"postfix", "wall time to the C filter with bits", "≤ 1.00", "1.05", "**missed**"},
		{"postfix", "messages/s to rspamd's", "≥ 2.50", "5.00", "met"},
		{"postfix", "CPU a message to rspamd's", "≤ 0.10", "0.12", "**missed**"},
	}
	got := targetTable([]measured{m}).rows
	for i, row := range want {
		if strings.Join(got[i], "|") != strings.Join(row, "|") {
			t.Errorf("%q, want %q", got[i], row)
		}
	}
}
