package decider

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

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

// limitKey is the key by which the limit counts the open message; ok is false
// when a part of it is unknown. Mail to exempt recipients is counted per client,
// so that nobody else can keep it out.
func (c *decision) limitKey(l *Limit, to string, k kind) (key state.Key, ok bool) {
	parts := append(c.limits.parts[:0], "limit", l.Name)
	defer func() { c.limits.parts = parts }()
	for _, by := range l.Keys {
		part, ok := c.limitPart(by, to)
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
func (c *decision) limitPart(k LimitKey, to string) (part string, ok bool) {
	f := &c.facts
	switch k {
	case KeyAddress:
		return policy.AddrText(f.Client.Addr), f.Client.Addr.IsValid()
	case KeyPrefix:
		part = c.prefix()
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
		part = to
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

// networks are the client's, in text: they are asked for often.
type networks struct{ holder, prefix string }

// network is who can hold a share of a table at most: a /24 or /48.
func (c *decision) network() string {
	if c.networks.holder == "" {
		c.networks.holder = prefix(c.facts.Client.Addr, 24, 48)
	}
	return c.networks.holder
}

// prefix is what the client is taken for when it comes again: a /24 or /64.
func (c *decision) prefix() string {
	if c.networks.prefix == "" {
		c.networks.prefix = prefix(c.facts.Client.Addr, 24, 64)
	}
	return c.networks.prefix
}

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
