// Package state is the memory of the daemon: which deferred messages came again,
// and how much mail a key has sent. It counts; what the counts mean is policy's.
// It knows no clock: times come in.
//
// The tables are bounded and forget the least recently used entry first. They
// live in memory and end with the process, which fails open: a forgotten sender
// is deferred once more, a forgotten bucket is full.
package state

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Options are the bounds of a Memory.
type Options struct {
	Entries int // of each table; at least 1
}

// Memory keeps the tables. It is safe for concurrent use and never waits for
// anything but its own lock.
type Memory struct {
	seed maphash.Seed

	mu      sync.Mutex
	defers  *simplelru.LRU[Key, deferral]
	buckets *simplelru.LRU[Key, bucket]
	evicted int64
}

// Key names an entry: a hash of text under a seed of this process, so that
// nobody outside can choose keys that collide.
type Key uint64

type deferral struct {
	first, last int64 // unix seconds: first attempt, last use
	passed      bool
}

type bucket struct {
	tokens float64
	at     int64 // unix nanoseconds of tokens
}

// New returns an empty Memory.
func New(o Options) (*Memory, error) {
	m := &Memory{seed: maphash.MakeSeed()}
	var err error
	if m.defers, err = simplelru.NewLRU[Key, deferral](o.Entries, nil); err != nil {
		return nil, err
	}
	if m.buckets, err = simplelru.NewLRU[Key, bucket](o.Entries, nil); err != nil {
		return nil, err
	}
	return m, nil
}

// Key hashes parts; their borders count.
func (m *Memory) Key(parts ...string) Key {
	var h maphash.Hash
	h.SetSeed(m.seed)
	for _, p := range parts {
		h.WriteString(p)
		h.WriteByte(0)
	}
	return Key(h.Sum64())
}

// Sizes returns how many entries the tables hold, and how many were forgotten
// for want of room.
func (m *Memory) Sizes() (defers, buckets int, evicted int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.defers.Len(), m.buckets.Len(), m.evicted
}

// Retried reports whether the message that key names was deferred at least delay
// ago. The first call for a key remembers it and reports false. What has passed
// goes on passing until it was unused for keep.
func (m *Memory) Retried(key Key, at time.Time, delay, keep time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := at.Unix()
	d, ok := m.defers.Get(key)
	if !ok || now-d.last > int64(keep/time.Second) || now < d.first {
		d = deferral{first: now}
	}
	d.last = now
	d.passed = d.passed || (ok && now-d.first >= int64(delay/time.Second))
	if m.defers.Add(key, d) {
		m.evicted++
	}
	return d.passed
}

// Rate is a limit: Count tokens come back in every Per, and at most Burst are
// saved up.
type Rate struct {
	Count int
	Per   time.Duration
	Burst int
}

// Available reports whether n tokens are in the bucket; nothing is taken.
func (m *Memory) Available(key Key, at time.Time, r Rate, n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.filled(key, at, r).tokens >= float64(n)
}

// Take takes n tokens and reports whether they were there; if not, nothing is
// taken.
func (m *Memory) Take(key Key, at time.Time, r Rate, n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.filled(key, at, r)
	ok := b.tokens >= float64(n)
	if ok {
		b.tokens -= float64(n)
	}
	if m.buckets.Add(key, b) {
		m.evicted++
	}
	return ok
}

// filled is the bucket as of now. A clock that went back fills nothing.
func (m *Memory) filled(key Key, at time.Time, r Rate) bucket {
	now := at.UnixNano()
	b, ok := m.buckets.Get(key)
	if !ok {
		return bucket{tokens: float64(r.Burst), at: now}
	}
	if gone := now - b.at; gone > 0 {
		b.tokens += float64(gone) * float64(r.Count) / float64(r.Per)
	}
	b.tokens = min(b.tokens, float64(r.Burst))
	b.at = now
	return b
}
