package state

import (
	"net/netip"
	"slices"
	"time"
)

// forgetNetworks is how many networks within one prefix are forgotten: those of an
// IPv4 /8 or an IPv6 /32.
const forgetNetworks = 16 // bits

// Network is the /24 or /48 of an address: who can hold a share of a table at most.
func Network(addr netip.Addr) netip.Prefix {
	p, _ := addr.Prefix(networkBits(addr))
	return p
}

func networkBits(a netip.Addr) int {
	if a.Is4() {
		return 24
	}
	return 48
}

// Forget removes what is known of the hosts of a prefix, one address or more, and
// returns how many entries that were.
//
// Deferrals, buckets, tries and habits are kept under hashes and tell nobody's address, but
// the /24 or /48 that brought them in: all those of the networks that the prefix
// touches go, the neighbours' too. What stays: buckets that another network filled
// first under a key that both share, templates and campaigns, the counts of a network
// that is forgotten in part only, and, of a prefix wider than an IPv4 /8 or an IPv6
// /32, everything but the hosts and their facts.
func (m *Memory) Forget(p netip.Prefix) (entries int) { return m.ForgetBy(p, m.Key) }

// ForgetBy is Forget where the hashes are under another secret: key is what made them.
func (m *Memory) ForgetBy(p netip.Prefix, key func(parts ...string) Key) (entries int) {
	if !p.IsValid() {
		return 0
	}
	p = Plain(p)
	entries = m.hosts.forget(p) + m.facts.forget(p)
	networks := Networks(p, key)
	return entries + forget(m, m.waiting, networks) + forget(m, m.passed, networks) +
		forget(m, m.buckets, networks) + forget(m, m.tries, networks) + forget(m, m.habits, networks)
}

// Plain writes a prefix of mapped addresses as one of IPv4, and without the bits that are
// no part of it.
func Plain(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// Networks are the keys of the networks that the prefix touches, none if they
// are too many.
func Networks(p netip.Prefix, key func(parts ...string) Key) map[Key]struct{} {
	bits := networkBits(p.Addr())
	if bits-p.Bits() > forgetNetworks {
		return nil
	}
	keys := make(map[Key]struct{})
	for a := p.Addr(); a.IsValid() && p.Contains(a); a = following(a, bits) {
		keys[key(Network(a).String())] = struct{}{}
		if p.Bits() >= bits {
			break
		}
	}
	return keys
}

// following is the first address of the next network of so many bits, none after the
// last.
func following(a netip.Addr, bits int) netip.Addr {
	b := a.AsSlice()
	for i := bits/8 - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			next, _ := netip.AddrFromSlice(b)
			return next
		}
	}
	return netip.Addr{}
}

func forget[V any](m *Memory, t *table[V], networks map[Key]struct{}) (n int) {
	m.mu.Lock()
	held := false
	for k := range networks {
		held = held || t.holders[k] > 0
	}
	var keys []Key
	if held {
		keys = t.lru.Keys()
	}
	m.mu.Unlock()
	for some := range slices.Chunk(keys, step) {
		m.mu.Lock()
		for _, k := range some {
			e, ok := t.lru.Peek(k)
			if _, gone := networks[e.network]; ok && gone {
				t.remove(k)
				n++
			}
		}
		m.mu.Unlock()
	}
	return n
}

// Expire removes entries that were unused for 90 days, and facts that hold no more. What
// is of the future stays, but for facts: the clock is wrong now, or was then, and its
// next use tells.
func (m *Memory) Expire(at time.Time) (entries int) {
	entries = expireHosts(m.hosts, unix(at))
	entries += m.facts.sweep(func(_ *hostKey, f *facts) bool { return f.over(unix(at)) })
	now := at.Unix()
	entries += expire(m, m.passed, func(last int64) bool { return now-last > int64(hostKeep/time.Second) })
	return entries + expire(m, m.habits, func(h habit) bool { return now/daySeconds-int64(h.last) > habitDays })
}

func expire[V any](m *Memory, t *table[V], over func(V) bool) (n int) {
	for gone := step; gone == step; n += gone {
		gone = 0
		m.mu.Lock()
		for gone < step {
			_, e, ok := t.lru.GetOldest()
			if !ok || !over(e.value) {
				break
			}
			t.lru.RemoveOldest()
			gone++
		}
		m.mu.Unlock()
	}
	return n
}
