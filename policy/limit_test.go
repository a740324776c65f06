package policy_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// limiting are rules in mode enforce that limit suspects and devices, to one message
// an hour by the keys.
func limiting(keys ...decider.LimitKey) *decider.Settings {
	s := enforcing()
	s.Rules.Device = policy.ActionLimit
	l := &s.Limits[0]
	l.Keys, l.Rate = keys, state.Rate{Count: 1, Per: time.Hour, Burst: 1}
	return s
}

// mail is one message of a suspect, changed by f.
type mail struct {
	client policy.Client
	helo   string
	from   policy.Text
	rcpts  []string
	asn    uint32
	header *policy.Headers
}

func suspects(f func(*mail)) mail {
	m := mail{client(nil), "user-pc", policy.Seen("a@example.com"), []string{"u@example.test"}, 64500, plain()}
	f(&m)
	return m
}

// play sends it and returns the answers to its recipients, and the one at its end.
func (m *mail) play(w *world, e *stub) (rcpts []bool, end bool) {
	if e != nil {
		e.found.Network.ASN = m.asn
	}
	k := w.Open(m.client)
	k.Greeting(helo(m.helo))
	k.Sender(policy.Envelope{From: m.from})
	for _, to := range m.rcpts {
		v := k.Recipient(background, to)
		rcpts = append(rcpts, v.Refuses())
	}
	if !slices.Contains(rcpts, false) {
		k.End(policy.EndAbort)
		return rcpts, false
	}
	v := k.Message(background, "4F2A1", m.header)
	k.End(policy.EndEOM)
	return rcpts, v.Refuses()
}

func from(addr, ptr string) func(*mail) {
	return func(m *mail) {
		m.client.Addr, m.client.Name = netip.MustParseAddr(addr), policy.Seen(ptr)
	}
}

func greets(name string) func(*mail) { return func(m *mail) { m.helo = name } }

// TestLimitKeys: the second message meets what the first has left where they share the
// key, alone and together with others.
func TestLimitKeys(t *testing.T) {
	type keys = []decider.LimitKey
	same := func(*mail) {}
	neighbour := from("203.0.113.200", "cpe-203-0-113-200.dyn.isp.example")
	far := from("198.51.100.7", "pool-198-51-100-7.adsl.isp2.example")
	for i, tt := range []struct {
		keys          keys
		first, second func(*mail)
		share         bool
	}{
		{keys{decider.KeyAddress}, same, same, true},
		{keys{decider.KeyAddress}, same, neighbour, false},
		{keys{decider.KeyPrefix}, same, neighbour, true},
		{keys{decider.KeyPrefix}, same, far, false},
		{keys{decider.KeyPrefix}, from("2001:db8:1:2::7", lineName), from("2001:db8:1:2:ffff::9", lineName), true},
		{keys{decider.KeyPrefix}, from("2001:db8:1:2::7", lineName), from("2001:db8:1:3::7", lineName), false},
		{keys{decider.KeyASN}, same, far, true},
		{keys{decider.KeyASN}, same, func(m *mail) { m.asn = 64501 }, false},
		{keys{decider.KeyASN}, func(m *mail) { m.asn = 0 }, func(m *mail) { m.asn = 0 }, false}, // unknown
		{keys{decider.KeyClass}, same, far, true},
		{keys{decider.KeyClass}, same, greets("DiskStation"), false},
		{keys{decider.KeyDevice}, greets("DiskStation"), func(m *mail) { far(m); m.helo = "DiskStation" }, true},
		{keys{decider.KeyDevice}, greets("DiskStation"), greets("speedtouch.lan"), false},
		{keys{decider.KeyDevice}, same, same, false}, // a line is no kind of device
		{keys{decider.KeyPTRTemplate}, same, from("203.0.114.9", "CPE-203-0-114-9.dyn.isp.example"), true},
		{keys{decider.KeyPTRTemplate}, same, far, false},
		{keys{decider.KeyHELO}, same, func(m *mail) { far(m); m.helo = "USER-PC" }, true},
		{keys{decider.KeyHELO}, same, greets("other-pc"), false},
		{keys{decider.KeyFromDomain}, same, func(m *mail) { far(m); m.from = policy.Seen("b@Example.com") }, true},
		{keys{decider.KeyFromDomain}, same, func(m *mail) { m.from = policy.Seen("a@example.org") }, false},
		{keys{decider.KeyFromDomain}, func(m *mail) { m.from = policy.Seen("") }, func(m *mail) { far(m); m.from = policy.Seen("") }, true},
		{keys{decider.KeyFromDomain}, func(m *mail) { m.from = policy.Text{} }, func(m *mail) { m.from = policy.Text{} }, false},
		{keys{decider.KeyRcptDomain}, same, func(m *mail) { far(m); m.rcpts = []string{"V@EXAMPLE.test"} }, true},
		{keys{decider.KeyRcptDomain}, same, func(m *mail) { m.rcpts = []string{"u@other.test"} }, false},
		{keys{decider.KeyCampaign}, same, same, false}, // no campaign is on
		{keys{decider.KeyPrefix, decider.KeyHELO}, same, neighbour, true},
		{keys{decider.KeyPrefix, decider.KeyHELO}, same, greets("other-pc"), false},
		{keys{decider.KeyPrefix, decider.KeyHELO}, same, far, false},
		{keys{decider.KeyASN, decider.KeyPTRTemplate, decider.KeyRcptDomain, decider.KeyFromDomain, decider.KeyClass}, same, neighbour, true},
		{keys{decider.KeyPrefix, decider.KeyDevice}, same, same, false}, // a part is unknown
	} {
		e := &stub{}
		w := newWorld(t, limiting(tt.keys...), e)
		var refused [2]bool
		for n, f := range []func(*mail){tt.first, tt.second} {
			m := suspects(f)
			rcpts, end := m.play(w, e)
			refused[n] = rcpts[0] || end
		}
		if refused != [2]bool{false, tt.share} {
			t.Errorf("%d, by %v: refused %v", i, tt.keys, refused)
		}
	}
}

// TestLimitByCampaign: while one is on its template has a bucket, at end of message.
func TestLimitByCampaign(t *testing.T) {
	s := campaigning(policy.ActionLimit)
	s.Limits[0].Keys = []decider.LimitKey{decider.KeyCampaign}
	s.Limits[0].Rate = state.Rate{Count: 1, Per: time.Hour, Burst: 3}
	w := newWorld(t, s, nil)
	if first := run(w, began, 40); first != 25+3 {
		t.Errorf("the first to be limited is message %d", first)
	}
	if _, eom := talk(w, bot(50, began.Add(time.Minute)), "user-pc", header("Subject: other"), "u@example.test"); eom.Refuses() {
		t.Error("another template is limited")
	}
}

// TestLimitRecipients: each accepted one takes a token, those beyond come again alone.
func TestLimitRecipients(t *testing.T) {
	s := limiting(decider.KeyPrefix)
	s.Limits[0].Recipients, s.Limits[0].Rate.Burst = true, 3
	w := newWorld(t, s, nil)
	many := suspects(func(m *mail) {
		m.rcpts = []string{"a@example.test", "b@example.test", "c@other.test", "d@example.test", "e@example.test"}
	})
	if rcpts, end := many.play(w, nil); fmt.Sprint(rcpts, end) != "[false false false true true] false" {
		t.Error(rcpts, end)
	}
	one := suspects(func(m *mail) { m.client.At = began.Add(time.Hour - time.Second) })
	if rcpts, _ := one.play(w, nil); !rcpts[0] {
		t.Error("a fourth passed")
	}
	one.client.At = began.Add(time.Hour)
	if rcpts, end := one.play(w, nil); rcpts[0] || end {
		t.Error("refused an hour later")
	}
	lines := w.taken()
	if l := lines[0].Limits; len(l) != 1 || l[0].Count != "recipients" || !*l[0].Full || *l[0].Left != 3 || l[0].Room != nil {
		t.Errorf("%+v", l)
	}
	if l := lines[2].Limits; lines[2].Rcpts != 3 || *l[0].Full || *l[0].Left != 0 || !l[0].Room.Equal(began.Add(time.Hour)) {
		t.Errorf("%+v", l)
	}
}

// TestLimitManyRecipientsAtEnd: where the answer is for all, a message to more than the
// burst takes a full bucket, and its debt is waited for.
func TestLimitManyRecipientsAtEnd(t *testing.T) {
	s := limiting(decider.KeyPrefix)
	s.Rules.EnforceAt = policy.StageEOM
	s.Limits[0].Recipients, s.Limits[0].Rate.Burst = true, 3
	w := newWorld(t, s, nil)
	many := suspects(func(m *mail) {
		m.rcpts = []string{"a@example.test", "b@example.test", "c@example.test", "d@example.test", "e@example.test"}
	})
	for _, c := range []struct {
		after   time.Duration
		refused bool
	}{{0, false}, {time.Hour, true}, {4 * time.Hour, true}, {5 * time.Hour, false}} {
		if many.client.At = began.Add(c.after); c.after == 4*time.Hour {
			many.client.At = many.client.At.Add(59 * time.Minute)
		}
		if _, end := many.play(w, nil); end != c.refused {
			t.Errorf("after %v: refused %v", c.after, end)
		}
	}
	if l := w.taken(); *l[0].Limits[0].Left != -2 || !l[0].Limits[0].Room.Equal(began.Add(3*time.Hour)) ||
		!*l[1].Limits[0].Full || *l[1].Limits[0].Left != -1 || !l[1].Limits[0].Room.Equal(began.Add(5*time.Hour)) {
		t.Errorf("%+v %+v", l[0].Limits, l[1].Limits)
	}
}

// TestLimitDomainsOfOneMessage: each recipient's domain is counted, not the first
// one's alone.
func TestLimitDomainsOfOneMessage(t *testing.T) {
	for _, recipients := range []bool{false, true} {
		s := limiting(decider.KeyRcptDomain)
		s.Limits[0].Recipients, s.Limits[0].Rate.Burst = recipients, 2
		w := newWorld(t, s, nil)
		m := suspects(func(m *mail) { m.rcpts = []string{"a@one.test", "b@two.test", "c@TWO.test"} })
		if rcpts, end := m.play(w, nil); slices.Contains(append(rcpts, end), true) {
			t.Fatal(rcpts, end)
		}
		m.rcpts = []string{"a@two.test", "b@one.test"}
		if rcpts, end := m.play(w, nil); fmt.Sprint(rcpts, end) != fmt.Sprintf("[%v false] false", recipients) {
			t.Errorf("by recipients %v: %v %v", recipients, rcpts, end)
		}
		if lines := w.taken(); len(lines[0].Limits) != 2 {
			t.Errorf("%+v", lines[0].Limits)
		}
		m.rcpts = []string{"a@three.test", "b@four.test", "c@three.test", "d@three.test"}
		if rcpts, _ := m.play(w, nil); fmt.Sprint(rcpts) != fmt.Sprintf("[false false false %v]", recipients) {
			t.Errorf("by recipients %v: %v", recipients, rcpts)
		}
	}
	s := limiting(decider.KeyRcptDomain)
	s.Limits[0].Rate.Burst = 2
	w := newWorld(t, s, nil)
	m := suspects(func(m *mail) {
		for i := range 30 {
			m.rcpts = append(m.rcpts, fmt.Sprintf("a@d%d.test", i))
		}
	})
	if rcpts, end := m.play(w, nil); slices.Contains(append(rcpts, end), true) || len(w.taken()[0].Limits) != 8 {
		t.Error("more domains than are told apart", rcpts, end)
	}
}

// TestSeveralLimits: the strictest wins, and the decision lists them all.
func TestSeveralLimits(t *testing.T) {
	s := limiting(decider.KeyPrefix)
	add := func(name string, burst int, class policy.Class, keys ...decider.LimitKey) {
		s.Limits = append(s.Limits, decider.Limit{
			Name: name, Classes: []policy.Class{class}, Keys: keys, Rate: state.Rate{Count: 1, Per: time.Hour, Burst: burst},
		})
	}
	s.Limits[0].Rate.Burst = 3
	add("helo", 2, policy.ClassAccess, decider.KeyHELO)
	add("device", 1, policy.ClassDevice, decider.KeyHELO)
	add("asn", 1, policy.ClassAccess, decider.KeyASN) // unknown here
	w := newWorld(t, s, nil)
	m := suspects(func(*mail) {})
	for range 3 {
		m.play(w, nil)
	}
	var got []string
	for _, l := range w.taken() {
		text := l.Action
		for _, u := range l.Limits {
			text += fmt.Sprintf(" %s:%v:%d", u.Name, *u.Full, *u.Left)
		}
		got = append(got, text)
	}
	want := []string{
		"tag suspects-by-network:false:2 helo:false:1",
		"tag suspects-by-network:false:1 helo:false:0",
		"limit suspects-by-network:false:1 helo:true:0", // nothing is taken of the first
		"limit",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	good := mail{client(server), serverName, policy.Seen("a@example.org"), []string{"u@example.test"}, 0, plain()}
	if good.play(w, nil); w.taken()[0].Limits != nil {
		t.Error("a mail server's decision lists limits")
	}
}
