package evidence

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/evidence/asn"
	"github.com/iot-milter/iot-milter/policy/state"
)

const _ = uint(state.MaxFacts - MaxRecord)

// watch is a clock that is set by hand.
type watch struct {
	mu  sync.Mutex
	now time.Time
}

func (w *watch) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *watch) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newFacts(t testing.TB) (*Facts, *watch) {
	t.Helper()
	m, err := state.New(state.Options{Entries: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	clock := &watch{now: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)}
	return NewFacts(m, clock.Now), clock
}

const factsZone = testEntry + `
mail.example.org 7200 A 192.0.2.7
7.2.0.192.in-addr.arpa 172800 PTR mail.example.org.
8.2.0.192.in-addr.arpa 172800 PTR no.example.org.
7.2.0.192.origin.asn.cymru.com 86400 TXT "64496 64497 | 192.0.2.0/24 | ZZ | arin | 2001-01-01"
7.2.0.192.list.example 600 A 127.0.0.10
7.2.0.192.list.example 600 A 127.0.0.4
`

// factsWorld is a collector with facts, a list and what else is asked about an address.
func factsWorld(t *testing.T, zone string, change func(*Options)) (*world, *watch) {
	t.Helper()
	facts, clock := newFacts(t)
	w := newWorld(t, zone, func(o *Options) {
		o.Facts, o.Cymru, o.P0f = facts, true, prints{}
		o.Lists = []List{{Zone: "list.example", Codes: codes("127.0.0.10-11"), Kind: policy.ListAccess}}
		if change != nil {
			change(o)
		}
	})
	w.Settle(t.Context())
	return w, clock
}

// TestFactsAreNotAskedAgain: what is in hand at once is what was looked up, no question
// is asked for it, and what is of the connection is not among it.
func TestFactsAreNotAskedAgain(t *testing.T) {
	w, clock := factsWorld(t, factsZone, nil)
	c := clientOf("192.0.2.7", policy.IprevUnknown, "")
	first := w.Start(c)
	first.Greeting(helo("mail.example.org"))
	f := all(t, first, c)
	if f.Client.Iprev != policy.IprevPass || f.Network.ASN != 64496 || len(f.Listings) != 1 || f.P0f.OS != "Linux" || f.Confirmed != policy.IprevPass {
		t.Fatalf("%+v", f)
	}
	first.Close()
	asked := w.dns.Count("", "")
	clock.add(4 * time.Minute)
	second := w.Start(c)
	got := &policy.Facts{Client: c}
	if err := second.Await(ended, got); err != nil {
		t.Error("something is looked up: ", err)
	}
	if n := w.dns.Count("", "") - asked; n != 0 {
		t.Errorf("%d questions", n)
	}
	if got.Confirmed != policy.IprevUnknown {
		t.Error("a HELO was confirmed that never came")
	}
	got.Confirmed = f.Confirmed
	if got.Client != f.Client || listings(got) != listings(f) || got.P0f != f.P0f || got.Network != f.Network {
		t.Errorf("%+v, want %+v", got, f)
	}
	for _, kind := range FactKinds {
		if w.meter.of("fact "+kind+" true") != 1 || w.meter.of("fact "+kind+" false") != 1 {
			t.Errorf("%s: %v", kind, w.meter.n)
		}
	}
}

// TestFactsEndOneByOne: each fact has its own time, and what is over is asked again, it
// alone.
func TestFactsEndOneByOne(t *testing.T) {
	w, clock := factsWorld(t, factsZone, nil)
	for _, tt := range []struct {
		addr  string
		after time.Duration // since the last
		want  string        // kinds in hand
	}{
		{"192.0.2.7", 0, ""},
		{"192.0.2.7", 5*time.Minute - time.Second, "iprev network list p0f"},
		{"192.0.2.7", time.Second, "iprev network list"},                     // p0f: 5 minutes
		{"192.0.2.7", 5*time.Minute - time.Second, "iprev network list p0f"}, // p0f anew
		{"192.0.2.7", time.Second, "iprev network"},                          // the listing: 600 s by DNS, and p0f
		{"192.0.2.7", 110 * time.Minute, "network"},                          // the name: 7200 s by DNS
		{"192.0.2.7", 22 * time.Hour, ""},                                    // the network: a day at most
		{"192.0.2.9", 0, ""},
		{"192.0.2.9", time.Minute - time.Second, "iprev network list p0f"}, // nothing is known, shortly
		{"192.0.2.9", 4 * time.Minute, "p0f"},
	} {
		clock.add(tt.after)
		w.meter.n = nil
		c := clientOf(tt.addr, policy.IprevUnknown, "")
		l := w.Start(c)
		all(t, l, c)
		l.Close()
		var hit []string
		for _, kind := range FactKinds {
			if w.meter.of("fact "+kind+" true") > 0 {
				hit = append(hit, kind)
			}
		}
		if got := strings.Join(hit, " "); got != tt.want {
			t.Errorf("%s after %v: %q in hand, want %q; %+v", tt.addr, tt.after, got, tt.want, w.opts.Facts.List(c.Addr))
		}
	}
}

// TestSafety04FailuresAreNotKept: DNS that is ill leaves nothing behind.
func TestSafety04FailuresAreNotKept(t *testing.T) {
	const ill = testEntry + `
7.2.0.192.in-addr.arpa PTR ill.example.org.
!servfail ill.example.org 8.2.0.192.in-addr.arpa
!servfail 7.2.0.192.list.example 8.2.0.192.list.example
!servfail 7.2.0.192.origin.asn.cymru.com 8.2.0.192.origin.asn.cymru.com
`
	w, _ := factsWorld(t, ill, func(o *Options) { o.P0f = prints{err: errBlind} })
	for _, addr := range []string{"192.0.2.7", "192.0.2.8"} {
		c := clientOf(addr, policy.IprevUnknown, "")
		if f := all(t, w.Start(c), c); f.Client.Iprev != policy.IprevTempError {
			t.Errorf("%v", f.Client.Iprev)
		}
		if known := w.opts.Facts.List(c.Addr); len(known) != 0 {
			t.Errorf("%s: %+v", addr, known)
		}
	}
}

// TestSafety07FactsOfTheFuture: when the clock was set back nobody knows how old a fact
// is, and when it was set forward they are over.
func TestSafety07FactsOfTheFuture(t *testing.T) {
	for _, step := range []time.Duration{-25 * time.Hour, -3 * time.Hour, -time.Hour, time.Hour, 25 * time.Hour, 1e6 * time.Hour} {
		w, clock := factsWorld(t, factsZone, nil)
		c := clientOf("192.0.2.7", policy.IprevUnknown, "")
		all(t, w.Start(c), c)
		none := clientOf("192.0.2.9", policy.IprevUnknown, "")
		all(t, w.Start(none), none)
		clock.add(step)
		for _, f := range append(w.opts.Facts.List(none.Addr), w.opts.Facts.List(c.Addr)...) {
			most := map[string]time.Duration{"iprev": strong, "network": strong, "list": weak, "p0f": p0fMatch}[f.Kind]
			if f.Text == "permerror" || f.Text == "unknown" || f.Text == "not listed" {
				most = negative
			}
			if f.Left <= 0 || f.Left > most {
				t.Errorf("%v: %+v", step, f)
			}
		}
		if n := len(w.opts.Facts.List(none.Addr)); n != 0 {
			t.Errorf("%v: %d of what is not there, 5 minutes at most", step, n)
		}
		if f := all(t, w.Start(c), c); f.Client.Iprev != policy.IprevPass || f.Network.ASN == 0 || len(f.Listings) != 1 {
			t.Errorf("%v: %+v", step, f)
		}
	}
}

// TestFactsOfNow: rows and lists are those of the configuration that holds now, and a
// source that is off tells nothing.
func TestFactsOfNow(t *testing.T) {
	w, _ := factsWorld(t, factsZone, nil)
	c := clientOf("192.0.2.7", policy.IprevUnknown, "")
	all(t, w.Start(c), c)
	o := w.opts
	rows, err := asn.New(asn.Options{Kinds: []byte("asn\tkind\tsource\n64496\taccess\tticket 1\n64497\taccess\tticket 1\n")})
	if err != nil {
		t.Fatal(err)
	}
	o.Networks, o.P0f = rows, nil
	o.Lists = []List{{Zone: "list.example", Codes: codes("127.0.0.4"), Kind: policy.ListProxy}}
	now := New(o)
	defer now.Close()
	now.Settle(t.Context())
	f := &policy.Facts{Client: c}
	if err := now.Start(c).Await(ended, f); err != nil {
		t.Error("something is looked up: ", err)
	}
	if f.Network.Kind != policy.NetworkAccess || listings(f) != "list.example proxy 127.0.0.4" || f.P0f.Known {
		t.Errorf("%+v", f.Found)
	}
	o.Cymru, o.Lists, o.DNS = false, nil, nil
	off := New(o)
	defer off.Close()
	if f := all(t, off.Start(c), c); f.Network.ASN != 0 || f.Listings != nil || f.Client.Iprev != policy.IprevUnknown {
		t.Errorf("%+v", f)
	}
}

func TestRecordHasRoom(t *testing.T) {
	facts, _ := newFacts(t)
	addr := netip.MustParseAddr("192.0.2.7")
	long := strings.Repeat("x", 95)
	var many []fact
	for _, zone := range []string{"a", "b", "c", "d"} {
		many = append(many, fact{factList, zone + long, "\x00\x00\x02", time.Hour, 0})
	}
	facts.keep(addr, many...)
	facts.keep(addr, fact{factIprev, "", iprevBody("mail.example.org", policy.IprevPass), time.Hour, 0})
	known := facts.List(addr)
	if len(known) != 3 || known[0].Text != "pass mail.example.org" || known[1].What != "a"+long {
		t.Errorf("%+v", known) // what was learnt last comes first
	}
}

// TestJoin: of what two hosts know of an address the later word counts, however long it
// holds, with what one of them knows alone.
func TestJoin(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	record := func(facts ...fact) string {
		b := []byte{recordVersion}
		for i := range facts {
			b = appendFact(b, &facts[i], at)
		}
		return string(b)
	}
	ago := func(d time.Duration) int64 { return at.Add(-d).Unix() }
	pass, fail := iprevBody("mail.example.org", policy.IprevPass), iprevBody("mail.example.org", policy.IprevFail)
	old := fact{factIprev, "", pass, 20 * time.Hour, ago(time.Hour)}
	late := fact{factIprev, "", fail, time.Minute, ago(time.Minute)}
	list := fact{factList, "list.example", "\x00\x00\x02", time.Hour, ago(time.Minute)}
	other := fact{factList, "other.example", "", time.Minute, ago(time.Minute)}
	for name, c := range map[string]struct{ own, other, want string }{
		"the other is later":   {record(old, list), record(late), record(late, list)},
		"the own is later":     {record(late), record(old, list), record(late, list)},
		"two lists":            {record(list), record(other), record(list, other)},
		"the same":             {record(old), record(old), record(old)},
		"another version":      {record(old), "\x01" + record(late)[1:], record(old)},
		"the own of another":   {"\x03" + record(old)[1:], record(late), record(late)},
		"nothing":              {"", "", record()},
		"no record":            {record(old), strings.Repeat("x", MaxRecord), record(old)},
		"over":                 {record(old), string(append([]byte{recordVersion, 1, 0, 0, 0, 1, 0, 0, 0, 2}, 0, 0)), record(old)},
		"clocks apart":         {record(old), record(fact{factIprev, "", fail, time.Minute, ago(-skew)}), record(fact{factIprev, "", fail, time.Minute, ago(-skew)})},
		"of the future":        {record(old), record(fact{factIprev, "", fail, time.Minute, ago(-skew - time.Second)}), record(old)},
		"longer than may be":   {record(late), record(fact{factIprev, "", pass, 24*time.Hour + time.Second, ago(0)}), record(fact{factIprev, "", pass, 24 * time.Hour, ago(0)})},
		"much longer than old": {record(late), record(fact{factIprev, "", pass, 24 * time.Hour, ago(30 * time.Second)}), record(late)},
	} {
		if got := Join(c.own, c.other, at); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	var many []fact
	for _, zone := range []string{"a", "b", "c", "d"} {
		many = append(many, fact{factList, zone + strings.Repeat("x", 95), "\x00\x00\x02", time.Hour, 0})
	}
	if got := Join(record(many[:2]...), record(many[2:]...), at); len(got) > MaxRecord || !strings.HasPrefix(got, record(many[:2]...)) {
		t.Errorf("no room: %q", got)
	}
}

func TestBanners(t *testing.T) {
	facts, clock := newFacts(t)
	addr := netip.MustParseAddr("192.0.2.7")
	want := policy.Banner{Kind: device.NAS, Vendor: "Synology", Place: "http", Text: "DiskStation \x1b[2J"}
	facts.keep(addr, fact{factIprev, "", iprevBody("", policy.IprevPermError), time.Hour, 0})
	facts.KeepBanner(addr, want)
	if got, ok := facts.Banner(addr); !ok || got != want {
		t.Errorf("%+v %v", got, ok)
	}
	facts.ForgetBanner(addr)
	if got, ok := facts.Banner(addr); ok || len(facts.List(addr)) != 1 {
		t.Errorf("%+v %v %+v", got, ok, facts.List(addr))
	}
	facts.KeepBanner(addr, policy.Banner{})
	if got, ok := facts.Banner(addr); !ok || got != (policy.Banner{}) {
		t.Errorf("%+v %v", got, ok)
	}
	clock.add(probeLife)
	if _, ok := facts.Banner(addr); ok {
		t.Error("after a day")
	}
}

// FuzzRecord: whatever is stored, it is read without harm, and what is written is read.
func FuzzRecord(f *testing.F) {
	at := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	record := []byte{recordVersion}
	for _, one := range []fact{
		{factIprev, "", iprevBody("mail.example.org", policy.IprevPass), time.Hour, 0},
		{factNetwork, "", networkBody([]uint32{64496, 64497}), time.Hour, 0},
		{factList, "list.example", "\x00\x00\x02", time.Hour, 0},
		{factP0f, "", p0fBody(&policy.P0f{Known: true, OS: "Linux", Distance: -1, Uptime: time.Hour, NAT: true}), time.Minute, 0},
		{factBanner, "", bannerBody(&policy.Banner{Kind: device.NAS, Vendor: "Synology", Text: "x"}), time.Hour, 0},
	} {
		record = appendFact(record, &one, at)
	}
	f.Add(string(record))
	f.Add(string(record[:len(record)-1]))
	f.Add("\x02" + string(record[1:]))
	f.Fuzz(func(t *testing.T, text string) {
		again, n := []byte{recordVersion}, 0
		for one := range living(text, at) {
			if text[0] != recordVersion || one.life <= 0 || one.life > one.longest() {
				t.Fatalf("%+v of %q", one, text)
			}
			one.text()
			if len(text) <= MaxRecord {
				again = appendFact(again, &one, at)
			}
			n++
		}
		if len(text) > MaxRecord {
			return
		}
		for range living(string(again), at) {
			n--
		}
		if n != 0 {
			t.Errorf("%d facts more than were written again", n)
		}
	})
}

// TestFactsInHandAreCheap pins what a connection costs all of whose facts are in hand.
func TestFactsInHandAreCheap(t *testing.T) {
	w, _ := factsWorld(t, factsZone, nil)
	c := clientOf("192.0.2.7", policy.IprevUnknown, "")
	all(t, w.Start(c), c)
	if n := testing.AllocsPerRun(100, func() {
		for _, kind := range [...]factKind{factIprev, factNetwork, factP0f} {
			record, at := w.opts.Facts.record(c.Addr)
			if _, ok := factOf(record, kind, "", at); !ok {
				t.Fatal(kind)
			}
		}
	}); n > 0 {
		t.Errorf("finding a fact: %v allocations", n)
	}
}
