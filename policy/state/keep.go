package state

import (
	"bytes"
	"encoding/binary"
	"slices"
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
