package state

import (
	"strconv"
	"sync"
	"testing"
	"time"
)

var began = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

const (
	delay = 5 * time.Minute
	keep  = 24 * time.Hour
)

func memory(t testing.TB, entries int) *Memory {
	t.Helper()
	m, err := New(Options{Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// item is an entry of a network.
func (m *Memory) item(network, name string) Item {
	return Item{Key: m.Key(network, name), Wide: m.Key("wide", network), Network: m.Key(network)}
}

func TestKeyBordersCount(t *testing.T) {
	m := memory(t, 1)
	if m.Key("ab", "c") == m.Key("a", "bc") || m.Key("a") == m.Key("a", "") {
		t.Error("keys of different parts are the same")
	}
	if first := m.Key("a", "b"); first != m.Key("a", "b") {
		t.Error("keys of the same parts differ")
	}
}

// TestRetriedClient: who came again once passes with all that it sends, until it was
// unused for keep; others of its network wait.
func TestRetriedClient(t *testing.T) {
	m := memory(t, 100)
	attempt := func(message string, client Key, after time.Duration) bool {
		passed, room := m.Retried(Attempt{m.item("n", message), client}, began.Add(after), delay, keep)
		if !room {
			t.Errorf("%s: no room", message)
		}
		return passed
	}
	for i, c := range []struct {
		message string
		client  Key
		after   time.Duration
		want    bool
	}{
		{"x", 7, 0, false}, {"y", 7, delay, false}, {"x", 7, delay, true}, {"z", 7, delay, true},
		{"z", 8, delay, false}, {"unknown", 0, delay, false},
		{"later", 7, delay + keep, true}, {"later still", 7, delay + 2*keep, true}, {"too late", 7, delay + 4*keep, false},
	} {
		if got := attempt(c.message, c.client, c.after); got != c.want {
			t.Errorf("%d, %s of %d after %v: %v", i, c.message, c.client, c.after, got)
		}
	}
}

func TestRetried(t *testing.T) {
	type call struct {
		after time.Duration
		want  bool
	}
	for name, calls := range map[string][]call{
		"waits":                    {{0, false}, {delay - time.Second, false}, {delay, true}, {delay + time.Second, true}},
		"goes on passing":          {{0, false}, {delay, true}, {delay + keep, true}, {delay + 2*keep, true}},
		"is forgotten when unused": {{0, false}, {delay, true}, {delay + keep + time.Second, false}},
		"waits from the first":     {{0, false}, {time.Minute, false}, {delay, true}},
		"first attempt runs out":   {{0, false}, {keep + time.Second, false}, {keep + delay + time.Second, true}},
		"clock back":               {{0, false}, {delay, true}, {-time.Hour, true}, {time.Minute, true}},
		"clock back while waiting": {{0, false}, {-time.Hour, false}, {-time.Hour + delay, true}},
		"clock far ahead and back": {{1000 * keep, false}, {0, false}, {delay, true}},
	} {
		m := memory(t, 100)
		for i, c := range calls {
			if got, room := m.Retried(Attempt{Item: m.item("n", "x")}, began.Add(c.after), delay, keep); got != c.want || !room {
				t.Errorf("%s: call %d: %v, room %v", name, i, got, room)
			}
		}
	}
}

// TestSafety10 floods from one network: others' deferrals stay, the network is
// counted as one, and holds a hundredth of the table.
func TestSafety10OneNetworkEvictsNobody(t *testing.T) {
	m := memory(t, 1000)
	m.Retried(Attempt{Item: m.item("good", "x")}, began, delay, keep)
	for i := range 5000 {
		if passed, _ := m.Retried(Attempt{Item: m.item("bad", strconv.Itoa(i))}, began, delay, keep); passed {
			t.Fatal("passed at once")
		}
	}
	if n, _, evicted := m.Sizes(); n > 1+10+1 || evicted != 0 {
		t.Errorf("%d entries, %d given up", n, evicted)
	}
	if passed, _ := m.Retried(Attempt{Item: m.item("good", "x")}, began.Add(delay), delay, keep); !passed {
		t.Error("the flood of a network made another wait")
	}
	if passed, _ := m.Retried(Attempt{Item: m.item("bad", "new")}, began.Add(delay), delay, keep); !passed {
		t.Error("beyond its share a network is not counted as one")
	}
}

func TestSafety10FullTableFailsOpen(t *testing.T) {
	m := memory(t, 10)
	for i := range 10 {
		m.Retried(Attempt{Item: m.item("n"+strconv.Itoa(i), "x")}, began, delay, keep)
	}
	if passed, room := m.Retried(Attempt{Item: m.item("new", "x")}, began, delay, keep); !passed || room {
		t.Errorf("passed %v, room %v", passed, room)
	}
	if _, _, evicted := m.Sizes(); evicted != 1 {
		t.Errorf("%d counted", evicted)
	}
	for i := range 10 {
		if passed, _ := m.Retried(Attempt{Item: m.item("n"+strconv.Itoa(i), "x")}, began.Add(delay), delay, keep); !passed {
			t.Error("somebody who waited was forgotten")
		}
	}
	// What never came again gives way after a day.
	m.Retried(Attempt{Item: m.item("stale", "x")}, began, delay, keep)
	for i := range 20 {
		if passed, room := m.Retried(Attempt{Item: m.item("later"+strconv.Itoa(i), "x")}, began.Add(25*time.Hour+time.Duration(i)*26*time.Hour), delay, 400*keep); passed || !room {
			t.Fatalf("%d: passed %v, room %v", i, passed, room)
		}
	}
}

func TestPassedIsBoundedAndCounted(t *testing.T) {
	m := memory(t, 10)
	for i := range 30 {
		it := m.item("n"+strconv.Itoa(i), "x")
		m.Retried(Attempt{Item: it}, began, delay, keep)
		if passed, _ := m.Retried(Attempt{Item: it}, began.Add(delay), delay, keep); !passed {
			t.Fatal("did not pass")
		}
	}
	if n, _, evicted := m.Sizes(); n != 10 || evicted != 20 {
		t.Errorf("%d entries, %d forgotten", n, evicted)
	}
}

var rate = Rate{Count: 20, Per: time.Hour, Burst: 3}

func (m *Memory) draw(network, name string) []Draw {
	return []Draw{{Item: m.item(network, name), Rate: rate}}
}

func TestBucket(t *testing.T) {
	m := memory(t, 1000)
	take := func(after time.Duration, want bool) {
		t.Helper()
		empty, room := m.Take(began.Add(after), m.draw("n", "x"))
		if (empty < 0) != want || !room {
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
	// Times of connections that began earlier fill nothing, and are not filled
	// twice afterwards.
	take(23*time.Hour, false)
	take(24*time.Hour+time.Minute, false)
	take(24*time.Hour+3*time.Minute, true)
	// A clock that was set back by more begins anew instead of waiting for itself.
	take(-time.Hour, true)
	if m.Available(began.Add(-time.Hour), m.draw("n", "x")) != -1 {
		t.Error("one token of three is left after a clock that went back")
	}
}

// TestTakeIsAllOrNothing: what is full for one bucket is not taken from another.
func TestTakeIsAllOrNothing(t *testing.T) {
	m := memory(t, 1000)
	both := append(m.draw("n", "a"), m.draw("n", "b")...)
	for range 3 {
		m.Take(began, m.draw("n", "b"))
	}
	if empty, _ := m.Take(began, both); empty != 1 {
		t.Errorf("draw %d is empty", empty)
	}
	if empty := m.Available(began, both); empty != 1 {
		t.Errorf("draw %d is empty", empty)
	}
	for range 3 {
		if empty, _ := m.Take(began, m.draw("n", "a")); empty >= 0 {
			t.Error("a token was taken in vain")
		}
	}
}

func TestSafety10Buckets(t *testing.T) {
	m := memory(t, 200)
	m.Take(began, m.draw("good", "x"))
	for i := range 1000 {
		m.Take(began, m.draw("bad", strconv.Itoa(i)))
	}
	if _, n, evicted := m.Sizes(); n != 1+2+1 || evicted != 0 {
		t.Errorf("%d entries, %d given up", n, evicted)
	}
	if m.Available(began, m.draw("bad", "new")) != 0 {
		t.Error("beyond its share a network is not counted as one")
	}
	for i := range 196 {
		m.Take(began, m.draw("n"+strconv.Itoa(i), "x"))
	}
	if empty, room := m.Take(began, m.draw("unknown", "x")); empty >= 0 || room {
		t.Errorf("a full table: %d, room %v", empty, room)
	}
	// A bucket that is full again tells nothing: it gives way without loss.
	if empty, room := m.Take(began.Add(time.Hour), m.draw("unknown", "x")); empty >= 0 || !room {
		t.Errorf("an hour later: %d, room %v", empty, room)
	}
	if _, _, evicted := m.Sizes(); evicted != 1 {
		t.Errorf("%d given up", evicted)
	}
}

// TestRace takes one bucket from many goroutines: each token is given once.
func TestRace(t *testing.T) {
	m := memory(t, 1000)
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for g := range 32 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 50 {
				if empty, _ := m.Take(began, m.draw("n", "x")); empty < 0 {
					mu.Lock()
					taken++
					mu.Unlock()
				}
				m.Retried(Attempt{Item: m.item(strconv.Itoa(g%4), strconv.Itoa(i))}, began.Add(time.Duration(i)*time.Minute), delay, keep)
				m.Available(began, m.draw("n", "x"))
				m.Sizes()
			}
		}()
	}
	wg.Wait()
	if taken != rate.Burst {
		t.Errorf("%d tokens of %d were given", taken, rate.Burst)
	}
}

// TestHolders: the count per network is that of the entries.
func TestHolders(t *testing.T) {
	m := memory(t, 50)
	for i := range 500 {
		at := began.Add(time.Duration(i) * 20 * time.Minute)
		m.Retried(Attempt{Item: m.item("n"+strconv.Itoa(i%70), strconv.Itoa(i%7))}, at, delay, keep)
		m.Take(at, m.draw("n"+strconv.Itoa(i%70), strconv.Itoa(i%7)))
	}
	sum := 0
	for _, n := range m.waiting.holders {
		sum += n
	}
	if sum != m.waiting.lru.Len() || sum > 50 {
		t.Errorf("%d held, %d entries", sum, m.waiting.lru.Len())
	}
}

// TestBucketsAllocate nothing once they are there.
func TestBucketsAllocate(t *testing.T) {
	m := memory(t, 1000)
	draws := append(m.draw("n", "x"), m.draw("n", "y")...)
	draws[0].N = 3
	it := m.item("n", "x")
	at := began
	for name, f := range map[string]func(){
		"take":      func() { at = at.Add(time.Hour); m.Take(at, draws) },
		"available": func() { m.Available(at, draws) },
		"tried":     func() { m.Tried(it, at) },
		"passed":    func() { m.Passed(Attempt{Item: it, Client: 7}, at, keep) },
	} {
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	m := memory(b, 10000)
	draws := m.draw("n", "x")
	draws[0].Rate = Rate{Count: 1_000_000, Per: time.Second, Burst: 100_000}
	at := began
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(time.Millisecond)
		if empty, _ := m.Take(at, draws); empty >= 0 {
			b.Fatal("empty")
		}
	}
}

func BenchmarkAvailable(b *testing.B) {
	m := memory(b, 10000)
	draws := m.draw("n", "x")
	m.Take(began, draws)
	b.ReportAllocs()
	for b.Loop() {
		m.Available(began, draws)
	}
}

func BenchmarkTried(b *testing.B) {
	m := memory(b, 10000)
	it := m.item("n", "x")
	b.ReportAllocs()
	for b.Loop() {
		m.Tried(it, began)
	}
}

func BenchmarkKey(b *testing.B) {
	m := memory(b, 10)
	b.ReportAllocs()
	for b.Loop() {
		m.Key("limit", "suspects-by-network", "203.0.113.0/24")
	}
}
