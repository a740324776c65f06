package p0f

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

var (
	ctx  = context.Background()
	addr = netip.MustParseAddr("192.0.2.1")
)

func open(t testing.TB, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestQuery(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.1":   "04c0000201000000000000000000000000",
		"2001:db8::1": "0620010db8000000000000000000000001",
	} {
		q := queryFor(netip.MustParseAddr(a))
		if binary.NativeEndian.Uint32(q[:]) != 0x50304601 || fmt.Sprintf("%x", q[4:]) != want {
			t.Errorf("%s: %x", a, q)
		}
	}
}

func TestParse(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	nat := uint32(now.Unix())
	for name, c := range map[string]struct {
		host host
		want policy.P0f
	}{
		"all": {host{status: statusOK, os: "Linux", flavor: "3.11 and newer", link: "Ethernet or modem", up: 61, nat: nat - 60, distance: 12},
			policy.P0f{Known: true, OS: "Linux", Flavor: "3.11 and newer", Link: "Ethernet or modem", Distance: 12, Uptime: 61 * time.Minute, NAT: true}},
		"little":         {host{status: statusOK, distance: -1}, policy.P0f{Known: true, Distance: -1}},
		"no match":       {host{status: statusNoMatch, os: "Linux", distance: 3}, policy.P0f{}},
		"an old NAT":     {host{status: statusOK, nat: nat - 7201}, policy.P0f{Known: true}},
		"a future NAT":   {host{status: statusOK, nat: nat + 60}, policy.P0f{Known: true, NAT: true}},
		"uptime of ages": {host{status: statusOK, up: 1<<32 - 1}, policy.P0f{Known: true}},
		"odd distances":  {host{status: statusOK, distance: 256}, policy.P0f{Known: true, Distance: -1}},
		"odd texts":      {host{status: statusOK, os: "a\x1b[1m\n\xff", link: strings.Repeat("x", 99)}, policy.P0f{Known: true, OS: "a?[1m??", Link: strings.Repeat("x", 32)}},
	} {
		got, err := parse((*answer)(c.host.bytes()), now)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, c.want)
		}
	}
	for name, b := range map[string][]byte{
		"bad query": host{status: statusBad}.bytes(), "unknown status": host{status: 0x30}.bytes(), "zeros": make([]byte, answerSize),
	} {
		if got, err := parse((*answer)(b), now); err == nil || got != (policy.P0f{}) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(host{status: statusOK, os: "Linux", flavor: "2.6.x", link: "DSL", up: 1, nat: 1790000000, distance: -1}.bytes())
	f.Add(host{status: statusNoMatch}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < answerSize {
			return
		}
		p, err := parse((*answer)(b), time.Unix(1_790_000_000, 0))
		if err != nil && p != (policy.P0f{}) || !p.Known && p != (policy.P0f{}) {
			t.Errorf("%+v beside %v", p, err)
		}
		if p.Distance < -1 || p.Distance > 255 || p.Uptime < 0 || p.Uptime > maxUptime {
			t.Errorf("%+v", p)
		}
		for _, s := range []string{p.OS, p.Flavor, p.Link} {
			if len(s) > textSize || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q", s)
			}
		}
	})
}

func TestNewErrors(t *testing.T) {
	for _, o := range []Options{{}, {Socket: "/" + strings.Repeat("x", 107)}, {Socket: "/x", Conns: 21}, {Socket: "/x", Conns: -1}} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestAnswersAreKept(t *testing.T) {
	c := clock{t: time.Unix(1_790_000_000, 0)}
	answer := map[string]host{
		"192.0.2.1": {status: statusOK, os: "Linux"}, "192.0.2.2": {status: statusOK, link: "DSL"}, "192.0.2.3": {status: statusNoMatch},
	}
	d := start(t, func(q []byte) []byte { return answer[asked(q).String()].bytes() })
	var m meter
	client := open(t, Options{Socket: d.socket, Now: c.now, Meter: &m})
	for _, step := range []struct {
		after time.Duration
		asked int // in all, when each address was looked up three times
	}{{0, 3}, {keepNoMatch - 1, 3}, {1, 4}, {keepPartial - keepNoMatch, 6}, {keepMatch - keepPartial - 1, 8}, {1, 9}} {
		c.add(step.after)
		for a, h := range answer {
			for range 3 {
				p, err := client.Look(ctx, netip.MustParseAddr("::ffff:"+a))
				if err != nil || p.Known != (h.status == statusOK) || p.OS != h.os || p.Link != h.link {
					t.Errorf("%s: %+v %v", a, p, err)
				}
			}
		}
		if _, asked, _ := d.counts(); asked != step.asked {
			t.Errorf("after %v: %d questions, want %d", step.after, asked, step.asked)
		}
	}
	if m.of("match")+m.of("nomatch") != 9 || m.hits != 6*9-9 {
		t.Errorf("counted %v, %d hits", m.outcomes, m.hits)
	}
}

func TestTableIsBounded(t *testing.T) {
	d := start(t, named)
	c := open(t, Options{Socket: d.socket, Entries: 10})
	for i := range 100 {
		if _, err := c.Look(ctx, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.cache.Len(); n != 10 {
		t.Errorf("%d entries", n)
	}
}

func TestManyCallers(t *testing.T) {
	d := start(t, func(q []byte) []byte {
		time.Sleep(time.Millisecond)
		return named(q)
	})
	c := open(t, Options{Socket: d.socket, Conns: 3, Timeout: 10 * time.Second, Entries: 1})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 10 {
				a := netip.AddrFrom4([4]byte{198, 51, byte(i), byte(j)})
				if p, err := c.Look(ctx, a); err != nil || p.OS != a.String() {
					t.Errorf("%s: %+v %v", a, p, err)
				}
			}
		})
	}
	wg.Wait()
	if accepted, asked, most := d.counts(); accepted != 3 || asked != 640 || most > 3 {
		t.Errorf("%d connections, %d questions, %d at one time", accepted, asked, most)
	}
}

func TestBusy(t *testing.T) {
	hold := make(chan struct{})
	d := start(t, func(q []byte) []byte {
		<-hold
		return named(q)
	})
	var m meter
	c := open(t, Options{Socket: d.socket, Conns: 1, Timeout: 2 * time.Second, Meter: &m})
	done := make(chan error)
	go func() {
		_, err := c.Look(ctx, addr)
		done <- err
	}()
	for n := 0; n == 0; _, n, _ = d.counts() {
		time.Sleep(time.Millisecond)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := c.Look(short, netip.MustParseAddr("192.0.2.2")); !errors.Is(err, errBusy) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("waited %v beyond its context", took)
	}
	close(hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if m.of("busy") != 1 || m.of("match") != 1 {
		t.Errorf("counted %v", m.outcomes)
	}
}

// TestLateAnswers shows that an answer which nobody waited for is never taken for
// the next one, and that its connection stays open: closing it may end p0f.
func TestLateAnswers(t *testing.T) {
	var slow atomic.Bool
	d := start(t, func(q []byte) []byte {
		if slow.Load() {
			time.Sleep(60 * time.Millisecond)
		}
		return named(q)
	})
	var m meter
	c := open(t, Options{Socket: d.socket, Conns: 1, Timeout: 20 * time.Millisecond, Meter: &m})
	for i := range 20 {
		slow.Store(i%2 == 0)
		a := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		if p, err := c.Look(ctx, a); err == nil && p.OS != a.String() {
			t.Fatalf("%s: the answer is about %s", a, p.OS)
		}
		if i%2 == 1 {
			time.Sleep(80 * time.Millisecond)
			a := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
			if p, err := c.Look(ctx, a); err != nil || p.OS != a.String() {
				t.Fatalf("%s: %+v %v", a, p, err)
			}
		}
	}
	if accepted, _, _ := d.counts(); accepted != 1 || m.of("timeout") < 10 {
		t.Errorf("%d connections, counted %v", accepted, m.outcomes)
	}
}

// TestHalfAnAnswer shows that the rest of an answer is waited for, for a while.
func TestHalfAnAnswer(t *testing.T) {
	d := start(t, func(q []byte) []byte { return named(q)[:100] })
	c := open(t, Options{Socket: d.socket, Conns: 1, Timeout: 30 * time.Millisecond})
	for range 2 {
		if _, err := c.Look(ctx, addr); err == nil || !strings.Contains(err.Error(), "no answer in time") {
			t.Fatalf("got %v", err)
		}
	}
	l := <-c.lines
	if _, asked, _ := d.counts(); l.owed != answerSize-100 || l.conn == nil || asked != 1 {
		t.Errorf("%d bytes owed, %d questions", l.owed, asked)
	}
	l.since = time.Now().Add(-maxDebt - time.Second)
	c.lines <- l
	if _, err := c.Look(ctx, addr); err == nil {
		t.Error("half an answer was taken")
	}
	if accepted, _, _ := d.counts(); accepted != 2 {
		t.Errorf("%d connections", accepted)
	}
}

func TestRestart(t *testing.T) {
	d := start(t, named)
	var log bytes.Buffer
	clock := clock{t: time.Unix(1_790_000_000, 0)}
	c := open(t, Options{Socket: d.socket, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: clock.now})
	if s := c.State(); s != "not asked yet" {
		t.Errorf("state %q", s)
	}
	next := byte(0)
	look := func() error {
		next++
		a := netip.AddrFrom4([4]byte{192, 0, 2, next})
		p, err := c.Look(ctx, a)
		if err == nil && p.OS != a.String() {
			t.Errorf("%s: %+v", a, p)
		}
		return err
	}
	for range 2 {
		if err := look(); err != nil {
			t.Fatal(err)
		}
		d.stop()
		d.listen() // at once: nobody sees it
	}
	if err := look(); err != nil || log.Len() > 0 || c.State() != "ok" {
		t.Errorf("%v, state %q, log:\n%s", err, c.State(), &log)
	}

	d.stop()
	for i := range 10 {
		if err := look(); !errors.Is(err, errDown) && i > 0 {
			t.Errorf("got %v", err)
		}
	}
	if s := c.State(); !strings.Contains(s, "no answer since 2026-09-21T14:13:20Z: cannot be reached") {
		t.Errorf("state %q", s)
	}
	clock.add(time.Minute)
	for range 5 {
		_ = look()
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 2 {
		t.Errorf("%d lines:\n%s", n, &log)
	}
	d.listen()
	if err := look(); !errors.Is(err, errDown) || !strings.Contains(err.Error(), "next try in") {
		t.Errorf("no pause: %v", err)
	}
	clock.add(maxBackOff)
	if err := look(); err != nil || c.State() != "ok" || !strings.Contains(log.String(), "p0f answers again") {
		t.Errorf("%v, state %q:\n%s", err, c.State(), &log)
	}
}

// TestWavering: a p0f that answers every other question does not fill the log.
func TestWavering(t *testing.T) {
	var log bytes.Buffer
	clock := clock{t: time.Unix(1_790_000_000, 0)}
	c := open(t, Options{Socket: filepath.Join(t.TempDir(), "none"), Log: slog.New(slog.NewTextHandler(&log, nil)), Now: clock.now})
	for range 1000 {
		c.link.report(c, errDown)
		c.link.report(c, nil)
		clock.add(100 * time.Millisecond)
	}
	if n := strings.Count(log.String(), "\n"); n != 4 {
		t.Errorf("%d lines in 100 s", n)
	}
}

func TestBackOffDoubles(t *testing.T) {
	clock := clock{t: time.Unix(1_790_000_000, 0)}
	c := open(t, Options{Socket: filepath.Join(t.TempDir(), "none"), Now: clock.now})
	tries := 0
	for range 2000 {
		if _, err := c.Look(ctx, addr); errors.Is(err, os.ErrNotExist) {
			tries++
		} else if !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		clock.add(50 * time.Millisecond)
	}
	// 0.1 + 0.2 + … + 6.4 s, then each 10 s, in 100 s
	if tries < 14 || tries > 18 {
		t.Errorf("%d tries", tries)
	}
}

func TestWrongAnswers(t *testing.T) {
	for name, reply := range map[string]func([]byte) []byte{
		"another protocol": func([]byte) []byte { return bytes.Repeat([]byte("HTTP"), answerSize/4) },
		"bad query":        func([]byte) []byte { return host{status: statusBad}.bytes() },
		"hangs up":         func([]byte) []byte { return nil },
	} {
		d := start(t, reply)
		var m meter
		c := open(t, Options{Socket: d.socket, Conns: 1, Meter: &m})
		for range 2 {
			if p, err := c.Look(ctx, addr); err == nil || p.Known || !strings.HasPrefix(err.Error(), "p0f: ") {
				t.Errorf("%s: %+v %v", name, p, err)
			}
		}
		if m.of("error") != 2 {
			t.Errorf("%s: counted %v", name, m.outcomes)
		}
	}
}

func TestClose(t *testing.T) {
	d := start(t, named)
	c := open(t, Options{Socket: d.socket})
	if _, err := c.Look(ctx, addr); err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
	if _, err := c.Look(ctx, addr); err != nil {
		t.Errorf("what is kept: %v", err)
	}
	if _, err := c.Look(ctx, netip.MustParseAddr("192.0.2.2")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Look(ctx, netip.Addr{}); err == nil {
		t.Error("no error for no address")
	}
}

func BenchmarkLook(b *testing.B) {
	d := start(b, named)
	c := open(b, Options{Socket: d.socket, Entries: 1})
	b.Run("asked", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_, _ = c.Look(ctx, netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}))
		}
	})
	b.Run("kept", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.Look(ctx, addr)
		}
	})
}
