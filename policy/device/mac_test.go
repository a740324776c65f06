package device

import (
	"net/netip"
	"strings"
	"testing"
)

func TestEUI64(t *testing.T) {
	tests := []struct{ addr, want string }{
		{"2001:db8::211:32ff:feab:cdef", "00:11:32:ab:cd:ef"},
		{"2001:db8::11:32ff:feab:cdef", ""}, // the bit says that software made it up
		{"2001:db8::311:32ff:feab:cdef", ""},
		{"2001:db8::1", ""},
		{"2001:db8::200:ff:fe00:0", ""},
		{"203.0.113.7", ""},
		{"::ffff:203.0.113.7", ""},
		{"", ""},
	}
	for _, tt := range tests {
		addr, _ := netip.ParseAddr(tt.addr)
		m, ok := EUI64(addr)
		if ok != (tt.want != "") || ok && m.String() != tt.want {
			t.Errorf("EUI64(%s) = %v %v, want %q", tt.addr, m, ok, tt.want)
		}
	}
}

func TestFindMAC(t *testing.T) {
	tests := []struct{ text, want string }{
		{"s010600095b264f7d.vw", "00:09:5b:26:4f:7d"},
		{"cpe00095b264f7d-cm001ac3112233.cpe", "00:09:5b:26:4f:7d"},
		{"cpe-00095b264f7d.cpe", "00:09:5b:26:4f:7d"},
		{"h00095b264f7d.ne.client2", "00:09:5b:26:4f:7d"},
		{"00-09-5b-26-4f-7d", "00:09:5b:26:4f:7d"},
		{"mac-6c095b264f7d", "6c:09:5b:26:4f:7d"},
		{"dhcp-6c-ae-f6-dc-d8-61.cpe", "6c:ae:f6:dc:d8:61"}, // eero
		{"6caef6dcd861.pool", "6c:ae:f6:dc:d8:61"},
		{"dsl6caef6dcd861", "6c:ae:f6:dc:d8:61"},
		{"cafe6caef6dcd861", ""}, // a longer number
		{"6caef6123456.abc", "6c:ae:f6:12:34:56"},
		{"001132123456", ""},          // no letter, though Synology's
		{"6c095b264f7d", ""},          // any number
		{"000102030405", ""},          // no letter: an address may look so
		{"10-20-30-40-50-60", ""},     // nor this
		{"cpe-01095b264f7d", ""},      // of no single interface
		{"abcdef00095b264f7d", ""},    // a longer number
		{"cpe3439333139383434", ""},   // some other number
		{"00-09-5b-26-4f", ""},        // too short
		{"mac-000000000000", ""},      // none
		{"00-09-5b-26-4f-zz.cpe", ""}, // no digits
	}
	for _, tt := range tests {
		m, ok := builtin.findMAC(tt.text)
		if ok != (tt.want != "") || ok && m.String() != tt.want {
			t.Errorf("findMAC(%q) = %v %v, want %q", tt.text, m, ok, tt.want)
		}
	}
}

// TestProviders: the lists are in order, without what NewTable would lose.
func TestProviders(t *testing.T) {
	seen := make(map[string]bool)
	for _, d := range providers() {
		if seen[d.Name] || d.Source == "" || d.Name != strings.ToLower(d.Name) || !isHost(d.Name) {
			t.Errorf("provider %q stands twice, has no source or is no name", d.Name)
		}
		seen[d.Name] = true
	}
	if len(seen) < 1000 {
		t.Errorf("%d providers", len(seen))
	}
}
