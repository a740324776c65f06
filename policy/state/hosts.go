package state

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dchest/siphash"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// hosts is the table of hosts, in shards with a lock each: what walks over all of
// them holds one for a millisecond. The shard follows from the secret, so that nobody
// outside can fill one.
type hosts struct {
	k0, k1 uint64
	shards []hostShard
	room   int64
	count  atomic.Int64
}

// hostShard keeps hosts in two segments. Hosts enter the first, which gives
// way; those seen on a second day are proven and move to the second, which takes four
// fifths of the room at most. Who sends from many addresses on one day
// displaces none that has proven itself.
type hostShard struct {
	mu      sync.Mutex
	fresh   segment
	proven  segment
	holders map[holder]uint16
	most    uint16 // hosts of one network
	keep    int    // proven hosts
	lost    int64
	journal journal[hostKey]
}

type segment = *simplelru.LRU[hostKey, Host]

const (
	hostShards = 64   // at most; a power of two
	shardRoom  = 4096 // hosts that are worth a shard
)

func newHosts(room int, k0, k1 uint64) (*hosts, error) {
	n := 1
	for n < hostShards && room/(2*n) >= shardRoom {
		n *= 2
	}
	t := &hosts{k0: k0, k1: k1, shards: make([]hostShard, n), room: int64(room)}
	for i := range t.shards {
		s := &t.shards[i]
		s.holders = make(map[holder]uint16)
		s.most = uint16(min(max(1, room/n/shareOf), 1<<16-1))
		s.keep = max(1, room/n*4/5)
		var err error
		if s.fresh, err = simplelru.NewLRU[hostKey, Host](room, nil); err != nil {
			return nil, err
		}
		if s.proven, err = simplelru.NewLRU[hostKey, Host](room, nil); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *hosts) shard(k *hostKey) *hostShard {
	return &t.shards[siphash.Hash(t.k0, t.k1, k[:])&uint64(len(t.shards)-1)]
}

// lock finds the host, or the counts of its network where that holds its share, and
// returns the shard locked.
func (t *hosts) lock(k hostKey) (s *hostShard, key hostKey, h Host, in segment) {
	s = t.shard(&k)
	s.mu.Lock()
	if h, in = s.peek(k); in != nil || s.holders[k.holder()] < s.most {
		return s, k, h, in
	}
	s.mu.Unlock()
	k = k.widen()
	s = t.shard(&k)
	s.mu.Lock()
	h, in = s.peek(k)
	return s, k, h, in
}

// peek finds a host, and the segment that it is in.
func (s *hostShard) peek(k hostKey) (h Host, in segment) {
	for _, in := range [...]segment{s.proven, s.fresh} {
		if h, ok := in.Peek(k); ok {
			return h, in
		}
	}
	return Host{}, nil
}

// put stores a host, which is in a segment or in none. In a full table the fresh one of
// the shard that was unused for longest gives way.
func (s *hostShard) put(t *hosts, k hostKey, h Host, in segment) {
	if in == nil {
		if t.count.Load() >= t.room {
			s.evict(t)
		}
		t.count.Add(1)
		if !k.wide() {
			s.holders[k.holder()]++
		}
	}
	s.journal.note(k)
	to := s.fresh
	if h.Days >= 2 {
		to = s.proven
	}
	if in != nil && in != to {
		in.Remove(k)
	}
	to.Add(k, h)
	if s.proven.Len() > s.keep {
		k, h, _ := s.proven.RemoveOldest()
		s.fresh.Add(k, h)
	}
}

func (s *hostShard) evict(t *hosts) {
	k, _, ok := s.fresh.GetOldest()
	if !ok {
		k, _, ok = s.proven.GetOldest()
	}
	if ok {
		s.lost++
		s.remove(t, k)
	}
}

func (s *hostShard) remove(t *hosts, k hostKey) bool {
	if !s.fresh.Remove(k) && !s.proven.Remove(k) {
		return false
	}
	t.count.Add(-1)
	s.journal.note(k)
	if n := k.holder(); !k.wide() {
		if s.holders[n]--; s.holders[n] == 0 {
			delete(s.holders, n)
		}
	}
	return true
}

// Prefetch does nothing: all that Host may be asked about is here.
func (m *Memory) Prefetch(netip.Addr) {}

// Host returns what earlier sessions of the address showed; ok is false for a host
// that was not seen of late. It notes nothing.
func (m *Memory) Host(addr netip.Addr, at time.Time) (h Host, ok bool) {
	if !addr.IsValid() {
		return Host{}, false
	}
	s, k, h, in := m.hosts.lock(keyOf(addr))
	s.mu.Unlock()
	if in == nil || h.over(unix(at)) {
		return Host{}, false
	}
	h.Wide = k.wide()
	return h, true
}

// Visit notes a session and returns what was known before it. Without room for one
// more host of its network it is counted under the network.
func (m *Memory) Visit(addr netip.Addr, v Visit) (before Host) {
	if !addr.IsValid() {
		return Host{}
	}
	s, k, h, in := m.hosts.lock(keyOf(addr))
	defer s.mu.Unlock()
	now := unix(v.At)
	if h.over(now) {
		h = Host{}
	}
	h.Wide = k.wide()
	if before = h; before.Sessions == 0 {
		before = Host{}
	}
	h.note(&v, now)
	s.put(m.hosts, k, h, in)
	return before
}

// step is how many entries are gone through under one hold of a lock.
const step = 256

// Hosts calls yield with every host, in no order, until it returns false. No lock is
// held meanwhile: hosts that come or go are seen or not. One with Wide is a network.
func (m *Memory) Hosts(yield func(netip.Addr, Host) bool) {
	for i := range m.hosts.shards {
		s := &m.hosts.shards[i]
		for keys := range slices.Chunk(s.keys(), step) {
			found := s.values(keys)
			for j, k := range keys {
				if found[j].Sessions > 0 && !yield(k.addr(), found[j]) {
					return
				}
			}
		}
	}
}

func (s *hostShard) keys() []hostKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(s.fresh.Keys(), s.proven.Keys()...)
}

func (s *hostShard) values(keys []hostKey) []Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([]Host, len(keys))
	for i, k := range keys {
		found[i], _ = s.peek(k)
		found[i].Wide = k.wide()
	}
	return found
}

// forget removes the hosts of a prefix, and the counts of the networks in it.
func (t *hosts) forget(p netip.Prefix) (n int) {
	if p.IsSingleIP() {
		k := keyOf(p.Addr())
		s := t.shard(&k)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.remove(t, k) {
			return 1
		}
		return 0
	}
	for i := range t.shards {
		s := &t.shards[i]
		for keys := range slices.Chunk(s.keys(), step) {
			s.mu.Lock()
			for _, k := range keys {
				a := k.addr()
				if p.Contains(a) && (!k.wide() || p.Bits() <= networkBits(a)) && s.remove(t, k) {
					n++
				}
			}
			s.mu.Unlock()
		}
	}
	return n
}

// expire removes hosts that were unused for too long: each segment's last ones.
func (t *hosts) expire(now Unix) (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		for gone := step; gone == step; n += gone {
			gone = 0
			s.mu.Lock()
			for _, l := range [...]segment{s.fresh, s.proven} {
				for gone < step {
					k, h, ok := l.GetOldest()
					if !ok || h.Last > now || !h.over(now) {
						break
					}
					s.remove(t, k)
					gone++
				}
			}
			s.mu.Unlock()
		}
	}
	return n
}
