package state

import "time"

// habit is on which days something was seen, in days since 1970: the first, the
// next after it, and the last.
type habit struct{ first, second, last uint16 }

const (
	daySeconds = 24 * 60 * 60
	habitDays  = 60 // unused for so long it is forgotten
)

// Habit notes that what the item names was seen at a time, and reports whether it
// was seen on two earlier days: devices that mail their alerts on one morning did so
// on mornings before (safety rule 9). Without room it is not known.
func (m *Memory) Habit(it Item, at time.Time) (known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	day := uint16(at.Unix() / daySeconds)
	key := m.habits.key(it)
	h, ok := m.habits.get(key)
	if !ok || h.over(day) {
		h = habit{first: day, last: day}
	}
	if h.second == 0 && day > h.first {
		h.second = day
	}
	h.last = max(h.last, day)
	m.habits.put(key, it.Network, h, func(old habit) bool { return old.over(day) || old.last < day && old.second == 0 })
	return h.known(day)
}

// Learn is Habit for who does not ask.
func (m *Memory) Learn(it Item, at time.Time) { m.Habit(it, at) }

// Known reports whether just what the item names was seen on two earlier days, and
// notes nothing.
func (m *Memory) Known(it Item, at time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	day := uint16(at.Unix() / daySeconds)
	h, ok := m.habits.peek(it.Key)
	return ok && !h.over(day) && h.known(day)
}

// known reports whether there are two earlier days.
func (h habit) known(day uint16) bool { return h.second != 0 && h.second < day }

// over reports whether the habit is too old to tell anything, or of the future: then
// the clock was set back.
func (h habit) over(day uint16) bool {
	return int(day)-int(h.last) > habitDays || int(h.last)-int(day) > 1
}
