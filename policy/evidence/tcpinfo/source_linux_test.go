package tcpinfo

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy"
)

// counts is a Meter.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) Lookup(outcome string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[outcome]++
	if took < 0 {
		c.n["negative"]++
	}
}

func stackOf(t *testing.T, s *Source, client, server netip.AddrPort) policy.Stack {
	t.Helper()
	got, err := s.Stack(client, server)
	if err != nil {
		t.Fatalf("Stack(%s, %s): %v", client, server, err)
	}
	return got
}

func TestStackFindsEachFamily(t *testing.T) {
	s := open(t, Options{})
	for _, test := range []struct {
		name, network, listen, dial string
		v6                          bool
	}{
		{"IPv4", "tcp4", "127.0.0.1:0", "127.0.0.1", false},
		{"IPv6", "tcp6", "[::1]:0", "::1", true},
		{"IPv4 client of a listener on ::", "tcp", "[::]:0", "127.0.0.1", false},
		{"IPv6 client of a listener on ::", "tcp", "[::]:0", "::1", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := place{}.connect(t, listen(t, test.network, test.listen), netip.MustParseAddr(test.dial))
			got := stackOf(t, s, c.remote(), c.local())
			if !got.Known || !got.Whole || got.Scale < 0 || !got.Timestamps || !got.SACK || got.V6 != test.v6 {
				t.Errorf("%+v", got)
			}
			mapped := netip.AddrPortFrom(netip.AddrFrom16(c.remote().Addr().As16()), c.remote().Port())
			if got := stackOf(t, s, mapped, c.local()); !got.Known || got.V6 != test.v6 {
				t.Errorf("by mapped address: %+v", got)
			}
		})
	}
}

// TestStackOneRequestFindsMapped is why there is no second request with mapped
// addresses.
func TestStackOneRequestFindsMapped(t *testing.T) {
	c := place{}.connect(t, listen(t, "tcp", "[::]:0"), netip.MustParseAddr("127.0.0.1"))
	n, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer n.link.Close()
	remote := plain(c.remote())
	if a, err := n.lookup(remote, ourEnd(plain(c.local()))); err != nil || !a.is(remote) {
		t.Errorf("%+v %v", a, err)
	}
	if n.buf[headerLen] != unix.AF_INET6 {
		t.Errorf("the socket's family is %d", n.buf[headerLen])
	}
}

func TestStackWithoutConnection(t *testing.T) {
	m := &counts{}
	s := open(t, Options{Meter: m})
	l := listen(t, "tcp4", "127.0.0.1:0")
	c := place{}.connect(t, l, netip.Addr{})
	other := listen(t, "tcp4", "127.0.0.1:0")
	remote, local := c.remote(), c.local()
	s.mayDump(time.Now()) // or it finds the connection by the client alone
	for _, test := range []struct {
		name           string
		client, server netip.AddrPort
		listens        bool
	}{
		{"another port of the server", remote, netip.AddrPortFrom(local.Addr(), 1), false},
		{"another listener", remote, addrPort(other.Addr()), true},
		{"another address of the server", remote, netip.MustParseAddrPort("127.0.0.2:1"), false},
		{"another port of the client", netip.AddrPortFrom(remote.Addr(), 1), local, true},
		{"another client", netip.MustParseAddrPort("192.0.2.7:40000"), local, true},
		{"another family", netip.MustParseAddrPort("[2001:db8::7]:40000"), local, false},
	} {
		if got := stackOf(t, s, test.client, test.server); got != (policy.Stack{}) {
			t.Errorf("%s: %+v", test.name, got)
		}
		if s.listens != test.listens {
			t.Errorf("%s: listener seen is %v", test.name, s.listens)
		}
		s.listens = false
	}
	if m.n[OutcomeNone] != 6 || len(m.n) != 1 {
		t.Error(m.n)
	}
	for _, client := range []netip.AddrPort{{}, netip.AddrPortFrom(remote.Addr(), 0), netip.MustParseAddrPort("0.0.0.0:25")} {
		if got := stackOf(t, s, client, local); got.Known {
			t.Errorf("%s: %+v", client, got)
		}
	}
	if m.n[OutcomeNone] != 6 {
		t.Error("an unknown client was counted", m.n)
	}
}

func TestStackOfClosingConnection(t *testing.T) {
	s := open(t, Options{})
	c := place{}.connect(t, listen(t, "tcp4", "127.0.0.1:0"), netip.Addr{})
	remote, local := c.remote(), c.local()
	if err := c.client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := stackOf(t, s, remote, local); !got.Known {
		t.Error("the client closed its half:", got)
	}
	c.server.Close() // by us: TIME-WAIT, which has no tcp_info, or nothing
	c.client.Close()
	time.Sleep(10 * time.Millisecond)
	if got := stackOf(t, s, remote, local); got.Known {
		t.Error("both closed:", got)
	}
}

func TestStackLearnsItsOwnEnd(t *testing.T) {
	now := time.Now()
	s := open(t, Options{Now: func() time.Time { return now }})
	l := listen(t, "tcp", "[::]:0")
	home := netip.MustParseAddr("127.0.0.1")
	var unknown netip.AddrPort
	first := place{}.connect(t, l, home)
	port := first.local().Port()

	if got := stackOf(t, s, first.remote(), unknown); !got.Known {
		t.Fatal("no dump was made")
	}
	for _, server := range []netip.AddrPort{unknown, netip.AddrPortFrom(home, 0), netip.AddrPortFrom(netip.Addr{}, port),
		netip.AddrPortFrom(netip.IPv6Unspecified(), port), netip.AddrPortFrom(home, 1)} {
		if got := stackOf(t, s, place{}.connect(t, l, home).remote(), server); !got.Known {
			t.Errorf("server %s: not found by what was learned", server)
		}
	}
	six := place{}.connect(t, l, netip.IPv6Loopback())
	if got := stackOf(t, s, six.remote(), unknown); got.Known {
		t.Error("a second dump within a minute")
	}
	now = now.Add(dumpInterval)
	if got := stackOf(t, s, six.remote(), unknown); !got.Known {
		t.Error("no dump after a minute")
	}
	if len(s.learned) != 2 {
		t.Error(s.learned)
	}
}

// TestGlance: a connection that exact look-ups find, and what is left for Stack.
func TestGlance(t *testing.T) {
	now := time.Now()
	m := &counts{}
	s := open(t, Options{Meter: m, Now: func() time.Time { return now }})
	c := place{}.connect(t, listen(t, "tcp4", "127.0.0.1:0"), netip.Addr{})
	client, server := c.remote(), c.local()
	want := stackOf(t, s, client, server)
	got, ok := s.Glance(client, server)
	if got.RTT, want.RTT = 0, 0; !ok || got != want || !got.Known || m.n[OutcomeFound] != 2 {
		t.Errorf("%+v, %v; Stack says %+v; %v", got, ok, want, m.n)
	}
	var unknown netip.AddrPort
	if got, ok := s.Glance(client, unknown); ok {
		t.Errorf("%+v without the dump that is due", got)
	}
	if got := stackOf(t, s, client, unknown); !got.Known {
		t.Error("a glance has spent the dump")
	}
	if got, ok := s.Glance(client, unknown); !ok || !got.Known {
		t.Errorf("%+v, %v by what was learnt", got, ok)
	}
	if got, ok := s.Glance(netip.MustParseAddrPort("192.0.2.7:40000"), server); !ok || got.Known || m.n[OutcomeNone] != 1 {
		t.Errorf("%+v, %v of a client that is not here; %v", got, ok, m.n)
	}
	var all []*conn
	for range s.count {
		all = append(all, <-s.conns)
	}
	if _, ok := s.Glance(client, server); ok {
		t.Error("without a socket")
	}
	for _, c := range all {
		s.conns <- c
	}
	s.Close()
	if _, ok := s.Glance(client, server); ok {
		t.Error("after Close")
	}
}

func TestStackGuessesPorts(t *testing.T) {
	needNamespace(t)
	s := open(t, Options{})
	s.mayDump(time.Now())
	home := netip.MustParseAddr("127.0.0.1")
	for _, port := range []string{"10025", "587", "25"} {
		c := place{}.connect(t, listen(t, "tcp4", "127.0.0.1:"+port), netip.Addr{})
		if got := stackOf(t, s, c.remote(), netip.AddrPortFrom(home, 0)); !got.Known {
			t.Error("not found on port", port)
		}
	}
}

func TestStackAmbiguous(t *testing.T) {
	m := &counts{}
	s := open(t, Options{Meter: m})
	one, two := listen(t, "tcp4", "127.0.0.1:0"), listen(t, "tcp4", "127.0.0.1:0")
	c := place{}.connect(t, one, netip.Addr{})
	d := net.Dialer{LocalAddr: c.server.RemoteAddr(), Control: func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		}), err)
	}}
	again, err := d.Dial("tcp", two.Addr().String())
	if err != nil {
		t.Skip("the same port of the client cannot be used twice here:", err)
	}
	defer again.Close()
	if got := stackOf(t, s, c.remote(), netip.AddrPort{}); got.Known || m.n[OutcomeAmbiguous] != 1 {
		t.Errorf("%+v %v", got, m.n)
	}
	s.dumped = time.Time{}
	port := netip.AddrPortFrom(netip.Addr{}, c.local().Port())
	if got := stackOf(t, s, c.remote(), port); !got.Known {
		t.Error("the port does not say which:", m.n)
	}
}

func TestStackLearnsTheDevice(t *testing.T) {
	away(t, 1500, 1500)
	s := open(t, Options{})
	l, err := (&net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), "lo") }), err)
	}}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 2 { // by a dump, then without
		c := place{}.connect(t, l, netip.Addr{})
		if got := stackOf(t, s, c.remote(), c.local()); !got.Known {
			t.Error("not found")
		}
	}
	if len(s.learned) != 1 || s.learned[0].device == 0 {
		t.Error(s.learned)
	}
}

func TestStackIsConcurrent(t *testing.T) {
	s := open(t, Options{})
	l := listen(t, "tcp4", "127.0.0.1:0")
	var all [4]*pair
	for i := range all {
		all[i] = place{}.connect(t, l, netip.Addr{})
	}
	stackOf(t, s, all[0].remote(), netip.AddrPort{}) // learns: others would miss meanwhile
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			c := all[i%len(all)]
			for n := range 200 {
				server := c.local()
				if n%3 == 0 {
					server = netip.AddrPort{}
				}
				if got, err := s.Stack(c.remote(), server); err != nil || !got.Known {
					t.Error(got, err)
					return
				}
				s.State()
			}
		})
	}
	wg.Wait()
}

func TestClose(t *testing.T) {
	m := &counts{}
	s, err := New(Options{Meter: m})
	if err != nil {
		t.Fatal(err)
	}
	c := place{}.connect(t, listen(t, "tcp4", "127.0.0.1:0"), netip.Addr{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				if _, err := s.Stack(c.remote(), c.local()); err != nil {
					if !errors.Is(err, ErrClosed) && !errors.Is(err, unix.ETIMEDOUT) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	time.Sleep(time.Millisecond)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if m.n[OutcomeError] != 4 {
		t.Error(m.n)
	}
}

func TestStateAndLog(t *testing.T) {
	var out bytes.Buffer
	s := open(t, Options{Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	l := listen(t, "tcp4", "127.0.0.1:0")
	here := addrPort(l.Addr())
	gone := netip.AddrPortFrom(here.Addr(), 1)
	if s.State() != "ok" {
		t.Error(s.State())
	}
	for range 3 * missesLikely {
		stackOf(t, s, netip.MustParseAddrPort("192.0.2.7:40000"), gone)
	}
	if got := s.State(); !strings.HasPrefix(got, "none: ") || !strings.Contains(got, "another network namespace") {
		t.Error(got)
	}
	stackOf(t, s, netip.MustParseAddrPort("192.0.2.7:40000"), here)
	if got := s.State(); !strings.HasPrefix(got, "none: ") || !strings.Contains(got, "TCP proxy, XCLIENT") {
		t.Error(got)
	}
	c := place{}.connect(t, l, netip.Addr{})
	if got := stackOf(t, s, c.remote(), c.local()); !got.Known || s.State() != "ok" {
		t.Error(got, s.State())
	}
	if n := strings.Count(out.String(), "\n"); n != 2 || strings.Count(out.String(), "level=WARN") != 1 {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
	out.Reset()
	for range 3 {
		s.note(unix.EPERM)
	}
	if got := s.State(); got != "denied: operation not permitted" || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%s\n%s", got, out.String())
	}
}

// TestLookupSkipsStaleAnswers lets an answer lie in the socket, as a deadline does.
func TestLookupSkipsStaleAnswers(t *testing.T) {
	c := place{}.connect(t, listen(t, "tcp4", "127.0.0.1:0"), netip.Addr{})
	n, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer n.link.Close()
	putRequest(n.req[:], 77, 0, unix.AF_INET, connected, netip.MustParseAddrPort("192.0.2.7:1"), ourEnd(c.local()))
	if err := n.raw.Write(n.send); err != nil || n.err != nil {
		t.Fatal(err, n.err)
	}
	if a, err := n.lookup(c.remote(), ourEnd(c.local())); err != nil || !a.is(c.remote()) {
		t.Errorf("%+v %v", a, err)
	}
}

// TestLookupHasADeadline waits for an answer that never comes.
func TestLookupHasADeadline(t *testing.T) {
	n, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer n.link.Close()
	n.send = func(uintptr) bool { return true }
	start := time.Now()
	_, err = n.lookup(netip.MustParseAddrPort("192.0.2.7:1"), ourEnd(netip.MustParseAddrPort("192.0.2.25:25")))
	if took := time.Since(start); err == nil || took < patience || took > 20*patience {
		t.Error(err, took)
	}
}
