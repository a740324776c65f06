package state

import "time"

// Rate is a limit: Count tokens come back in every Per, and at most Burst are
// saved up. All three are above zero.
type Rate struct {
	Count int
	Per   time.Duration
	Burst int
}

// Draw is one token from one bucket.
type Draw struct {
	Item
	Rate Rate
}

type bucket struct {
	tokens float64
	at     int64 // unix nanoseconds of tokens
	full   int64 // when it is full again: then it tells nothing
}

// clockStep is how far times may go back: those of connections
// that began earlier do. What goes back further is a clock that was set, and the
// bucket begins anew.
const clockStep = 24 * time.Hour

// Available returns the index of the first draw whose bucket is empty, -1 when
// all have a token. Nothing is taken.
func (m *Memory) Available(at time.Time, draws []Draw) (empty int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range draws {
		if b, _ := m.bucket(&draws[i], at); b.tokens < 1 {
			return i
		}
	}
	return -1
}

// Take takes one token for every draw, or none: it returns the index of the
// first draw whose bucket is empty, -1 when all had one. A bucket for which there
// is no room counts as full, and room is false.
func (m *Memory) Take(at time.Time, draws []Draw) (empty int, room bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range draws {
		if b, _ := m.bucket(&draws[i], at); b.tokens < 1 {
			return i, true
		}
	}
	now := at.UnixNano()
	room = true
	for i := range draws {
		d := &draws[i]
		b, key := m.bucket(d, at)
		b.tokens--
		missing := (float64(d.Rate.Burst) - b.tokens) / float64(d.Rate.Count)
		b.full = b.at + int64(missing*float64(d.Rate.Per))
		if !m.buckets.put(key, d.Network, b, func(old bucket) bool {
			return now >= old.full || old.at-now > int64(clockStep)
		}) {
			room = false
		}
	}
	return -1, room
}

// bucket is the draw's bucket as of now, and its key.
func (m *Memory) bucket(d *Draw, at time.Time) (bucket, Key) {
	key, now := m.buckets.key(d.Item), at.UnixNano()
	b, ok := m.buckets.get(key)
	if !ok || b.at-now > int64(clockStep) {
		return bucket{tokens: float64(d.Rate.Burst), at: now}, key
	}
	if gone := now - b.at; gone > 0 {
		b.tokens += float64(gone) * float64(d.Rate.Count) / float64(d.Rate.Per)
		b.at = now
	}
	b.tokens = min(b.tokens, float64(d.Rate.Burst))
	return b, key
}
