package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

const world = `
example.org        300 IN SOA ns.example.org. root.example.org. 1 3600 600 86400 120
mail.example.org   300 IN A 192.0.2.1
mail.example.org   300 IN A 192.0.2.2
mail.example.org   300 IN AAAA 2001:db8::1
example.org        300 IN MX 20 b.example.org.
example.org        300 IN MX 10 a.example.org.
none.example.org   300 IN MX 0 .
both.example.org   300 IN MX 0 .
both.example.org   300 IN MX 10 a.example.org.
example.org        300 IN TXT "v=spf1 " "a -all"
example.org        300 IN TXT "q\"b\\s\200 "
www.example.org    300 IN CNAME web.example.net.
web.example.net    300 IN CNAME mail.example.org.
dangling.example.org 300 IN CNAME nothing.example.org.
nodata.example.org 300 IN CNAME example.org.
a.loop.example.org 300 IN CNAME b.loop.example.org.
b.loop.example.org 300 IN CNAME a.loop.example.org.
7.113.0.203.in-addr.arpa 300 IN PTR CPE-203-0-113-7.isp.example.
7.113.0.203.in-addr.arpa 300 IN PTR bad\032name.example.
8.113.0.203.in-addr.arpa 300 IN PTR bad\032name.example.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa 300 IN PTR six.example.org.
o'brien+x=y._spf.example.org 300 IN A 127.0.0.2
`

func TestAnswers(t *testing.T) {
	r := resolver(t, Options{}, serve(t, world+`
!shout mail.example.org
!huge 100 huge.example.org
!chain 10 chain.example.org
!nochase nochase.example.org middle.example.org
nochase.example.org 300 IN CNAME middle.example.org.
middle.example.org 300 IN CNAME mail.example.org.
`))
	ctx := context.Background()
	for _, c := range []struct {
		what string
		ask  func() (any, error)
		want string
	}{
		{"A", func() (any, error) { return r.Addrs(ctx, "mail.example.org", 4) }, "[192.0.2.1 192.0.2.2]"},
		{"A in capitals", func() (any, error) { return r.Addrs(ctx, "MAIL.Example.ORG.", 4) }, "[192.0.2.1 192.0.2.2]"},
		{"AAAA", func() (any, error) { return r.Addrs(ctx, "mail.example.org", 6) }, "[2001:db8::1]"},
		{"MX", func() (any, error) { return r.MX(ctx, "example.org") }, "[{a.example.org 10} {b.example.org 20}]"},
		{"null MX", func() (any, error) { return r.MX(ctx, "none.example.org") }, "[{. 0}]"},
		{"null MX beside another", func() (any, error) { return r.MX(ctx, "both.example.org") }, "[{a.example.org 10}]"},
		{"TXT", func() (any, error) { return r.TXT(ctx, "example.org") }, "[v=spf1 a -all q\"b\\s\xc8 ]"},
		{"alias", func() (any, error) { return r.Addrs(ctx, "www.example.org", 4) }, "[192.0.2.1 192.0.2.2]"},
		{"alias of another type", func() (any, error) { return r.TXT(ctx, "nodata.example.org") }, "[v=spf1 a -all q\"b\\s\xc8 ]"},
		{"chain", func() (any, error) { return r.Addrs(ctx, "chain.example.org", 4) }, "[192.0.2.99]"},
		{"alias whose target is not in the answer", func() (any, error) { return r.Addrs(ctx, "nochase.example.org", 4) }, "[192.0.2.1 192.0.2.2]"},
		{"PTR", func() (any, error) { return r.Names(ctx, netip.MustParseAddr("203.0.113.7")) }, "[CPE-203-0-113-7.isp.example]"},
		{"PTR of a mapped address", func() (any, error) { return r.Names(ctx, netip.MustParseAddr("::ffff:203.0.113.7")) }, "[CPE-203-0-113-7.isp.example]"},
		{"PTR of IPv6", func() (any, error) { return r.Names(ctx, netip.MustParseAddr("2001:db8::1")) }, "[six.example.org]"},
		{"local part in a name", func() (any, error) { return r.Addrs(ctx, "o'brien+x=y._spf.example.org", 4) }, "[127.0.0.2]"},
	} {
		got, err := c.ask()
		if fmt.Sprint(got) != c.want || err != nil {
			t.Errorf("%s: %v, %v; want %s", c.what, got, err, c.want)
		}
	}
	if mx, _ := r.MX(ctx, "none.example.org"); !mx[0].Null() {
		t.Error("a null MX is not known as one")
	}
}

func TestFailures(t *testing.T) {
	m := &counts{}
	s := serve(t, world+`
!servfail servfail.example.org
!refused refused.example.org
!servfail bare.example.org
!bare bare.example.org
!notimp notimp.example.org
!drop drop.example.org
!garbage garbage.example.org
!referral referral.example.org
!chain 40 chain.example.org
odd.example.org 300 IN CNAME not\.a\032host.example.
!nochase odd.example.org ring.example.org gnir.example.org
ring.example.org 300 IN CNAME gnir.example.org.
gnir.example.org 300 IN CNAME ring.example.org.
`)
	r := resolver(t, Options{Timeout: 400 * time.Millisecond, Meter: m}, s)
	for _, c := range []struct {
		name     string
		want     Failure
		notFound bool
	}{
		{"no.example.org", NXDomain, true},
		{"dangling.example.org", NXDomain, true},
		{"nodata.example.org", NoData, true},
		{"example.org", NoData, true},
		{"servfail.example.org", ServFail, false},
		{"refused.example.org", Refused, false},
		{"bare.example.org", ServFail, false},
		{"notimp.example.org", Invalid, false},
		{"drop.example.org", Timeout, false},
		{"garbage.example.org", Invalid, false},
		{"referral.example.org", Invalid, false},
		{"a.loop.example.org", Invalid, false},
		{"chain.example.org", Invalid, false},
		{"odd.example.org", Invalid, false},
		{"ring.example.org", Invalid, false},
	} {
		e := fails(t, r, c.name, c.want)
		if e.NotFound() != c.notFound || e.Temporary() == c.notFound || IsNotFound(e) != c.notFound || IsTemporary(e) == c.notFound {
			t.Errorf("%s: not found %v, temporary %v", c.name, e.NotFound(), e.Temporary())
		}
		if e.Server != s.Addr() || e.Name != c.name || e.Type != "A" || !strings.Contains(e.Error(), c.want.String()) {
			t.Errorf("%s: %+v: %v", c.name, *e, e)
		}
		if again := fails(t, r, c.name, c.want); again != e {
			t.Errorf("%s: the failure is not kept", c.name)
		}
	}
	if n := s.Count("drop.example.org", "A"); n != tries {
		t.Errorf("silence was asked %d times", n)
	}
	if n := s.Count("servfail.example.org", "A"); n != 1 {
		t.Errorf("SERVFAIL was asked %d times", n)
	}
	want := map[string]int{"nxdomain": 2, "nodata": 2, "servfail": 2, "refused": 1, "timeout": 1, "invalid": 7}
	if !reflect.DeepEqual(m.outcomes, want) || m.hits != 15 || m.misses != 15 {
		t.Errorf("counted %v, %d hits, %d misses", m.outcomes, m.hits, m.misses)
	}
	if _, err := r.Names(context.Background(), netip.MustParseAddr("203.0.113.8")); FailureOf(err) != NoData {
		t.Errorf("a PTR record without a host name: %v", err)
	}
	if IsTemporary(nil) || IsNotFound(nil) || IsTemporary(os.ErrExist) || IsNotFound(os.ErrExist) || FailureOf(nil) != 0 {
		t.Error("errors of others are taken for ours")
	}
}

func TestNames(t *testing.T) {
	s := serve(t, "")
	r := resolver(t, Options{}, s)
	long := strings.Repeat("a", 63)
	for name, asked := range map[string]bool{
		"": false, ".": false, "..": false, ".example": false, "a..example": false, "example..": false,
		long + ".example": true, long + "a.example": false,
		long + "." + long + "." + long + "." + long[:61]: true,
		long + "." + long + "." + long + "." + long[:62]: false,
		strings.Repeat("a.", 126) + "a":                  true,
		strings.Repeat("a.", 127) + "a":                  false,
		strings.Repeat("x", 100000):                      false,
		"a b.example":                                    false,
		"a\x00b.example":                                 false,
		"a\nb.example":                                   false,
		"m\xc3\xbcller.example":                          false,
		"(none)":                                         true,
		`back\slash.example`:                             true,
		`"quote;dollar$at@.example`:                      true,
		"_dmarc.example":                                 true,
		"x--y.example":                                   true,
		strings.ToUpper(long) + ".x":                     true,
		"\xff\xfe":                                       false,
	} {
		before := s.Count("", "")
		e := fails(t, r, name, NXDomain)
		if got := s.Count("", "") > before; got != asked || asked == errors.Is(e, ErrName) {
			t.Errorf("%.80q: asked %v, %v", name, got, e)
		}
	}
	if _, err := r.Names(context.Background(), netip.Addr{}); !errors.Is(err, ErrName) || !IsNotFound(err) {
		t.Errorf("no address: %v", err)
	}
	if n := s.Count(`back\\slash.example`, "A"); n != 1 {
		t.Errorf("a backslash is asked for as something else: %v", s.Questions())
	}
}

// TestNoSearchDomain: what fails is never asked for under another name.
func TestNoSearchDomain(t *testing.T) {
	s := serve(t, "")
	config := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(config, []byte("search example.org\nnameserver 127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := resolver(t, Options{Config: config})
	r.replace([]netip.AddrPort{s.Addr()}, false) // the port of resolv.conf is 53 always
	fails(t, r, "mail", NXDomain)
	if q := s.Questions(); len(q) != 1 || q[0].Name != "mail." {
		t.Errorf("asked %v", q)
	}
}

func TestBounds(t *testing.T) {
	r := resolver(t, Options{}, serve(t, `
!huge 300 a.example.org 9.113.0.203.in-addr.arpa mx.example.org
!huge 200 txt.example.org
!huge 5000 vast.example.org
`))
	ctx := context.Background()
	if a, err := r.Addrs(ctx, "a.example.org", 4); len(a) != MostAddrs || err != nil {
		t.Errorf("%d addresses, %v", len(a), err)
	}
	if n, err := r.Names(ctx, netip.MustParseAddr("203.0.113.9")); len(n) != mostNames || err != nil {
		t.Errorf("%d names, %v", len(n), err)
	}
	if m, err := r.MX(ctx, "mx.example.org"); len(m) != mostRecords || err != nil {
		t.Errorf("%d MX, %v", len(m), err)
	}
	if x, err := r.TXT(ctx, "txt.example.org"); len(x) != mostTexts || err != nil {
		t.Errorf("%d TXT, %v", len(x), err)
	}
	if a, err := r.Addrs(ctx, "vast.example.org", 4); len(a) != MostAddrs || err != nil {
		t.Errorf("%d addresses of a vast answer, %v", len(a), err)
	}
}

func TestSharedSlicesDoNotGrowIntoEachOther(t *testing.T) {
	r := resolver(t, Options{}, serve(t, world))
	a, _ := r.Addrs(context.Background(), "mail.example.org", 4)
	b, _ := r.Addrs(context.Background(), "mail.example.org", 4)
	_ = append(a, netip.MustParseAddr("192.0.2.50"))
	if c := append(b, netip.MustParseAddr("192.0.2.60")); c[2].String() != "192.0.2.60" || cap(a) != len(a) {
		t.Error("callers share the room behind an answer")
	}
}

func TestSingleFlight(t *testing.T) {
	s := serve(t, world+"!delay 300ms mail.example.org")
	m := &counts{}
	r := resolver(t, Options{Meter: m}, s)
	gone, leave := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var left, got sync.Map
	for i := range 50 {
		wg.Go(func() {
			ctx := context.Background()
			if i%5 == 0 {
				ctx = gone
			}
			a, err := r.Addrs(ctx, "Mail.example.org", 4)
			switch {
			case i%5 != 0 && len(a) == 2 && err == nil:
				got.Store(i, true)
			case i%5 == 0 && errors.Is(err, context.Canceled) && FailureOf(err) == Timeout:
				left.Store(i, true)
			default:
				t.Errorf("caller %d: %v, %v", i, a, err)
			}
		})
	}
	eventually(t, "the question is asked", func() bool { return s.Count("", "") > 0 })
	leave()
	wg.Wait()
	if n := s.Count("mail.example.org", ""); n != 1 {
		t.Errorf("%d questions", n)
	}
	if m.outcomes["answer"] != 1 || m.hits+m.misses != 50 {
		t.Errorf("counted %v, %d, %d", m.outcomes, m.hits, m.misses)
	}
}

// TestCallersDeadline: who has no time left gets what is kept, and the question
// that one did not wait for is answered for the next.
func TestCallersDeadline(t *testing.T) {
	s := serve(t, world+"!delay 100ms mail.example.org")
	r := resolver(t, Options{}, s)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := r.Addrs(ctx, "mail.example.org", 4)
	if FailureOf(err) != Timeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	eventually(t, "it is kept", func() bool {
		a, err := r.Addrs(ctx, "mail.example.org", 4)
		return len(a) == 2 && err == nil
	})
	if _, err = r.Addrs(ctx, "other.example.org", 4); FailureOf(err) != Timeout {
		t.Errorf("%v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := s.Count("", "") + len(r.flights); n != 1 {
		t.Errorf("%d questions", n)
	}
}

func TestInflight(t *testing.T) {
	s := serve(t, "!delay 1s *")
	m := &counts{}
	r := resolver(t, Options{Inflight: 4, Meter: m}, s)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { _, _ = r.Addrs(ctx, fmt.Sprintf("n%d.example.org", i), 4) })
	}
	eventually(t, "four questions", func() bool { return s.Count("", "") == 4 })
	began := time.Now()
	if e := fails(t, r, "n5.example.org", Busy); !errors.Is(e, ErrBusy) || !e.Temporary() {
		t.Errorf("%v", e)
	}
	if took := time.Since(began); took > 700*time.Millisecond {
		t.Errorf("busy after %v", took)
	}
	cancel()
	wg.Wait()
	eventually(t, "room again", func() bool {
		_, err := r.Addrs(context.Background(), "n6.example.org", 4)
		return IsNotFound(err)
	})
	if s.Count("n5.example.org", "") != 0 || m.outcomes["busy"] == 0 {
		t.Errorf("counted %v", m.outcomes)
	}
}

func TestClose(t *testing.T) {
	s := serve(t, world+"!drop dead.example.org\n!delay 10s slow.example.org")
	r := resolver(t, Options{Timeout: 20 * time.Second}, s)
	var wg sync.WaitGroup
	for _, name := range []string{"dead.example.org", "slow.example.org"} {
		wg.Go(func() {
			if e := fails(t, r, name, Busy); !errors.Is(e, ErrClosed) {
				t.Errorf("%v", e)
			}
		})
	}
	eventually(t, "two questions", func() bool { return s.Count("", "") == 2 })
	if len(leaked()) == 0 {
		t.Error("the check for goroutines that are left sees none")
	}
	began := time.Now()
	r.Close()
	wg.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("closed after %v", took)
	}
	if e := fails(t, r, "mail.example.org", Busy); !errors.Is(e, ErrClosed) {
		t.Errorf("%v", e)
	}
	r.Close()
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"timeout":    {Timeout: -1},
		"entries":    {Entries: -1},
		"inflight":   {Inflight: -1},
		"no servers": {Servers: []netip.AddrPort{}},
		"no port":    {Servers: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), 0)}},
		"no address": {Servers: []netip.AddrPort{{}}},
		"no file":    {Config: t.TempDir()},
	} {
		if r, err := New(o); err == nil {
			r.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

// TestLeftQuestions: who asks for names that nobody answers and goes away keeps
// nobody else out; a few such questions go on.
func TestLeftQuestions(t *testing.T) {
	zone := "ok.example.org A 192.0.2.1\n"
	for i := range 100 {
		zone += fmt.Sprintf("!drop x%d.hole.example\n", i)
	}
	s := serve(t, zone)
	r := resolver(t, Options{Inflight: 8, Timeout: 10 * time.Second}, s)
	for i := range 100 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		if _, err := r.Addrs(ctx, fmt.Sprintf("x%d.hole.example", i), 4); FailureOf(err) != Timeout {
			t.Fatalf("question %d: %v", i, err)
		}
		cancel()
	}
	if n := underWay(r); n != 2 {
		t.Errorf("%d questions under way", n)
	}
	// One that is waited for again is left no more, and others may be.
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = r.Addrs(ctx, "x0.hole.example", 4) })
	eventually(t, "one question that is left", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.left == 1
	})
	wg.Wait()
	if _, err := r.Addrs(context.Background(), "ok.example.org", 4); err != nil || underWay(r) != 2 {
		t.Errorf("%v, %d questions under way", err, underWay(r))
	}
}

func underWay(r *Resolver) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.flights)
}
