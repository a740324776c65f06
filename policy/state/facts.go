package state

import (
	"net/netip"
	"time"
)

const (
	// maxFacts is how many addresses' facts are kept at most: a tenth of what the hosts
	// of a large site take. They are the addresses of a day, not of a quarter of a year.
	maxFacts = 50_000
	// MaxFacts is how many bytes the facts of one address may take.
	MaxFacts = 256
	// FactsLife is for how long facts are kept at most.
	FactsLife = 24 * time.Hour
)

// facts are what look-ups found about one address, in a form that only they know.
type facts struct {
	text  string
	until Unix
}

// over reports whether all of it is too old, or of the future: then the clock was set
// back, and how old it is nobody knows.
func (f *facts) over(now Unix) bool {
	left := int64(f.until) - int64(now)
	return left <= 0 || left > int64(FactsLife/time.Second)
}

// Facts returns what KeepFacts was given of an address, "" where there is nothing that
// holds. An address that is asked for again is proven: those that came once give way
// first.
func (m *Memory) Facts(addr netip.Addr, at time.Time) string {
	if !addr.IsValid() {
		return ""
	}
	k := keyOf(addr)
	s := m.facts.lock(&k)
	defer s.mu.Unlock()
	f, in := s.peek(k)
	if in == nil || f.over(unix(at)) {
		return ""
	}
	if in == s.proven {
		in.Get(k)
	} else {
		s.settle(k, f, in, true)
	}
	return f.text
}

// Coming is nil: all that Facts may be asked about is here.
func (m *Memory) Coming(netip.Addr) <-chan struct{} { return nil }

// KeepFacts keeps facts of an address until a time, FactsLife ahead at most, in place of
// those that there were; where that time is now they are forgotten. What is too long, and what is of a network that holds its share
// of the table, is not kept: facts are of one address, and its neighbours are others.
func (m *Memory) KeepFacts(addr netip.Addr, text string, at, until time.Time) {
	if latest := at.Add(FactsLife); until.After(latest) {
		until = latest
	}
	k := keyOf(addr)
	if !addr.IsValid() || k.wide() {
		return
	}
	s := m.facts.lock(&k)
	defer s.mu.Unlock()
	_, in := s.peek(k)
	switch {
	case text == "" || !until.After(at):
		s.remove(m.facts, k)
	case len(text) > MaxFacts || in == nil && s.full(&k):
		s.lost++
	default:
		s.put(m.facts, k, facts{text, unix(until)}, in, in != nil && in == s.proven)
	}
}

// factsHead is what stored facts begin with: the time until which they hold.
const factsHead = 4
