package resolve

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTimesToLive(t *testing.T) {
	for name, c := range map[string]struct {
		zone string
		kept time.Duration
	}{
		"as told":             {"x.example 60 IN A 192.0.2.1", time.Minute},
		"zero":                {"x.example 0 IN A 192.0.2.1", minLife},
		"no number":           {"x.example 4294967295 IN A 192.0.2.1", minLife},
		"week":                {"x.example 604800 IN A 192.0.2.1", maxLife},
		"least of records":    {"x.example 900 IN A 192.0.2.1\nx.example 60 IN A 192.0.2.2", time.Minute},
		"alias":               {"x.example 60 IN CNAME y.example.\ny.example 900 IN A 192.0.2.1", time.Minute},
		"target":              {"x.example 900 IN CNAME y.example.\ny.example 60 IN A 192.0.2.1", time.Minute},
		"alias, asked again":  {"x.example 60 IN CNAME y.example.\ny.example 900 IN A 192.0.2.1\n!nochase x.example", time.Minute},
		"nxdomain":            {"example 900 IN SOA ns.example. r.example. 1 1 1 1 60", time.Minute},
		"nxdomain, soa's own": {"example 60 IN SOA ns.example. r.example. 1 1 1 1 900", time.Minute},
		"nxdomain, day":       {"example 86400 IN SOA ns.example. r.example. 1 1 1 1 86400", maxNegative},
		"nxdomain, no time":   {"example 900 IN SOA ns.example. r.example. 1 1 1 1 0", minLife},
		"nxdomain, no soa":    {"!nosoa x.example", minLife},
		"nodata":              {"x.example 900 IN TXT x\n!minimum 60 x.example", time.Minute},
		"nodata of a target":  {"x.example 60 IN CNAME y.example.\ny.example 900 IN TXT x\n!minimum 900 x.example", time.Minute},
		"servfail":            {"!servfail x.example", failureLife},
		"refused":             {"!refused x.example", failureLife},
		"loop":                {"x.example 900 IN CNAME x.example.", failureLife},
		"silence":             {"!drop x.example", failureLife},
	} {
		t.Run(name, func(t *testing.T) {
			s, clk := serve(t, c.zone), newClock()
			r := resolver(t, Options{Now: clk.Now, Timeout: 300 * time.Millisecond}, s)
			ask := func() int {
				before := s.Count("x.example", "A")
				_, _ = r.Addrs(context.Background(), "x.example", 4)
				return s.Count("x.example", "A") - before
			}
			if ask() == 0 || ask() != 0 {
				t.Fatal("not asked, or not kept at all")
			}
			clk.add(c.kept - time.Nanosecond)
			if ask() != 0 {
				t.Errorf("gone before %v", c.kept)
			}
			clk.add(time.Nanosecond)
			if ask() == 0 {
				t.Errorf("kept longer than %v", c.kept)
			}
		})
	}
}

func TestChangingAnswer(t *testing.T) {
	s, clk := serve(t, "x.example 60 IN A 192.0.2.1\nx.example 60 IN A 192.0.2.2\n!rotate x.example"), newClock()
	r := resolver(t, Options{Now: clk.Now}, s)
	for _, want := range []string{"[192.0.2.1]", "[192.0.2.2]", "[192.0.2.1]"} {
		for range 3 {
			if got := addrs(t, r, "x.example"); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		clk.add(time.Minute)
	}
}

// TestCacheIsBounded floods the cache with names, then with bytes.
func TestCacheIsBounded(t *testing.T) {
	s := serve(t, "*.example 3600 IN A 192.0.2.1\n!huge 60 big.test")
	r := resolver(t, Options{Entries: 40}, s)
	for range 3 { // the second use makes them used ones
		addrs(t, r, "often.example")
	}
	for i := range 200 {
		addrs(t, r, fmt.Sprintf("n%d.example", i))
	}
	if n, _ := r.Cached(); n > 40 {
		t.Errorf("%d answers", n)
	}
	addrs(t, r, "often.example")
	if n := s.Count("often.example", ""); n != 1 {
		t.Errorf("a flood of names pushed a used one out: %d questions", n)
	}
	if _, err := r.TXT(context.Background(), "big.test"); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		set(t, s, fmt.Sprintf("!huge 60 big%d.test", i))
		if _, err := r.TXT(context.Background(), fmt.Sprintf("big%d.test", i)); err != nil {
			t.Fatal(err)
		}
	}
	if n, b := r.Cached(); b > 40*bytesPerEntry || n == 0 {
		t.Errorf("%d bytes of %d answers", b, n)
	}
}

func TestCacheCountsItsBytes(t *testing.T) {
	c, err := newCache(8)
	if err != nil {
		t.Fatal(err)
	}
	var q question
	for i := range 300 {
		q.set(1, fmt.Sprintf("n%d.example", i*i%11))
		h := c.hash(&q)
		if a, _ := c.get(h, &q, time.Duration(i)); a == nil {
			c.put(h, &answer{key: string(q.key()), life: time.Duration(7 + i%40), text: []string{strings.Repeat("x", i)}}, time.Duration(i))
		}
		sum := 0
		for _, e := range append(c.fresh.Values(), c.used.Values()...) {
			sum += e.answer.cost()
		}
		if sum != c.bytes || c.len() > 8 {
			t.Fatalf("%d bytes are counted as %d, %d answers", sum, c.bytes, c.len())
		}
	}
	for _, k := range append(c.fresh.Keys(), c.used.Keys()...) {
		c.fresh.Remove(k)
		c.used.Remove(k)
	}
	if c.bytes != 0 {
		t.Errorf("%d bytes of nothing", c.bytes)
	}
	c.put(1, &answer{text: []string{strings.Repeat("x", 1<<20)}}, 0)
	if c.len() != 0 || c.bytes != 0 {
		t.Error("what is bigger than all the cache is kept")
	}
}

func TestHashesOfOthers(t *testing.T) {
	c, err := newCache(8)
	if err != nil {
		t.Fatal(err)
	}
	var a, b question
	a.set(1, "a.example")
	b.set(1, "b.example")
	c.put(1, &answer{key: string(a.key()), life: time.Hour}, 0)
	has := func(q *question) bool { a, _ := c.get(1, q, 0); return a != nil }
	if has(&b) || !has(&a) || has(&b) {
		t.Error("a hash alone makes an answer")
	}
}

// down asks until the server's breaker opens.
func down(t *testing.T, r *Resolver, i int) {
	t.Helper()
	var wg sync.WaitGroup
	for n := range tripAfter {
		wg.Go(func() { _, _ = r.Addrs(context.Background(), fmt.Sprintf("down%d.example", n), 4) })
	}
	wg.Wait()
	eventually(t, "the server is down", func() bool { return r.State()[i].Down })
}

func TestBreaker(t *testing.T) {
	var log bytes.Buffer
	s, clk, m := serve(t, world+"!drop *"), newClock(), &counts{}
	r := resolver(t, Options{Now: clk.Now, Timeout: 200 * time.Millisecond, Meter: m, Log: slog.New(slog.NewTextHandler(&log, nil))}, s)
	if !r.Healthy() {
		t.Fatal("ill at once")
	}
	down(t, r, 0)
	if r.Healthy() {
		t.Error("healthy without a server")
	}
	before := s.Count("", "")
	if e := fails(t, r, "mail.example.org", Timeout); e.Err != ErrDown || s.Count("", "") != before {
		t.Errorf("%v, %d questions", e, s.Count("", "")-before)
	}
	for _, pause := range []time.Duration{2, 4, 8, 16, 32, 60, 60} {
		pause *= time.Second
		if st := r.State()[0]; st.Retry != pause || !st.Down {
			t.Fatalf("%+v, want %v", st, pause)
		}
		clk.add(pause - time.Nanosecond)
		trials := s.Count(".", "NS")
		fails(t, r, "mail.example.org", Timeout)
		if s.Count(".", "NS") != trials {
			t.Errorf("a trial before %v", pause)
		}
		clk.add(time.Nanosecond)
		for range 20 {
			fails(t, r, "mail.example.org", Timeout)
		}
		eventually(t, "one trial failed", func() bool {
			return s.Count(".", "NS") == trials+1 && r.State()[0].Retry > 0
		})
	}
	set(t, s, "!clear *")
	clk.add(maxPause)
	_, _ = r.Addrs(context.Background(), "mail.example.org", 4) // starts the trial, and fails unless that is over at once
	eventually(t, "it is up", r.Healthy)
	addrs(t, r, "mail.example.org")
	if want := []string{"true", "false"}; !reflect.DeepEqual(m.downs, want) {
		t.Errorf("the meter saw %v", m.downs)
	}
	if s.Count("mail.example.org", "") != 1 {
		t.Error("the name was asked for while the server was down")
	}
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines:\n%s", n, &log)
	}
	set(t, s, "!drop *")
	clk.add(5 * time.Second)
	down(t, r, 0)
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("a third line within a minute:\n%s", &log)
	}
	if st := r.State()[0]; st.Retry != firstPause {
		t.Errorf("%+v: a new trouble begins with the last pause of the old", st)
	}
}

// TestTrialBrokenOff: a trial that could not be made tells nothing of the server.
func TestTrialBrokenOff(t *testing.T) {
	r := resolver(t, Options{}, serve(t, ""))
	s := r.set.Load().list[0]
	for n := range tripAfter {
		if try := s.miss(); try != (n == tripAfter-1) {
			t.Errorf("%d: %v", n, try)
		}
	}
	if s.tried(false, 0); !r.Healthy() || !s.miss() {
		t.Error("it counts, or is the last")
	}
	if s.tried(true, 0); r.Healthy() {
		t.Error("a trial that failed does not count")
	}
}

// TestDeadZones: names whose servers are dead do not make the resolver look dead.
func TestDeadZones(t *testing.T) {
	var zone strings.Builder
	for n := range 10 {
		fmt.Fprintf(&zone, "!drop dead%d.example\n", n)
	}
	s, m := serve(t, zone.String()), &counts{}
	r := resolver(t, Options{Timeout: 300 * time.Millisecond, Meter: m}, s)
	var wg sync.WaitGroup
	for n := range 10 {
		wg.Go(func() {
			if _, err := r.Addrs(context.Background(), fmt.Sprintf("dead%d.example", n), 4); FailureOf(err) != Timeout {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	eventually(t, "the trial ends", func() bool { return r.State()[0].Timeouts < tripAfter })
	if len(m.downs) != 0 || !r.Healthy() || s.Count(".", "NS") == 0 {
		t.Errorf("down %v, %d trials", m.downs, s.Count(".", "NS"))
	}
}

// TestDeadServerCostsNothing: the second server answers, the first is left alone.
func TestDeadServerCostsNothing(t *testing.T) {
	dead, live, clk := serve(t, "!drop *"), serve(t, "*.example IN A 192.0.2.1"), newClock()
	r := resolver(t, Options{Now: clk.Now, Timeout: 300 * time.Millisecond}, dead, live)
	down(t, r, 0)
	if !r.Healthy() || r.State()[1].Down {
		t.Fatalf("%+v", r.State())
	}
	before, began := dead.Count("", "A"), time.Now()
	for n := range 20 {
		addrs(t, r, fmt.Sprintf("n%d.example", n))
	}
	if took := time.Since(began); dead.Count("", "A") != before || took > time.Second {
		t.Errorf("%d questions, %v", dead.Count("", "A")-before, took)
	}
	set(t, dead, "!clear *")
	clk.add(time.Minute)
	addrs(t, r, "again.example")
	eventually(t, "it is up", func() bool { return !r.State()[0].Down })
}

// TestClosedPort: a resolver that is not there is noticed without a wait.
func TestClosedPort(t *testing.T) {
	s := serve(t, "")
	addr := s.Addr()
	free := serve(t, "*.example IN A 192.0.2.1")
	closed := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), addr.Port())
	r := resolver(t, Options{Servers: []netip.AddrPort{closed, free.Addr()}, Timeout: 10 * time.Second})
	began := time.Now()
	down(t, r, 0)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestConfig(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "[127.0.0.1:53] false",
		"nameserver 192.0.2.1":       "[192.0.2.1:53] false",
		"nameserver x\nnameserver\n": "[127.0.0.1:53] false",
		"# nameserver 192.0.2.1\n":   "[127.0.0.1:53] false",
		"; c\nsearch example.org\n\tnameserver\t2001:db8::1 # x\noptions ndots:2 rotate": "[[2001:db8::1]:53] true",
		"nameserver fe80::1%eth0\nnameserver ::ffff:192.0.2.1\n":                         "[[fe80::1%eth0]:53 192.0.2.1:53] false",
		strings.Repeat("nameserver 192.0.2.1\n", 5):                                      "[192.0.2.1:53 192.0.2.1:53 192.0.2.1:53] false",
	} {
		a, rotate := parseConfig(text)
		if got := fmt.Sprint(a, rotate); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestConfigChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+"~", path); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	clk, m := newClock(), &counts{}
	r, err := New(Options{Config: path, Now: clk.Now, Meter: m, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	servers := func() string {
		r.current() // a look-up would ask whoever is at port 53
		var all []string
		for _, s := range r.State() {
			all = append(all, s.Server.Addr().String())
		}
		return strings.Join(all, " ")
	}
	if got := servers(); got != "127.0.0.1" {
		t.Errorf("without a file: %s", got)
	}
	write("nameserver 127.0.0.8\nnameserver 127.0.0.9\nnameserver 127.0.0.9\n") // nobody is there
	if got := servers(); got != "127.0.0.1" {
		t.Errorf("at once: %s", got)
	}
	clk.add(configEvery)
	if got := servers(); got != "127.0.0.8 127.0.0.9" {
		t.Errorf("after a change: %s", got)
	}
	for _, s := range r.set.Load().list {
		s.miss()
		s.tried(true, r.clock())
	}
	write("nameserver 127.0.0.9\noptions rotate\n")
	clk.add(configEvery)
	if got := servers(); got != "127.0.0.9" || !r.State()[0].Down {
		t.Errorf("a server that stays: %s %+v", got, r.State())
	}
	m.mu.Lock()
	if len(m.downs) != 3 || m.downs[2] != "false" {
		t.Errorf("a server that left counts as down: %v", m.downs)
	}
	m.mu.Unlock()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		clk.add(configEvery)
		if got := servers(); got != "127.0.0.9" {
			t.Errorf("a file that cannot be read: %s", got)
		}
	}
	if n := strings.Count(log.String(), "dns configuration"); n != 1 {
		t.Errorf("%d lines about the file:\n%s", n, &log)
	}
}

func TestRotation(t *testing.T) {
	a, b := serve(t, ""), serve(t, "")
	r := resolver(t, Options{}, a, b)
	r.replace([]netip.AddrPort{a.Addr(), b.Addr()}, true)
	for n := range 10 {
		fails(t, r, fmt.Sprintf("n%d.example", n), NXDomain)
	}
	if a.Count("", "") != 5 || b.Count("", "") != 5 {
		t.Errorf("%d and %d questions", a.Count("", ""), b.Count("", ""))
	}
}

func TestPanicIsContained(t *testing.T) {
	var log bytes.Buffer
	r := resolver(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, serve(t, ""))
	good := r.set.Swap(nil) // the next question finds no servers to range over
	for n := range 3 {
		fails(t, r, fmt.Sprintf("n%d.example", n), Invalid)
	}
	r.set.Store(good)
	fails(t, r, "x.example", NXDomain)
	if n := strings.Count(log.String(), "panicked"); n != 1 {
		t.Errorf("%d lines", n)
	}
}
