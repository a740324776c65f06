package remote_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

const namesZone = `
2.0.0.127.list.example A 127.0.0.2
mail.example.org 7200 A 192.0.2.7
7.2.0.192.in-addr.arpa 7200 PTR mail.example.org.
7.2.0.192.origin.asn.cymru.com 7200 TXT "64496 | 192.0.2.0/24 | ZZ | arin | 2001-01-01"
7.2.0.192.list.example 600 A 127.0.0.10
!servfail 8.2.0.192.in-addr.arpa 8.2.0.192.list.example 8.2.0.192.origin.asn.cymru.com
`

// looker is a mail host that looks up what it does not know, at a DNS server of its own.
type looker struct {
	*mx
	*evidence.Collector
	facts    *evidence.Facts
	dns      *dnstest.Server
	resolver *resolve.Resolver
}

// lookers have one clock.
func lookers(t *testing.T, now func() time.Time, all ...*mx) (found []*looker) {
	t.Helper()
	for _, h := range all {
		server, err := dnstest.Start("")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		if err := server.Set(namesZone); err != nil {
			t.Fatal(err)
		}
		r, err := resolve.New(resolve.Options{Servers: []netip.AddrPort{server.Addr()}, Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		l := &looker{mx: h, facts: evidence.NewFacts(h, now), dns: server, resolver: r}
		l.Collector = evidence.New(evidence.Options{DNS: r, Cymru: true, Facts: l.facts, Patience: time.Second, // a busy machine is no slow store
			Lists: []evidence.List{{Zone: "list.example", Kind: policy.ListAccess}}})
		t.Cleanup(l.Collector.Close)
		l.Settle(t.Context())
		found = append(found, l)
	}
	return found
}

func (l *looker) Close() { l.mx.Close() }

// connects is one connection from an address, as mail makes it. It returns what was found,
// and what was asked for it.
func (l *looker) connects(t *testing.T, addr string) (f *policy.Facts, asked int) {
	t.Helper()
	before := l.dns.Count("", "")
	f = &policy.Facts{Client: policy.Client{Addr: netip.MustParseAddr(addr)}}
	l.Prefetch(f.Client.Addr)
	began := time.Now()
	of := l.Start(f.Client)
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("a connection waited %v", took)
	}
	defer of.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := of.Await(ctx, f); err != nil {
		t.Error(err)
	}
	return f, l.dns.Count("", "") - before
}

// known is a whole result for 192.0.2.7.
func known(f *policy.Facts) bool {
	return f.Client.Iprev == policy.IprevPass && f.Client.Name.String() == "mail.example.org" && f.Network.ASN == 64496 && len(f.Listings) == 1
}

// tell is what was found, in a line.
func tell(f *policy.Facts) string {
	return fmt.Sprint(f.Client.Name, f.Client.Iprev, f.Network.ASN, f.Listings)
}

// TestFactsAreShared: what one host looked up about an address the other does not ask for,
// at its very first connection; failures it asks for again.
func TestFactsAreShared(t *testing.T) {
	s := start(t)
	both := lookers(t, time.Now, open(t, s.url()), open(t, "redis://127.0.0.1:"+s.port))
	a, b := both[0], both[1]
	if f, asked := a.connects(t, "192.0.2.7"); !known(f) || asked != 4 { // PTR and A, the network, the list
		t.Fatalf("%d questions, %s", asked, tell(f))
	}
	told(t, a.mx)
	for i := range 3 {
		if f, asked := b.connects(t, "192.0.2.7"); !known(f) || asked != 0 {
			t.Errorf("connection %d of the other host: %d questions, %s", i, asked, tell(f))
		}
	}
	for i, l := range both {
		if f, asked := l.connects(t, "192.0.2.8"); f.Client.Iprev != policy.IprevTempError || asked < 3 {
			t.Errorf("host %d: %d questions where DNS is ill, %s", i, asked, tell(f))
		}
	}
	told(t, b.mx)
	if n := s.admin.Exists(t.Context(), "iot-milter:facts:192.0.2.8").Val(); n != 0 {
		t.Error("failures are stored")
	}
	ttl := s.admin.TTL(t.Context(), "iot-milter:facts:192.0.2.7").Val()
	if ttl <= time.Hour || ttl > 2*time.Hour { // DNS says 7200 s, the list's answer ends earlier
		t.Errorf("stored for %v", ttl)
	}
	if l := b.local.Facts(netip.MustParseAddr("192.0.2.7"), time.Now()); l != "" {
		t.Errorf("the other host looked up %q", l)
	}
}

// TestLookUpsSaved has 250 addresses come to two hosts in turn.
func TestLookUpsSaved(t *testing.T) {
	s := start(t)
	both := lookers(t, time.Now, open(t, s.url()), open(t, s.url()))
	var asked [2]int
	for i := range 250 {
		addr := fmt.Sprint("203.0.113.", i)
		for n := range both {
			l := both[(i+n)%2]
			_, more := l.connects(t, addr)
			asked[n] += more
			told(t, l.mx)
		}
	}
	t.Logf("%d questions of the first host of each, %d of the second", asked[0], asked[1])
	if asked[0] != 3*250 || asked[1] != 0 {
		t.Error(asked)
	}
}

// TestSafety04FactsWithAnIllStore: whatever ails the store, look-ups are made and found, no
// connection waits for it, and when it is well again it has facts.
func TestSafety04FactsWithAnIllStore(t *testing.T) {
	for name, c := range map[string]struct{ harm, mend func(s *server) }{
		"slow":     {func(s *server) { s.do("CLIENT", "PAUSE", "2500", "ALL") }, func(*server) {}},
		"dead":     {func(s *server) { s.kill() }, func(s *server) { s.start() }},
		"readonly": {func(s *server) { s.do("REPLICAOF", "127.0.0.1", freePort(s.t)) }, func(s *server) { s.do("REPLICAOF", "NO", "ONE") }},
		"password": {func(s *server) {
			s.do("CONFIG", "SET", "requirepass", "geheim")
			s.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		}, func(s *server) { s.do("AUTH", "geheim"); s.do("CONFIG", "SET", "requirepass", "") }},
		"full": {func(s *server) {
			s.do("CONFIG", "SET", "maxmemory-policy", "noeviction")
			s.do("CONFIG", "SET", "maxmemory", "1mb")
		}, func(s *server) { s.do("CONFIG", "SET", "maxmemory", "0") }},
		"emptied":      {func(s *server) { s.do("FLUSHALL") }, func(*server) {}},
		"another type": {func(s *server) { s.do("HSET", "iot-milter:facts:192.0.2.7", "x", "y") }, func(s *server) { s.do("FLUSHALL") }},
		"another holder": {func(s *server) {
			s.do("SET", "iot-milter:holds-facts:192.0.2.0/24", "text")
			s.do("SET", "iot-milter:facts:192.0.2.7", strings.Repeat("x", 1000))
		}, func(s *server) { s.do("FLUSHALL") }},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			two := lookers(t, time.Now, open(t, s.url(), quick), open(t, s.url()))
			l := two[0]
			c.harm(s)
			if f, asked := l.connects(t, "192.0.2.7"); !known(f) || asked != 4 {
				t.Errorf("%d questions, %s", asked, tell(f))
			}
			for i := range 20 {
				l.connects(t, fmt.Sprint("203.0.113.", i))
			}
			if f, asked := l.connects(t, "192.0.2.7"); !known(f) || asked != 0 {
				t.Errorf("again: %d questions, %s", asked, tell(f))
			}
			c.mend(s)
			eventually(t, 20*time.Second, "well again", func() bool { return !l.Degraded() && !two[1].Degraded() })
			told(t, l.mx)
			l.connects(t, "203.0.113.99")
			told(t, l.mx)
			if _, asked := two[1].connects(t, "203.0.113.99"); asked != 0 {
				t.Errorf("the other host asks %d questions: %v %v", asked, l.meter, l.logs)
			}
		})
	}
}

// TestFactsWaitShortly: with a store that is slow look-ups begin after a few milliseconds.
func TestFactsWaitShortly(t *testing.T) {
	s := start(t)
	l := lookers(t, time.Now, open(t, s.url()))[0]
	soon := evidence.New(evidence.Options{DNS: l.resolver, Facts: l.facts})
	s.do("CLIENT", "PAUSE", "400", "ALL")
	addr := netip.MustParseAddr("192.0.2.7")
	l.Prefetch(addr)
	began, f := time.Now(), &policy.Facts{}
	of := soon.Start(policy.Client{Addr: addr})
	defer of.Close()
	if err := of.Await(t.Context(), f); err != nil || f.Client.Iprev != policy.IprevPass {
		t.Error(err, tell(f))
	}
	if took := time.Since(began); took < 4*time.Millisecond || took > 200*time.Millisecond {
		t.Errorf("after %v", took)
	}
	asked(t, l.mx)
	if l.Coming(addr) != nil {
		t.Error("something is still to come")
	}
}

// TestSafety07SharedFactsOfTheFuture: what the store has of a time that is not the host's
// tells nothing, and neither does what another version wrote; a minute between two clocks
// does not matter.
func TestSafety07SharedFactsOfTheFuture(t *testing.T) {
	s := start(t)
	at := time.Now()
	a := lookers(t, func() time.Time { return at }, open(t, s.url()))[0]
	a.connects(t, "192.0.2.7")
	told(t, a.mx)
	stored := s.admin.Get(t.Context(), "iot-milter:facts:192.0.2.7").Val()
	for step, want := range map[time.Duration]int{-30 * time.Second: 0, 30 * time.Second: 0, -time.Hour: 4, 3 * time.Hour: 4, -1e5 * time.Hour: 4, 1e5 * time.Hour: 4} {
		s.do("SET", "iot-milter:facts:192.0.2.7", stored)
		b := lookers(t, func() time.Time { return at.Add(step) }, open(t, s.url()))[0]
		if f, asked := b.connects(t, "192.0.2.7"); !known(f) || asked != want {
			t.Errorf("%v: %d questions, %s", step, asked, tell(f))
		}
		told(t, b.mx)
	}
	for _, text := range []string{"", "\x01x", "\xff", strings.Repeat("\x02", 256), strings.Repeat("x", 1<<20)} {
		s.do("SET", "iot-milter:facts:192.0.2.7", text)
		b := lookers(t, time.Now, open(t, s.url()))[0]
		if f, asked := b.connects(t, "192.0.2.7"); !known(f) || asked != 4 {
			t.Errorf("%.10q: %d questions, %s", text, asked, tell(f))
		}
		told(t, b.mx)
	}
}

// TestBannersAreShared: what one host's probe saw the other knows, and what is taken away
// goes for both.
func TestBannersAreShared(t *testing.T) {
	s := start(t)
	both := lookers(t, time.Now, open(t, s.url()), open(t, s.url()))
	a, b := both[0], both[1]
	addr, want := netip.MustParseAddr("192.0.2.7"), policy.Banner{Kind: device.NAS, Vendor: "Synology"}
	a.facts.KeepBanner(addr, want)
	told(t, a.mx)
	b.connects(t, "192.0.2.7")
	told(t, b.mx)
	if got, ok := b.facts.Banner(addr); !ok || got != want {
		t.Errorf("%+v", got)
	}
	a.connects(t, "192.0.2.7") // and hears of the names that b looked up
	a.facts.ForgetBanner(addr)
	told(t, a.mx)
	if got, ok := a.facts.Banner(addr); ok {
		t.Errorf("its own: %+v", got)
	}
	c := lookers(t, time.Now, open(t, s.url()))[0]
	f, asked := c.connects(t, "192.0.2.7")
	if got, ok := c.facts.Banner(addr); ok || asked != 0 || !known(f) {
		t.Errorf("%+v, %d questions, %s", got, asked, tell(f))
	}
	a.facts.KeepBanner(netip.MustParseAddr("192.0.2.9"), want)
	a.facts.ForgetBanner(netip.MustParseAddr("192.0.2.9"))
	told(t, a.mx)
	if names := s.admin.ZRange(t.Context(), "iot-milter:holds-facts:192.0.2.0/24", 0, -1).Val(); !slices.Equal(names, []string{"iot-milter:facts:192.0.2.7"}) {
		t.Error(names)
	}
}

// TestSafety10SharedFacts: of one network a share is kept, and what ends makes room.
func TestSafety10SharedFacts(t *testing.T) {
	s := start(t)
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	h := open(t, s.url(), func(o *remote.Options) { o.Share, o.Now = 10, clock })
	kept := func(addr netip.Addr) bool {
		at := clock()
		h.KeepFacts(addr, "x", at, at.Add(time.Hour))
		told(t, h)
		return s.admin.Exists(t.Context(), "iot-milter:facts:"+addr.String()).Val() == 1
	}
	of := func(n int) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 15: byte(n)}) }
	for i := range 20 {
		if kept(of(i)) != (i < 10) {
			t.Errorf("address %d", i)
		}
	}
	if !kept(of(3)) || !kept(netip.MustParseAddr("2001:db8:1::1")) {
		t.Error("an address that it has, or one of another network")
	}
	mu.Lock()
	now = now.Add(time.Hour + time.Second)
	mu.Unlock()
	if !kept(of(30)) {
		t.Error("what is over makes no room")
	}
	mu.Lock()
	now = now.AddDate(0, 0, -30)
	mu.Unlock()
	if !kept(of(31)) {
		t.Error("what is of the future makes no room")
	}
}

// TestFactsGoWithTheirAddress: the admin sees what all hosts know, and what he has
// forgotten the store has nowhere, not even of facts that are over.
func TestFactsGoWithTheirAddress(t *testing.T) {
	s := start(t)
	both := lookers(t, time.Now, open(t, s.url()), open(t, s.url()))
	a, b := both[0], both[1]
	addr := netip.MustParseAddr("192.0.2.7")
	for _, prefix := range []string{"192.0.2.7/32", "192.0.2.0/29", "192.0.0.0/16"} {
		a.connects(t, "192.0.2.7")
		a.connects(t, "192.0.2.100")
		told(t, a.mx)
		b.View().Host(addr, time.Now())
		if all := b.facts.List(addr); len(all) != 3 {
			t.Errorf("%+v", all)
		}
		s.do("DEL", "iot-milter:facts:192.0.2.7") // it is over
		for _, l := range both {
			if _, err := l.View().Forget(netip.MustParsePrefix(prefix)); err != nil {
				t.Error(err)
			}
			if all := l.facts.List(addr); len(all) != 0 {
				t.Errorf("%+v", all)
			}
		}
		names := s.admin.ZRange(t.Context(), "iot-milter:holds-facts:192.0.2.0/24", 0, -1).Val()
		if slices.Contains(names, "iot-milter:facts:192.0.2.7") || len(names) > 1 {
			t.Errorf("%s: %v", prefix, names)
		}
	}
}

// TestFactsQueue: while the store is away facts wait, as far as there is room, and none is
// told as if it had been found when the store came back.
func TestFactsQueue(t *testing.T) {
	s := start(t)
	h := open(t, s.url())
	s.kill()
	for n := range 3 {
		use(h, n)
	}
	h.facts.Store(0)
	before := h.meter.later("facts dropped")
	at, soon, late := time.Now(), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	h.KeepFacts(soon, "x", at, at.Add(time.Second))
	h.KeepFacts(late, "x", at, at.Add(time.Minute))
	const more = 5000
	for range more {
		h.KeepFacts(netip.MustParseAddr("192.0.2.3"), "x", at, at.Add(time.Hour))
	}
	if full := h.meter.later("facts dropped") - before; full < more-1<<12 || full > more-1<<12+200 {
		t.Errorf("%d of %d found no room", full, more)
	}
	time.Sleep(1500 * time.Millisecond)
	s.start()
	eventually(t, 20*time.Second, "the store is told", func() bool { return s.admin.Exists(t.Context(), "iot-milter:facts:192.0.2.3").Val() == 1 })
	if n := s.admin.Exists(t.Context(), "iot-milter:facts:192.0.2.1").Val(); n != 0 {
		t.Error("what is over is told")
	}
	if ttl := s.admin.PTTL(t.Context(), "iot-milter:facts:192.0.2.2").Val(); ttl > 59*time.Second || ttl < 30*time.Second {
		t.Errorf("a minute's fact of 2 s ago lives %v", ttl)
	}
}
