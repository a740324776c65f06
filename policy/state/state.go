// Package state is the memory of the daemon: what earlier sessions of a host showed,
// what look-ups found about an address, which deferred messages came again, how much
// mail a key has sent, which templates many networks send. It counts and keeps; what
// that means is policy's. It knows no clock: times come in.
//
// The tables are bounded, one network holds at most a hundredth of one, and what
// has proven itself is kept apart from what has not. All of it fails open: who finds
// no room passes, and so does a sender whose bucket was forgotten; one whose
// deferral was forgotten is deferred once more. They live in memory; package disk
// keeps hosts, facts, passed deferrals, habits and campaigns beyond the process.
package state

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/dchest/siphash"
)

// Options are the bounds of a Memory.
type Options struct {
	Entries int // of each table; at least 1
	Hosts   int // of the table of hosts; 0 is Entries. That of facts has as many, 50,000 at most
	// Secret is the installation's: keys are hashes under it. What is kept longer
	// than a process, or shared with others, is found again with the same secret.
	// The zero value is a secret of this process.
	Secret [16]byte
}

// Memory keeps the tables. It is safe for concurrent use and never waits for
// anything but its own locks.
type Memory struct {
	k0, k1 uint64 // the secret
	hosts  *hosts
	facts  *addresses[facts]

	mu        sync.Mutex
	waiting   *table[deferral]
	passed    *table[int64] // unix seconds of the last use
	buckets   *table[bucket]
	tries     *table[tries]
	habits    *table[habit]
	campaigns *campaigns
}

// Key names an entry: a hash of text under the installation's secret (SipHash-2-4),
// so that nobody outside can choose keys that collide, or tell what was seen.
type Key uint64

type deferral struct {
	first, last int64 // unix seconds of the first and the last attempt
}

// New returns an empty Memory.
func New(o Options) (*Memory, error) {
	if o.Secret == [16]byte{} {
		rand.Read(o.Secret[:]) // never fails (crypto/rand)
	}
	m := &Memory{k0: binary.LittleEndian.Uint64(o.Secret[:8]), k1: binary.LittleEndian.Uint64(o.Secret[8:])}
	if o.Hosts == 0 {
		o.Hosts = o.Entries
	}
	var err error
	if m.hosts, err = newAddresses[Host](o.Hosts, m.k0, m.k1); err != nil {
		return nil, err
	}
	if m.facts, err = newAddresses[facts](min(o.Hosts, maxFacts), m.k0, m.k1); err != nil {
		return nil, err
	}
	if m.waiting, err = newTable[deferral](o.Entries); err != nil {
		return nil, err
	}
	if m.passed, err = newTable[int64](o.Entries); err != nil {
		return nil, err
	}
	if m.buckets, err = newTable[bucket](o.Entries); err != nil {
		return nil, err
	}
	if m.tries, err = newTable[tries](o.Entries); err != nil {
		return nil, err
	}
	if m.habits, err = newTable[habit](o.Entries); err != nil {
		return nil, err
	}
	if m.campaigns, err = newCampaigns(o.Entries); err != nil {
		return nil, err
	}
	return m, nil
}

// Key hashes parts; their borders count.
func (m *Memory) Key(parts ...string) Key {
	var buf [256]byte
	text := buf[:0]
	for _, p := range parts {
		text = append(append(text, p...), 0)
	}
	return Key(siphash.Hash(m.k0, m.k1, text))
}

// Hashed is Key of a number: a hash that anybody can compute.
func (m *Memory) Hashed(n uint64) Key {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return Key(siphash.Hash(m.k0, m.k1, b[:]))
}

// Sizes returns how many entries the tables hold, and how many were forgotten or
// turned away for want of room.
func (m *Memory) Sizes() (defers, buckets int, evicted int64) {
	m.Tables(func(name string, entries int, lost int64) {
		switch name {
		case "waiting", "passed":
			defers += entries
			evicted += lost
		case "buckets":
			buckets = entries
			evicted += lost
		}
	})
	return defers, buckets, evicted
}

// Tables calls yield with each table's name, how many entries it holds, and how many
// were forgotten or turned away for want of room.
func (m *Memory) Tables(yield func(name string, entries int, lost int64)) {
	lost, lostFacts := m.hosts.lost(), m.facts.lost()
	m.mu.Lock()
	counts := [...]struct {
		name    string
		entries int
		lost    int64
	}{
		{"hosts", int(m.hosts.count.Load()), lost},
		{"facts", int(m.facts.count.Load()), lostFacts},
		{"waiting", m.waiting.lru.Len(), m.waiting.lost},
		{"passed", m.passed.lru.Len(), m.passed.lost},
		{"buckets", m.buckets.lru.Len(), m.buckets.lost},
		{"tries", m.tries.lru.Len(), m.tries.lost},
		{"habits", m.habits.lru.Len(), m.habits.lost},
		{"templates", m.campaigns.few.Len() + m.campaigns.many.Len(), m.campaigns.lost},
	}
	m.mu.Unlock()
	for _, c := range counts {
		yield(c.name, c.entries, c.lost)
	}
}

// retryWindow is how long after the delay a mail server is waited for in a full
// table, in seconds: they try again within the hour, and then every few. What a
// burst left behind must be out of the way before the next, eight hours later.
const retryWindow = 4 * 60 * 60

// Attempt is a message that is deferred until it comes again.
type Attempt struct {
	Item
	// Client is who sends it, 0 where that is unknown. One that came again once does so
	// always: all that it sends passes from then on.
	Client Key
}

// Retried reports whether the message was deferred at least delay ago, or another one
// of its client was, which has passed. The first call for a message remembers it and
// reports false. What has passed goes on passing until it was unused for keep. Without
// room it passes, and room is false.
func (m *Memory) Retried(it Attempt, at time.Time, delay, keep time.Duration) (passed, room bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, wait, kept := at.Unix(), int64(delay/time.Second), int64(keep/time.Second)
	key := m.waiting.key(it.Item)
	for _, k := range [...]Key{it.Key, key, it.Client} {
		if k == 0 {
			continue
		}
		if last, ok := m.passed.get(k); ok && passes(last, now, kept) {
			m.passed.put(k, it.Network, max(now, last), nil)
			return true, true
		}
	}
	d, ok := m.waiting.get(key)
	if !ok || now-d.last > kept {
		d, ok = deferral{first: now}, false
	}
	d.first, d.last = min(d.first, now), now
	if ok && now-d.first >= wait {
		m.waiting.remove(key)
		m.remember(key, it.Network, now)
		if it.Client != 0 {
			m.remember(it.Client, it.Network, now)
		}
		return true, true
	}
	room = m.waiting.put(key, it.Network, d, func(old deferral) bool {
		return now-old.last > wait+retryWindow || old.last-now > int64(clockStep/time.Second)
	})
	return !room, room
}

// Passed reports whether the message, or another one of its client, passed Retried before
// and would again. It notes nothing, and knows nothing of what is counted as one
// network.
func (m *Memory) Passed(it Attempt, at time.Time, keep time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range [...]Key{it.Key, it.Client} {
		if last, ok := m.passed.peek(k); ok && passes(last, at.Unix(), int64(keep/time.Second)) {
			return true
		}
	}
	return false
}

// passes reports whether what was used last at a time goes on passing.
func passes(last, now, kept int64) bool {
	return now-last <= kept && last-now <= int64(clockStep/time.Second)
}

// remember notes that the key passed. Here the entry that was unused for longest
// always gives way: that costs its sender one more deferral.
func (m *Memory) remember(key, network Key, now int64) {
	if m.passed.lru.Len() >= m.passed.room && !m.passed.lru.Contains(key) {
		m.passed.lost++
	}
	m.passed.put(key, network, now, func(int64) bool { return true })
}
