package probe

import (
	"net/netip"
	"slices"
	"time"
)

// The limits of probing.
const (
	PerHour = 60        // probes in all
	period  = time.Hour // in which each network is probed once, too
)

// rate is the book of the last hour. It has at most PerHour lines, which also
// bounds what one network, and all networks, can take of the Prober's memory.
type rate struct{ lines []line }

type line struct {
	network netip.Prefix
	at      time.Time // of the first connection
	waiting bool      // it has not begun
}

// network is what counts as one: whose holder may have any address in it.
func network(addr netip.Addr) netip.Prefix {
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	p, _ := addr.Prefix(bits) // fails for the zero Addr only, which nobody probes
	return p
}

// forget drops what is over. What waits counts until it has begun and an hour has
// passed since.
func (r *rate) forget(now time.Time) {
	r.lines = slices.DeleteFunc(r.lines, func(l line) bool { return !l.waiting && now.Sub(l.at) >= period })
}

// take enters a probe that will begin soon, if it may.
func (r *rate) take(n netip.Prefix, now time.Time) bool {
	r.forget(now)
	if len(r.lines) >= PerHour || slices.ContainsFunc(r.lines, func(l line) bool { return l.network == n }) {
		return false
	}
	r.lines = append(r.lines, line{network: n, waiting: true})
	return true
}

// begin counts the hour of a probe from now.
func (r *rate) begin(n netip.Prefix, now time.Time) {
	for i := range r.lines {
		if l := &r.lines[i]; l.network == n {
			l.at, l.waiting = now, false
		}
	}
}
