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
	TableFacts
	NumTables
)

var tableNames = [NumTables]string{"hosts", "passed", "habits", "campaigns", "facts"}

func (t Table) String() string { return tableNames[t] }

// Hashed reports whether the keys are hashes under the installation's secret: with
// another one they find nothing.
func (t Table) Hashed() bool { return t != TableHosts && t != TableFacts }

// StoreKey is the key of an entry as it is stored: an address, or a hash before eight
// zero bytes.
type StoreKey [16]byte

// MaxStored is how many bytes the largest stored value takes.
const MaxStored = factsHead + MaxFacts

// maxFixed is the same of the tables whose values have one size.
const maxFixed = 32

const _ = uint(maxFixed - hostSize)

func storeKey(k Key) (s StoreKey) {
	binary.BigEndian.PutUint64(s[:], uint64(k))
	return s
}

func (s *StoreKey) key() Key { return Key(binary.BigEndian.Uint64(s[:])) }

// Watch begins to collect changes for Changed.
func (m *Memory) Watch() {
	m.hosts.watch()
	m.facts.watch()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed.journal.begin(journalRoom)
	m.habits.journal.begin(journalRoom)
	m.campaigns.journal.begin(journalRoom)
}

// Changed returns the keys of the entries of a table that changed since the last
// call, or went, in order; lost is how many more did that found no room in the list.
func (m *Memory) Changed(t Table) (keys []StoreKey, lost int) {
	switch t {
	case TableHosts:
		keys, lost = m.hosts.changed()
	case TableFacts:
		keys, lost = m.facts.changed()
	default:
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
	switch t {
	case TableHosts:
		keys = m.hosts.all()
	case TableFacts:
		keys = m.facts.all()
	default:
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
	switch t {
	case TableHosts:
		if h, ok := m.hosts.get(hostKey(*key)); ok {
			b = h.append(b)
		}
		return b
	case TableFacts:
		if f, ok := m.facts.get(hostKey(*key)); ok {
			b = append(binary.LittleEndian.AppendUint32(b, uint32(f.until)), f.text...)
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
	tables [NumTables][]stored // but for facts, whose size differs
	facts  []storedFacts
}

type storedFacts struct {
	key   hostKey
	facts facts
}

type stored struct {
	last  uint32 // use; what is of the future comes first
	key   StoreKey
	value [maxFixed]byte
}

// Load returns a Loader at a time, which expects so many hosts at most.
func (m *Memory) Load(at time.Time, hosts int) *Loader {
	l := &Loader{m: m, at: at}
	l.tables[TableHosts] = make([]stored, 0, min(hosts, int(2*m.hosts.room)))
	return l
}

// Add notes an entry; it reports whether it can be one of the table.
func (l *Loader) Add(t Table, key *StoreKey, value []byte) bool {
	if t == TableFacts {
		return l.addFacts(hostKey(*key), value)
	}
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

// addFacts notes the facts of an address. What is over is not loaded, and goes.
func (l *Loader) addFacts(k hostKey, value []byte) bool {
	if n := len(value) - factsHead; n <= 0 || n > MaxFacts || k.wide() {
		return false
	}
	f := facts{until: Unix(binary.LittleEndian.Uint32(value))}
	if f.over(unix(l.at)) || len(l.facts) >= 2*maxFacts {
		l.m.facts.note(k)
		return true
	}
	f.text = string(value[factsHead:])
	l.facts = append(l.facts, storedFacts{k, f})
	return true
}

// Drop forgets what was noted of a table.
func (l *Loader) Drop(t Table) {
	l.tables[t] = nil
	if t == TableFacts {
		l.facts = nil
	}
}

// Done puts what was noted into the tables, what was used last first, as far as there
// is room, and in the order of use. What the Memory knows already stays.
func (l *Loader) Done() (entries int) {
	for t := range NumTables {
		if t == TableFacts {
			entries += l.restoreFacts()
			continue
		}
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

// restoreFacts puts the facts into the table, those that hold for longest, and the last of
// them as the last used. What finds no room goes.
func (l *Loader) restoreFacts() (entries int) {
	slices.SortFunc(l.facts, func(a, b storedFacts) int { return cmp.Compare(a.facts.until, b.facts.until) })
	surplus := len(l.facts) - int(l.m.facts.room-l.m.facts.count.Load())
	for i, f := range l.facts {
		if i >= surplus && l.m.facts.restore(f.key, f.facts, false) {
			entries++
		} else {
			l.m.facts.note(f.key)
		}
	}
	l.facts = nil
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
		return m.hosts.restore(hostKey(e.key), h, h.proven())
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
