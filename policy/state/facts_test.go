package state

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestFacts(t *testing.T) {
	m := memory(t, 1000)
	a, neighbour := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.8")
	at := func(after time.Duration) time.Time { return began.Add(after) }
	if got := m.Facts(a, began); got != "" {
		t.Errorf("%q of nobody", got)
	}
	m.KeepFacts(a, "one", began, at(time.Hour))
	for _, c := range []struct {
		addr  netip.Addr
		after time.Duration
		want  string
	}{
		{a, 0, "one"}, {netip.MustParseAddr("::ffff:203.0.113.7"), 0, "one"}, {neighbour, 0, ""}, {netip.Addr{}, 0, ""},
		{a, time.Hour - time.Second, "one"}, {a, time.Hour, ""}, {a, 1e6 * time.Hour, ""},
		{a, -22 * time.Hour, "one"}, {a, -24 * time.Hour, ""}, {a, -1000 * time.Hour, ""}, // of the future
	} {
		if got := m.Facts(c.addr, at(c.after)); got != c.want {
			t.Errorf("%v after %v: %q, want %q", c.addr, c.after, got, c.want)
		}
	}
	m.KeepFacts(a, "two", began, at(1000*time.Hour))
	if m.Facts(a, at(FactsLife-time.Second)) != "two" || m.Facts(a, at(FactsLife)) != "" {
		t.Error("a day is the most")
	}
	m.KeepFacts(a, strings.Repeat("x", MaxFacts+1), began, at(time.Hour))
	if n, lost := m.size("facts"); n != 1 || lost != 1 || m.Facts(a, began) != "two" {
		t.Errorf("too long: %d entries, %d lost, %q", n, lost, m.Facts(a, began))
	}
	m.KeepFacts(a, "three", began, began)
	m.KeepFacts(netip.Addr{}, "four", began, at(time.Hour))
	if n, _ := m.size("facts"); n != 0 {
		t.Errorf("%d entries of nothing", n)
	}
	m.KeepFacts(a, "five", began, at(time.Hour))
	if n := m.Forget(netip.MustParsePrefix("203.0.113.0/24")); n != 1 || m.Facts(a, began) != "" {
		t.Errorf("%d forgotten", n)
	}
	m.KeepFacts(a, "six", began, at(time.Hour))
	m.KeepFacts(neighbour, "seven", began, at(3*time.Hour))
	if n := m.Expire(at(2 * time.Hour)); n != 1 || m.Facts(neighbour, began) != "seven" {
		t.Errorf("%d are over", n)
	}
}

// TestSafety10Facts: beyond the share of its network nothing is kept of an address, and
// those that come once displace none that came again.
func TestSafety10Facts(t *testing.T) {
	const room = 20_000
	m := memory(t, room)
	kept := func(a netip.Addr) bool { return m.Facts(a, began) != "" }
	put := func(a netip.Addr) { m.KeepFacts(a, "x", began, began.Add(time.Hour)) }
	put(neighbour)
	for _, first := range []string{"198.51.100.0", "2001:db8:1::"} {
		a := netip.MustParseAddr(first)
		before, _ := m.size("facts")
		for i := range 1 << 12 {
			if a.Is4() && i == 256 {
				break
			}
			put(a)
			a = a.Next()
		}
		n, _ := m.size("facts")
		if held := n - before; held > room/shareOf || held < room/shareOf*8/10 {
			t.Errorf("%s: %d entries", first, held)
		}
	}
	if _, lost := m.size("facts"); lost == 0 {
		t.Error("not counted")
	}
	if !kept(neighbour) { // and is proven by that
		t.Fatal("another network's are gone")
	}
	for i := range 3 * room { // a scan
		put(client(i))
	}
	n, lost := m.size("facts")
	if !kept(neighbour) || n > room+len(m.facts.shards) || lost < room {
		t.Errorf("%v, %d entries, %d lost", kept(neighbour), n, lost)
	}
}

// TestFactsOfMany: of a million hosts the facts are a part.
func TestFactsOfMany(t *testing.T) {
	m, err := New(Options{Entries: 10, Hosts: 1_000_000})
	if err != nil || m.facts.room != maxFacts || m.hosts.room != 1_000_000 {
		t.Errorf("%v %d", err, m.facts.room)
	}
}

// TestFactsAllocate nothing where they are in hand.
func TestFactsAllocate(t *testing.T) {
	m := memory(t, 1000)
	a := netip.MustParseAddr("203.0.113.7")
	m.KeepFacts(a, strings.Repeat("x", 100), began, began.Add(time.Hour))
	m.Visit(a, Visit{At: began})
	draws := m.draw("n", "x")
	m.Take(began, draws)
	for name, f := range map[string]func(){
		"facts": func() { m.Facts(a, began) }, "host": func() { m.Host(a, began) },
		"visit": func() { m.Visit(a, Visit{At: began}) }, "bucket": func() { m.Take(began, draws) },
	} {
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkFacts asks for addresses that are all in the table: some that are proven, as
// many as the table takes, each of which is proven at another's cost, and puts.
func BenchmarkFacts(b *testing.B) {
	m, err := New(Options{Entries: 1000, Hosts: maxFacts})
	if err != nil {
		b.Fatal(err)
	}
	addrs := make([]netip.Addr, maxFacts)
	text := strings.Repeat("x", 100)
	for i := range addrs {
		addrs[i] = client(i)
		m.KeepFacts(addrs[i], text, began, began.Add(time.Hour))
	}
	for _, bb := range []struct {
		name string
		of   int
		do   func(netip.Addr)
	}{
		{"hit", maxFacts / 2, func(a netip.Addr) { m.Facts(a, began) }},
		{"turn", maxFacts, func(a netip.Addr) { m.Facts(a, began) }},
		{"put", maxFacts, func(a netip.Addr) { m.KeepFacts(a, text, began, began.Add(time.Hour)) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for _, a := range addrs[:bb.of] {
				bb.do(a)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				bb.do(addrs[i*7919%bb.of])
			}
		})
	}
}
