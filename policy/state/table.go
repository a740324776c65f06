package state

import "github.com/hashicorp/golang-lru/v2/simplelru"

// shareOf is the part of a table that one network may hold: one in a hundred.
const shareOf = 100

// Item names an entry of a table. Once the Network holds its share of the table,
// what it adds is counted under Wide instead, one entry for the whole network:
// no holder of one network can push others out.
type Item struct {
	Key     Key
	Wide    Key // what is counted, without the parts that the client can vary
	Network Key // who holds it: the client's /24 or /48
}

// table is a bounded map from keys to values. It is not safe for concurrent use.
type table[V any] struct {
	lru     *simplelru.LRU[Key, entry[V]]
	holders map[Key]int // entries per network
	room    int
	most    int   // entries of one network
	lost    int64 // entries forgotten, or never taken in, for want of room
	journal journal[Key]
}

type entry[V any] struct {
	value   V
	network Key
}

func newTable[V any](room int) (*table[V], error) {
	t := &table[V]{holders: make(map[Key]int), room: room, most: max(1, room/shareOf)}
	var err error
	t.lru, err = simplelru.NewLRU(room, func(k Key, e entry[V]) {
		t.journal.note(k)
		if t.holders[e.network]--; t.holders[e.network] <= 0 {
			delete(t.holders, e.network)
		}
	})
	return t, err
}

// key is the key under which the item is counted now.
func (t *table[V]) key(it Item) Key {
	if !t.lru.Contains(it.Key) && t.holders[it.Network] >= t.most {
		return it.Wide
	}
	return it.Key
}

func (t *table[V]) get(key Key) (V, bool) {
	e, ok := t.lru.Get(key)
	return e.value, ok
}

// peek is get that leaves the entry as long unused as it was.
func (t *table[V]) peek(key Key) (V, bool) {
	e, ok := t.lru.Peek(key)
	return e.value, ok
}

// put stores a value and reports whether there was room. In a full table the
// entry that was unused for longest gives way if it is spent; if it is not, the
// newcomer is turned away.
func (t *table[V]) put(key, network Key, value V, spent func(V) bool) bool {
	if old, ok := t.lru.Peek(key); ok {
		old.value = value
		t.lru.Add(key, old)
		t.journal.note(key)
		return true
	}
	if t.lru.Len() >= t.room {
		_, oldest, _ := t.lru.GetOldest()
		if !spent(oldest.value) {
			t.lost++
			return false
		}
		t.lru.RemoveOldest()
	}
	t.add(key, entry[V]{value, network})
	return true
}

// add takes in a new entry, for which there is room.
func (t *table[V]) add(key Key, e entry[V]) {
	t.take(key, e)
	t.journal.note(key)
}

// take is add of what is no change.
func (t *table[V]) take(key Key, e entry[V]) {
	t.lru.Add(key, e)
	t.holders[e.network]++
}

func (t *table[V]) remove(key Key) { t.lru.Remove(key) }
