package state

import "time"

// tries are how often a message came within a day of its first try.
type tries struct {
	first int64 // unix seconds
	n     int
}

// triesOver is when tries are forgotten, in seconds after the first.
const triesOver = 24 * 60 * 60

func (t tries) over(now int64) bool {
	return now-t.first >= triesOver || t.first-now > int64(clockStep/time.Second)
}

// Tried notes that a message came, and returns how often it did within a day, this time
// included. Without room, or beyond its network's share, that is once: nobody answers
// for what another sent.
func (m *Memory) Tried(it Item, at time.Time) (times int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := at.Unix()
	if m.tries.key(it) != it.Key {
		m.tries.lost++
		return 1
	}
	t, ok := m.tries.get(it.Key)
	if !ok || t.over(now) {
		t = tries{first: now}
	}
	t.first = min(t.first, now)
	t.n++
	if !m.tries.put(it.Key, it.Network, t, func(old tries) bool { return old.over(now) }) {
		return 1
	}
	return t.n
}
