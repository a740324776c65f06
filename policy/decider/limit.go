package decider

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// Limit is one [[limit]] of the configuration: how much mail of the classes may
// come under one key. It answers 451 only, and only to suspects.
type Limit struct {
	Name    string
	Classes []policy.Class
	Keys    []LimitKey
	Rate    state.Rate
}

// LimitKey is a part of a limit's key.
type LimitKey string

// The keys that a limit can be counted by.
const (
	KeyAddress     LimitKey = "address"
	KeyPrefix      LimitKey = "prefix" // /24, /64
	KeyClass       LimitKey = "class"
	KeyDevice      LimitKey = "device"
	KeyPTRTemplate LimitKey = "ptr-template" // the PTR name with its numbers blanked
	KeyHELO        LimitKey = "helo"
	KeyFromDomain  LimitKey = "from-domain"
	KeyRcptDomain  LimitKey = "rcpt-domain"
)

// reached returns the first limit that has no room for the open message. With
// take it takes from each when all have room. What is full for one is not taken
// from another.
func (c *decision) reached(rcpt string, take bool) (name string, full bool) {
	m, at := c.decider.opts.State, c.facts.Client.At
	for l := range c.limits() {
		if !m.Available(c.limitKey(l, rcpt), at, l.Rate, 1) {
			return l.Name, true
		}
	}
	if take {
		for l := range c.limits() {
			m.Take(c.limitKey(l, rcpt), at, l.Rate, 1)
		}
	}
	return "", false
}

// limits yields the limits that hold for the decided class.
func (c *decision) limits() iter.Seq[*Limit] {
	return func(yield func(*Limit) bool) {
		for i := range c.settings.Limits {
			l := &c.settings.Limits[i]
			if slices.Contains(l.Classes, c.judged.Class) && !yield(l) {
				return
			}
		}
	}
}

func (c *decision) limitKey(l *Limit, rcpt string) state.Key {
	parts := make([]string, 0, 1+len(l.Keys))
	parts = append(parts, l.Name)
	for _, k := range l.Keys {
		parts = append(parts, c.limitPart(k, rcpt))
	}
	return c.decider.opts.State.Key(parts...)
}

func (c *decision) limitPart(k LimitKey, rcpt string) string {
	switch k {
	case KeyAddress:
		return c.facts.Client.Addr.String()
	case KeyPrefix:
		return prefix(c.facts.Client.Addr)
	case KeyClass:
		return c.judged.Class.String()
	case KeyDevice:
		return c.judged.Device.String()
	case KeyPTRTemplate:
		return template(c.facts.Client.Name.String())
	case KeyHELO:
		return strings.ToLower(c.facts.Greeting.Name.String())
	case KeyFromDomain:
		return domain(c.facts.Envelope.From.String())
	case KeyRcptDomain:
		return domain(rcpt)
	}
	return ""
}

// deferKey names a message for its retry: mail servers come again from their
// network with the same sender and recipient.
func (c *decision) deferKey(rcpt string) state.Key {
	return c.decider.opts.State.Key("defer", prefix(c.facts.Client.Addr),
		strings.ToLower(c.facts.Envelope.From.String()), strings.ToLower(rcpt))
}

// prefix is the network that counts as one neighbourhood: /24 or /64.
func prefix(a netip.Addr) string {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// template blanks the runs of digits of a name, so that the names of one access
// network become one.
func template(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	digits := false
	for i := range len(name) {
		c := name[i]
		if '0' <= c && c <= '9' {
			if !digits {
				b.WriteByte('#')
			}
			digits = true
			continue
		}
		digits = false
		b.WriteByte(c)
	}
	return strings.ToLower(b.String())
}

func domain(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
