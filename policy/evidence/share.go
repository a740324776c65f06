package evidence

import (
	"net/netip"
	"sync"
)

// What the clients of one network may have under way: an eighth of all, so that
// nobody who opens many connections, and greets anew in each as often as he likes,
// keeps the look-ups about others out.
const (
	share    = 8
	minShare = 32
)

// shares are the look-ups under way, by the client's network. The zero value is
// ready.
type shares struct {
	mu    sync.Mutex
	taken map[netip.Prefix]int // as many networks as there are look-ups at most
}

// enter takes a place for a look-up about a client of the network, and reports
// whether there was one.
func (c *Collector) enter(network netip.Prefix) bool {
	if c.opts.Recorded {
		c.slots <- struct{}{}
		return true
	}
	s := &c.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[network] >= max(c.opts.Most/share, minShare) {
		return false
	}
	select {
	case c.slots <- struct{}{}:
	default:
		return false
	}
	if s.taken == nil {
		s.taken = map[netip.Prefix]int{}
	}
	s.taken[network]++
	return true
}

// leave gives it back.
func (c *Collector) leave(network netip.Prefix) {
	<-c.slots
	if c.opts.Recorded {
		return
	}
	s := &c.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[network]--; s.taken[network] == 0 {
		delete(s.taken, network)
	}
}

// networkOf is what one holder has at least: a /24 or a /48.
func networkOf(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, _ := a.Prefix(bits) // nothing is looked up about an invalid one
	return p
}
