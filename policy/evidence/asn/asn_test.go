package asn

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/iot-milter/iot-milter/internal/racetest"
	"github.com/iot-milter/iot-milter/policy"
)

type (
	fields = mmdbtype.Map
	text   = mmdbtype.String
	u32    = mmdbtype.Uint32
)

const built = 1790000000

// make makes a database of records by their prefix.
func makeDB(t testing.TB, o mmdbwriter.Options, records map[string]mmdbtype.DataType) []byte {
	t.Helper()
	if o.BuildEpoch == 0 {
		o.BuildEpoch = built
	}
	o.IncludeReservedNetworks = true
	o.DisableIPv4Aliasing = true
	w, err := mmdbwriter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for prefix, record := range records {
		_, network, err := net.ParseCIDR(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(network, record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// geolite is a database in MaxMind's layout, of one network besides.
func geolite(t testing.TB, asn uint32) []byte {
	return makeDB(t, mmdbwriter.Options{
		DatabaseType: "GeoLite2-ASN", RecordSize: 24, Languages: []string{"en"}, Description: map[string]string{"en": "GeoLite2 ASN database"},
	}, map[string]mmdbtype.DataType{
		"192.0.2.0/24":    fields{"autonomous_system_number": u32(asn), "autonomous_system_organization": text("Example Networks")},
		"198.51.100.0/24": fields{"autonomous_system_number": u32(7922), "autonomous_system_organization": text("COMCAST-7922")},
		"203.0.113.0/25":  fields{"autonomous_system_number": u32(64499)},
		"2001:db8::/32":   fields{"autonomous_system_number": u32(4200000000), "autonomous_system_organization": text("Beispiel-Netz Böblingen")},
	})
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
}

func file(t testing.TB, data []byte) string {
	path := filepath.Join(t.TempDir(), "asn.mmdb")
	write(t, path, data)
	return path
}

func open(t testing.TB, o Options) *Source {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var addr = netip.MustParseAddr

func TestLayoutsOfVendors(t *testing.T) {
	ipinfo := func(asn, name, kind string) mmdbtype.DataType {
		f := fields{"asn": text(asn), "as_name": text(name), "as_domain": text("example.net"), "country": text("Germany"), "country_code": text("DE")}
		if kind != "" {
			f["as_type"] = text(kind)
		}
		return f
	}
	cases := []struct {
		name   string
		o      mmdbwriter.Options
		record mmdbtype.DataType
		want   policy.Network
	}{
		{"GeoLite2-ASN", mmdbwriter.Options{DatabaseType: "GeoLite2-ASN", RecordSize: 24},
			fields{"autonomous_system_number": u32(64496), "autonomous_system_organization": text("Example")},
			policy.Network{ASN: 64496, Name: "Example"}},
		{"GeoIP2-ISP", mmdbwriter.Options{DatabaseType: "GeoIP2-ISP", RecordSize: 28},
			fields{"autonomous_system_number": u32(64496), "autonomous_system_organization": text("Example"), "isp": text("Other"), "organization": text("Other")},
			policy.Network{ASN: 64496, Name: "Example"}},
		{"DB-IP ASN Lite", mmdbwriter.Options{DatabaseType: "DBIP-ASN-Lite (compat=GeoLite2-ASN)", RecordSize: 28},
			fields{"autonomous_system_number": u32(64496), "autonomous_system_organization": text("Example")},
			policy.Network{ASN: 64496, Name: "Example"}},
		{"IPinfo Lite", mmdbwriter.Options{DatabaseType: "ipinfo bundle_location_lite.mmdb", RecordSize: 32},
			ipinfo("AS64496", "Example", ""), policy.Network{ASN: 64496, Name: "Example"}},
		{"IPinfo Core, hosting", mmdbwriter.Options{RecordSize: 32}, ipinfo("AS64496", "Example", "hosting"),
			policy.Network{ASN: 64496, Name: "Example", Kind: policy.NetworkHosting}},
		{"IPinfo Core, isp", mmdbwriter.Options{}, ipinfo("AS64496", "Example", "isp"), policy.Network{ASN: 64496, Name: "Example"}},
		{"the table before the vendor", mmdbwriter.Options{}, ipinfo("AS7922", "Example", "business"),
			policy.Network{ASN: 7922, Name: "Example", Kind: policy.NetworkAccess}},
		{"IPinfo ASN", mmdbwriter.Options{}, fields{"asn": text("AS64496"), "name": text("Example"), "domain": text("example.net"), "route": text("192.0.2.0/24"), "type": text("education")},
			policy.Network{ASN: 64496, Name: "Example", Kind: policy.NetworkEducation}},
		{"IPinfo Company: the holder before the customer", mmdbwriter.Options{},
			fields{"asn": text("AS64496"), "as_name": text("Example"), "as_type": text("isp"), "name": text("Customer"), "type": text("business")},
			policy.Network{ASN: 64496, Name: "Example"}},
		{"IPLocate", mmdbwriter.Options{}, fields{"asn": u32(64496), "name": text("EXAMPLE"), "org": text("Example")}, policy.Network{ASN: 64496, Name: "EXAMPLE"}},
		{"as_number", mmdbwriter.Options{}, fields{"as_number": mmdbtype.Uint64(64496), "as_organization": text("Example")}, policy.Network{ASN: 64496, Name: "Example"}},
		{"uint16", mmdbwriter.Options{}, fields{"autonomous_system_number": mmdbtype.Uint16(64496)}, policy.Network{ASN: 64496}},
		{"odd types", mmdbwriter.Options{},
			fields{"autonomous_system_number": u32(64496), "as_name": u32(5), "name": mmdbtype.Slice{text("x")}, "as_type": mmdbtype.Bool(true), "asn": fields{"x": text("y")}},
			policy.Network{ASN: 64496}},
		{"a name of an attacker", mmdbwriter.Options{}, fields{"asn": text("AS64496"), "as_name": text("a\r\nmsg=verdict \x1b[31m" + strings.Repeat("x", 200))},
			policy.Network{ASN: 64496, Name: "a??msg=verdict ?[31m" + strings.Repeat("x", 80)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, version := range []int{4, 6} {
				c.o.IPVersion = version
				s := open(t, Options{Database: file(t, makeDB(t, c.o, map[string]mmdbtype.DataType{"192.0.2.0/24": c.record}))})
				if got, ok := s.Look(addr("192.0.2.77")); !ok || got != c.want {
					t.Errorf("IPv%d: %+v %v, want %+v", version, got, ok, c.want)
				}
				for _, other := range []string{"198.51.100.1", "2001:db8::1"} {
					if got, ok := s.Look(addr(other)); ok || got != (policy.Network{}) {
						t.Errorf("IPv%d: %s: %+v", version, other, got)
					}
				}
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	s := open(t, Options{Database: file(t, geolite(t, 64496))})
	for a, want := range map[string]uint32{
		"192.0.2.1": 64496, "::ffff:192.0.2.1": 64496, "198.51.100.255": 7922, "203.0.113.127": 64499, "203.0.113.128": 0,
		"2001:db8:1::1": 4200000000, "2001:db9::": 0, "::": 0, "fe80::1%eth0": 0, "255.255.255.255": 0,
	} {
		if got, ok := s.Look(addr(a)); got.ASN != want || ok != (want != 0) {
			t.Errorf("%s: %+v %v, want %d", a, got, ok, want)
		}
	}
	if _, ok := s.Look(netip.Addr{}); ok {
		t.Error("the zero address has a network")
	}
}

func TestKindsOfTheAdmin(t *testing.T) {
	s := open(t, Options{
		Database: file(t, geolite(t, 64496)),
		Kinds:    []byte("asn\tkind\tsource\n64496\tbusiness\tticket 1\n7922\tunknown\tticket 2\n"),
	})
	if got, _ := s.Look(addr("192.0.2.1")); got.Kind != policy.NetworkBusiness {
		t.Errorf("a new row: %+v", got)
	}
	if got, _ := s.Look(addr("198.51.100.1")); got.Kind != policy.NetworkUnknown {
		t.Errorf("a row taken away: %+v", got)
	}
	if s.KindOf(64496) != policy.NetworkBusiness || s.KindOf(7922) != policy.NetworkUnknown || s.KindOf(16509) != policy.NetworkHosting {
		t.Error("KindOf does not know the rows")
	}
	bare := open(t, Options{Kinds: []byte("asn\tkind\tsource\n64496\tbusiness\tticket 1\n")})
	if _, ok := bare.Look(addr("192.0.2.1")); ok || bare.State() != "no database" || bare.KindOf(64496) != policy.NetworkBusiness {
		t.Errorf("without a database: %v %q", ok, bare.State())
	}
	bare.Refresh()
	if _, err := New(Options{Kinds: []byte("nonsense")}); err == nil || !strings.Contains(err.Error(), "kinds of networks: line 1: ") {
		t.Errorf("wrong rows: %v", err)
	}
}

func TestNewErrors(t *testing.T) {
	dir := t.TempDir()
	country := makeDB(t, mmdbwriter.Options{DatabaseType: "GeoLite2-Country"}, map[string]mmdbtype.DataType{
		"192.0.2.0/24": fields{"country": fields{"iso_code": text("DE")}}, "198.51.100.0/24": text("no map"),
	})
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty.mmdb":   {nil, "not a database of networks"},
		"text.mmdb":    {[]byte("<html>404</html>"), "not a database of networks"},
		"cut.mmdb":     {geolite(t, 64496)[:300], "not a database of networks"},
		"country.mmdb": {country, `"GeoLite2-Country" has no numbers of autonomous systems; hint: GeoLite2-ASN`},
	} {
		path := filepath.Join(dir, name)
		write(t, path, c.data)
		_, err := New(Options{Database: path})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "hint: ") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for path, want := range map[string]string{dir: "not a file", filepath.Join(dir, "none"): "no such file"} {
		if _, err := New(Options{Database: path}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// meter counts what it is told.
type meter struct {
	mu       sync.Mutex
	lookups  map[string]int
	reloaded []bool
	age      time.Time
}

func (m *meter) Lookup(outcome string, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lookups == nil {
		m.lookups = map[string]int{}
	}
	m.lookups[outcome]++
}
func (m *meter) Reloaded(ok bool)    { m.reloaded = append(m.reloaded, ok) }
func (m *meter) Age(built time.Time) { m.age = built }

func TestRefresh(t *testing.T) {
	path := file(t, geolite(t, 64496))
	var m meter
	var log bytes.Buffer
	now := time.Unix(built, 0).Add(50 * time.Hour)
	s := open(t, Options{Database: path, Meter: &m, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now }})
	look := func(want uint32) {
		t.Helper()
		if got, _ := s.Look(addr("192.0.2.1")); got.ASN != want {
			t.Errorf("%+v, want %d", got, want)
		}
	}
	look(64496)
	if s.State() != "GeoLite2-ASN, built 2026-09-21, 2 days ago" || !m.age.Equal(time.Unix(built, 0)) {
		t.Errorf("state %q, age %v", s.State(), m.age)
	}
	s.Refresh()
	s.Refresh()
	if len(m.reloaded) != 0 {
		t.Error("a file that did not change was read again")
	}

	write(t, path, geolite(t, 64497))
	s.Refresh()
	s.Refresh()
	look(64497)
	if len(m.reloaded) != 1 || !m.reloaded[0] {
		t.Errorf("reloaded %v", m.reloaded)
	}

	// A damaged one is said once; the old one stays.
	write(t, path, geolite(t, 64498)[:400])
	log.Reset()
	for range 5 {
		s.Refresh()
	}
	look(64497)
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || len(m.reloaded) != 2 || m.reloaded[1] {
		t.Errorf("%d lines, reloaded %v:\n%s", n, m.reloaded, log.String())
	}
	if !strings.Contains(s.State(), "days ago; the new file is not used: ") {
		t.Errorf("state %q", s.State())
	}

	// Gone is another fault, once; then it is back.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		s.Refresh()
	}
	look(64497)
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
	write(t, path, geolite(t, 64499))
	s.Refresh()
	look(64499)
	if strings.Contains(s.State(), "not used") {
		t.Errorf("state %q", s.State())
	}

	// Written in place, which a mapped file would not outlive.
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	look(64499)
	s.Close()
	s.Refresh()
	if _, ok := s.Look(addr("192.0.2.1")); ok || s.State() != "no database" {
		t.Error("an answer after Close")
	}
	if m.lookups["found"] != 6 {
		t.Errorf("counted %v", m.lookups)
	}
}

func TestLookWhileReloading(t *testing.T) {
	path := file(t, geolite(t, 64496))
	s := open(t, Options{Database: path})
	data := [][]byte{geolite(t, 64497), geolite(t, 64498)}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				got, ok := s.Look(addr("192.0.2.1"))
				if !ok || got.ASN < 64496 || got.ASN > 64498 || got.Name != "Example Networks" {
					t.Errorf("%+v %v", got, ok)
					return
				}
			}
		})
	}
	for i := range 200 {
		write(t, path, data[i%2])
		s.Refresh()
		if i%50 == 0 {
			_ = s.State()
		}
	}
	stop.Store(true)
	wg.Wait()
}

// everywhere asks for addresses all over, none of which may panic.
func everywhere(s *Source) {
	for _, a := range []string{"192.0.2.1", "198.51.100.1", "203.0.113.1", "203.0.113.200", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "ffff::"} {
		s.Look(addr(a))
	}
}

// damaged is a Source of a database that New would refuse.
func damaged(data []byte) (s *Source) {
	s, _ = New(Options{})
	b := &base{}
	func() {
		var err error
		defer contain(&err)
		b, err = unverified(data)
		if err != nil {
			b = nil
		}
	}()
	s.base.Store(b)
	return s
}

func TestEveryPrefixOfAFile(t *testing.T) {
	data := geolite(t, 64496)
	for n := range data {
		if b, err := parse(data[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken for a database: %v", n, len(data), b.kind)
		}
		everywhere(damaged(data[:n]))
	}
	if _, err := parse(data); err != nil {
		t.Fatal(err)
	}
}

func TestFlippedBits(t *testing.T) {
	whole := geolite(t, 64496)
	random := rand.New(rand.NewPCG(1, 2))
	passed := 0
	for range 20_000 {
		data := bytes.Clone(whole)
		for range 1 + random.IntN(4) {
			data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		}
		if _, err := parse(data); err == nil {
			passed++
		}
		everywhere(damaged(data))
	}
	t.Logf("%d of 20000 are still databases, with other numbers or names", passed)
}

func FuzzParse(f *testing.F) {
	f.Add(geolite(f, 64496))
	f.Add(makeDB(f, mmdbwriter.Options{RecordSize: 28}, map[string]mmdbtype.DataType{"192.0.2.0/24": fields{"asn": text("AS64496"), "as_name": text("x"), "as_type": text("hosting")}}))
	f.Add(makeDB(f, mmdbwriter.Options{RecordSize: 32, IPVersion: 4}, map[string]mmdbtype.DataType{"192.0.2.0/24": fields{"as_number": u32(1), "x": mmdbtype.Slice{fields{"y": text("z")}}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		if b, err := parse(data); err == nil {
			s := &Source{o: Options{Meter: unmetered{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}}
			s.base.Store(b)
			everywhere(s)
		} else if !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("no hint: %v", err)
		}
		everywhere(damaged(data))
	})
}

func TestDamageIsLoggedOnceAMinute(t *testing.T) {
	data := geolite(t, 64496)
	at := bytes.Index(data, []byte("Example Networks")) - 1
	data[at] = 0xff // a string that is longer than the file
	data[at+1], data[at+2], data[at+3] = 0xff, 0xff, 0xff
	var log bytes.Buffer
	var m meter
	now := time.Unix(built, 0)
	s := damaged(data)
	s.o = Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Meter: &m, Now: func() time.Time { return now }}
	for range 3 {
		for range 100 {
			if got, ok := s.Look(addr("192.0.2.1")); ok {
				t.Fatalf("%+v", got)
			}
		}
		now = now.Add(time.Minute)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 3 || m.lookups["error"] != 300 {
		t.Errorf("%d lines, counted %v:\n%s", n, m.lookups, log.String())
	}
}

// many is a database of n networks, as large ones are.
func many(t testing.TB, n int) []byte {
	records := make(map[string]mmdbtype.DataType, n)
	for i := range n {
		a := netip.AddrFrom4([4]byte{byte(1 + i>>14), byte(i >> 6), byte(i << 2), 0})
		records[netip.PrefixFrom(a, 22).String()] = fields{
			"autonomous_system_number": u32(1 + i%70_000), "autonomous_system_organization": text("Example Networks " + a.String()),
		}
	}
	return makeDB(t, mmdbwriter.Options{DatabaseType: "GeoLite2-ASN", RecordSize: 24, Description: map[string]string{"en": "x"}, Languages: []string{"en"}}, records)
}

func TestLookAllocatesNothing(t *testing.T) {
	s := open(t, Options{Database: file(t, geolite(t, 64496))})
	for _, a := range []netip.Addr{addr("192.0.2.1"), addr("2001:db8::1"), addr("8.8.8.8"), addr("::ffff:198.51.100.1")} {
		s.Look(a)
		if n := testing.AllocsPerRun(1000, func() { s.Look(a) }); n > 0.1 && !racetest.Enabled {
			t.Errorf("%s: %v allocations", a, n)
		}
	}
}

func BenchmarkLook(b *testing.B) {
	s := open(b, Options{Database: file(b, many(b, 100_000))})
	var addrs []netip.Addr
	random := rand.New(rand.NewPCG(1, 2))
	for range 4096 {
		addrs = append(addrs, netip.AddrFrom4([4]byte{byte(1 + random.IntN(6)), byte(random.Uint32()), byte(random.Uint32()), 1}))
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Look(addrs[0])
		}
	})
	b.Run("many", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.Look(addrs[i&4095])
		}
	})
}

func BenchmarkNew(b *testing.B) {
	data := many(b, 100_000)
	path := file(b, data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		open(b, Options{Database: path})
	}
}
