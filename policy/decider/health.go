package decider

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	nameWindow   = 100  // connections over which the MTA's DNS is judged
	hiddenWindow = 1000 // connections over which hidden addresses are looked for
	hiddenOthers = 100  // of them, from other addresses at most
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
	said      time.Time // when the log told of it

	candidate    netip.Addr
	same, others int
	hidden       bool
}

// session takes note of a connection and reports whether name evidence is
// suspended now: that is so while over half of the last hundred had a temporary
// error or an unknown name. Exempt connections have no part in that: a content
// filter's would hide an ill resolver, and those of a private network without a
// reverse zone would look like one.
func (h *health) session(c *policy.Client, exempt bool) (suspended bool) {
	if c.Unix || !c.Addr.IsValid() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !c.Addr.IsLoopback() { // content filters and the machine's own mail
		h.address(c.Addr)
	}
	if !exempt {
		h.name(c)
	}
	return h.suspended
}

func (h *health) name(c *policy.Client) {
	ill := c.Iprev == policy.IprevTempError || c.Iprev == policy.IprevUnknown
	if h.ill[h.next] {
		h.illCount--
	}
	if ill {
		h.illCount++
	}
	h.ill[h.next] = ill
	h.next = (h.next + 1) % nameWindow
	now := h.illCount > nameWindow/2
	if now == h.suspended {
		return
	}
	h.suspended = now
	h.meter.NamesSuspended(now)
	if gone := c.At.Sub(h.said); !h.said.IsZero() && gone >= 0 && gone < time.Minute {
		return // it wavers about the half
	}
	h.said = c.At
	h.log.Warn("name evidence", "suspended", now, "ill", h.illCount, "of", nameWindow,
		"hint", "while most clients have a temporary DNS error or no known name: look at the MTA's resolver")
}

// address looks for one private address behind nearly all connections. Too many
// others refute the candidate, and the next address takes its place.
func (h *health) address(a netip.Addr) {
	if a == h.candidate {
		h.same++
	} else if h.others++; h.others > hiddenOthers || h.same == 0 {
		h.hide(false)
		h.candidate, h.same, h.others = a, 1, 0
	}
	if h.same+h.others >= hiddenWindow {
		h.hide(private(h.candidate))
		h.same, h.others = 1, 0
	}
}

func (h *health) hide(now bool) {
	if now == h.hidden {
		return
	}
	h.hidden = now
	h.meter.ClientHidden(now)
	h.log.Warn("client addresses", "hidden", now, "address", h.candidate,
		"hint", "nearly all connections come from one private address: let the MTA see the clients (PROXY protocol, or no NAT in front of it)")
}

// shared is the address space of carriers' NAT (RFC 6598), which containers use,
// too.
var shared = netip.MustParsePrefix("100.64.0.0/10")

func private(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

func (h *health) isHidden() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hidden
}
