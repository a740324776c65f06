package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// counts is a Meter.
type counts struct {
	mu   sync.Mutex
	n    map[string]int // "source outcome", "busy source", "zone up", "zone down"
	wait chan string    // told of lists; nil where nobody listens
}

func (c *counts) add(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[key]++
}

func (c *counts) of(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[key]
}

func (c *counts) Lookup(source, outcome string, took time.Duration) { c.add(source + " " + outcome) }
func (c *counts) Busy(source string)                                { c.add("busy " + source) }

func (c *counts) Fact(kind string, hit bool) { c.add(fmt.Sprint("fact ", kind, " ", hit)) }

func (c *counts) ListUp(zone string, up bool) {
	text := fmt.Sprint(zone, " ", up)
	c.add(text)
	if c.wait != nil {
		c.wait <- text
	}
}

// world is a collector that asks a real DNS server.
type world struct {
	*Collector
	dns   *dnstest.Server
	meter *counts
	log   *strings.Builder // of listWorld
}

func newWorld(t testing.TB, zone string, change func(*Options)) *world {
	t.Helper()
	server, err := dnstest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if err := server.Set(zone); err != nil {
		t.Fatal(err)
	}
	r, err := resolve.New(resolve.Options{Servers: []netip.AddrPort{server.Addr()}, Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	w := &world{dns: server, meter: &counts{}}
	o := Options{DNS: r, SPF: func(client netip.Addr) SPFResolver { return r.Net().For(client) }, Meter: w.meter}
	if change != nil {
		change(&o)
	}
	w.Collector = New(o)
	t.Cleanup(w.Collector.Close)
	return w
}

func clientOf(addr string, iprev policy.Iprev, name string) policy.Client {
	c := policy.Client{Addr: netip.MustParseAddr(addr), Port: 40000, Iprev: iprev}
	if name != "" {
		c.Name = policy.Seen(name)
	}
	return c
}

// all waits for everything and returns the facts.
func all(t testing.TB, l policy.Lookups, c policy.Client) *policy.Facts {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	f := &policy.Facts{Client: c}
	if err := l.Await(ctx, f); err != nil {
		t.Fatal(err)
	}
	return f
}

func helo(name string) policy.Greeting { return policy.Greeting{Name: policy.Seen(name)} }

func TestIprev(t *testing.T) {
	const zone = `
mail.example.org A 192.0.2.7
two.example.org  A 192.0.2.9
mail6.example.org AAAA 2001:db8::7
7.2.0.192.in-addr.arpa PTR mail.example.org.
8.2.0.192.in-addr.arpa PTR mail.example.org.
9.2.0.192.in-addr.arpa PTR no.example.org.
9.2.0.192.in-addr.arpa PTR two.example.org.
10.2.0.192.in-addr.arpa PTR ill.example.org.
12.2.0.192.in-addr.arpa PTR no.example.org.
!servfail ill.example.org 11.2.0.192.in-addr.arpa
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail6.example.org.
`
	w := newWorld(t, zone, nil)
	for _, tt := range []struct {
		addr string
		told policy.Iprev
		want policy.Iprev
		name string
	}{
		{"192.0.2.7", policy.IprevFail, policy.IprevPass, "mail.example.org"},
		{"192.0.2.7", policy.IprevTempError, policy.IprevPass, "mail.example.org"},
		{"192.0.2.7", policy.IprevUnknown, policy.IprevPass, "mail.example.org"},
		{"192.0.2.8", policy.IprevFail, policy.IprevFail, "mail.example.org"},
		{"192.0.2.9", policy.IprevFail, policy.IprevPass, "two.example.org"},
		{"192.0.2.10", policy.IprevFail, policy.IprevTempError, "ill.example.org"}, // which the MTA took for a forgery
		{"192.0.2.11", policy.IprevUnknown, policy.IprevTempError, ""},
		{"192.0.2.12", policy.IprevUnknown, policy.IprevFail, "no.example.org"},
		{"192.0.2.13", policy.IprevUnknown, policy.IprevPermError, ""},
		{"2001:db8::7", policy.IprevUnknown, policy.IprevPass, "mail6.example.org"},
	} {
		c := clientOf(tt.addr, tt.told, "")
		f := all(t, w.Start(c), c)
		if f.Client.Iprev != tt.want || f.Client.Name.String() != tt.name {
			t.Errorf("%s, %v by the MTA: %v %q, want %v %q", tt.addr, tt.told, f.Client.Iprev, f.Client.Name, tt.want, tt.name)
		}
	}
}

// TestMTAWordFirst: what the MTA knows is not asked again.
func TestMTAWordFirst(t *testing.T) {
	w := newWorld(t, "", nil)
	for _, c := range []policy.Client{
		clientOf("192.0.2.7", policy.IprevPass, "mail.example.org"), clientOf("192.0.2.7", policy.IprevPermError, ""),
	} {
		if f := all(t, w.Start(c), c); f.Client.Iprev != c.Iprev || f.Client.Name != c.Name {
			t.Errorf("%+v", f.Client)
		}
	}
	if n := w.dns.Count("", ""); n > 0 {
		t.Errorf("%d questions", n)
	}
}

func TestConfirmed(t *testing.T) {
	const zone = `
mail.example.org A 192.0.2.7
other.example.org A 192.0.2.8
only4.example.org A 192.0.2.7
only6.example.org AAAA 2001:db8::7
text.example.org TXT x
!servfail ill.example.org
`
	w := newWorld(t, zone, nil)
	for _, tt := range []struct {
		addr, helo string
		want       policy.Iprev
		asked      bool
	}{
		{"192.0.2.7", "Mail.Example.org.", policy.IprevPass, true},
		{"192.0.2.7", "other.example.org", policy.IprevFail, true},
		{"192.0.2.7", "none.example.org", policy.IprevPermError, true},
		{"192.0.2.7", "text.example.org", policy.IprevPermError, true},
		{"192.0.2.7", "ill.example.org", policy.IprevTempError, true},
		{"192.0.2.7", "only6.example.org", policy.IprevUnknown, true},
		{"2001:db8::7", "only6.example.org", policy.IprevPass, true},
		{"2001:db8::7", "only4.example.org", policy.IprevUnknown, true},
		{"192.0.2.7", "ptr.example.org", policy.IprevPass, false}, // the confirmed name itself
		{"192.0.2.7", "pc", policy.IprevUnknown, false},
		{"192.0.2.7", "[192.0.2.7]", policy.IprevUnknown, false},
		{"192.0.2.7", "192.0.2.7", policy.IprevUnknown, false},
		{"192.0.2.7", "a b.example.org", policy.IprevUnknown, false},
		{"192.0.2.7", "\x00\xff.example.org", policy.IprevUnknown, false},
	} {
		before := w.dns.Count("", "")
		c := clientOf(tt.addr, policy.IprevPass, "ptr.example.org")
		l := w.Start(c)
		l.Greeting(helo(tt.helo))
		f := all(t, l, c)
		if f.Confirmed != tt.want {
			t.Errorf("%s greets with %q: %v, want %v", tt.addr, tt.helo, f.Confirmed, tt.want)
		}
		if asked := w.dns.Count("", "") > before; asked && !tt.asked {
			t.Errorf("%q was asked for", tt.helo)
		}
	}
}

// TestManyAddresses: a pool's name is its members', also of the last in the answer,
// and an answer that is not read to its end refutes nobody.
func TestManyAddresses(t *testing.T) {
	zone := "!huge 300 vast.example.org\n"
	for i := range 200 {
		zone += fmt.Sprintf("pool.example.org A 198.51.100.%d\n", i)
	}
	w := newWorld(t, zone, nil)
	for name, want := range map[string]policy.Iprev{"pool.example.org": policy.IprevPass, "vast.example.org": policy.IprevTempError} {
		c := clientOf("198.51.100.199", policy.IprevPermError, "")
		l := w.Start(c)
		l.Greeting(helo(name))
		if f := all(t, l, c); f.Confirmed != want {
			t.Errorf("%s: %v, want %v", name, f.Confirmed, want)
		}
		l.Close()
	}
}

// TestGreetingTwice: the last HELO counts, also when the answer about the first
// comes later.
func TestGreetingTwice(t *testing.T) {
	w := newWorld(t, "slow.example.org A 192.0.2.7\nfast.example.org A 192.0.2.8\n!delay 60ms slow.example.org\n", nil)
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	l := w.Start(c)
	l.Greeting(helo("slow.example.org"))
	l.Greeting(helo("fast.example.org"))
	if f := all(t, l, c); f.Confirmed != policy.IprevFail {
		t.Errorf("%v", f.Confirmed)
	}
}

func TestSender(t *testing.T) {
	const zone = `
office.example A 192.0.2.80
office.example MX 10 mail.office.example.
office.example TXT "v=spf1 mx -all"
mail.office.example A 192.0.2.7
web.example A 192.0.2.7
xn--bro-hoa.example A 192.0.2.7
big.example MX 10 mx.big.example.
big.example TXT "v=spf1 ip4:198.51.100.0/24 -all"
mx.big.example A 198.51.100.1
null.example MX 0 .
ill.example MX 10 mx.ill.example.
ill.example A 198.51.100.1
ill.example TXT "v=spf1 a:mx.ill.example -all"
!servfail mx.ill.example dead.example
open.example TXT "v=spf1 +all"
wide.example TXT "v=spf1 ip4:192.0.0.0/8 -all"
halves.example TXT "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"
exists.example TXT "v=spf1 exists:any.example -all"
any.example A 127.0.0.2
trick.example TXT "v=spf1 exists:%{i}.trick.example -all"
192.0.2.7.trick.example A 127.0.0.2
!servfail 192.128.2.7.trick.example
net.example TXT "v=spf1 ip4:192.0.0.0/10 -all"
`
	w := newWorld(t, zone, nil)
	for _, tt := range []struct {
		from    string
		sending policy.Iprev
		spf     policy.SPF
	}{
		{"a@office.example", policy.IprevPass, policy.SPFPass},
		{"a@web.example", policy.IprevPass, policy.SPFNone},
		{"a@big.example", policy.IprevFail, policy.SPFFail},
		{"a@null.example", policy.IprevFail, policy.SPFNone},
		{"a@ill.example", policy.IprevTempError, policy.SPFTempError},
		{"a@dead.example", policy.IprevTempError, policy.SPFTempError},
		{"a@none.example", policy.IprevFail, policy.SPFNone},
		{"a@open.example", policy.IprevFail, policy.SPFOpen},
		{"a@wide.example", policy.IprevFail, policy.SPFOpen},
		{"a@halves.example", policy.IprevFail, policy.SPFOpen},
		{"a@exists.example", policy.IprevFail, policy.SPFOpen},
		{"a@trick.example", policy.IprevFail, policy.SPFTempError},
		{"a@b\u00fcro.example", policy.IprevPass, policy.SPFNone},
		{"a@net.example", policy.IprevFail, policy.SPFPass},
		{"", policy.IprevUnknown, policy.SPFUnknown},
		{"a", policy.IprevUnknown, policy.SPFUnknown},
		{"a@b c.example", policy.IprevUnknown, policy.SPFUnknown},
	} {
		c := clientOf("192.0.2.7", policy.IprevPass, "ptr.example.org")
		l := w.Start(c)
		l.Sender(policy.Envelope{From: policy.Seen(tt.from)})
		if f := all(t, l, c); f.Sending != tt.sending || f.SPF != tt.spf {
			t.Errorf("%q: %v %v, want %v %v", tt.from, f.Sending, f.SPF, tt.sending, tt.spf)
		}
	}
}

func TestSenderOfAnotherMessage(t *testing.T) {
	w := newWorld(t, "office.example A 192.0.2.7\n", nil)
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	l := w.Start(c)
	l.Sender(policy.Envelope{From: policy.Seen("a@office.example")})
	if f := all(t, l, c); f.Sending != policy.IprevPass {
		t.Fatalf("%v", f.Sending)
	}
	l.Sender(policy.Envelope{From: policy.Seen("")})
	if f := all(t, l, c); f.Sending != policy.IprevUnknown || f.SPF != policy.SPFUnknown {
		t.Errorf("the null sender: %v %v", f.Sending, f.SPF)
	}
}

func TestCymru(t *testing.T) {
	w := newWorld(t, `7.2.0.192.origin.asn.cymru.com TXT "64496 | 192.0.2.0/24 | ZZ | arin | 2001-01-01"`+"\n", func(o *Options) { o.Cymru = true })
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	if f := all(t, w.Start(c), c); f.Network.ASN != 64496 {
		t.Errorf("%+v", f.Network)
	}
	c.Addr = netip.MustParseAddr("192.0.2.8")
	if f := all(t, w.Start(c), c); f.Network.ASN != 0 || w.meter.of("cymru none") != 1 {
		t.Errorf("%+v %v", f.Network, w.meter.n)
	}
}

// stacks, prints and prober are sources without a network.
type stacks struct{ err error }

func (s stacks) Stack(client, _ netip.AddrPort) (policy.Stack, error) {
	return policy.Stack{Known: client.Port() >= 40000, Scale: 3}, s.err
}

// Glance knows of clients at even ports.
func (s stacks) Glance(client, server netip.AddrPort) (policy.Stack, bool) {
	stack, err := s.Stack(client, server)
	return stack, client.Port()%2 == 0 && err == nil
}

type prints struct{ err error }

func (p prints) Look(context.Context, netip.Addr) (policy.P0f, error) {
	return policy.P0f{Known: true, OS: "Linux"}, p.err
}

type prober struct{ told []policy.Class }

func (p *prober) Known(netip.Addr) (policy.Banner, bool) { return policy.Banner{Place: "http"}, true }

func (p *prober) Suspect(_ netip.Addr, _ string, _ policy.NetworkKind, class policy.Class) {
	p.told = append(p.told, class)
}

func TestOtherSources(t *testing.T) {
	for _, port := range []uint16{40000, 40001} { // by a glance, and by a look-up
		p := new(prober)
		w := newWorld(t, "", func(o *Options) { o.Stacks, o.P0f, o.Prober = stacks{}, prints{}, p })
		c := clientOf("192.0.2.7", policy.IprevPass, "")
		c.Port = port
		l := w.Start(c)
		if f := all(t, l, c); !f.Stack.Known || f.Stack.Scale != 3 || f.P0f.OS != "Linux" || f.Banner.Place != "http" {
			t.Errorf("%+v", f.Found)
		}
		l.Judged(named(c, policy.IprevPass), &policy.Judgement{Class: policy.ClassMailserver})
		l.Judged(named(c, policy.IprevPass), suspect)
		if len(p.told) != 1 || p.told[0] != policy.ClassAccess {
			t.Errorf("told of %v", p.told)
		}
	}
}

// TestGlance: what the kernel says at once costs no goroutine, and takes no place from
// other look-ups.
func TestGlance(t *testing.T) {
	w := newWorld(t, "", func(o *Options) { o.Stacks = stacks{} })
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	l := w.Start(c).(*lookups)
	if l.running != 0 || l.ctx != nil || !l.found.Stack.Known {
		t.Errorf("%d look-ups, %+v", l.running, l.found.Stack)
	}
	c.Port++
	if l := w.Start(c).(*lookups); l.ctx == nil {
		t.Error("no look-up where a glance was not enough")
	}
}

type staggering struct{ stacks }

func (staggering) Glance(_, _ netip.AddrPort) (policy.Stack, bool) { panic("stack") }

func TestSafety16PanicInAGlance(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, "", func(o *Options) { o.Stacks, o.Log = staggering{}, slog.New(slog.NewTextHandler(&log, nil)) })
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	for range 3 {
		if f := all(t, w.Start(c), c); f.Stack.Known {
			t.Errorf("%+v", f.Stack)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
	if n := w.meter.of("stack panic"); n != 3 {
		t.Errorf("%d panics counted", n)
	}
}

var suspect = &policy.Judgement{Class: policy.ClassAccess, Flag: policy.FlagSuspect}

// named are the facts about a client with a name, or of whom it is known that there
// is none.
func named(c policy.Client, iprev policy.Iprev) *policy.Facts {
	if c.Iprev = iprev; iprev != policy.IprevPermError {
		c.Name = policy.Seen("cpe-192-0-2-7.isp.example")
	}
	return &policy.Facts{Client: c}
}

// TestSafety18NotProbed: whose name or network could not be asked for might have
// opted out, or be a mobile one.
func TestSafety18NotProbed(t *testing.T) {
	const zone = "!servfail 7.2.0.192.origin.asn.cymru.com\n!drop slow.example.org\n"
	for name, tt := range map[string]struct {
		change func(*Options)
		helo   string
		facts  *policy.Facts
		told   int
	}{
		"named":            {nil, "", named(clientOf("192.0.2.7", 0, ""), policy.IprevFail), 1},
		"without a name":   {nil, "", named(clientOf("192.0.2.7", 0, ""), policy.IprevPermError), 1},
		"name unknown":     {nil, "", &policy.Facts{Client: clientOf("192.0.2.7", policy.IprevTempError, "")}, 0},
		"network unknown":  {func(o *Options) { o.Cymru = true }, "", named(clientOf("192.0.2.7", 0, ""), policy.IprevFail), 0},
		"still looked up":  {nil, "slow.example.org", named(clientOf("192.0.2.7", 0, ""), policy.IprevFail), 0},
		"look-up not made": {func(o *Options) { o.Most = 1; o.Stacks, o.P0f = stacks{}, prints{} }, "slow.example.org", named(clientOf("192.0.2.7", 0, ""), policy.IprevFail), 0},
	} {
		p := new(prober)
		w := newWorld(t, zone, func(o *Options) {
			o.Prober = p
			if tt.change != nil {
				tt.change(o)
			}
		})
		c := clientOf("192.0.2.7", policy.IprevPass, "cpe-192-0-2-7.isp.example")
		l := w.Start(c)
		all(t, l, c)
		if tt.helo != "" {
			l.Greeting(helo(tt.helo))
		}
		l.Judged(tt.facts, suspect)
		if len(p.told) != tt.told {
			t.Errorf("%s: told of %v", name, p.told)
		}
		l.Close()
	}
}

// TestSafety16DeadSources: sources that fail leave facts unknown.
func TestSafety16DeadSources(t *testing.T) {
	dead := errors.New("dead")
	w := newWorld(t, "", func(o *Options) { o.Stacks, o.P0f = stacks{dead}, prints{dead} })
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	if f := all(t, w.Start(c), c); f.Stack.Known || f.P0f.Known {
		t.Errorf("%+v", f.Found)
	}
}

type panicking struct{}

func (panicking) Look(context.Context, netip.Addr) (policy.P0f, error) { panic("p0f") }

func TestSafety16PanicInALookup(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, "", func(o *Options) { o.P0f, o.Log = panicking{}, slog.New(slog.NewTextHandler(&log, nil)) })
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	for range 3 {
		if f := all(t, w.Start(c), c); f.P0f.Known {
			t.Errorf("%+v", f.P0f)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || w.meter.of("p0f panic") != 3 {
		t.Errorf("%v, %d lines", w.meter.n, n)
	}
}

// TestSafety16BlackHole: DNS that never answers costs the caller its own deadline,
// and a look costs nothing.
func TestSafety16BlackHole(t *testing.T) {
	w := newWorld(t, "!drop *\n", nil)
	c := clientOf("192.0.2.7", policy.IprevFail, "x.example.org")
	l := w.Start(c)
	l.Greeting(helo("mail.example.org"))
	f := &policy.Facts{Client: c}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	start := time.Now()
	if err := l.Await(ended, f); err == nil || time.Since(start) > 50*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Millisecond)
	defer cancel()
	if err := l.Await(ctx, f); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	if f.Client.Iprev != policy.IprevFail || f.Confirmed != policy.IprevUnknown {
		t.Errorf("%+v", f)
	}
	if f := all(t, l, c); f.Client.Iprev != policy.IprevTempError || f.Confirmed != policy.IprevTempError {
		t.Errorf("in the end %v %v", f.Client.Iprev, f.Confirmed)
	}
}

// TestCloseCancels: what nobody waits for any more ends.
func TestCloseCancels(t *testing.T) {
	w := newWorld(t, "!drop *\n", nil)
	c := clientOf("192.0.2.7", policy.IprevFail, "")
	l := w.Start(c)
	start := time.Now()
	l.Close()
	all(t, l, c)
	if gone := time.Since(start); gone > 90*time.Millisecond {
		t.Errorf("took %v", gone)
	}
}

// TestMost: what exceeds the bound is not looked up, and counted.
func TestMost(t *testing.T) {
	w := newWorld(t, "!drop *\n", func(o *Options) { o.Most = 3 })
	c := clientOf("192.0.2.7", policy.IprevFail, "")
	open := make([]policy.Lookups, 10)
	for i := range open {
		open[i] = w.Start(c)
	}
	if n := w.meter.of("busy iprev"); n != 7 {
		t.Errorf("%d were not made", n)
	}
	for _, l := range open {
		l.Close()
		all(t, l, c)
	}
	l := w.Start(c)
	defer l.Close()
	if n := w.meter.of("busy iprev"); n != 7 {
		t.Error("the places are not given back")
	}
}

// TestMostPardons: the pardon of a small office that there is no room to ask for is
// not denied.
func TestMostPardons(t *testing.T) {
	w := newWorld(t, "!drop *\n", func(o *Options) { o.Most = 1 })
	c := clientOf("192.0.2.7", policy.IprevFail, "")
	l := w.Start(c) // asks for its name
	defer l.Close()
	l.Sender(policy.Envelope{From: policy.Seen("a@office.example")})
	if n := w.meter.of("busy sender"); n != 1 {
		t.Errorf("%d were not made", n)
	}
	if f := all(t, l, c); f.Sending != policy.IprevTempError {
		t.Errorf("sending is %v", f.Sending)
	}
}

// TestSafety16NoRoom: what there is no room to ask is a temporary failure, and no
// evidence.
func TestSafety16NoRoom(t *testing.T) {
	w := newWorld(t, "!drop *\n", func(o *Options) { o.Most = 1 })
	other := w.Start(clientOf("198.51.100.1", policy.IprevFail, "")) // has the only place
	defer other.Close()
	c := clientOf("192.0.2.7", policy.IprevFail, "x.example.org")
	l := w.Start(c)
	l.Greeting(helo("mail.example.org"))
	l.Sender(policy.Envelope{From: policy.Seen("a@example.org")})
	f := all(t, l, c)
	if f.Client.Iprev != policy.IprevTempError || f.Confirmed != policy.IprevTempError || f.Sending != policy.IprevTempError {
		t.Errorf("%v %v %v", f.Client.Iprev, f.Confirmed, f.Sending)
	}
}

// TestShare: a network that asks for all that it can leaves room for others.
func TestShare(t *testing.T) {
	w := newWorld(t, "!drop *\n", func(o *Options) { o.Most = 100 })
	flood := make([]policy.Lookups, 4)
	for i := range flood {
		flood[i] = w.Start(clientOf(fmt.Sprintf("192.0.2.%d", i), policy.IprevPass, ""))
		for n := range 50 {
			flood[i].Greeting(helo(fmt.Sprintf("x%d.y%d.example", i, n)))
		}
	}
	if n := w.meter.of("busy helo"); n != 200-minShare {
		t.Errorf("%d of 200 were not made", n)
	}
	other := clientOf("198.51.100.1", policy.IprevFail, "")
	other6 := clientOf("2001:db8::1", policy.IprevFail, "")
	w.Start(other).Close()
	w.Start(other6).Close()
	if n := w.meter.of("busy iprev"); n > 0 {
		t.Error("others are kept out")
	}
	for _, l := range flood {
		l.Close()
		all(t, l, other)
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(w.slots) > 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	w.shares.mu.Lock()
	defer w.shares.mu.Unlock()
	if len(w.shares.taken) > 0 || len(w.slots) > 0 {
		t.Errorf("%v and %d places are not given back", w.shares.taken, len(w.slots))
	}
}

// TestRecordedWaits: of a recording nothing is left out for want of room.
func TestRecordedWaits(t *testing.T) {
	w := newWorld(t, "*.example A 192.0.2.7\n!delay 5ms *\n", func(o *Options) { o.Most, o.Recorded = 2, true })
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	for i := range 10 {
		l := w.Start(c)
		defer l.Close()
		l.Greeting(helo(fmt.Sprintf("x%d.example", i)))
	}
	if n := w.meter.of("busy helo"); n > 0 {
		t.Errorf("%d were not made", n)
	}
}

// TestLateSender: name servers of the sender's choice that do not answer are a
// temporary failure, those of the client's name a look-up that is late.
func TestLateSender(t *testing.T) {
	w := newWorld(t, "!drop *\n", nil)
	for _, tt := range []struct {
		iprev policy.Iprev
		late  bool
	}{{policy.IprevPass, false}, {policy.IprevFail, true}} {
		c := clientOf("192.0.2.7", tt.iprev, "cpe-192-0-2-7.isp.example")
		l := w.Start(c)
		l.Sender(policy.Envelope{From: policy.Seen("a@slow.example")})
		f := &policy.Facts{Client: c}
		if err := l.Await(ended, f); err == nil || f.Sending != policy.IprevUnknown {
			t.Errorf("a look: %v, %v", err, f.Sending)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		if err := l.Await(ctx, f); (err != nil) != tt.late || f.Sending != policy.IprevTempError {
			t.Errorf("%v: %v, %v", tt.iprev, err, f.Sending)
		}
		cancel()
		l.Sender(policy.Envelope{From: policy.Seen("")})
		ctx, cancel = context.WithTimeout(context.Background(), 10*time.Millisecond)
		l.Await(ctx, f)
		cancel()
		if f.Sending != policy.IprevUnknown {
			t.Errorf("the null sender: %v", f.Sending)
		}
		l.Close()
	}
}

var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// TestSingleFlight: a burst from one address asks once.
func TestSingleFlight(t *testing.T) {
	w := newWorld(t, "mail.example.org A 192.0.2.7\n7.2.0.192.in-addr.arpa PTR mail.example.org.\n!delay 30ms *\n", nil)
	c := clientOf("192.0.2.7", policy.IprevTempError, "")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			l := w.Start(c)
			l.Greeting(helo("mail.example.org"))
			if f := all(t, l, c); f.Client.Iprev != policy.IprevPass || f.Confirmed != policy.IprevPass {
				t.Errorf("%+v", f.Client)
			}
		})
	}
	wg.Wait()
	if n := w.dns.Count("", ""); n > 2 {
		t.Errorf("%d questions", n)
	}
}

// TestUnknownClient: a client without an address is looked up nowhere.
func TestUnknownClient(t *testing.T) {
	w := newWorld(t, "", func(o *Options) { o.Stacks, o.P0f = stacks{}, prints{} })
	l := w.Start(policy.Client{})
	l.Greeting(helo("mail.example.org"))
	l.Sender(policy.Envelope{From: policy.Seen("a@example.org")})
	if f := all(t, l, policy.Client{}); f.P0f.Known || w.dns.Count("", "") > 0 {
		t.Errorf("%+v", f.Found)
	}
}

// BenchmarkKnownClient is a connection that needs no answer: a confirmed name, and a
// HELO that repeats it.
func BenchmarkKnownClient(b *testing.B) {
	w := newWorld(b, "", nil)
	c := clientOf("192.0.2.7", policy.IprevPass, "mail.example.org")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	f := &policy.Facts{Client: c}
	b.ReportAllocs()
	for b.Loop() {
		l := w.Start(c)
		l.Greeting(helo("mail.example.org"))
		l.Await(ended, f)
		l.Close()
	}
}
