package decider

import (
	"net/netip"
	"slices"
	"strconv"
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
	KeyPrefix      LimitKey = "prefix" // /24 or /64
	KeyClass       LimitKey = "class"
	KeyDevice      LimitKey = "device"
	KeyPTRTemplate LimitKey = "ptr-template" // the PTR name with its numbers blanked
	KeyHELO        LimitKey = "helo"
	KeyFromDomain  LimitKey = "from-domain"
	KeyRcptDomain  LimitKey = "rcpt-domain"
	KeyASN         LimitKey = "asn"
	KeyCampaign    LimitKey = "campaign" // the template, while a campaign of it is on
)

// reached reports whether a limit has no room for the open message. With take it
// takes from each when all have room: what is full for one is not taken from
// another. Without room in the table nothing is full.
func (c *decision) reached(rcpt string, k kind, take bool) (full, room bool) {
	var buf [4]state.Draw
	draws := c.draws(buf[:0], rcpt, k)
	m, at := c.decider.opts.State, c.facts.Client.At
	if !take {
		return m.Available(at, draws) >= 0, true
	}
	empty, room := m.Take(at, draws)
	return empty >= 0, room
}

// draws appends a draw from each limit that holds for the decided class and
// whose key is known. A key that others can fill touches suspects only.
func (c *decision) draws(draws []state.Draw, rcpt string, k kind) []state.Draw {
	class, suspect := c.judged.Class, c.suspect()
	for i := range c.settings.Limits {
		l := &c.settings.Limits[i]
		if !slices.Contains(l.Classes, class) || !suspect && !slices.Contains(l.Keys, KeyAddress) {
			continue
		}
		if key, ok := c.limitKey(l, rcpt, k); ok {
			network := c.network()
			wide := c.decider.opts.State.Key("wide", l.Name, network)
			draws = append(draws, state.Draw{
				Item: state.Item{Key: key, Wide: wide, Network: c.decider.opts.State.Key(network)}, Rate: l.Rate,
			})
		}
	}
	return draws
}

// limitKey is the key by which the limit counts the open message; ok is false
// when a part of it is unknown. Mail to exempt recipients is counted per client,
// so that nobody else can keep it out.
func (c *decision) limitKey(l *Limit, rcpt string, k kind) (key state.Key, ok bool) {
	var buf [12]string
	parts := append(buf[:0], "limit", l.Name)
	for _, by := range l.Keys {
		part, ok := c.limitPart(by, rcpt)
		if !ok {
			return 0, false
		}
		parts = append(parts, part)
	}
	if k == kindExempt {
		if !c.facts.Client.Addr.IsValid() {
			return 0, false
		}
		parts = append(parts, "exempt", c.facts.Client.Addr.String())
	}
	return c.decider.opts.State.Key(parts...), true
}

// limitPart is one part of a key; ok is false when it is unknown: that is no
// value which clients could share.
func (c *decision) limitPart(k LimitKey, rcpt string) (part string, ok bool) {
	f := &c.facts
	switch k {
	case KeyAddress:
		return policy.AddrText(f.Client.Addr), f.Client.Addr.IsValid()
	case KeyPrefix:
		part = prefix(f.Client.Addr, 24, 64)
	case KeyClass:
		part = c.judged.Class.String()
	case KeyDevice:
		part = c.judged.Device.String()
	case KeyPTRTemplate:
		part = template(f.Client.Name.String())
	case KeyHELO:
		part = strings.ToLower(f.Greeting.Name.String())
	case KeyFromDomain:
		return fromDomain(f.Envelope.From)
	case KeyRcptDomain:
		part = domain(rcpt)
	case KeyASN:
		if asn := f.Network.ASN; asn != 0 {
			part = strconv.FormatUint(uint64(asn), 10)
		}
	case KeyCampaign:
		if c.message.run != 0 {
			part = CampaignID(c.message.run)
		}
	}
	return part, part != ""
}

// fromDomain gives the null sender a value of its own.
func fromDomain(from policy.Text) (part string, ok bool) {
	address, ok := from.Get()
	if address == "" {
		return "<>", ok
	}
	return domain(address), ok
}

// retried asks whether the message comes again after its deferral: mail servers do
// so from their network with the same sender and recipient. Then whoever greets like
// that from that network is known to come again.
func (c *decision) retried(rcpt string) (passed, room bool) {
	m, network, from := c.decider.opts.State, c.network(), prefix(c.facts.Client.Addr, 24, 64)
	it := state.Attempt{Item: state.Item{
		Key:  m.Key("defer", from, strings.ToLower(c.facts.Envelope.From.String()), strings.ToLower(rcpt)),
		Wide: m.Key("wide", network), Network: m.Key(network),
	}}
	if helo := c.facts.Greeting.Name.String(); helo != "" {
		it.Client = m.Key("defer", from, strings.ToLower(helo))
	}
	return m.Retried(it, c.facts.Client.At, c.settings.DeferDelay, c.settings.DeferKeep)
}

// network is who can hold a share of a table at most: a /24 or /48.
func (c *decision) network() string { return prefix(c.facts.Client.Addr, 24, 48) }

// prefix is the network of the address, with so many bits of IPv4 or of IPv6; ""
// for an unknown address.
func prefix(a netip.Addr, bits4, bits6 int) string {
	bits := bits4
	if a.Is6() {
		bits = bits6
	}
	p, err := a.Prefix(bits)
	if err != nil || !a.IsValid() {
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
