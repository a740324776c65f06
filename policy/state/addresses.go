package state

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dchest/siphash"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// addresses is a bounded map from addresses to values, in shards with a lock each: what
// walks over all of them holds one for a millisecond. The shard follows from the
// secret, so that nobody outside can fill one.
type addresses[V any] struct {
	k0, k1 uint64
	shards []shard[V]
	room   int64
	count  atomic.Int64
}

// shard keeps its addresses in two segments. They enter the first, which gives way;
// those that have proven themselves move to the second, which takes four fifths of the
// room at most. Who comes once from many addresses displaces none that is proven.
type shard[V any] struct {
	mu      sync.Mutex
	fresh   segment[V]
	proven  segment[V]
	holders map[holder]uint16
	most    uint16 // addresses of one network
	keep    int    // proven ones
	grown   int    // the most fresh ones since the segment was made
	room    int    // of a segment: all that the table takes
	lost    int64
	journal journal[hostKey]
}

type segment[V any] = *simplelru.LRU[hostKey, V]

const (
	maxShards = 64   // a power of two
	shardRoom = 4096 // addresses that are worth a shard
)

func newAddresses[V any](room int, k0, k1 uint64) (*addresses[V], error) {
	n := 1
	for n < maxShards && room/(2*n) >= shardRoom {
		n *= 2
	}
	t := &addresses[V]{k0: k0, k1: k1, shards: make([]shard[V], n), room: int64(room)}
	for i := range t.shards {
		s := &t.shards[i]
		s.holders = make(map[holder]uint16)
		s.most = uint16(min(max(1, room/n/shareOf), 1<<16-1))
		s.keep = max(1, room/n*4/5)
		s.room = room
		var err error
		if s.fresh, err = simplelru.NewLRU[hostKey, V](room, nil); err != nil {
			return nil, err
		}
		if s.proven, err = simplelru.NewLRU[hostKey, V](room, nil); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// lock returns the shard of a key, locked.
func (t *addresses[V]) lock(k *hostKey) *shard[V] {
	s := &t.shards[t.shardOf(k)]
	s.mu.Lock()
	return s
}

func (t *addresses[V]) shardOf(k *hostKey) int {
	return int(siphash.Hash(t.k0, t.k1, k[:]) & uint64(len(t.shards)-1))
}

// peek finds a value, and the segment that it is in.
func (s *shard[V]) peek(k hostKey) (v V, in segment[V]) {
	for _, in := range [...]segment[V]{s.proven, s.fresh} {
		if v, ok := in.Peek(k); ok {
			return v, in
		}
	}
	return v, nil
}

// full reports whether the network of a key holds its share of the shard.
func (s *shard[V]) full(k *hostKey) bool { return s.holders[k.holder()] >= s.most }

// put stores a value, which is in a segment or in none. In a full table the fresh one of
// the shard that was unused for longest gives way.
func (s *shard[V]) put(t *addresses[V], k hostKey, v V, in segment[V], proven bool) {
	if in == nil {
		if t.count.Load() >= t.room {
			s.evict(t)
		}
		t.count.Add(1)
		s.hold(&k)
	}
	s.journal.note(k)
	s.settle(k, v, in, proven)
}

// hold counts a new address for its network.
func (s *shard[V]) hold(k *hostKey) {
	if !k.wide() {
		s.holders[k.holder()]++
	}
}

// settle puts a value into the segment that is its own.
func (s *shard[V]) settle(k hostKey, v V, in segment[V], proven bool) {
	to := s.fresh
	if proven {
		to = s.proven
	}
	if in != nil && in != to {
		in.Remove(k)
		defer s.slim()
	}
	to.Add(k, v)
	if s.proven.Len() > s.keep {
		k, v, _ := s.proven.RemoveOldest()
		s.fresh.Add(k, v)
	}
}

// slim gives back what a fresh segment that has shrunk holds: a map never does, and once
// most are proven it would be a third of the memory.
func (s *shard[V]) slim() {
	n := s.fresh.Len()
	if s.grown = max(s.grown, n); s.grown < shardRoom/4 || n > s.grown/4 {
		return
	}
	fresh, err := simplelru.NewLRU[hostKey, V](s.room, nil)
	if err != nil { // it was made with the same room before
		return
	}
	for _, k := range s.fresh.Keys() { // the oldest first
		v, _ := s.fresh.Peek(k)
		fresh.Add(k, v)
	}
	s.fresh, s.grown = fresh, n
}

func (s *shard[V]) evict(t *addresses[V]) {
	k, _, ok := s.fresh.GetOldest()
	if !ok {
		k, _, ok = s.proven.GetOldest()
	}
	if ok {
		s.lost++
		s.remove(t, k)
	}
}

func (s *shard[V]) remove(t *addresses[V], k hostKey) bool {
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

// reserve counts one more where there is room.
func (t *addresses[V]) reserve() bool {
	if t.count.Add(1) <= t.room {
		return true
	}
	t.count.Add(-1)
	return false
}

// restore takes in some of the stored values, unless there is one already or no room: then
// it calls gone.
func (s *shard[V]) restore(t *addresses[V], from []located[V], some []uint64, proven func(*V) bool, gone func(hostKey)) (n int) {
	var refused []hostKey
	s.mu.Lock()
	for _, i := range some {
		e := &from[i]
		if _, in := s.peek(e.key); in != nil || !e.key.wide() && s.full(&e.key) || !t.reserve() {
			refused = append(refused, e.key)
			continue
		}
		s.hold(&e.key)
		s.settle(e.key, e.value, nil, proven(&e.value))
		n++
	}
	s.mu.Unlock()
	for _, k := range refused {
		gone(k)
	}
	return n
}

// step is how many entries are gone through under one hold of a lock.
const step = 256

func (s *shard[V]) keys() []hostKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(s.fresh.Keys(), s.proven.Keys()...)
}

// forget removes the addresses of a prefix, and the counts of the networks in it.
func (t *addresses[V]) forget(p netip.Prefix) (n int) {
	if p.IsSingleIP() {
		k := keyOf(p.Addr())
		s := t.lock(&k)
		defer s.mu.Unlock()
		if s.remove(t, k) {
			return 1
		}
		return 0
	}
	return t.sweep(func(k *hostKey, _ *V) bool {
		a := k.addr()
		return p.Contains(a) && (!k.wide() || p.Bits() <= networkBits(a))
	})
}

// sweep removes what is gone.
func (t *addresses[V]) sweep(gone func(*hostKey, *V) bool) (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		for keys := range slices.Chunk(s.keys(), step) {
			s.mu.Lock()
			for _, k := range keys {
				if v, in := s.peek(k); in != nil && gone(&k, &v) && s.remove(t, k) {
					n++
				}
			}
			s.mu.Unlock()
		}
	}
	return n
}

// lost is how many were forgotten, or turned away, for want of room.
func (t *addresses[V]) lost() (n int64) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += s.lost
		s.mu.Unlock()
	}
	return n
}

// watch begins to collect changes.
func (t *addresses[V]) watch() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		s.journal.begin(journalRoom / len(t.shards))
		s.mu.Unlock()
	}
}

// note counts an address among those that changed.
func (t *addresses[V]) note(k hostKey) {
	s := t.lock(&k)
	defer s.mu.Unlock()
	s.journal.note(k)
}

// changed returns the keys of what changed since the last call.
func (t *addresses[V]) changed() (keys []StoreKey, lost int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		changed, n := s.journal.take()
		s.mu.Unlock()
		lost += n
		for k := range changed {
			keys = append(keys, StoreKey(k))
		}
	}
	return keys, lost
}

// all returns the keys of all addresses.
func (t *addresses[V]) all() []StoreKey {
	keys := make([]StoreKey, 0, t.count.Load())
	for i := range t.shards {
		for _, k := range t.shards[i].keys() {
			keys = append(keys, StoreKey(k))
		}
	}
	return keys
}

// get returns a stored value; ok is false where there is none.
func (t *addresses[V]) get(k hostKey) (v V, ok bool) {
	s := t.lock(&k)
	defer s.mu.Unlock()
	v, in := s.peek(k)
	return v, in != nil
}
