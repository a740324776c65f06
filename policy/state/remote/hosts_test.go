package remote_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

// asked waits until the store has answered all prefetches so far.
func asked(t *testing.T, h *mx) {
	t.Helper()
	eventually(t, 5*time.Second, "the store is asked", func() bool {
		return h.meter.later("hosts done")+h.meter.later("hosts dropped") == int(h.prefetches.Load())
	})
}

// knows asks a host about an address as mail does.
func knows(t *testing.T, h *mx, addr netip.Addr, at time.Time) (state.Host, bool) {
	t.Helper()
	h.Prefetch(addr)
	asked(t, h)
	return h.Host(addr, at)
}

// TestHistoryIsShared: what one host saw the other knows, beside what it saw itself.
func TestHistoryIsShared(t *testing.T) {
	s := start(t)
	a, b := open(t, s.url()), open(t, s.url())
	addr, at := netip.MustParseAddr("2001:db8::1"), began
	if h, ok := knows(t, b, addr, at); ok {
		t.Errorf("nobody sent: %+v", h)
	}
	for i := range 3 {
		a.Visit(addr, state.Visit{At: at.AddDate(0, 0, i), Flag: policy.FlagYes, Class: policy.ClassDevice, Device: device.NAS})
		told(t, a)
	}
	if _, ok := b.Host(addr, at); ok {
		t.Error("known before it was asked about")
	}
	at = at.AddDate(0, 0, 3)
	want := state.Host{Sessions: 3, Flagged: 3, Days: 3, Device: device.NAS, Shows: 3}
	want.Classes[policy.ClassDevice] = 3
	got, _ := knows(t, b, netip.MustParseAddr("2001:db8::1%eth0"), at)
	if want.First, want.Last, want.Shown = got.First, got.Last, got.Shown; got != want || !got.Shown.Time().Equal(began.AddDate(0, 0, 2)) {
		t.Errorf("%+v, not %+v", got, want)
	}
	if before := b.Visit(addr, state.Visit{At: at, Flag: policy.FlagSuspect}); before.Sessions != 0 {
		t.Errorf("its own history: %+v", before)
	}
	told(t, b)
	if got, _ := knows(t, a, addr, at); got.Sessions != 4 || got.Suspect != 1 || got.Days != 4 {
		t.Errorf("the first host: %+v", got)
	}
	if got, ok := a.View().Host(netip.MustParseAddr("::ffff:192.0.2.1"), at); ok {
		t.Errorf("an address of nobody: %+v", got)
	}
	if got, ok := b.Host(addr, at.AddDate(0, 0, 91)); ok {
		t.Errorf("after 91 days: %+v", got)
	}
}

// TestSameHosts has the local memory and two hosts note the same thousands of visits, with
// times that go on, go back a little and jump, and networks that hold their share.
func TestSameHosts(t *testing.T) {
	s := start(t)
	few := func(o *remote.Options) { o.Share = 10 }
	two := []*mx{open(t, s.url(), few), open(t, s.url(), few)}
	reader := open(t, s.url(), few)
	m, err := state.New(state.Options{Entries: 1000}) // of which one network has ten
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	r, at := rand.New(rand.NewPCG(seed, 0)), began
	steps := []time.Duration{0, time.Second, time.Minute, -time.Minute, time.Hour, 20 * time.Hour, -25 * time.Hour, 91 * 24 * time.Hour, -200 * 24 * time.Hour}
	address := func() netip.Addr {
		if n := byte(r.IntN(40)); r.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{203, 0, 113 + n%3, n / 3})
		} else {
			return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, n % 3, 15: n / 3})
		}
	}
	for round := range 60 {
		h := two[round%2]
		for range 1 + r.IntN(150) {
			if r.IntN(10) == 0 {
				at = at.Add(steps[min(r.IntN(len(steps)), r.IntN(len(steps)))])
			}
			v := state.Visit{At: at, Flag: policy.Flag(r.IntN(3)), Class: policy.Class(r.IntN(int(policy.ClassDevice) + 1))}
			if r.IntN(3) == 0 {
				v.Device = device.Kind(r.IntN(4))
			}
			addr := address()
			m.Visit(addr, v)
			h.Visit(addr, v)
		}
		told(t, h)
		some := make([]netip.Addr, 40)
		for i := range some {
			some[i] = address()
			reader.Prefetch(some[i])
		}
		asked(t, reader)
		for _, addr := range some {
			want, known := m.Host(addr, at)
			got, ok := reader.Host(addr, at)
			if ok != known || got != want {
				t.Fatalf("seed %d, round %d: %v at %v: %v %+v, the local memory says %v %+v", seed, round, addr, at, ok, got, known, want)
			}
		}
	}
	for _, h := range append(two, reader) {
		if h.meter.later("visits dropped")+h.meter.later("hosts dropped") > 0 || h.Degraded() {
			t.Error(h.meter, h.logs)
		}
	}
}

// TestHalvedClasses: 255 sessions of a class are not the end.
func TestHalvedClasses(t *testing.T) {
	s := start(t)
	h, m := open(t, s.url()), newMemory(t)
	addr := netip.MustParseAddr("192.0.2.1")
	for i := range 600 {
		v := state.Visit{At: began, Class: policy.Class(i % 4 / 3)}
		m.Visit(addr, v)
		h.Visit(addr, v)
	}
	told(t, h)
	want, _ := m.Host(addr, began)
	if got, _ := knows(t, open(t, s.url()), addr, began); got != want || got.Sessions != 600 {
		t.Errorf("%+v, not %+v", got, want)
	}
}

// TestHistoryWaitsForNobody: with a store that is slow, and with none, no call about hosts
// waits; what was seen meanwhile is told when it answers again, as far as there is room.
func TestHistoryWaitsForNobody(t *testing.T) {
	s := start(t)
	h := open(t, s.url(), quick)
	addr := netip.MustParseAddr("192.0.2.1")
	longest := time.Duration(0)
	session := func() {
		before := time.Now()
		h.Prefetch(addr)
		h.Host(addr, began)
		h.Visit(addr, state.Visit{At: began})
		longest = max(longest, time.Since(before))
	}
	s.do("CLIENT", "PAUSE", "500", "ALL")
	for range 20 {
		session()
		time.Sleep(10 * time.Millisecond)
	}
	if longest > 30*time.Millisecond { // a call would have 50
		t.Errorf("a session waited %v", longest)
	}
	if got, _ := h.Host(addr, began); got.Sessions != 20 {
		t.Errorf("its own history: %+v", got)
	}
	eventually(t, 20*time.Second, "well again", func() bool { return !h.Degraded() })
	told(t, h)
	lost := h.meter.later("visits dropped") // those under way when it was silent

	s.kill()
	for n := range 3 {
		use(h, n)
	}
	if !h.Degraded() {
		t.Fatal(h.meter)
	}
	const more = 5000
	for range more {
		session()
	}
	full := h.meter.later("visits dropped") - lost
	if full < more-1<<12 || full > more-1<<12+200 {
		t.Errorf("%d of %d visits found no room", full, more)
	}
	s.start()
	eventually(t, 20*time.Second, "well again", func() bool { return !h.Degraded() })
	told(t, h)
	if got, _ := knows(t, open(t, s.url()), addr, began); int(got.Sessions) < more-full-3 {
		t.Errorf("told of %+v, and %d had no room", got, full)
	}
}

// TestCloseTells what is queued.
func TestCloseTells(t *testing.T) {
	s := start(t)
	h := open(t, s.url())
	addr := netip.MustParseAddr("192.0.2.1")
	for range 1000 {
		h.Visit(addr, state.Visit{At: began})
	}
	h.Close()
	if got, _ := knows(t, open(t, s.url()), addr, began); got.Sessions != 1000 {
		t.Errorf("%+v", got)
	}
	s.kill()
	h = open(t, s.url())
	h.Visit(addr, state.Visit{At: began})
	h.Close()
	if n := h.meter.later("visits dropped"); n != 1 {
		t.Errorf("%d visits are counted as lost", n)
	}
}

// TestLearn: what was let in at one host on two days is known at the other.
func TestLearn(t *testing.T) {
	s := start(t)
	a, b := open(t, s.url()), open(t, s.url())
	it := item(a, "n", "x")
	for i := range 3 {
		at := began.AddDate(0, 0, i)
		if h := []*mx{a, b}[i%2]; h.Known(it, at) != (i > 1) {
			t.Errorf("day %d: known %v", i, i <= 1)
		} else if h.local.Known(it, at) {
			t.Errorf("day %d: one host saw it on one", i)
		}
		h := []*mx{b, a}[i%2]
		for range 100 {
			h.Learn(it, at)
		}
		eventually(t, 5*time.Second, "the store is told", func() bool { return h.meter.later("habits done") == 100*(i/2+1) })
		if got := h.Mailed(state.Mail{Habit: item(a, "n", "y"), Sender: it, At: at}, ruleOf25); got.Sender != (i > 1) || got.Habit != (i > 1) {
			t.Errorf("day %d: %+v", i, got)
		}
	}
}

// TestForget: a host, a network or more go from the store with all that they brought in,
// and nothing else does.
func TestForget(t *testing.T) {
	s := start(t)
	named := func(o *remote.Options) { o.Prefix, o.Share = "[a*]\\mail?:", 20 }
	a, b := open(t, s.url(), named), open(t, s.url(), named)
	use(open(t, s.url(), func(o *remote.Options) { o.Prefix = "[ab]\\mail1:" }), 1) // another's
	fill := func(addrs ...string) {
		for _, addr := range addrs {
			addr := netip.MustParseAddr(addr)
			network := state.Network(addr).String()
			it := state.Item{Key: a.Key("x", network), Wide: a.Key("wide", network), Network: a.Key(network)}
			a.Retried(state.Attempt{Item: it}, began, delay, keep)
			a.Retried(state.Attempt{Item: it}, began.Add(delay), delay, keep)
			a.Retried(state.Attempt{Item: state.Item{Key: a.Key("y", network), Network: it.Network}}, began, delay, keep)
			a.Take(began, []state.Draw{{Item: it, Rate: rate}})
			a.Tried(it, began)
			habitOf(a, it, began)
			a.Visit(addr, state.Visit{At: began})
			a.KeepFacts(addr, "facts", began, began.Add(time.Hour))
		}
		told(t, a)
	}
	// Of each network a passed and a waiting deferral, a bucket, tries and a habit; of each address a history and facts.
	fill("203.0.113.7", "203.0.113.8", "198.51.100.7", "2001:db8::1", "2001:db8:1::1")
	for i := range 21 {
		fill(fmt.Sprintf("192.0.2.%d", i)) // the last one under its network's name
	}
	for _, c := range []struct {
		prefix string
		hosts  int
		facts  int
		rest   int // of so many networks
	}{{"203.0.113.7/32", 1, 1, 1}, {"203.0.113.0/24", 1, 1, 0}, {"203.0.113.0/24", 0, 0, 0}, {"2001:db8::/32", 2, 2, 2}, {"192.0.2.0/25", 20, 20, 1},
		{"192.0.2.0/23", 1, 0, 0}, {"::ffff:198.51.100.0/120", 1, 1, 1}} {
		before, own, want := len(a.entries(t, s)), b.local.Forget(netip.MustParsePrefix(c.prefix)), c.hosts+c.facts+5*c.rest
		n, err := b.View().Forget(netip.MustParsePrefix(c.prefix))
		if after := len(a.entries(t, s)); err != nil || own != 0 || n != want || before-after != n {
			t.Errorf("%s: %d entries and %v, not %d; %d are gone", c.prefix, n, err, want, before-after)
		}
	}
	if left := a.entries(t, s); len(left) != 0 {
		t.Error(left)
	}
	if n := s.admin.DBSize(context.Background()).Val(); n < 5 {
		t.Errorf("another's entries are gone: %d are left", n)
	}
	if n, err := b.View().Forget(netip.Prefix{}); n != 0 || err != nil {
		t.Error(n, err)
	}
	fill("192.0.2.1")
	if h, ok := knows(t, b, netip.MustParseAddr("192.0.2.1"), began); !ok || h.Wide || h.Sessions != 1 {
		t.Errorf("there is no room where all was forgotten: %+v", h)
	}
	s.kill()
	use(b, 1)
	use(b, 2)
	if _, err := b.View().Forget(netip.MustParsePrefix("192.0.2.1/32")); err == nil {
		t.Error("forgotten without a store")
	}
}

// entries are a host's in the store, but for counts and the secret.
func (h *mx) entries(t *testing.T, s *server) (names []string) {
	t.Helper()
	keys, err := s.admin.Keys(context.Background(), `\[a\*]*`).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if name := k[strings.Index(k, ":")+1:]; !strings.HasPrefix(name, "holds-") && name != "secret" && name != "trial" {
			names = append(names, name)
		}
	}
	return names
}

// TestView: the admin sees what all hosts know, and what the own one does when the store
// is gone.
func TestView(t *testing.T) {
	s := start(t)
	a, b := open(t, s.url()), open(t, s.url())
	at := time.Now()
	addr, wide := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	a.Visit(addr, state.Visit{At: at})
	a.Visit(wide, state.Visit{At: at})
	b.Visit(addr, state.Visit{At: at})
	told(t, a)
	told(t, b)
	if h, ok := b.View().Host(addr, at); !ok || h.Sessions != 2 {
		t.Errorf("%+v", h)
	}
	list := map[netip.Addr]uint16{}
	b.View().Hosts(func(addr netip.Addr, h state.Host) bool {
		if list[addr] != 0 {
			t.Error("twice: ", addr)
		}
		list[addr] = h.Sessions
		return true
	})
	if len(list) != 2 || list[addr] != 2 || list[wide] != 1 {
		t.Error(list)
	}
	hosts{a, b}.wave(7, at, 30, systems(5))
	hosts{a, b}.wave(8, at, 40, systems(5))
	hosts{a, b}.wave(9, at, 20, systems(5))
	for _, h := range []*mx{a, b} {
		on := h.View().Campaigns(at.Add(time.Minute), 10)
		if len(on) != 2 || on[0].Template != 8 || on[0].Messages != 40 || on[1].Networks != 30 || !on[1].On || on[1].Since.Unix() != at.Add(24*time.Second).Unix() {
			t.Errorf("%+v", on)
		}
		if on := h.View().Campaigns(at.Add(time.Minute), 1); len(on) != 1 || on[0].Template != 8 {
			t.Errorf("%+v", on)
		}
		if on := h.View().Campaigns(at.Add(25*time.Hour), 10); len(on) != 0 {
			t.Errorf("a day later %+v", on)
		}
	}
	s.kill()
	use(b, 1)
	if h, ok := b.View().Host(addr, at); !ok || h.Sessions != 2 { // it was heard
		t.Errorf("%+v", h)
	}
	if on := b.View().Campaigns(at.Add(time.Minute), 10); len(on) != 0 { // it saw half of each
		t.Errorf("%+v", on)
	}
}

func newMemory(t *testing.T) *state.Memory {
	m, err := state.New(state.Options{Entries: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
