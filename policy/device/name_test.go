package device

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, addr string
		shape      Shape
		domain     string
		traits     Traits
		kind       Kind
		vendor     string
	}{
		{"", "", ShapeEmpty, "", 0, None, ""},
		{".", "", ShapeEmpty, "", 0, None, ""},
		{"(none)", "", ShapeEmpty, "", 0, None, ""},
		{"(NONE).localdomain", "", ShapeEmpty, "", 0, None, ""},
		{"[203.0.113.7]", "203.0.113.7", ShapeLiteral, "", 0, None, ""},
		{"[IPv6:2001:db8::1]", "", ShapeLiteral, "", 0, None, ""},
		{"[]", "", ShapeBroken, "", 0, None, ""},
		{"[203.0.113.7", "", ShapeBroken, "", 0, None, ""},
		{"203.0.113.7", "", ShapeAddress, "", 0, None, ""},
		{"2001:DB8::1", "", ShapeAddress, "", 0, None, ""},
		{"203.0.113.700", "", ShapeBroken, "", 0, None, ""},
		{"LocalHost", "", ShapeLocalhost, "", 0, None, ""},
		{"localhost.localdomain", "", ShapeLocalhost, "", 0, None, ""},
		{"pc", "", ShapeSingle, "", 0, None, ""},
		{"pc.lan", "", ShapePrivate, "", 0, None, ""},
		{"pc.local.", "", ShapePrivate, "", 0, None, ""},
		{"nas.home.arpa", "", ShapePrivate, "", 0, None, ""},
		{"pc.fritz.box", "", ShapePrivate, "", 0, None, ""},
		{"pc.unheardof", "", ShapePrivate, "", 0, None, ""},
		{"a..example.org", "", ShapeBroken, "", 0, None, ""},
		{"b\x00d.example.org", "", ShapeBroken, "", 0, None, ""},
		{"bücher.example", "", ShapeBroken, "", 0, None, ""},
		{"xn--bcher-kva.example", "", ShapeFQDN, "xn--bcher-kva.example", 0, None, ""},
		{strings.Repeat("a.", 130) + "example.org", "", ShapeBroken, "", 0, None, ""},
		{"MX1.Example.ORG.", "", ShapeFQDN, "example.org", Server, None, ""},
		{"mail.example.co.uk", "", ShapeFQDN, "example.co.uk", Server, None, ""},

		// Words count left of the registered domain only.
		{"a1.dyni.net", "", ShapeFQDN, "dyni.net", 0, None, ""},
		{"a1.dialup.online", "", ShapeFQDN, "dialup.online", 0, None, ""},
		{"a1.pool.example.net", "", ShapeFQDN, "example.net", Access, None, ""},
		{"home.example.org", "", ShapeFQDN, "example.org", 0, None, ""}, // not numbered

		// The client's own address.
		{"cpe-203-0-113-7.dyn.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own | Access | Numbers, None, ""},
		{"7.113.0.203.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own | Numbers, None, ""},
		{"h203000113007.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own, None, ""},
		{"hcb007107.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own, None, ""},
		{"0xcb007107.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own, None, ""},
		{"host077113000203.isp.example", "203.0.113.77", ShapeFQDN, "isp.example", Own, None, ""},
		{"n3405803783.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own, None, ""},
		{"77.red-203-0-113.isp.example", "203.0.113.77", ShapeFQDN, "isp.example", Own | Access, None, ""},
		{"p113077.isp.example", "203.0.113.77", ShapeFQDN, "isp.example", Own, None, ""},
		{"c113-77.adsl.isp.example", "203.0.113.77", ShapeFQDN, "isp.example", Own | Access, None, ""},
		{"m113-77.example.org", "203.0.113.77", ShapeFQDN, "example.org", 0, None, ""},
		{"rack1-2.isp.example", "203.0.1.2", ShapeFQDN, "isp.example", 0, None, ""},
		{"h198-51-100-9.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Numbers, None, ""},
		{"h2001-db8-1-2.isp.example", "2001:db8:1:2::7", ShapeFQDN, "isp.example", Own, None, ""},
		{"p20010db800010002.dip0.isp.example", "2001:db8:1:2::7", ShapeFQDN, "isp.example", Own | Access, None, ""},
		{"7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.isp.example", "2001:db8:1:2::7",
			ShapeFQDN, "isp.example", Own | Numbers, None, ""},
		{"mail-ej1-x62b.example.org", "2001:db8:4864:20::62b", ShapeFQDN, "example.org", Server, None, ""},
		{"cpe-203-0-113-7.dyn.isp.example", "", ShapeFQDN, "isp.example", Access | Numbers, None, ""},

		{"p5143-ipad20.isp.example", "203.0.113.77", ShapeFQDN, "isp.example", 0, None, ""}, // a weak word
		{"p5143-ipad20.telecom.example", "203.0.113.77", ShapeFQDN, "telecom.example", Access | Provider, None, ""},
		{"c113-77.telecom.example", "203.0.113.77", ShapeFQDN, "telecom.example", Own | Access | Provider, None, ""},
		{"t714d.telecom.example", "203.0.113.77", ShapeFQDN, "telecom.example", Own | Access | Provider, None, ""},
		{"d113077.telecom.example", "203.0.113.77", ShapeFQDN, "telecom.example", Own | Access | Provider, None, ""},
		{"s010600095b264f7d.vw.isp.example", "203.0.113.77", ShapeFQDN, "isp.example", Hardware | Access, None, ""},
		{"cpe-00095b264f7d.isp.example", "203.0.113.77", ShapeFQDN, "isp.example", Hardware | Access, None, ""},
		{"x-00-09-5b-26-4f-7d.isp.example", "203.0.113.77", ShapeFQDN, "isp.example", Hardware | Access, None, ""},
		{"3c095b264f7d.example.org", "203.0.113.77", ShapeFQDN, "example.org", 0, None, ""}, // some hexadecimal name
		{"2a02-a45a-4ae9-1-ded3-af6f-ecdf-f6f4.isp.example", "2a02:a45a:4ae9:1:ded3:af6f:ecdf:f6f4",
			ShapeFQDN, "isp.example", Own, None, ""}, // ded is no word there
		{"ip-203-0-113-7.web.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own | Numbers, None, ""}, // web is weak
		{"web3.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Server, None, ""},
		{"dynamic-vpn.dhcp.example.org", "203.0.113.7", ShapeFQDN, "example.org", Access, None, ""},
		{"r7.klienti.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Access, None, ""},
		{"firma-203-0-113-7.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own | Numbers | Business, None, ""},
		{"h203-0-113-7.gov", "203.0.113.7", ShapeFQDN, "h203-0-113-7.gov", 0, None, ""},
		{"ip-203-0-113-7.example-hosting.com", "203.0.113.7", ShapeFQDN, "example-hosting.com", Own | Numbers | Hosting, None, ""},
		{"alice.example-hosting.com", "203.0.113.7", ShapeFQDN, "example-hosting.com", 0, None, ""},

		// Hosting and static lines.
		{"ec2-203-0-113-7.eu-west-1.compute.amazonaws.com", "203.0.113.7", ShapeFQDN,
			"ec2-203-0-113-7.eu-west-1.compute.amazonaws.com", Own | Hosting | Numbers, None, ""},
		{"static.7.113.0.203.clients.your-server.de", "203.0.113.7", ShapeFQDN, "your-server.de", Own | Business | Hosting | Numbers, None, ""},
		{"vps-1a2b3c.example.net", "", ShapeFQDN, "example.net", Hosting, None, ""},
		{"203-0-113-7.static.isp.example", "203.0.113.7", ShapeFQDN, "isp.example", Own | Business | Numbers, None, ""},

		// Devices.
		{"DiskStation", "", ShapeSingle, "", 0, NAS, "Synology"},
		{"diskstation.local", "", ShapePrivate, "", 0, NAS, "Synology"},
		{"NPIF65E56", "", ShapeSingle, "", 0, Printer, "HP"},
		{"npizzzzzz", "", ShapeSingle, "", 0, None, ""},
		{"BRN30055C6F279F.local", "", ShapePrivate, "", Hardware, Printer, "Brother"},
		{"speedtouch.lan", "", ShapePrivate, "", 0, Router, "Technicolor"},
		{"device.lan", "", ShapePrivate, "", 0, Router, "Technicolor"},
		{"device.example.org", "", ShapeFQDN, "example.org", 0, None, ""},
		{"api.home", "", ShapePrivate, "", 0, Router, ""},
		{"buffalo.setup", "", ShapePrivate, "", 0, Router, "Buffalo"},
		{"pc.belkin", "", ShapePrivate, "", 0, Router, "Belkin"},
		{"wireless_broadband_router", "", ShapeSingle, "", 0, Router, ""},
		{"fritz.box", "", ShapePrivate, "", 0, Router, "AVM"},
		{"dsldevice.domain.name", "", ShapeFQDN, "domain.name", 0, Router, ""},
		{"easy.box", "", ShapePrivate, "", 0, Router, ""},
		{"pc.easy.box", "", ShapePrivate, "", 0, None, ""},
		{"axis-00408c123456", "", ShapeSingle, "", Hardware, Camera, "Axis"},
		{"AXIS123456", "", ShapeSingle, "", 0, Printer, "Axis"},
		{"SEP001122334455", "", ShapeSingle, "", 0, Phone, "Cisco"},
		{"WDMyCloud.local", "", ShapePrivate, "", 0, NAS, "Western Digital"},
		{"EPSON12AB34.lan", "", ShapePrivate, "", 0, Printer, "Epson"},
		{"raspberrypi", "", ShapeSingle, "", 0, Other, "Raspberry Pi"},
	}
	for _, tt := range tests {
		addr, _ := netip.ParseAddr(tt.addr)
		n := Parse(tt.name, addr)
		if n.Shape != tt.shape || n.Domain != tt.domain || n.Traits != tt.traits || n.Kind != tt.kind || n.Vendor != tt.vendor {
			t.Errorf("Parse(%q, %q) = shape %d domain %q traits %06b %q %q,\n\twant shape %d domain %q traits %06b %q %q", tt.name, tt.addr,
				n.Shape, n.Domain, n.Traits, n.Kind, n.Vendor, tt.shape, tt.domain, tt.traits, tt.kind, tt.vendor)
		}
	}
}

func TestParseLiteralAddr(t *testing.T) {
	for name, want := range map[string]string{
		"[203.0.113.7]": "203.0.113.7", "203.0.113.7": "203.0.113.7",
		"[IPv6:2001:db8::1]": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "::ffff:192.0.2.1": "192.0.2.1",
	} {
		if got := Parse(name, netip.Addr{}).Addr; got != netip.MustParseAddr(want) {
			t.Errorf("Parse(%q).Addr = %v, want %s", name, got, want)
		}
	}
}

func TestNameEqual(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"mx.example.org", "MX.example.org.", true},
		{"mx.example.org", "mx.example.net", false},
		{"mx_example", "mx\x7fexample", false}, // differ in the case bit only
		{"", "", false},
	}
	for _, tt := range tests {
		if got := Parse(tt.a, netip.Addr{}).Equal(tt.b); got != tt.want {
			t.Errorf("%q Equal %q = %v", tt.a, tt.b, got)
		}
	}
}

// TestParseAllocations: one for the suffix library, one for the lower case copy.
func TestParseAllocations(t *testing.T) {
	addr := netip.MustParseAddr("203.0.113.7")
	if n := testing.AllocsPerRun(100, func() { Parse("cpe-203-0-113-7.dyn.isp.example", addr) }); n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
	for _, bb := range benchNames {
		client, name := netip.MustParseAddr(bb.addr), strings.ToLower(bb.name)
		want := 1.0
		if strings.HasSuffix(name, "amazonaws.com") {
			want = 2 // below a private suffix the library is asked twice
		}
		if n := testing.AllocsPerRun(100, func() { Parse(name, client) }); n > want {
			t.Errorf("%s: %v allocations, want %v at most", name, n, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Parse("CPE-203-0-113-7.dyn.isp.example", addr) }); n > 2 {
		t.Errorf("%v allocations with capitals, want 2", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"", ".", "[", "[]", "a", "cpe-203-0-113-7.dyn.isp.example", "co.uk", "x.synology.me", "\xff\x00", "1.2.3.4.5",
		"::", "localhost.", "p20010db800010002.example.org", strings.Repeat("1.", 127) + "1"} {
		f.Add(name, "203.0.113.7")
		f.Add(name, "2001:db8::1")
	}
	f.Fuzz(func(t *testing.T, name, client string) {
		addr, _ := netip.ParseAddr(client)
		n := Parse(name, addr)
		if n.Text != name || n.Shape == ShapeNone || n.Shape > ShapeBroken || int(n.Kind) >= len(Kinds) {
			t.Fatalf("Parse(%q) = %+v", name, n)
		}
		if n.Domain != "" && (n.Shape != ShapeFQDN || !strings.HasSuffix(lowerASCII(trimDot(name)), n.Domain)) {
			t.Fatalf("Parse(%q).Domain = %q", name, n.Domain)
		}
		if n.Has(Own) && !addr.IsValid() {
			t.Fatalf("Parse(%q) holds an unknown address", name)
		}
		if n.Addr.IsValid() != (n.Shape == ShapeLiteral || n.Shape == ShapeAddress) {
			t.Fatalf("Parse(%q).Addr = %v with shape %d", name, n.Addr, n.Shape)
		}
		upper := []byte(name)
		for i, c := range upper {
			if isLetter(c) {
				upper[i] = c - 'a' + 'A'
			}
		}
		u := Parse(string(upper), addr)
		if u.Shape != n.Shape || u.Traits != n.Traits || u.Kind != n.Kind || u.Domain != n.Domain {
			t.Fatalf("Parse(%q) = %+v, in capitals %+v", name, n, u)
		}
	})
}
