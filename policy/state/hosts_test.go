package state

import (
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

var (
	neighbour = netip.MustParseAddr("203.0.113.7")
	day       = 24 * time.Hour
)

// client is one of many: hosts of one IPv6 network each, of documentation.
func client(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 8), byte(i), byte(i >> 16), 15: 1})
}

func TestHost(t *testing.T) {
	m := memory(t, 1000)
	if h, ok := m.Host(neighbour, began); ok || h != (Host{}) {
		t.Errorf("before any session: %+v", h)
	}
	if h := m.Visit(neighbour, Visit{At: began, Class: policy.ClassAccess, Flag: policy.FlagSuspect}); h != (Host{}) {
		t.Errorf("known before the first session: %+v", h)
	}
	m.Visit(neighbour, Visit{At: began.Add(time.Hour), Class: policy.ClassDevice, Flag: policy.FlagYes, Device: device.NAS})
	m.Visit(neighbour, Visit{At: began.Add(day), Class: policy.ClassMailserver})
	before := m.Visit(netip.AddrFrom16(neighbour.As16()), Visit{At: began.Add(2 * day)})
	want := Host{
		First: unix(began), Last: unix(began.Add(day)), Shown: unix(began.Add(time.Hour)),
		Sessions: 3, Suspect: 1, Flagged: 1, Days: 2, Shows: 1, Device: device.NAS, Classes: [6]uint8{0, 1, 0, 0, 1, 1},
	}
	if before != want {
		t.Errorf("%+v\n%+v", before, want)
	}
	if h, ok := m.Host(neighbour, began.Add(2*day)); !ok || h.Sessions != 4 || h.Days != 3 || h.First.Time() != time.Unix(began.Unix(), 0) {
		t.Errorf("%+v", h)
	}
	if _, ok := m.Host(neighbour.Next(), began); ok {
		t.Error("a neighbour is known")
	}
	if _, ok := m.Host(netip.Addr{}, began); ok || m.Visit(netip.Addr{}, Visit{At: began}) != (Host{}) {
		t.Error("an unknown address is known")
	}
	if n := unsafe.Sizeof(Host{}); n > 32 {
		t.Errorf("a host takes %d bytes", n)
	}
}

func TestHostCountsSaturate(t *testing.T) {
	m := memory(t, 1000)
	for range 1 << 17 {
		m.Visit(neighbour, Visit{At: began, Class: policy.ClassDevice, Flag: policy.FlagYes, Device: device.TV})
	}
	m.Visit(neighbour, Visit{At: began, Class: policy.ClassAccess, Device: device.NAS})
	h, _ := m.Host(neighbour, began)
	if h.Sessions != 1<<16-1 || h.Flagged != 1<<16-1 || h.Shows != 1 || h.Device != device.NAS || h.Classes[policy.ClassDevice] < 127 || h.Classes[policy.ClassAccess] != 1 {
		t.Errorf("%+v", h)
	}
}

func TestHostClock(t *testing.T) {
	for name, c := range map[string]struct {
		second, look time.Duration
		sessions     uint16
	}{
		"next day":                {day, day, 2},
		"began earlier":           {-time.Hour, 0, 2},
		"unused for too long":     {hostKeep + time.Hour, hostKeep + time.Hour, 1},
		"about to be forgotten":   {hostKeep, hostKeep, 2},
		"clock set back":          {-30 * day, -30 * day, 1},
		"seen, and then too late": {0, 2 * hostKeep, 0},
		"seen in the future":      {0, -30 * day, 0},
	} {
		m := memory(t, 100)
		m.Visit(neighbour, Visit{At: began})
		m.Visit(neighbour, Visit{At: began.Add(c.second)})
		if h, _ := m.Host(neighbour, began.Add(c.look)); h.Sessions != c.sessions {
			t.Errorf("%s: %+v", name, h)
		}
	}
	m := memory(t, 100)
	m.Visit(neighbour, Visit{At: began.AddDate(50, 0, 0)})
	m.Visit(neighbour, Visit{At: began})
	if h, ok := m.Host(neighbour, began.Add(day)); !ok || h.Days != 1 || h.First != unix(began) {
		t.Errorf("after a jump of the clock: %+v", h)
	}
	for _, at := range []time.Time{{}, time.Unix(-5, 0), time.Unix(1<<40, 0)} {
		m.Visit(neighbour, Visit{At: at})
	}
	if h := m.Visit(neighbour, Visit{At: began}); h != (Host{}) {
		t.Errorf("%+v", h)
	}
}

// TestSafety10Scan: one-time hosts displace none that came on two days.
func TestSafety10Scan(t *testing.T) {
	for _, room := range []int{100, 10_000} {
		m := memory(t, room)
		proven := room / 2
		for d := range 2 {
			for i := range proven {
				m.Visit(client(i), Visit{At: began.Add(time.Duration(d) * day)})
			}
		}
		for i := range 10 * room {
			for range 3 { // sessions of one day prove nothing
				m.Visit(client(1<<17+i), Visit{At: began.Add(day)})
			}
		}
		for i := range proven {
			if _, ok := m.Host(client(i), began.Add(day)); !ok {
				t.Fatalf("room %d: host %d was displaced", room, i)
			}
		}
		entries, lost := m.size("hosts")
		if entries > room || entries < room*9/10 || lost < int64(8*room) {
			t.Errorf("%d entries, room for %d, %d displaced", entries, room, lost)
		}
		// Those who were proven last year give way in the end.
		for d := range 2 {
			for i := range 2 * room {
				m.Visit(client(1<<18+i), Visit{At: began.Add(time.Duration(40+d) * day)})
				m.Visit(client(1<<18+i), Visit{At: began.Add(time.Duration(41+d) * day)})
			}
		}
		if entries, _ := m.size("hosts"); entries > room {
			t.Errorf("%d entries, room for %d", entries, room)
		}
		if _, ok := m.Host(client(0), began.Add(41*day)); ok {
			t.Error("the proven never give way")
		}
	}
}

func (m *Memory) size(table string) (entries int, lost int64) {
	m.Tables(func(name string, n int, l int64) {
		if name == table {
			entries, lost = n, l
		}
	})
	return entries, lost
}

// TestSafety10HostsOfOneNetwork: beyond its share a network is counted as one, and
// what it is counted as says nothing of its hosts.
func TestSafety10HostsOfOneNetwork(t *testing.T) {
	for _, c := range []struct {
		room, most int
		addr       string
	}{{1000, 10, "198.51.100.0"}, {1000, 10, "2001:db8:1::"}, {100_000, 1000, "2001:db8:1::"}} {
		m := memory(t, c.room)
		m.Visit(neighbour, Visit{At: began})
		a := netip.MustParseAddr(c.addr)
		n := min(2*c.room, 1<<16)
		if a.Is4() {
			n = 256
		}
		for range n {
			m.Visit(a, Visit{At: began, Flag: policy.FlagYes, Class: policy.ClassDevice, Device: device.NAS})
			a = a.Next()
		}
		shards := len(m.hosts.shards)
		if entries, lost := m.size("hosts"); entries > c.most+1+shards || entries < c.most*8/10 || lost != 0 {
			t.Errorf("%s: %d entries, %d displaced", c.addr, entries, lost)
		}
		h, ok := m.Host(a.Prev(), began)
		if !ok || !h.Wide || h.Device != device.None || h.Classes != [6]uint8{} || int(h.Sessions) < min(n-2*c.most, 1<<16-1) || h.Flagged != h.Sessions {
			t.Errorf("%s: %+v", c.addr, h)
		}
		if h, ok := m.Host(netip.MustParseAddr(c.addr), began); !ok || h.Wide || h.Device != device.NAS {
			t.Errorf("%s: its first: %+v", c.addr, h)
		}
		if h, _ := m.Host(neighbour, began); h.Sessions != 1 || h.Wide {
			t.Errorf("another network: %+v", h)
		}
		wide := 0
		m.Hosts(func(a netip.Addr, h Host) bool {
			if h.Wide {
				wide++
				if a != netip.MustParseAddr(c.addr) {
					t.Errorf("%v", a)
				}
			}
			return true
		})
		if wide != 1 {
			t.Errorf("%s: %d networks", c.addr, wide)
		}
		m.Forget(netip.PrefixFrom(netip.MustParseAddr(c.addr), 0))
		for i := range m.hosts.shards {
			for n, held := range m.hosts.shards[i].holders {
				if a.Is6() || held != 0 {
					if n != (holder{3: 203, 4: 0, 5: 113}) {
						t.Errorf("%v holds %d", n, held)
					}
				}
			}
		}
	}
}

func TestHostsWalk(t *testing.T) {
	m := memory(t, 50_000)
	for i := range 20_000 {
		m.Visit(client(i), Visit{At: began})
	}
	seen := map[netip.Addr]bool{}
	m.Hosts(func(a netip.Addr, h Host) bool {
		seen[a] = true
		m.Visit(a, Visit{At: began}) // no lock is held
		return true
	})
	if len(seen) != 20_000 {
		t.Errorf("%d hosts", len(seen))
	}
	n := 0
	m.Hosts(func(netip.Addr, Host) bool { n++; return n < 10 })
	if n != 10 {
		t.Errorf("%d after the end", n)
	}
}

func TestForget(t *testing.T) {
	m := memory(t, 10_000)
	network := func(a netip.Addr) Item {
		return Item{Key: m.Key("item", a.String()), Wide: m.Key("wide"), Network: m.Key(Network(a).String())}
	}
	addrs := []netip.Addr{neighbour, neighbour.Next(), netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:2::1")}
	fill := func() {
		for _, a := range addrs {
			m.Visit(a, Visit{At: began})
			m.Retried(Attempt{Item: network(a)}, began.Add(-time.Hour), delay, keep)
			m.Retried(Attempt{Item: network(a)}, began, delay, keep)
			m.Take(began, []Draw{{Item: network(a), Rate: rate}})
			m.Tried(network(a), began)
			m.Habit(network(a), began)
		}
	}
	left := func() (hosts int, others int) {
		for _, table := range []string{"waiting", "passed", "buckets", "tries", "habits"} {
			n, _ := m.size(table)
			others += n
		}
		hosts, _ = m.size("hosts")
		return hosts, others
	}
	for _, c := range []struct {
		prefix        string
		hosts, others int
	}{
		{"203.0.113.7/32", 4, 12}, // the neighbour's deferrals go too: nobody knows whose is whose
		{"203.0.113.0/24", 3, 12},
		{"203.0.112.0/22", 3, 12},
		{"::ffff:203.0.113.7/128", 4, 12},
		{"0.0.0.0/0", 2, 20}, // too wide to name its networks
		{"200.0.0.0/5", 3, 20},
		{"203.0.0.0/8", 3, 12},
		{"2001:db8::/32", 3, 12},
		{"2001:db8:1::/48", 4, 16},
		{"2001:db8:1::1/128", 4, 16},
		{"2001:db8:1::2/128", 5, 16},
		{"255.255.255.255/32", 5, 20},
		{"192.0.2.0/24", 5, 20},
	} {
		m.Forget(netip.MustParsePrefix("0.0.0.0/0"))
		m.Forget(netip.MustParsePrefix("::/0"))
		for _, a := range addrs {
			m.Forget(netip.PrefixFrom(a, a.BitLen()))
		}
		if hosts, others := left(); hosts+others != 0 {
			t.Fatalf("%d and %d are left of all", hosts, others)
		}
		fill()
		before, also := left()
		n := m.Forget(netip.MustParsePrefix(c.prefix))
		hosts, others := left()
		if hosts != c.hosts || others != c.others || n != before+also-hosts-others {
			t.Errorf("%s: %d hosts and %d others are left, %d were forgotten", c.prefix, hosts, others, n)
		}
	}
	if m.Forget(netip.Prefix{}) != 0 {
		t.Error("no prefix, and something was forgotten")
	}
}

func TestExpire(t *testing.T) {
	m := memory(t, 10_000)
	for i := range 3000 {
		m.Visit(client(i), Visit{At: began})
		m.Visit(client(i), Visit{At: began.Add(time.Duration(i%2) * day)}) // some are proven
	}
	m.Retried(Attempt{Item: m.item("n", "x")}, began.Add(-time.Hour), delay, keep)
	m.Retried(Attempt{Item: m.item("n", "x")}, began, delay, keep)
	m.Habit(m.item("n", "x"), began)
	if n := m.Expire(began.Add(60 * day)); n != 0 {
		t.Errorf("%d too early", n)
	}
	m.Visit(client(1), Visit{At: began.Add(60 * day)})
	if n := m.Expire(began.AddDate(-1, 0, 0)); n != 0 {
		t.Errorf("%d when the clock was set back", n)
	}
	if n := m.Expire(began.Add(hostKeep + 2*day)); n != 2999+1+1 {
		t.Errorf("%d", n)
	}
	if _, ok := m.Host(client(1), began.Add(hostKeep+2*day)); !ok {
		t.Error("one that came lately is gone")
	}
}

// TestPassedClock: who passed in a future that never came waits like others.
func TestPassedClock(t *testing.T) {
	m := memory(t, 100)
	m.Retried(Attempt{Item: m.item("n", "x")}, began.AddDate(10, 0, 0), delay, keep)
	m.Retried(Attempt{Item: m.item("n", "x")}, began.AddDate(10, 0, 0).Add(delay), delay, keep)
	if passed, _ := m.Retried(Attempt{Item: m.item("n", "x")}, began, delay, keep); passed {
		t.Error("passed on the word of the future")
	}
}

func BenchmarkVisit(b *testing.B) {
	for name, room := range map[string]int{"small": 1000, "million": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			m, addrs := full(b, room)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Visit(addrs[i*7919%len(addrs)], Visit{At: began, Class: policy.ClassAccess, Flag: policy.FlagSuspect})
			}
		})
	}
}

func BenchmarkHost(b *testing.B) {
	for name, room := range map[string]int{"small": 1000, "million": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			m, addrs := full(b, room)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Host(addrs[i*7919%len(addrs)], began)
			}
		})
	}
}

// BenchmarkVisitNew is a scan of a full table: each host displaces another.
func BenchmarkVisitNew(b *testing.B) {
	m, _ := full(b, 1_000_000)
	m.Watch()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Visit(client(1<<23+i), Visit{At: began})
	}
}

// full is a table full of hosts, of which half were seen on two days.
func full(b *testing.B, room int) (*Memory, []netip.Addr) {
	m, err := New(Options{Entries: 1000, Hosts: room})
	if err != nil {
		b.Fatal(err)
	}
	addrs := make([]netip.Addr, room)
	for i := range addrs {
		addrs[i] = client(i)
		m.Visit(addrs[i], Visit{At: began})
		m.Visit(addrs[i], Visit{At: began.Add(time.Duration(i%2) * day)})
	}
	return m, addrs
}

// TestProvenGiveMemoryBack: when most hosts have become proven the segment that they
// left is made anew, and those that stay in it stay in their order.
func TestProvenGiveMemoryBack(t *testing.T) {
	m, err := New(Options{Entries: 10, Hosts: 4 * shardRoom, Secret: [16]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	host := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, byte(i >> 8), byte(i), 1}) }
	const hosts = 10_000
	for i := range hosts {
		m.Visit(host(i), Visit{At: began})
	}
	for i := range hosts * 7 / 8 {
		m.Visit(host(i), Visit{At: began.AddDate(0, 0, 1)})
	}
	made := 0
	for i := range m.hosts.shards {
		s := &m.hosts.shards[i]
		if s.grown < hosts/len(m.hosts.shards)/2 {
			made++
		}
		last := Unix(0)
		for _, k := range s.fresh.Keys() {
			h, _ := s.fresh.Peek(k)
			if h.Last < last {
				t.Fatal("out of order")
			}
			last = h.Last
		}
	}
	if made != len(m.hosts.shards) {
		t.Errorf("%d of %d segments were made anew", made, len(m.hosts.shards))
	}
	for i := range hosts {
		if h, ok := m.Host(host(i), began.AddDate(0, 0, 1)); !ok || (h.Days == 2) != (i < hosts*7/8) {
			t.Fatalf("host %d: %v %+v", i, ok, h)
		}
	}
}
