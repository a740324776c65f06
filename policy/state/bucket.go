package state

import (
	"math"
	"time"
)

// Rate is a limit: Count tokens come back in every Per, and at most Burst are
// saved up. All three are above zero.
type Rate struct {
	Count int
	Per   time.Duration
	Burst int
}

// Time is how long so many tokens take to come back, ten years at most: longer spans
// would not fit into a number of nanoseconds.
func (r Rate) Time(tokens float64) time.Duration {
	const most = 10 * 365 * 24 * time.Hour
	return time.Duration(min(tokens/float64(r.Count)*float64(r.Per), float64(most)))
}

// Draw is what is wanted of one bucket, and what was found there.
type Draw struct {
	Item
	Rate Rate
	N    int // tokens; 0 is one

	// Available and Take say here what was left: before a draw that failed, after one
	// that did not.
	Left  float64 // in millionths, rounded down; below zero is a debt
	Short bool    // there were too few
}

// Needs is how many tokens must be there. Take is content with a full bucket, or a
// message to more recipients than the bucket ever holds would never come through.
func (d *Draw) Needs(take bool) int {
	if n := max(1, d.N); !take || n < d.Rate.Burst {
		return n
	}
	return d.Rate.Burst
}

// maxDebt is how long a rate may pay for what was taken from a full bucket beyond
// its burst.
const maxDebt = 24 * time.Hour

// less is what is left of tokens when the draw is taken.
func (d *Draw) less(tokens float64) float64 {
	return max(tokens-float64(max(1, d.N)), -float64(d.Rate.Count)*float64(maxDebt)/float64(d.Rate.Per))
}

// Found notes how many tokens the bucket has, in millionths.
func (d *Draw) Found(millionths int64, short bool) {
	d.Left, d.Short = float64(millionths)/1e6, short
}

func millionths(tokens float64) int64 { return int64(math.Floor(tokens * 1e6)) }

type bucket struct {
	tokens float64
	at     int64 // unix nanoseconds of tokens
	full   int64 // when it is full again: then it tells nothing
}

// clockStep is how far times may go back: those of connections
// that began earlier do. What goes back further is a clock that was set, and the
// bucket begins anew.
const clockStep = 24 * time.Hour

// Available returns the index of the first draw whose bucket has too few tokens, -1
// when all have enough. Nothing is taken.
func (m *Memory) Available(at time.Time, draws []Draw) (empty int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.look(at, draws, false)
}

// look is what Available does, for Take with its needs.
func (m *Memory) look(at time.Time, draws []Draw, take bool) (empty int) {
	empty = -1
	for i := range draws {
		d := &draws[i]
		b, _ := m.bucket(d, at)
		short := b.tokens < float64(d.Needs(take))
		d.Found(millionths(b.tokens), short)
		if short && empty < 0 {
			empty = i
		}
	}
	return empty
}

// Take takes the tokens of every draw, or none: it returns the index of the first
// draw whose bucket has too few, -1 when all had enough. More than the burst takes a
// full bucket, and leaves a debt of a day at most. A bucket for which there is no
// room counts as full, and room is false.
func (m *Memory) Take(at time.Time, draws []Draw) (empty int, room bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if empty = m.look(at, draws, true); empty >= 0 {
		return empty, true
	}
	now := at.UnixNano()
	room = true
	for i := range draws {
		d := &draws[i]
		b, key := m.bucket(d, at)
		b.tokens = d.less(b.tokens)
		d.Found(millionths(b.tokens), false)
		b.full = b.at + int64(d.Rate.Time(float64(d.Rate.Burst)-b.tokens))
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
