package daemon_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/internal/daemon"
	"github.com/iot-milter/iot-milter/internal/racetest"
	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

const warmZone = `
80.2.0.192.in-addr.arpa 86400 PTR mail.example.org.
mail.example.org 86400 A 192.0.2.80
7.113.0.203.in-addr.arpa 86400 PTR cpe-203-0-113-7.dyn.isp.example.
cpe-203-0-113-7.dyn.isp.example 86400 A 203.0.113.7
example.org 86400 MX 10 mail.example.org.
example.org 86400 TXT "v=spf1 ip4:192.0.2.80 -all"
`

// warm are the clients of the warm sessions: one that is accepted at once, and one that
// is judged by all that there is.
var warm = map[string]struct {
	client mtascript.Client
	helo   string
}{
	"mailserver": {mtascript.Client{Host: "mail.example.org", Port: 4000, Addr: "192.0.2.80"}, "mail.example.org"},
	"device":     {mtascript.Client{Host: "cpe-203-0-113-7.dyn.isp.example", Port: 4000, Addr: "203.0.113.7"}, "DiskStation"},
}

// warmSession is one of so many messages, with so many header fields each.
func warmSession(name string, messages, fields int) mtascript.Session {
	s := mtascript.Session{Client: warm[name].client, Helo: warm[name].helo}
	for range messages {
		m := mtascript.Message{From: "a@example.org", Rcpts: []string{"u@example.test"}, QueueID: "4F2A1", Body: []byte("Hello\n"),
			Headers: []mtascript.Header{
				{Name: "Received", Value: "from a.example.org (a.example.org [192.0.2.81])\n\tby mail.example.org with ESMTPS id 4F2A0"},
				{Name: "DKIM-Signature", Value: "v=1; a=rsa-sha256; d=example.org; s=a; h=from; bh=x; b=x"},
				{Name: "From", Value: "A <a@example.org>"}, {Name: "To", Value: "u@example.test"}, {Name: "Subject", Value: "Minutes of Thursday"},
				{Name: "Date", Value: "Sun, 22 Nov 2026 20:00:00 +0000"}, {Name: "Message-ID", Value: "<1@example.org>"}, {Name: "MIME-Version", Value: "1.0"},
			}}
		for i := len(m.Headers); i < fields; i++ {
			m.Headers = append(m.Headers, further[i%len(further)])
		}
		s.Messages = append(s.Messages, m)
	}
	return s
}

// further fields of long messages: hops, lists, seals, and what nobody knows.
var further = []mtascript.Header{
	{Name: "Received", Value: "from b.example.org (b.example.org [192.0.2.82])\n\tby a.example.org with ESMTP id 4F29F"},
	{Name: "ARC-Seal", Value: "i=1; a=rsa-sha256; cv=none; d=example.org; s=a; b=x"},
	{Name: "Authentication-Results", Value: "mail.example.org; spf=pass smtp.mailfrom=example.org"},
	{Name: "List-Id", Value: "<l.example.org>"}, {Name: "X-Spam-Status", Value: "No"}, {Name: "X-Field", Value: "some value of a usual length"},
}

// serving runs the daemon in this process, with its default configuration but for its
// sockets and the resolver, until the test ends.
func serving(t testing.TB) (socket string) {
	t.Helper()
	dns, err := dnstest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	if err := dns.Set(warmZone); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, socket := config(t, dir, fmt.Sprintf("state_dir = %q", dir), fmt.Sprintf("dns.servers = [%q]", dns.Addr()))
	served, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- daemon.Run(path, "test", io.Discard, func() { close(served) }) }()
	select {
	case <-served:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(syscall.Getpid(), syscall.SIGTERM) // the daemon has it caught
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return socket
}

// allocations is what a session costs on average, with all that happens behind the mail
// path meanwhile. What else the process does can only add: of three runs the least counts.
func (t *tape) allocations(tb testing.TB) float64 {
	tb.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties pools
	const first, sessions = 50, 200
	least := math.Inf(1)
	for range 3 {
		var before, after runtime.MemStats
		runtime.GC()
		for i := range first + sessions {
			if i == first {
				runtime.ReadMemStats(&before)
			}
			if err := t.play(); err != nil {
				tb.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.Mallocs-before.Mallocs)/sessions)
	}
	return least
}

// TestAllocationsOfMessage pins what a warm message costs in the whole daemon: facts in
// hand, all default signals, class, verdict and header, log line, metrics and history.
// The session is pinned beside it, and no header field may cost anything.
func TestAllocationsOfMessage(t *testing.T) {
	if racetest.Enabled {
		t.Skip("the race detector empties pools")
	}
	socket, alone := serving(t), doingNothing(t)
	measure := func(socket, name string, messages, fields int) float64 {
		return record(t, socket, warmSession(name, messages, fields)).allocations(t)
	}
	session := measure(alone, "mailserver", 1, usual)
	t.Logf("of go-milter and the edge alone: %.1f allocations a session of one message, %.1f for a further message",
		session, (measure(alone, "mailserver", 3, usual)-session)/2)
	for name, most := range map[string]float64{"mailserver": 96, "device": 130} {
		session := measure(socket, name, 1, usual)
		message := (measure(socket, name, 3, usual) - session) / 2
		few, many := measure(socket, name, 1, 8), measure(socket, name, 1, 60)
		t.Logf("%s: %.1f allocations a session of one message, %.1f for a further message; with 8 fields %.1f, with 60 %.1f",
			name, session, message, few, many)
		if message > 48 || session > most {
			t.Errorf("%s: %.1f allocations a message, at most 48; %.1f a session, at most %v", name, message, session, most)
		}
		if math.Abs(many-few) > 4 { // one for each field were 52, and one for each sixth of them 8
			t.Errorf("%s: 8 fields cost %.1f allocations, 60 fields %.1f", name, few, many)
		}
	}
}

// usual is how many header fields a message has.
const usual = 20

// BenchmarkSession is a warm session of one message over the milter socket, from connect
// to QUIT, in the whole daemon, and beside it about the same with nothing to decide. The
// client's share is in the CPU time: it is in this process.
func BenchmarkSession(b *testing.B) {
	socket, alone := serving(b), doingNothing(b)
	for _, c := range []struct{ name, socket, client string }{
		{"mailserver", socket, "mailserver"}, {"device", socket, "device"}, {"nothing", alone, "mailserver"},
	} {
		b.Run(c.name, func(b *testing.B) {
			t := record(b, c.socket, warmSession(c.client, 1, usual))
			b.ReportAllocs()
			began := used(b)
			for b.Loop() {
				if err := t.play(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(used(b)-began)/float64(b.N), "cpu-ns/op")
		})
	}
}

// used is this process' CPU time so far, in nanoseconds.
func used(b *testing.B) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return ts.Nano()
}

// idle is a decider that does nothing.
type idle struct{}

func (idle) Open(policy.Client) policy.Case         { return idle{} }
func (idle) Pass(policy.Client, string) policy.Case { return idle{} }
func (idle) Wishes() policy.Wishes {
	return policy.Wishes{Earliest: policy.StageRcpt, Prompt: true, Mark: true}
}

func (idle) Greeting(policy.Greeting)                                        {}
func (idle) Sender(policy.Envelope)                                          {}
func (idle) Early(context.Context, policy.Stage) policy.Verdict              { return policy.Verdict{} }
func (idle) Recipient(context.Context, string) policy.Verdict                { return policy.Verdict{} }
func (idle) Reads(*policy.Headers) bool                                      { return false }
func (idle) Message(context.Context, string, *policy.Headers) policy.Verdict { return policy.Verdict{} }
func (idle) Fail(string)                                                     {}
func (idle) End(policy.End)                                                  {}
func (idle) Close()                                                          {}

func (idle) Event(milter.Event) {}
func (idle) Sessions(int)       {}

// doingNothing serves sessions about which nothing is decided: what is left is the
// library's and the edge's.
func doingNothing(t testing.TB) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("a", 12)
	s := milter.New(milter.Options{
		Decider: idle{}, Log: slog.New(slog.DiscardHandler), Meter: idle{}, Now: time.Now, NewID: func() string { return id },
		Limits: milter.Limits{Sessions: 100, Idle: time.Minute, Frame: time.Minute},
	})
	go s.Serve(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Shutdown(ctx)
	})
	return socket
}
