package state

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"time"
)

// Table is a table that is kept beyond the process.
type Table uint8

// The tables that are kept. Campaigns are the declared ones, without the networks
// that made them.
const (
	TableHosts Table = iota
	TablePassed
	TableHabits
	TableCampaigns
	NumTables
)

var tableNames = [NumTables]string{"hosts", "passed", "habits", "campaigns"}

func (t Table) String() string { return tableNames[t] }

// Hashed reports whether the keys are hashes under the installation's secret: with
// another one they find nothing.
func (t Table) Hashed() bool { return t != TableHosts }

// StoreKey is the key of an entry as it is stored: an address, or a hash before eight
// zero bytes.
type StoreKey [16]byte

// MaxStored is how many bytes the largest stored value takes.
const MaxStored = 32

const _ = uint(MaxStored - hostSize)

func storeKey(k Key) (s StoreKey) {
	binary.BigEndian.PutUint64(s[:], uint64(k))
	return s
}

func (s *StoreKey) key() Key { return Key(binary.BigEndian.Uint64(s[:])) }

// Watch begins to collect changes for Changed.
func (m *Memory) Watch() {
	for i := range m.hosts.shards {
		s := &m.hosts.shards[i]
		s.mu.Lock()
		s.journal.begin(journalRoom / len(m.hosts.shards))
		s.mu.Unlock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed.journal.begin(journalRoom)
	m.habits.journal.begin(journalRoom)
	m.campaigns.journal.begin(journalRoom)
}

// Changed returns the keys of the entries of a table that changed since the last
// call, or went, in order; lost is how many more did that found no room in the list.
func (m *Memory) Changed(t Table) (keys []StoreKey, lost int) {
	if t == TableHosts {
		for i := range m.hosts.shards {
			s := &m.hosts.shards[i]
			s.mu.Lock()
			changed, n := s.journal.take()
			s.mu.Unlock()
			lost += n
			for k := range changed {
				keys = append(keys, StoreKey(k))
			}
		}
	} else {
		j := [...]*journal[Key]{TablePassed: &m.passed.journal, TableHabits: &m.habits.journal, TableCampaigns: &m.campaigns.journal}[t]
		m.mu.Lock()
		var changed map[Key]struct{}
		changed, lost = j.take()
		m.mu.Unlock()
		for k := range changed {
			keys = append(keys, storeKey(k))
		}
	}
	sortKeys(keys)
	return keys, lost
}

// Keys returns the keys of all entries of a table, in order.
func (m *Memory) Keys(t Table) (keys []StoreKey) {
	if t == TableHosts {
		keys = make([]StoreKey, 0, m.hosts.count.Load())
		for i := range m.hosts.shards {
			for _, k := range m.hosts.shards[i].keys() {
				keys = append(keys, StoreKey(k))
			}
		}
	} else {
		m.mu.Lock()
		hashes := [...]func() []Key{TablePassed: m.passed.lru.Keys, TableHabits: m.habits.lru.Keys, TableCampaigns: m.campaigns.many.Keys}[t]()
		m.mu.Unlock()
		for _, k := range hashes {
			keys = append(keys, storeKey(k))
		}
	}
	sortKeys(keys)
	return keys
}

func sortKeys(keys []StoreKey) {
	slices.SortFunc(keys, func(a, b StoreKey) int { return bytes.Compare(a[:], b[:]) })
}

// Value appends an entry as it is stored, nothing if there is none.
func (m *Memory) Value(t Table, key *StoreKey, b []byte) []byte {
	if t == TableHosts {
		k := hostKey(*key)
		s := m.hosts.shard(&k)
		s.mu.Lock()
		h, in := s.peek(k)
		s.mu.Unlock()
		if in != nil {
			b = h.append(b)
		}
		return b
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch t {
	case TablePassed:
		if e, ok := m.passed.lru.Peek(key.key()); ok {
			b = binary.LittleEndian.AppendUint64(b, uint64(e.network))
			b = binary.LittleEndian.AppendUint64(b, uint64(e.value))
		}
	case TableHabits:
		if e, ok := m.habits.lru.Peek(key.key()); ok {
			b = binary.LittleEndian.AppendUint64(b, uint64(e.network))
			for _, day := range [...]uint16{e.value.first, e.value.second, e.value.last} {
				b = binary.LittleEndian.AppendUint16(b, day)
			}
		}
	case TableCampaigns:
		if r, ok := m.campaigns.many.Peek(key.key()); ok && r.until > 0 {
			for _, n := range [...]int64{r.until, r.since, r.last, r.messages} {
				b = binary.LittleEndian.AppendUint64(b, uint64(n))
			}
		}
	}
	return b
}

// Loader takes stored entries back into a Memory. It is for one goroutine.
type Loader struct {
	m      *Memory
	at     time.Time
	tables [NumTables][]stored
}

type stored struct {
	last  uint32 // use; what is of the future comes first
	key   StoreKey
	value [MaxStored]byte
}

// Load returns a Loader at a time, which expects so many hosts at most.
func (m *Memory) Load(at time.Time, hosts int) *Loader {
	l := &Loader{m: m, at: at}
	l.tables[TableHosts] = make([]stored, 0, min(hosts, int(2*m.hosts.room)))
	return l
}

// Add notes an entry; it reports whether it can be one of the table.
func (l *Loader) Add(t Table, key *StoreKey, value []byte) bool {
	size := [...]int{TableHosts: hostSize, TablePassed: 16, TableHabits: 14, TableCampaigns: 32}[t]
	if len(value) != size || t.Hashed() && [8]byte(key[8:]) != [8]byte{} {
		return false
	}
	e := stored{key: *key}
	copy(e.value[:], value)
	switch t {
	case TableHosts:
		var h Host
		if !h.parse(value) {
			return false
		}
		e.last = uint32(h.Last)
	case TablePassed:
		e.last = uint32(unix(time.Unix(int64(binary.LittleEndian.Uint64(value[8:])), 0)))
	case TableHabits:
		e.last = uint32(binary.LittleEndian.Uint16(value[12:])) * daySeconds
	case TableCampaigns:
		e.last = uint32(unix(time.Unix(int64(binary.LittleEndian.Uint64(value[16:])), 0)))
	}
	if int64(e.last)-l.at.Unix() > int64(clockStep/time.Second) {
		e.last = 0
	}
	l.tables[t] = append(l.tables[t], e)
	return true
}

// Drop forgets what was noted of a table.
func (l *Loader) Drop(t Table) { l.tables[t] = nil }

// Done puts what was noted into the tables, what was used last first, as far as there
// is room, and in the order of use. What the Memory knows already stays.
func (l *Loader) Done() (entries int) {
	for t := range NumTables {
		list := l.tables[t]
		slices.SortFunc(list, func(a, b stored) int { return cmp.Compare(a.last, b.last) })
		for i := max(0, len(list)-l.m.free(t)); i < len(list); i++ {
			if l.m.restore(t, &list[i]) {
				entries++
			}
		}
		l.tables[t] = nil
	}
	return entries
}

// free is how many more entries the table takes.
func (m *Memory) free(t Table) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch t {
	case TableHosts:
		return int(m.hosts.room - m.hosts.count.Load())
	case TablePassed:
		return m.passed.room - m.passed.lru.Len()
	case TableHabits:
		return m.habits.room - m.habits.lru.Len()
	default:
		return m.campaigns.room - m.campaigns.many.Len()
	}
}

func (m *Memory) restore(t Table, e *stored) bool {
	if t == TableHosts {
		var h Host
		h.parse(e.value[:hostSize])
		return m.hosts.restore(hostKey(e.key), h)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key, number := e.key.key(), func(i int) int64 { return int64(binary.LittleEndian.Uint64(e.value[8*i:])) }
	switch t {
	case TablePassed:
		return restore(m.passed, key, entry[int64]{number(1), Key(number(0))})
	case TableHabits:
		day := func(i int) uint16 { return binary.LittleEndian.Uint16(e.value[8+2*i:]) }
		return restore(m.habits, key, entry[habit]{habit{day(0), day(1), day(2)}, Key(number(0))})
	default:
		many := m.campaigns.many
		if many.Contains(key) || many.Len() >= m.campaigns.room {
			return false
		}
		many.Add(key, &run{until: number(0), since: number(1), last: number(2), messages: number(3)})
		return true
	}
}

func restore[V any](t *table[V], key Key, e entry[V]) bool {
	if t.lru.Len() >= t.room || t.lru.Contains(key) || t.holders[e.network] >= t.most+1 {
		return false
	}
	t.add(key, e)
	return true
}

func (t *hosts) restore(k hostKey, h Host) bool {
	s := t.shard(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, in := s.peek(k); in != nil || t.count.Load() >= t.room || !k.wide() && s.holders[k.holder()] >= s.most {
		return false
	}
	s.put(t, k, h, nil)
	return true
}
