package decider

import (
	"log/slog"
	"net/netip"
	"sync"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	nameWindow   = 100  // connections over which the MTA's DNS is judged
	hiddenWindow = 1000 // connections over which hidden addresses are looked for
	hiddenShare  = 900  // of them, from one private address
)

// health watches the MTA's word over many connections: whether its DNS is ill
// and whether it sees the clients' addresses at all. Safe for concurrent use.
type health struct {
	meter Meter
	log   *slog.Logger

	mu        sync.Mutex
	ill       [nameWindow]bool
	next      int
	illCount  int
	suspended bool

	seen, same int
	candidate  netip.Addr
	hidden     bool
}

// session takes note of a connection and reports whether name evidence is
// suspended now: that is so while over half of the last hundred had a temporary
// error or an unknown name.
func (h *health) session(c *policy.Client) (suspended bool) {
	if c.Unix || !c.Addr.IsValid() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.address(c.Addr)
	ill := c.Iprev == policy.IprevTempError || c.Iprev == policy.IprevUnknown
	if h.ill[h.next] {
		h.illCount--
	}
	if ill {
		h.illCount++
	}
	h.ill[h.next] = ill
	h.next = (h.next + 1) % nameWindow
	if now := h.illCount > nameWindow/2; now != h.suspended {
		h.suspended = now
		h.meter.NamesSuspended(now)
		h.log.Warn("name evidence", "suspended", now, "ill", h.illCount, "of", nameWindow,
			"hint", "most clients have a temporary DNS error or no known name: look at the MTA's resolver")
	}
	return h.suspended
}

// address looks for one private address behind nearly all connections.
func (h *health) address(a netip.Addr) {
	if h.seen == 0 {
		h.candidate, h.same = a, 0
	}
	h.seen++
	if a == h.candidate {
		h.same++
	}
	if h.seen < hiddenWindow {
		return
	}
	if now := h.same >= hiddenShare && h.candidate.IsPrivate(); now != h.hidden {
		h.hidden = now
		h.meter.ClientHidden(now)
		h.log.Warn("client addresses", "hidden", now, "address", h.candidate,
			"hint", "nearly all connections come from one private address: let the MTA see the clients (PROXY protocol, or no NAT in front of it)")
	}
	h.seen = 0
}

func (h *health) isHidden() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hidden
}
