package state

import (
	"net/netip"
	"slices"
	"time"
)

// hosts is the table of hosts. Those seen on a second day are proven.
type hosts = addresses[Host]

// proven reports whether the host was seen on a second day.
func (h *Host) proven() bool { return h.Days >= 2 }

// lockHost finds the host, or the counts of its network where that holds its share, and
// returns the shard locked.
func lockHost(t *hosts, k hostKey) (s *shard[Host], key hostKey, h Host, in segment[Host]) {
	s = t.lock(&k)
	if h, in = s.peek(k); in != nil || !s.full(&k) {
		return s, k, h, in
	}
	s.mu.Unlock()
	k = k.widen()
	s = t.lock(&k)
	h, in = s.peek(k)
	return s, k, h, in
}

// Prefetch does nothing: all that Host may be asked about is here.
func (m *Memory) Prefetch(netip.Addr) {}

// Host returns what earlier sessions of the address showed; ok is false for a host
// that was not seen of late. It notes nothing.
func (m *Memory) Host(addr netip.Addr, at time.Time) (h Host, ok bool) {
	if !addr.IsValid() {
		return Host{}, false
	}
	s, k, h, in := lockHost(m.hosts, keyOf(addr))
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
	s, k, h, in := lockHost(m.hosts, keyOf(addr))
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
	s.put(m.hosts, k, h, in, h.proven())
	return before
}

// Hosts calls yield with every host, in no order, until it returns false. No lock is
// held meanwhile: hosts that come or go are seen or not. One with Wide is a network.
func (m *Memory) Hosts(yield func(netip.Addr, Host) bool) {
	for i := range m.hosts.shards {
		s := &m.hosts.shards[i]
		for keys := range slices.Chunk(s.keys(), step) {
			found := valuesOf(s, keys)
			for j, k := range keys {
				if found[j].Sessions > 0 && !yield(k.addr(), found[j]) {
					return
				}
			}
		}
	}
}

func valuesOf(s *shard[Host], keys []hostKey) []Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([]Host, len(keys))
	for i, k := range keys {
		found[i], _ = s.peek(k)
		found[i].Wide = k.wide()
	}
	return found
}

// expire removes hosts that were unused for too long: each segment's last ones.
func expireHosts(t *hosts, now Unix) (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		for gone := step; gone == step; n += gone {
			gone = 0
			s.mu.Lock()
			for _, l := range [...]segment[Host]{s.fresh, s.proven} {
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
