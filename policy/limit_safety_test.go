package policy_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// shared are the keys whose buckets others can fill.
var shared = []decider.LimitKey{
	decider.KeyPrefix, decider.KeyASN, decider.KeyClass, decider.KeyDevice, decider.KeyPTRTemplate, decider.KeyHELO,
	decider.KeyFromDomain, decider.KeyRcptDomain,
}

// TestSafety08KnownClients: what others filled does not touch whom the history calls
// regular, who passed a deferral, and known senders; their own buckets do.
func TestSafety08KnownClients(t *testing.T) {
	known := map[string]func(t *testing.T, m *state.Memory, w *world, s *decider.Settings){
		"regular": func(t *testing.T, m *state.Memory, _ *world, _ *decider.Settings) {
			for i := range 25 {
				at := began.AddDate(0, 0, i/4-7)
				m.Visit(client(nil).Addr, state.Visit{At: at, Class: policy.ClassAccess})
			}
		},
		"passed": func(t *testing.T, _ *state.Memory, w *world, s *decider.Settings) {
			limited, deferring := *s, *s
			deferring.Rules.Device = policy.ActionDefer
			w.Swap(&deferring)
			for i, after := range []time.Duration{-time.Hour, -30 * time.Minute} {
				c := client(func(c *policy.Client) { c.At = began.Add(after) })
				if rcpts, _ := talk(w, c, "DiskStation", plain(), "u@example.test"); rcpts[0].Refuses() != (i == 0) {
					t.Fatal("deferral", rcpts)
				}
			}
			w.Swap(&limited)
		},
		"known sender": func(t *testing.T, _ *state.Memory, w *world, s *decider.Settings) {
			limited, tagging := *s, *s
			tagging.Rules.Mode = policy.ModeTag
			w.Swap(&tagging)
			for day := range 2 {
				talk(w, client(func(c *policy.Client) { c.At = began.AddDate(0, 0, day-2) }), "DiskStation", plain(), "u@example.test")
			}
			w.Swap(&limited)
		},
	}
	for name, prepare := range known {
		for _, key := range append(shared, decider.KeyAddress) {
			memory, err := state.New(state.Options{Entries: 1000})
			if err != nil {
				t.Fatal(err)
			}
			s := limiting(key)
			w := newWorldWith(t, s, &stub{found: policy.Found{Network: policy.Network{ASN: 64500}}}, func(o *decider.Options) { o.State = memory })
			prepare(t, memory, w, s)
			other := suspects(func(m *mail) { m.helo = "DiskStation"; m.client.Addr = netip.MustParseAddr("198.51.100.99") })
			switch key {
			case decider.KeyAddress:
				other.client.Addr = client(nil).Addr
			case decider.KeyPrefix: // a neighbour who greets otherwise
				other.client.Addr, other.helo = netip.MustParseAddr("203.0.113.99"), "user-pc"
			}
			other.from = policy.Seen("other@example.com")
			refused := false
			for range 3 {
				rcpts, _ := other.play(w, nil)
				refused = rcpts[0]
			}
			if !refused {
				t.Fatalf("%s: %s: the bucket is not full", name, key)
			}
			rcpts, eom := talk(w, client(nil), "DiskStation", plain(), "u@example.test")
			if got := rcpts[0].Refuses() || eom.Refuses(); got != (key == decider.KeyAddress) {
				t.Errorf("%s: %s: refused %v", name, key, got)
			}
			if w.meter.bystander != 0 {
				t.Errorf("%s: %s: %d bystanders", name, key, w.meter.bystander)
			}
		}
	}
}

// TestSafety08KnownTemplate: a campaign's bucket does not touch what the same network sent
// to the same domain on two earlier days.
func TestSafety08KnownTemplate(t *testing.T) {
	s := campaigning(policy.ActionDefer)
	s.Rules.Access, s.Rules.EnforceAt = policy.ActionLimit, policy.StageEOM
	s.Limits[0].Rate = state.Rate{Count: 1, Per: time.Hour, Burst: 1}
	w := newWorld(t, s, nil)
	for day := range 3 {
		at := began.AddDate(0, 0, day)
		for range 3 {
			talk(w, client(func(c *policy.Client) { c.At, c.Addr = at, netip.MustParseAddr("203.0.113.99") }), "other-pc", header("Subject: x"), "u@example.test")
		}
		c := client(func(c *policy.Client) { c.At = at })
		if _, eom := talk(w, c, "user-pc", spam(day), "u@example.test"); eom.Refuses() != (day < 2) {
			t.Errorf("day %d: %+v", day, eom)
		}
	}
}

// refusing are rules by which lines are limited by network to one message an hour, and
// refused after so many tries.
func refusing(after int) *decider.Settings {
	s := limiting(decider.KeyPrefix)
	s.Limits[0].RefuseAfter = after
	return s
}

// bothFamilies is a greeting of the client's own, beside the line's PTR: what a refusal needs.
const bothFamilies = "user-pc"

// tries sends a message so often, a minute apart, and returns the codes of the answers.
func tries(w *world, at time.Time, helo, rcpt string, n int) string {
	var codes []string
	for i := range n {
		c := client(func(c *policy.Client) { c.At = at.Add(time.Duration(i) * time.Minute) })
		rcpts, eom := talk(w, c, helo, plain(), rcpt)
		v := rcpts[0]
		if !v.Refuses() {
			v = eom
		}
		codes = append(codes, (v.Reply + "250")[:3])
	}
	return strings.Join(codes, " ")
}

func TestSafety08RefuseAfter(t *testing.T) {
	exempt := func(s *decider.Settings) { s.Rules.Exempt.Recipients = []string{"u@example.test"} }
	for _, tt := range []struct {
		name   string
		after  int
		helo   string
		change func(*decider.Settings)
		want   string
	}{
		{"never", 0, bothFamilies, nil, "250 451 451 451 451 451 451"},
		{"after three", 3, bothFamilies, nil, "250 451 451 451 550 550 550"},
		{"at end of message", 3, bothFamilies, func(s *decider.Settings) { s.Rules.EnforceAt = policy.StageEOM }, "250 451 451 451 550 550 550"},
		{"the line alone", 1, lineName, nil, "250 451 451 451 451 451 451"},
		{"a name of its own", 1, "mail.example.org", func(s *decider.Settings) { s.Rules.Thresholds.Access = 0.3 }, "250 451 451 451 451 451 451"},
		{"an exempt recipient", 1, bothFamilies, exempt, "250 451 451 451 451 451 451"},
		{"mode tag", 1, bothFamilies, func(s *decider.Settings) { s.Rules.Mode = policy.ModeTag }, "250 250 250 250 250 250 250"},
		{"mode observe", 1, bothFamilies, func(s *decider.Settings) { s.Rules.Mode = policy.ModeObserve }, "250 250 250 250 250 250 250"},
		{"beyond the ramp", 1, bothFamilies, func(s *decider.Settings) { s.Ramp = &decider.Ramp{} }, "250 250 250 250 250 250 250"},
	} {
		s := refusing(tt.after)
		if tt.change != nil {
			tt.change(s)
		}
		w := newWorld(t, s, nil)
		if got := tries(w, began, tt.helo, "u@example.test", 7); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
		if strings.Contains(tt.want, "550") {
			continue
		}
		for _, l := range w.taken() {
			if l.Reason == policy.ReasonLimitRefused || l.Verdict == "reject" {
				t.Errorf("%s: %+v", tt.name, l)
			}
		}
	}
}

// TestSafety08RefuseAfterSparesKnownSenders: a limit of their own puts them off, and that is
// all.
func TestSafety08RefuseAfterSparesKnownSenders(t *testing.T) {
	s := refusing(1)
	s.Limits[0].Keys = []decider.LimitKey{decider.KeyAddress}
	for days, want := range map[int]string{1: "250 451 550 550", 2: "250 451 451 451"} {
		w := newWorld(t, s, nil)
		for day := range days {
			if got := tries(w, began.AddDate(0, 0, day-days), bothFamilies, "u@example.test", 1); got != "250" {
				t.Fatal(got)
			}
		}
		if got := tries(w, began, bothFamilies, "u@example.test", 4); got != want {
			t.Errorf("known for %d days: %s", days, got)
		}
	}
}

// TestSafety08RefuseAfterCountsOneMessage: another sender's, recipient's or network's tries
// are not its own, nor are those of another day.
func TestSafety08RefuseAfterCountsOneMessage(t *testing.T) {
	s := refusing(2)
	s.Limits[0].Keys = []decider.LimitKey{decider.KeyClass}
	s.Limits[0].Rate.Per = 30 * 24 * time.Hour
	w := newWorld(t, s, nil)
	for i, tt := range []struct {
		change func(*mail)
		want   bool
	}{
		{func(m *mail) {
			m.client.At, m.client.Addr, m.from = began.Add(3*time.Minute), netip.MustParseAddr("203.0.113.8"), policy.Seen("A@example.com")
		}, true},
		{func(m *mail) { m.from = policy.Seen("b@example.com") }, false},
		{func(m *mail) { m.rcpts = []string{"v@example.test"} }, false},
		{func(m *mail) { m.client.Addr = netip.MustParseAddr("203.0.114.7") }, false},
		{func(m *mail) { m.client.At = began.Add(24*time.Hour + time.Minute) }, false},
		{func(m *mail) { m.client.At = began.Add(24*time.Hour + 3*time.Minute) }, false},
	} {
		if i == 0 {
			tries(w, began, bothFamilies, "u@example.test", 3) // the first passes
			w.taken()
		}
		m := suspects(tt.change)
		m.play(w, nil)
		if l := w.taken()[0]; (l.Reason == policy.ReasonLimitRefused) != tt.want || (l.Action == "reject") != tt.want {
			t.Errorf("%d: %+v", i, l)
		}
	}
}

// TestSafety08RefusalIsByTheLimitThatPutOff: each limit counts for itself, and the reply
// is the class-level one.
func TestSafety08RefusalIsByTheLimitThatPutOff(t *testing.T) {
	s := refusing(1)
	s.Limits = append(s.Limits, decider.Limit{
		Name: "other", Classes: []policy.Class{policy.ClassAccess}, Keys: []decider.LimitKey{decider.KeyHELO},
		Rate: state.Rate{Count: 1, Per: time.Hour, Burst: 1},
	})
	s.Limits[0].Rate = state.Rate{Count: 1, Per: time.Second, Burst: 1000} // never full
	w := newWorld(t, s, nil)
	if got := tries(w, began, bothFamilies, "u@example.test", 4); got != "250 451 451 451" {
		t.Error(got)
	}
	s = refusing(1)
	s.Limits[0].Keys, s.Rules.EnforceAt = []decider.LimitKey{decider.KeyRcptDomain}, policy.StageEOM
	w = newWorld(t, s, nil)
	for i, want := range []policy.Action{policy.ActionTag, policy.ActionLimit, policy.ActionReject} {
		if _, eom := talk(w, client(nil), bothFamilies, plain(), "u@one.test", "u@two.test"); eom.Action != want { // a try of two draws is one
			t.Errorf("message %d: %v", i, eom.Action)
		}
	}
	s = refusing(1)
	w = newWorld(t, s, nil)
	tries(w, began, bothFamilies, "u@example.test", 2)
	rcpts, _ := talk(w, client(nil), bothFamilies, plain(), "u@example.test")
	if v := rcpts[0]; v.Action != policy.ActionReject || !strings.HasPrefix(v.Reply, "550 5.7.1 Mail from this kind of host is not accepted [id=") {
		t.Errorf("%+v", v)
	}
	lines := w.taken()
	if l := lines[len(lines)-2]; l.Verdict != "reject" || l.Action != "reject" || l.Reason != "limit-refused" || !*l.Limits[0].Full {
		t.Errorf("%+v", l)
	}
}

// TestSafety16FullTableOfBuckets: without room for one more bucket nothing is full, counted.
func TestSafety16FullTableOfBuckets(t *testing.T) {
	s := limiting(decider.KeyPrefix)
	memory, err := state.New(state.Options{Entries: 3})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWith(t, s, nil, func(o *decider.Options) { o.State = memory })
	for i := range 6 {
		m := suspects(func(m *mail) { m.client.Addr = netip.AddrFrom4([4]byte{203, 0, byte(i), 7}) })
		for n := range 2 {
			rcpts, end := m.play(w, nil)
			if full := i < 3 && n > 0; rcpts[0] != full || end {
				t.Errorf("network %d, message %d: %v %v", i, n, rcpts, end)
			}
		}
	}
	lines := w.taken()
	if l := lines[len(lines)-1]; l.Reason != policy.ReasonFailOpen || l.Limits != nil {
		t.Errorf("%+v", l)
	}
	_, buckets, lost := memory.Sizes()
	if w.meter.failOpen["table"] != 6 || buckets != 3 || lost != 6 {
		t.Errorf("counted %v, %d buckets, %d lost", w.meter.failOpen, buckets, lost)
	}
}
