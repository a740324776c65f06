package asn

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy"
)

func TestCymruName(t *testing.T) {
	for addr, want := range map[string]string{
		"216.90.108.31":        "31.108.90.216.origin.asn.cymru.com",
		"::ffff:216.90.108.31": "31.108.90.216.origin.asn.cymru.com",
		"2001:4860:b002::68":   "8.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.b.0.6.8.4.1.0.0.2.origin6.asn.cymru.com",
		"fe80::1%eth0":         "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.origin6.asn.cymru.com",
	} {
		if got := CymruName(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
	if got := CymruName(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
}

func TestParseCymru(t *testing.T) {
	for txt, want := range map[string]policy.Network{
		"3561 | 216.88.0.0/14 | US | arin | 1998-09-25":    {ASN: 3561},
		"64496 64497 | 216.90.108.0/24 | US | arin | 1998": {ASN: 64496},
		"7922 | 73.0.0.0/8 | US | arin |":                  {ASN: 7922, Name: "Comcast Cable Communications, LLC", Kind: policy.NetworkAccess},
		"7922 16509 | 73.0.0.0/8 | US | arin |":            {ASN: 7922, Name: "Comcast Cable Communications, LLC"},
		"64500|2001:db8::/32|ZZ":                           {ASN: 64500},
		"4294967295 |  | ZZ | other |":                     {ASN: 4294967295},
	} {
		origins, err := ParseCymru(txt)
		if got := Of(origins); err != nil || got != want {
			t.Errorf("%q: %+v %v, want %+v", txt, got, err, want)
		}
	}
	for _, txt := range []string{
		"", "|", "||", "3561", "3561 | 216.88.0.0/14", "x | 216.88.0.0/14 | US", "0 | 192.0.2.0/24 | US", "-1 | 192.0.2.0/24 | US",
		"+1 | 192.0.2.0/24 | US", "4294967296 | 192.0.2.0/24 | US", "3561 | 216.88.0.0/99 | US", "3561 | v=spf1 | US",
		strings.Repeat("1 ", 99) + "| 192.0.2.0/24 | US", "1 | 192.0.2.0/24 | " + strings.Repeat("x", 999),
	} {
		if got, err := ParseCymru(txt); err == nil {
			t.Errorf("%q: %+v", txt, got)
		}
	}
}

// TestParseCymruRows: the admin's rows hold for these answers, too, and a prefix of
// several origins has a kind only if they agree.
func TestParseCymruRows(t *testing.T) {
	s := open(t, Options{Kinds: []byte("asn\tkind\tsource\n64496\taccess\tticket 1\n7922\tunknown\tticket 2\n")})
	for origins, want := range map[string]policy.NetworkKind{
		"64496": policy.NetworkAccess, "7922": policy.NetworkUnknown, "16509": policy.NetworkHosting,
		"64496 16509": policy.NetworkUnknown, "16509 64496": policy.NetworkUnknown, "64496 64496": policy.NetworkAccess,
	} {
		numbers, err := ParseCymru(origins + " | 192.0.2.0/24 | ZZ | arin |")
		if got := s.Of(numbers); err != nil || got.Kind != want {
			t.Errorf("%s: %+v %v, want %v", origins, got, err, want)
		}
	}
}

func FuzzParseCymru(f *testing.F) {
	f.Add("23028 33333 | 216.90.108.0/24 | US | arin | 1998-09-25")
	f.Add("4294967295|::/0|")
	f.Fuzz(func(t *testing.T, txt string) {
		origins, err := ParseCymru(txt)
		n := Of(origins)
		switch {
		case err != nil && origins != nil:
			t.Errorf("%v beside %v", origins, err)
		case err == nil && n.ASN == 0:
			t.Error("an answer without a number")
		case err == nil && n.Kind != policy.NetworkUnknown && n.Kind != KindOf(n.ASN):
			t.Errorf("kind %v, the table says %v", n.Kind, KindOf(n.ASN))
		}
		if err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q can forge a log line", err)
		}
	})
}
