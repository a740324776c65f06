package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/device"
)

func stackOf(text string) Stack {
	s, err := ParseStack(text)
	if err != nil {
		panic(err)
	}
	return s
}

func listedIn(kinds ...ListKind) (f Found) {
	for _, k := range kinds {
		f.Listings = append(f.Listings, Listing{Zone: "list.example", Kind: k, Weight: ListWeight(k, 3, "")})
	}
	return f
}

// foundTests are about what look-ups find; want is one finding, or none.
var foundTests = []struct {
	found Found
	want  string
}{
	{Found{}, ""},
	{Found{Stack: stackOf("ws=3,mss=1460")}, "stack-small-ram:fail"},
	{Found{Stack: stackOf("ws=2,whole=0")}, "stack-small-ram:fail"},
	{Found{Stack: stackOf("ws=1")}, ""}, // a buffer that the program chose
	{Found{Stack: stackOf("ws=5")}, ""}, // a small rented machine
	{Found{Stack: stackOf("ws=3,ts=0")}, ""},
	{Found{Stack: stackOf("ws=3,sack=0")}, ""},
	{Found{Stack: stackOf("ws=-")}, ""},
	{Found{Stack: Stack{Scale: 3, Timestamps: true, SACK: true}}, ""}, // not known
	{Found{Stack: stackOf("ws=7")}, "stack-server:pass"},
	{Found{Stack: stackOf("ws=8,ts=0")}, "stack-windows:pass"},
	{Found{Stack: stackOf("ws=8,ts=0,whole=0")}, ""}, // a SYN cookie may have taken the timestamps
	{Found{Stack: stackOf("ws=8,ts=0,sack=0")}, ""},
	{Found{Stack: stackOf("ws=5,mss=1452")}, "stack-pppoe:fail"},
	{Found{Stack: Stack{Known: true, V6: true, MSS: 1432, Scale: -1}}, "stack-pppoe:fail"},
	{Found{Stack: Stack{Known: true, V6: true, MSS: 1452, Scale: -1}}, ""},
	{Found{Stack: stackOf("ws=5,mss=1432")}, ""},

	{Found{Network: Network{ASN: 64500, Name: "Example"}}, ""},
	{Found{Network: Network{Kind: NetworkAccess}}, "asn-access:fail"},
	{Found{Network: Network{Kind: NetworkMobile}}, "asn-mobile:fail"},
	{Found{Network: Network{Kind: NetworkHosting}}, "asn-hosting:fail"},
	{Found{Network: Network{Kind: NetworkBusiness}}, "asn-business:fail"},
	{Found{Network: Network{Kind: NetworkEducation}}, "asn-education:fail"},

	{listedIn(ListAccess), "list-access:fail"},
	{listedIn(ListProxy), "list-proxy:fail"},
	{listedIn(ListAbuse, ListAbuse), "list-abuse:fail"},
	{listedIn(ListAllow), "list-allow:pass"},

	{Found{Sending: IprevPass}, "sender-host:pass"},
	{Found{Sending: IprevFail}, ""},
	{Found{Sending: IprevTempError}, ""},
	{Found{SPF: SPFPass}, "spf-pass:pass"},
	{Found{SPF: SPFOpen}, "spf-open:fail"},
	{Found{SPF: SPFFail}, ""},
	{Found{SPF: SPFTempError}, ""},

	{Found{P0f: P0f{Known: true, OS: "Linux"}}, ""},
	{Found{P0f: P0f{OS: "Windows"}}, ""},
	{Found{P0f: P0f{Known: true, OS: "Windows"}}, "p0f-windows:pass"},
	{Found{P0f: P0f{Known: true, OS: "Nintendo"}}, "p0f-device:fail"},
	{Found{P0f: P0f{Known: true, OS: "iOS", Flavor: "iPhone or iPad"}}, "p0f-device:fail"},
	{Found{P0f: P0f{Known: true, OS: "Linux", Flavor: "(Android)"}}, "p0f-device:fail"},
	{Found{P0f: P0f{Known: true, OS: "Linux", Flavor: "2.4.x"}}, ""}, // old servers were seen so, too
	{Found{P0f: P0f{Known: true, Link: "generic tunnel or VPN"}}, ""},
	{Found{P0f: P0f{Known: true, Link: "DSL"}}, "p0f-line:fail"},
	{Found{P0f: P0f{Known: true, NAT: true}}, "p0f-nat:neutral"},
	{Found{Banner: Banner{Kind: device.Camera, Vendor: "Example", Place: "rtsp"}}, "banner-device:fail"},
}

// TestHistory: what an address showed counts for a time, and only where it was all
// good.
func TestHistory(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		past Past
		want string
	}{
		{Past{}, ""},
		{Past{Sessions: 3, Days: 2, Device: device.NAS, Shown: now.Add(-time.Hour)}, "history-device:fail"},
		{Past{Sessions: 3, Days: 2, Device: device.NAS, Shown: now.AddDate(0, 0, -8)}, ""},
		{Past{Sessions: 3, Days: 2, Device: device.NAS, Shown: now.Add(time.Hour)}, ""}, // the clock was set back
		{Past{Sessions: 20, Days: 5}, "history-regular:pass"},
		{Past{Sessions: 20, Days: 5, Suspect: 1}, ""},
		{Past{Sessions: 500, Days: 1}, ""},
		{Past{Sessions: 5, Days: 5}, ""},
	} {
		f := observed{helo: "-"}.facts()
		f.Client.At, f.Past = now, tt.past
		var j Judgement
		if j.Judge(f, StageRcpt, &testPrior, testLimit); j.found() != tt.want {
			t.Errorf("%+v: %q, want %q", tt.past, j.found(), tt.want)
		}
	}
}

func TestFoundSignals(t *testing.T) {
	for _, tt := range foundTests {
		f := observed{helo: "-"}.facts()
		f.Found = tt.found
		var j Judgement
		j.Judge(f, StageRcpt, &testPrior, testLimit)
		if got := j.found(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.found, got, tt.want)
		}
	}
}

// TestStackDesktop: a desktop program does not run in 64 MB.
func TestStackDesktop(t *testing.T) {
	o := observed{helo: "-", headers: []string{"Received: from a by b", "Date: Mon, 1 Jun 2026 10:00:00 +0000", "From: a@example.org",
		"Message-ID: <1@example.org>", "X-Mailer: Microsoft Outlook 16.0"}}
	for stack, want := range map[string]bool{"ws=3": true, "ws=7": false, "": false} {
		f := o.facts()
		f.Stack = stackOf(stack)
		var j Judgement
		j.Judge(f, StageEOM, &testPrior, testLimit)
		if got := strings.Contains(j.found(), "stack-desktop:fail"); got != want {
			t.Errorf("%q: %s", stack, j.found())
		}
	}
}

// TestStrongestListing: of several lists of one kind the weightiest counts, with
// the admin's weight; a list weighs no more than what nobody measured may.
func TestStrongestListing(t *testing.T) {
	f := observed{helo: "-"}.facts()
	for zone, weight := range map[string]float64{"a.example": 1, "b.example": 40, "c.example": 2} {
		f.Listings = append(f.Listings, Listing{Zone: zone, Kind: ListAccess, Weight: ListWeight(ListAccess, weight, "")})
	}
	var j Judgement
	j.Judge(f, StageRcpt, &testPrior, testLimit)
	list := j.Findings.List()
	if len(list) != 1 || list[0].Value != "b.example" || list[0].Weight.Decibans[ClassAccess] != MaxUnmeasured || list[0].Weight.Measured {
		t.Errorf("%+v", list)
	}
}

// TestFoundAloneIsNoClass: what most hosts have adds no knowledge to the prior.
func TestFoundAloneIsNoClass(t *testing.T) {
	f := observed{helo: "-"}.facts()
	f.Stack = stackOf("ws=7")
	var j Judgement
	if j.Judge(f, StageRcpt, &testPrior, testLimit); j.Class != ClassUnknown {
		t.Errorf("%v of %s", j.Class, j.found())
	}
}

// TestSafety02UnmeasuredNeverRefuses: all that look-ups find completes no refusal.
func TestSafety02UnmeasuredNeverRefuses(t *testing.T) {
	f := observed{iprev: IprevPass, ptr: linePTR, helo: "-"}.facts()
	f.Found = listedIn(ListAccess, ListProxy, ListAbuse)
	f.Stack, f.SPF = stackOf("ws=3,mss=1452"), SPFOpen
	f.Network.Kind, f.P0f, f.Banner = NetworkMobile, P0f{Known: true, OS: "Nintendo", Link: "DSL"}, Banner{Kind: device.TV}
	var j Judgement
	j.Judge(f, StageRcpt, &testPrior, strict().Thresholds)
	if action, reason := strict().Conclude(&j); action == ActionReject || reason != ReasonFamily {
		t.Errorf("%v, %s, of %s", action, reason, j.found())
	}
}

func TestStackText(t *testing.T) {
	for _, text := range []string{"", "ws=3,ts=1,sack=1,mss=1452", "ws=-,ts=0,sack=0,ecn=1,whole=0,rtt=20ms,retrans=2"} {
		s, err := ParseStack(text)
		if err != nil || s.Text() != text {
			t.Errorf("%q: %q, %v", text, s.Text(), err)
		}
	}
	if s := stackOf("mss=1452"); !s.Known || !s.Whole || s.Scale != -1 || !s.SACK {
		t.Errorf("%+v", s)
	}
	if s := stackOf("rtt=1ms"); s.RTT != time.Millisecond {
		t.Errorf("%+v", s)
	}
	for _, text := range []string{"ws=15", "ws=x", "mss=70000", "ttl=64", "ts=maybe", ","} {
		if s, err := ParseStack(text); err == nil {
			t.Errorf("%q: %+v", text, s)
		}
	}
}
