package remote_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

// The tests of this file hold for the local memory and for a shared one, whose calls go
// to two hosts in turn.

var began = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

const (
	delay = 5 * time.Minute
	keep  = 24 * time.Hour
)

func TestRetried(t *testing.T) {
	type call struct {
		after time.Duration
		want  bool
	}
	cases := map[string][]call{
		"waits":                    {{0, false}, {delay - time.Second, false}, {delay, true}, {delay + time.Second, true}},
		"goes on passing":          {{0, false}, {delay, true}, {delay + keep, true}, {delay + 2*keep, true}},
		"is forgotten when unused": {{0, false}, {delay, true}, {delay + keep + time.Second, false}},
		"waits from the first":     {{0, false}, {time.Minute, false}, {delay, true}},
		"first attempt runs out":   {{0, false}, {keep + time.Second, false}, {keep + delay + time.Second, true}},
		"clock back":               {{0, false}, {delay, true}, {-time.Hour, true}, {time.Minute, true}},
		"clock back while waiting": {{0, false}, {-time.Hour, false}, {-time.Hour + delay, true}},
		"clock far ahead and back": {{1000 * keep, false}, {0, false}, {delay, true}},
		"passed, far ahead, back":  {{1000 * keep, false}, {1000*keep + delay, true}, {0, false}, {delay, true}},
	}
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for name, calls := range cases {
			for i, c := range calls {
				s := h[i%2]
				if got, room := s.Retried(state.Attempt{Item: item(s, "n "+name, "x")}, began.Add(c.after), delay, keep); got != c.want || !room {
					t.Errorf("%s: call %d: %v, room %v", name, i, got, room)
				}
			}
		}
	})
}

func TestRetriedClient(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for i, c := range []struct {
			message string
			client  state.Key
			after   time.Duration
			want    bool
		}{
			{"x", 7, 0, false}, {"x", 7, delay, true}, {"y", 7, delay, true}, {"y", 8, delay, false}, {"y", 0, delay, false},
			{"z", 7, delay + keep, true}, {"too late", 7, delay + 3*keep, false},
		} {
			s := h[i%2]
			if got, _ := s.Retried(state.Attempt{Item: item(s, "n", c.message), Client: c.client}, began.Add(c.after), delay, keep); got != c.want {
				t.Errorf("%d, %s of %d after %v: %v", i, c.message, c.client, c.after, got)
			}
		}
	})
}

var rate = state.Rate{Count: 20, Per: time.Hour, Burst: 3}

func draws(s decider.State, names ...string) (all []state.Draw) {
	for _, n := range names {
		all = append(all, state.Draw{Item: item(s, "n", n), Rate: rate})
	}
	return all
}

// TestBucket: what one host takes the other lacks.
func TestBucket(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h, n := fresh(), 0
		take := func(after time.Duration, want bool) {
			t.Helper()
			s := h[n%2]
			n++
			at := began.Add(after)
			if empty := s.Available(at, draws(s, "x")); (empty < 0) != want {
				t.Errorf("after %v: draw %d is empty", after, empty)
			}
			if empty, room := s.Take(at, draws(s, "x")); (empty < 0) != want || !room {
				t.Errorf("after %v: draw %d was empty, room %v", after, empty, room)
			}
		}
		for range 3 {
			take(0, true)
		}
		take(0, false)
		take(3*time.Minute-time.Second, false)
		take(3*time.Minute, true) // 20 an hour is one in three minutes
		take(3*time.Minute, false)
		for range 3 { // no more than the burst is saved up
			take(24*time.Hour, true)
		}
		take(24*time.Hour, false)
		take(23*time.Hour, false) // a connection that began earlier
		take(-time.Hour, true)    // a clock that was set back: the bucket begins anew
	})
}

// TestTakeAllOrNone: an empty bucket leaves the others as they were.
func TestTakeAllOrNone(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		a, b := h[0], h[1]
		for range 3 {
			a.Take(began, draws(a, "empty"))
		}
		for range 5 {
			if empty, _ := b.Take(began, draws(b, "first", "empty", "last")); empty != 1 {
				t.Fatalf("draw %d was empty", empty)
			}
		}
		for range 3 {
			if empty, _ := a.Take(began, draws(a, "first", "last")); empty >= 0 {
				t.Errorf("draw %d was empty", empty)
			}
		}
		if empty := b.Available(began, draws(b, "new", "last")); empty != 1 {
			t.Errorf("draw %d was empty", empty)
		}
		if empty, room := b.Take(began, nil); empty != -1 || !room {
			t.Error("nothing to take was not there")
		}
	})
}

// TestManyTokens: a draw of several takes all of them or none. One of more than ever
// are there takes a full bucket, and the next wait until the debt is paid.
func TestManyTokens(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for i, c := range []struct {
			take  bool
			after time.Duration
			n     int
			empty int
			left  float64
			short bool
		}{
			{false, 0, 3, -1, 3, false},
			{false, 0, 4, 0, 3, true}, // a further recipient comes again alone
			{true, 0, 2, -1, 1, false},
			{true, 0, 2, 0, 1, true},
			{true, 0, 1, -1, 0, false},
			{false, 7 * time.Minute, 2, -1, 2.333333, false},
			{true, 7 * time.Minute, 10, 0, 2.333333, true},
			{true, time.Hour, 10, -1, -7, false},
			{true, time.Hour + 24*time.Minute - time.Second, 1, 0, .994444, true}, // 8 tokens in 24 minutes
			{true, time.Hour + 24*time.Minute, 1, -1, 0, false},
			{true, 3 * time.Hour, 100_000, -1, -480, false}, // the debt of a day
			{false, 27*time.Hour + 3*time.Minute, 1, -1, 1, false},
		} {
			s := h[i%2]
			d, at, empty, room := draws(s, "x"), began.Add(c.after), 0, true
			d[0].N = c.n
			if c.take {
				empty, room = s.Take(at, d)
			} else {
				empty = s.Available(at, d)
			}
			if empty != c.empty || !room || d[0].Left != c.left || d[0].Short != c.short {
				t.Errorf("draw %d: empty %d, room %v, %v left, short %v", i, empty, room, d[0].Left, d[0].Short)
			}
		}
		d := draws(h[0], "x", "y")
		if h[0].Take(began.Add(27*time.Hour+3*time.Minute), d); d[0].Short || d[0].Left != 0 || d[1].Left != 2 {
			t.Errorf("%+v", d)
		}
		if empty := h[1].Available(began.Add(27*time.Hour+3*time.Minute), d); empty != 0 || !d[0].Short || d[1].Short || d[1].Left != 2 {
			t.Errorf("draw %d: %+v", empty, d)
		}
	})
}

// TestTried counts one message's tries of a day, at whichever host.
func TestTried(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for i, c := range []struct {
			name  string
			after time.Duration
			want  int
		}{
			{"a", 0, 1}, {"a", time.Minute, 2}, {"b", time.Minute, 1}, {"a", -time.Minute, 3}, {"a", 24*time.Hour - time.Minute - time.Second, 4},
			{"a", 24 * time.Hour, 1}, {"a", 48*time.Hour - time.Second, 2}, {"a", 48 * time.Hour, 1},
			{"a", -time.Hour, 1}, {"a", 0, 2}, // a clock that was set back
		} {
			if got := h[i%2].Tried(item(h[i%2], "n", c.name), began.Add(c.after)); got != c.want {
				t.Errorf("call %d, %s after %v: %d", i, c.name, c.after, got)
			}
		}
	})
}

// TestSafety10Tries: beyond its share a network's messages are tried for the first time
// whenever they come; nobody answers for what another sent.
func TestSafety10Tries(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for i := range 2100 {
			h[i%2].Tried(item(h[i%2], "bad", fmt.Sprint(i)), began)
		}
		for range 3 {
			if n := h[0].Tried(item(h[0], "bad", "new"), began); n != 1 {
				t.Errorf("tried %d times", n)
			}
		}
		h[0].Tried(item(h[0], "good", "x"), began)
		if n := h[1].Tried(item(h[1], "good", "x"), began); n != 2 {
			t.Errorf("another network's: %d", n)
		}
	})
}

// TestPassed is known once a deferred message came again, and notes nothing itself.
func TestPassed(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for i, c := range []struct {
			retry bool
			after time.Duration
			want  bool
		}{
			{false, 0, false}, {true, 0, false}, {false, delay, false}, {true, delay, true}, {false, delay, true},
			{false, delay + keep, true}, {false, delay + keep + time.Second, false}, {false, -25 * time.Hour, false},
		} {
			s := h[i%2]
			it, got := state.Attempt{Item: item(s, "n", "x"), Client: 7}, false
			if c.retry {
				got, _ = s.Retried(it, began.Add(c.after), delay, keep)
			} else {
				got = s.Passed(it, began.Add(c.after), keep)
			}
			if got != c.want {
				t.Errorf("call %d: %v", i, got)
			}
		}
		other := state.Attempt{Item: item(h[0], "n", "y"), Client: 7}
		if !h[0].Passed(other, began.Add(delay), keep) {
			t.Error("another message of who passed")
		}
		for _, other.Client = range []state.Key{8, 0} {
			if h[1].Passed(other, began.Add(delay), keep) {
				t.Error("another client, or an unknown one")
			}
		}
	})
}

func TestSafety09Habit(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		it := state.Item{Key: 1, Wide: 2, Network: 3}
		day := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
		for i, want := range []bool{false, false, true, true} {
			for j := range 3 { // many mails of one morning are one day
				if got := h[j%2].Known(it, day.AddDate(0, 0, i)); got != want {
					t.Errorf("day %d: known %v", i, got)
				}
				if got := habitOf(h[j%2], it, day.AddDate(0, 0, i)); got != want {
					t.Errorf("day %d: %v", i, got)
				}
			}
		}
		if !habitOf(h[0], it, day.AddDate(0, 0, 3+60)) {
			t.Error("forgotten too early")
		}
		if habitOf(h[1], it, day.AddDate(0, 0, 4+120)) {
			t.Error("remembered too long")
		}
		if habitOf(h[0], it, day.AddDate(-1, 0, 0)) {
			t.Error("a clock that was set back knows everybody")
		}
	})
}

// habitOf asks for a habit alone.
func habitOf(s decider.State, it state.Item, at time.Time) bool {
	return s.Mailed(state.Mail{Habit: it, At: at}, ruleOf25).Habit
}

var newHabits atomic.Uint64

// seen asks for a template alone: the habit is a new one.
func seen(s decider.State, of state.Sighting, rule state.CampaignRule) state.Campaign {
	n := state.Key(1<<40 + newHabits.Add(1))
	return s.Mailed(state.Mail{Habit: state.Item{Key: n, Wide: n, Network: n}, Templates: [2]state.Key{of.Template},
		Network: of.Network, ASN: of.ASN, At: of.At}, rule).Campaigns[0]
}

var ruleOf25 = state.CampaignRule{Window: 10 * time.Minute, Hosts: 25, Hold: 24 * time.Hour}

// wave sends one message from each of n networks, a second apart, to the hosts in
// turn, and returns the number of the message that began the campaign, 0 if none did.
func (h hosts) wave(template state.Key, at time.Time, n int, asn func(int) uint32) (began int, last state.Campaign) {
	for i := range n {
		last = seen(h[i%2], state.Sighting{
			Template: template, Network: state.Key(1000 + i), ASN: asn(i), At: at.Add(time.Duration(i) * time.Second),
		}, ruleOf25)
		if last.Began && began == 0 {
			began = i + 1
		}
	}
	return began, last
}

func systems(n int) func(int) uint32 { return func(i int) uint32 { return uint32(64500 + i%n) } }

func unknownSystem(int) uint32 { return 0 }

func TestCampaign(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for _, c := range []struct {
			name     string
			template state.Key
			networks int
			asn      func(int) uint32
			want     int
		}{
			{"one too few", 1, 24, systems(5), 0},
			{"enough", 2, 40, systems(5), 25},
			{"of unknown systems", 3, 40, unknownSystem, 25},
			{"of two systems", 4, 40, systems(2), 0},
			{"more than are kept", 5, 130, systems(5), 25},
		} {
			began, last := h.wave(c.template, at, c.networks, c.asn)
			if began != c.want || last.On != (c.want > 0) || last.Messages != int64(c.networks) || last.Networks != min(c.networks, 100) {
				t.Errorf("%s: began with message %d: %+v", c.name, began, last)
			}
			if c.want > 0 && !last.Since.Equal(at.Add(24*time.Second)) || !last.Last.Equal(at.Add(time.Duration(c.networks-1)*time.Second)) {
				t.Errorf("%s: %+v", c.name, last)
			}
		}
	})
}

func TestCampaignOfFewNetworksOrSlowOnes(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for i := range 200 {
			if c := seen(h[i%2], state.Sighting{Template: 1, Network: state.Key(i % 20), ASN: uint32(i), At: at}, ruleOf25); c.On {
				t.Fatalf("on with message %d", i)
			}
			late := state.Sighting{Template: 2, Network: state.Key(i), ASN: uint32(i), At: at.Add(time.Duration(i) * time.Minute)}
			if c := seen(h[i%2], late, ruleOf25); c.On {
				t.Fatalf("on with message %d, of hours", i)
			}
		}
	})
}

func TestCampaignHoldsAndClockJumps(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		h.wave(1, at, 30, systems(5))
		last := at.Add(29 * time.Second)
		for i, c := range []struct {
			after time.Duration
			on    bool
		}{{23 * time.Hour, true}, {46 * time.Hour, true}, {46*time.Hour - time.Minute, true}, {71 * time.Hour, false}} {
			s := state.Sighting{Template: 1, Network: 7, ASN: 1, At: last.Add(c.after)}
			if is := seen(h[i%2], s, ruleOf25); is.On != c.on || is.Began {
				t.Errorf("after %v: %+v", c.after, is)
			}
		}
		h.wave(2, at.AddDate(10, 0, 0), 30, systems(5))
		if c := seen(h[0], state.Sighting{Template: 2, Network: 7, ASN: 1, At: at}, ruleOf25); c.On || c.Messages != 1 {
			t.Errorf("%+v", c)
		}
		if began, _ := h.wave(2, at, 30, systems(5)); began == 0 {
			t.Error("no campaign after the jump")
		}
	})
}

// TestSafety10 floods from one network: beyond its share it is counted as one, others
// are not touched.
func TestSafety10OneNetworkIsCountedAsOne(t *testing.T) {
	both(t, func(t *testing.T, fresh func() hosts) {
		h := fresh()
		for i := range 2100 {
			s := h[i%2]
			if passed, _ := s.Retried(state.Attempt{Item: item(s, "bad", fmt.Sprint(i))}, began, delay, keep); passed {
				t.Fatal("passed at once")
			}
		}
		s := h[0]
		if passed, _ := s.Retried(state.Attempt{Item: item(s, "bad", "new")}, began.Add(delay), delay, keep); !passed {
			t.Error("beyond its share a network is not counted as one")
		}
		if passed, _ := s.Retried(state.Attempt{Item: item(s, "good", "x")}, began.Add(delay), delay, keep); passed {
			t.Error("another network passes by that")
		}
	})
}

// TestSameAnswers asks the local memory and two hosts in turn the same thousands of
// questions, with times that go on, go back a little and jump.
func TestSameAnswers(t *testing.T) {
	s := start(t)
	secret := [16]byte{1, 2, 3}
	given := func(o *remote.Options) { o.Secret = secret }
	two := hosts{open(t, s.url(), given), open(t, s.url(), given)}
	m, err := state.New(state.Options{Entries: 100_000, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	r, at := rand.New(rand.NewPCG(seed, 0)), began
	steps := []time.Duration{0, 0, time.Millisecond, time.Second, time.Minute, time.Minute, -time.Second, -time.Minute, time.Hour, -time.Hour,
		25 * time.Hour, -23 * time.Hour, -25 * time.Hour, 31 * 24 * time.Hour}
	rule := state.CampaignRule{Window: 10 * time.Minute, Hosts: 4, Hold: 3 * time.Hour}
	rates := []state.Rate{{Count: 20, Per: time.Hour, Burst: 3}, {Count: 7, Per: time.Second, Burst: 2}, {Count: 1, Per: 24 * time.Hour, Burst: 5}}
	for i := range 20_000 {
		if step := steps[r.IntN(len(steps))]; step < time.Hour && step > -time.Hour || r.IntN(20) == 0 {
			at = at.Add(step)
		}
		it := item(m, "n", fmt.Sprint(r.IntN(20)))
		var d []state.Draw
		for range r.IntN(4) {
			k := r.IntN(6)
			d = append(d, state.Draw{Item: item(m, "n", fmt.Sprint("bucket", k)), Rate: rates[k%3], N: r.IntN(8)})
		}
		sight := state.Sighting{Template: state.Key(r.IntN(4)), Network: state.Key(r.IntN(30)), At: at}
		if sight.ASN = uint32(sight.Network % 5); r.IntN(50) == 0 {
			sight.ASN = 7
		}
		op := r.IntN(8)
		ask := func(s decider.State) string {
			switch op {
			case 0:
				return fmt.Sprint(s.Retried(state.Attempt{Item: it, Client: state.Key(1000 * uint64(i%3))}, at, delay, keep))
			case 1:
				return fmt.Sprint(s.Available(at, d), d)
			case 2:
				empty, room := s.Take(at, d)
				return fmt.Sprint(empty, room, d)
			case 3:
				return fmt.Sprint(habitOf(s, it, at))
			case 4:
				return fmt.Sprint(s.Known(it, at))
			case 5:
				return fmt.Sprint(s.Passed(state.Attempt{Item: it, Client: state.Key(1000 * uint64(i%3))}, at, keep))
			case 6:
				return fmt.Sprint(s.Tried(it, at))
			}
			return fmt.Sprint(seen(s, sight, rule))
		}
		if want, got := ask(m), ask(two[i%2]); got != want {
			t.Fatalf("seed %d, question %d (%d) at %v: %s, the local memory says %s", seed, i, op, at, got, want)
		}
	}
	if two[0].(*mx).Degraded() || two[1].(*mx).Degraded() {
		t.Error("the own memory answered")
	}
}
