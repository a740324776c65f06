package decider

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

type told struct {
	suspended, hidden []bool
}

func (t *told) FailOpen(string)        {}
func (t *told) NamesSuspended(on bool) { t.suspended = append(t.suspended, on) }
func (t *told) ClientHidden(on bool)   { t.hidden = append(t.hidden, on) }
func (t *told) LimitedBystander()      {}
func (*told) CampaignBegan()           {}
func (*told) CampaignMessage()         {}

func newHealth() (*health, *told, *strings.Builder) {
	var m told
	var log strings.Builder
	return &health{meter: &m, log: slog.New(slog.NewTextHandler(&log, nil))}, &m, &log
}

func seen(addr string, iprev policy.Iprev) *policy.Client {
	return &policy.Client{At: time.Unix(1_800_000_000, 0), Addr: netip.MustParseAddr(addr), Iprev: iprev}
}

func TestSafety04Window(t *testing.T) {
	h, m, _ := newHealth()
	well, ill, none := seen("192.0.2.1", policy.IprevPass), seen("192.0.2.1", policy.IprevTempError), seen("192.0.2.1", policy.IprevUnknown)
	feed := func(n int, c *policy.Client) (last bool) {
		for range n {
			last = h.session(c, false)
		}
		return last
	}
	if feed(200, well); feed(25, ill) || feed(25, none) {
		t.Error("half of the window suspends")
	}
	if !feed(1, ill) {
		t.Error("over half of the window does not suspend")
	}
	if !feed(49, well) {
		t.Error("released while 51 of 100 are ill")
	}
	if feed(1, well) {
		t.Error("not released at half")
	}
	if len(m.suspended) != 2 || !m.suspended[0] || m.suspended[1] {
		t.Errorf("told %v", m.suspended)
	}
	for _, iprev := range []policy.Iprev{policy.IprevFail, policy.IprevPermError, policy.IprevPass} {
		if feed(200, seen("192.0.2.1", iprev)) {
			t.Errorf("%v is an answer, not an illness", iprev)
		}
	}
}

// TestSafety04LogOnceAMinute: a share about the half does not flood the log.
func TestSafety04LogOnceAMinute(t *testing.T) {
	h, m, log := newHealth()
	for range 51 {
		h.session(seen("192.0.2.1", policy.IprevTempError), false)
	}
	for i := range 200 {
		h.session(seen("192.0.2.1", []policy.Iprev{policy.IprevPass, policy.IprevTempError}[i%2]), false)
	}
	if n := strings.Count(log.String(), "msg="); n != 1 || len(m.suspended) < 1 {
		t.Errorf("%d lines for %d changes", n, len(m.suspended))
	}
}

func TestSafety13Hidden(t *testing.T) {
	const gate = "172.17.0.1"
	for _, tt := range []struct {
		name  string
		first []string // before the thousand
		gate  string
		every int // one of so many is another
		want  bool
	}{
		{"all", nil, gate, 2000, true},
		{"nine of ten", nil, gate, 11, true},
		{"eight of ten", nil, gate, 5, false},
		{"another came first", []string{"192.0.2.9", "192.0.2.10"}, gate, 50, true},
		{"carrier's NAT", nil, "100.64.0.1", 50, true},
		{"link-local", nil, "fe80::1", 50, true},
		{"a public hub", nil, "192.0.2.1", 50, false},
		{"loopback is a content filter's", nil, "127.0.0.1", 50, false},
	} {
		h, m, _ := newHealth()
		for _, a := range tt.first {
			h.session(seen(a, policy.IprevPass), false)
		}
		for i := range 1250 {
			a := tt.gate
			if i%tt.every == tt.every-1 {
				a = netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}).String()
			}
			// The default exempts private networks: that is how it shows.
			h.session(seen(a, policy.IprevPermError), true)
		}
		if h.isHidden() != tt.want {
			t.Errorf("%s: hidden %v", tt.name, h.isHidden())
		}
		if tt.want && (len(m.hidden) != 1 || !m.hidden[0]) {
			t.Errorf("%s: told %v", tt.name, m.hidden)
		}
	}
}

// TestSafety13HiddenEnds when the clients are seen again, and content filters on
// loopback are no part of either.
func TestSafety13HiddenEnds(t *testing.T) {
	h, m, _ := newHealth()
	for range 1000 {
		h.session(seen("127.0.0.1", policy.IprevPass), true)
		h.session(seen("172.17.0.1", policy.IprevPermError), true)
	}
	if !h.isHidden() {
		t.Fatal("a content filter hides that clients are hidden")
	}
	for i := range 102 {
		h.session(seen(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}).String(), policy.IprevPass), false)
	}
	if h.isHidden() || len(m.hidden) != 2 {
		t.Errorf("hidden %v, told %v", h.isHidden(), m.hidden)
	}
}

func TestPrefix(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"203.0.113.7", "203.0.113.0/24"},
		{"2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
	} {
		if got := prefix(netip.MustParseAddr(tt.addr), 24, 64); got != tt.want {
			t.Errorf("%s: %s", tt.addr, got)
		}
	}
	if got := prefix(netip.Addr{}, 24, 64); got != "" {
		t.Errorf("unknown address: %q", got)
	}
	if got := prefix(netip.MustParseAddr("2001:db8:1:2:3::4"), 24, 48); got != "2001:db8:1::/48" {
		t.Error(got)
	}
}

func TestTemplate(t *testing.T) {
	for name, want := range map[string]string{
		"":                                "",
		"CPE-203-0-113-7.Dyn.isp.example": "cpe-#-#-#-#.dyn.isp.example",
		"h20301137.isp.example":           "h#.isp.example",
		"mail.example.org":                "mail.example.org",
	} {
		if got := template(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestFromDomain(t *testing.T) {
	for _, tt := range []struct {
		from policy.Text
		want string
		ok   bool
	}{
		{policy.Text{}, "<>", false},
		{policy.Seen(""), "<>", true},
		{policy.Seen("A@Example.ORG"), "example.org", true},
		{policy.Seen(`"a@b"@example.org`), "example.org", true},
	} {
		if got, ok := fromDomain(tt.from); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%v: %q %v", tt.from, got, ok)
		}
	}
}
