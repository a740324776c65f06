package policy

import (
	"net/netip"
	"testing"
)

func TestCodes(t *testing.T) {
	for _, tt := range []struct {
		text     string
		in, none []string
	}{
		{"127.0.0.2", []string{"127.0.0.2"}, []string{"127.0.0.3", "127.0.1.2", "127.255.255.254", "::1", "2.0.0.127"}},
		{"127.0.0.4-7", []string{"127.0.0.4", "127.0.0.7"}, []string{"127.0.0.3", "127.0.0.8"}},
		{"127.0.*.2-3", []string{"127.0.0.2", "127.0.255.3"}, []string{"127.1.0.2", "127.0.9.1"}},
	} {
		c, err := ParseCodes(tt.text)
		if err != nil || c.String() != tt.text {
			t.Errorf("%q: %q, %v", tt.text, c, err)
		}
		for _, a := range tt.in {
			if !c.Contains(netip.MustParseAddr(a)) {
				t.Errorf("%q lacks %s", tt.text, a)
			}
		}
		for _, a := range tt.none {
			if c.Contains(netip.MustParseAddr(a)) {
				t.Errorf("%q has %s", tt.text, a)
			}
		}
	}
	for _, text := range []string{"", "127.0.0", "10.0.0.1", "127.0.0.9-4", "127.0.0.256", "127.0.0.-", "127.0.0.2.3", "127.0.0.2 "} {
		if c, err := ParseCodes(text); err == nil {
			t.Errorf("%q: %v", text, c)
		}
	}
	if (Codes{}).Contains(netip.MustParseAddr("0.0.0.0")) || (Codes{}).String() != "" {
		t.Error("the zero value is an answer")
	}
}

func TestWithoutKey(t *testing.T) {
	for zone, want := range map[string]string{
		"sesame.zen.dq.spamhaus.net": "zen.dq.spamhaus.net", "sesame.combined.mail.abusix.zone": "combined.mail.abusix.zone",
		"zen.spamhaus.org": "zen.spamhaus.org", "dnsbl.dronebl.org": "dnsbl.dronebl.org", "example": "example", "": "",
	} {
		if got, keyed := WithoutKey(zone); got != want || keyed != (got != zone) {
			t.Errorf("%q: %q, %v", zone, got, keyed)
		}
	}
}
