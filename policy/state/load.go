package state

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Loader takes stored entries back into a Memory. It is for one goroutine, and of no use
// after Done.
//
// What is read is kept aside until all of it is known, for tables are filled in the order
// of use, and the file has the order of keys. What comes from the file is not noted as
// changed: there it is.
type Loader struct {
	m         *Memory
	at        time.Time
	hosts     shelf[Host]
	facts     shelf[facts]
	found     int // of facts
	passed    staged[hashed[entry[int64]]]
	habits    staged[hashed[entry[habit]]]
	campaigns staged[hashed[run]]
}

// located is an entry of an address.
type located[V any] struct {
	key   hostKey
	value V
}

// hashed is an entry under a hash.
type hashed[V any] struct {
	key   Key
	value V
}

// staged are entries that were read, and when each was used last.
type staged[E any] struct {
	entries []E
	uses    uses
}

func (s *staged[E]) add(e E, last uint32) {
	s.uses = append(s.uses, uint64(last)<<32|uint64(len(s.entries)))
	s.entries = append(s.entries, e)
}

// uses are last uses, in seconds, and in the lower half the indexes of what was used.
type uses []uint64

// inOrder leaves the indexes alone, in the order of use.
func (u uses) inOrder() []uint64 {
	slices.Sort(u)
	for i := range u {
		u[i] &= 1<<32 - 1
	}
	return u
}

// shelf keeps what was read for a table of addresses, shard by shard: what one shard needs
// then stays in the processor's cache.
type shelf[V any] []staged[located[V]]

func newShelf[V any](t *addresses[V], most int) shelf[V] {
	s := make(shelf[V], len(t.shards))
	for i := range s {
		s[i].entries = make([]located[V], 0, most/len(s))
		s[i].uses = make([]uint64, 0, most/len(s))
	}
	return s
}

func (s shelf[V]) add(t *addresses[V], k *hostKey, v *V, last uint32) {
	s[t.shardOf(k)].add(located[V]{*k, *v}, last)
}

// Load returns a Loader at a time, which expects so many addresses at most.
func (m *Memory) Load(at time.Time, addresses int) *Loader {
	return &Loader{
		m: m, at: at,
		hosts: newShelf(m.hosts, min(addresses, int(2*m.hosts.room))),
		facts: newShelf(m.facts, min(addresses, mostFacts)),
	}
}

// mostFacts is how many are read at most; the table has less room.
const mostFacts = 2 * maxFacts

// Add notes an entry, and keeps nothing of the value's memory; it reports whether it can
// be one of the table.
func (l *Loader) Add(t Table, key *StoreKey, value []byte) bool {
	if t.Hashed() && [8]byte(key[8:]) != [8]byte{} {
		return false
	}
	number := func(i int) int64 { return int64(binary.LittleEndian.Uint64(value[8*i:])) }
	switch t {
	case TableHosts:
		var h Host
		if !h.parse(value) {
			return false
		}
		l.hosts.add(l.m.hosts, (*hostKey)(key), &h, l.used(h.Last))
	case TableFacts:
		return l.addFacts(hostKey(*key), value)
	case TablePassed:
		if len(value) != 16 {
			return false
		}
		e := hashed[entry[int64]]{key.key(), entry[int64]{number(1), Key(number(0))}}
		l.passed.add(e, l.used(unix(time.Unix(e.value.value, 0))))
	case TableHabits:
		if len(value) != 14 {
			return false
		}
		day := func(i int) uint16 { return binary.LittleEndian.Uint16(value[8+2*i:]) }
		e := hashed[entry[habit]]{key.key(), entry[habit]{habit{day(0), day(1), day(2)}, Key(number(0))}}
		l.habits.add(e, l.used(Unix(e.value.value.last)*daySeconds))
	case TableCampaigns:
		if len(value) != 32 {
			return false
		}
		e := hashed[run]{key.key(), run{until: number(0), since: number(1), last: number(2), messages: number(3)}}
		l.campaigns.add(e, l.used(unix(time.Unix(e.value.last, 0))))
	}
	return true
}

// used is the time of a last use, 0 where that is of the future: what it tells is unknown.
func (l *Loader) used(last Unix) uint32 {
	if int64(last)-l.at.Unix() > int64(clockStep/time.Second) {
		return 0
	}
	return uint32(last)
}

// addFacts notes the facts of an address. What is over is not loaded, and goes.
func (l *Loader) addFacts(k hostKey, value []byte) bool {
	if n := len(value) - factsHead; n <= 0 || n > MaxFacts || k.wide() {
		return false
	}
	f := facts{until: Unix(binary.LittleEndian.Uint32(value))}
	if f.over(unix(l.at)) || l.found >= mostFacts {
		l.m.facts.note(k)
		return true
	}
	l.found++
	f.text = string(value[factsHead:])
	l.facts.add(l.m.facts, &k, &f, uint32(f.until))
	return true
}

// Drop forgets what was noted of a table.
func (l *Loader) Drop(t Table) {
	switch t {
	case TableHosts:
		clear(l.hosts)
	case TableFacts:
		clear(l.facts)
		l.found = 0
	case TablePassed:
		l.passed = staged[hashed[entry[int64]]]{}
	case TableHabits:
		l.habits = staged[hashed[entry[habit]]]{}
	case TableCampaigns:
		l.campaigns = staged[hashed[run]]{}
	}
}

// Done puts what was noted into the tables, what was used last first, as far as there
// is room, and in the order of use. What the Memory knows already stays. Facts that find no
// room go.
func (l *Loader) Done() (entries int) {
	m := l.m
	entries = m.hosts.load(l.hosts, (*Host).proven, func(hostKey) {})
	entries += m.facts.load(l.facts, func(*facts) bool { return false }, m.facts.note)
	entries += load(m, &l.passed, m.passed.free, m.passed.restore)
	entries += load(m, &l.habits, m.habits.free, m.habits.restore)
	entries += load(m, &l.campaigns, m.campaigns.free, m.campaigns.restore)
	*l = Loader{m: m, at: l.at}
	return entries
}

// load puts the entries of one table into it.
func load[V any](m *Memory, s *staged[hashed[V]], free func() int, restore func(Key, *V) bool) (n int) {
	m.mu.Lock()
	room := max(0, free())
	m.mu.Unlock()
	order := s.uses.inOrder()
	for some := range slices.Chunk(order[max(0, len(order)-room):], step) {
		m.mu.Lock()
		for _, i := range some {
			if e := &s.entries[i]; restore(e.key, &e.value) {
				n++
			}
		}
		m.mu.Unlock()
	}
	return n
}

// free is how many more entries the table takes.
func (t *table[V]) free() int { return t.room - t.lru.Len() }

func (c *campaigns) free() int { return c.room - c.many.Len() }

// restore takes in a stored entry, unless there is one already or no room.
func (t *table[V]) restore(key Key, e *entry[V]) bool {
	if t.lru.Len() >= t.room || t.lru.Contains(key) || t.holders[e.network] >= t.most+1 {
		return false
	}
	t.take(key, *e)
	return true
}

func (c *campaigns) restore(key Key, r *run) bool {
	if c.many.Contains(key) || c.many.Len() >= c.room {
		return false
	}
	kept := *r
	c.many.Add(key, &kept)
	return true
}

// loaders is how many goroutines fill a table: as many processors as are worth it.
const loaders = 4

// load puts entries into the table. Where there are too many each shard does without its
// share, of those that were unused for longest. It calls gone with what finds no room,
// more than once at a time.
func (t *addresses[V]) load(from shelf[V], proven func(*V) bool, gone func(hostKey)) int {
	without := from.shares(int(t.room - t.count.Load()))
	var entries atomic.Int64
	var wait sync.WaitGroup
	for first := range min(loaders, len(from)) {
		wait.Go(func() {
			for i := first; i < len(from); i += loaders {
				entries.Add(int64(t.shards[i].load(t, &from[i], without[i], proven, gone)))
			}
		})
	}
	wait.Wait()
	return int(entries.Load())
}

// shares divides what there is no room for among the shards, by what they have.
func (s shelf[V]) shares(room int) []int {
	all := 0
	for i := range s {
		all += len(s[i].entries)
	}
	shares := make([]int, len(s))
	surplus, before := all-min(all, max(0, room)), 0
	for i := range s {
		upTo := before + len(s[i].entries)
		shares[i] = surplus*upTo/max(1, all) - surplus*before/max(1, all)
		before = upTo
	}
	return shares
}

// load puts entries into the shard, and empties the list.
func (s *shard[V]) load(t *addresses[V], from *staged[located[V]], without int, proven func(*V) bool, gone func(hostKey)) (n int) {
	order := from.uses.inOrder()
	for _, i := range order[:without] {
		gone(from.entries[i].key)
	}
	for some := range slices.Chunk(order[without:], step) {
		n += s.restore(t, from.entries, some, proven, gone)
	}
	*from = staged[located[V]]{}
	return n
}
