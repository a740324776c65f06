package evidence

import (
	"context"
	"net/netip"
	"slices"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence/asn"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
)

// Bounds on how many names one look-up follows (RFC 7208, section 4.6.4, has the
// same ten).
const (
	maxNames     = 10
	maxExchanges = 10
)

// iprev confirms the client's name (RFC 8601, section 2.7.3). The first name that
// resolves to the client counts. A failure that may pass makes the result one too,
// unless another name is confirmed.
func (l *lookups) iprev(ctx context.Context) finding {
	ctx, life := resolve.WithLife(ctx)
	name, result := l.confirmedName(ctx)
	f := finding{outcome: result.String(), take: func(l *lookups) { l.ownName, l.own = name, result }}
	if result != policy.IprevTempError && len(name.String()) <= maxName {
		f.fact = fact{kind: factIprev, body: iprevBody(name.String(), result), life: max(life.Left(), shortest)}
	}
	return f
}

func (l *lookups) confirmedName(ctx context.Context) (policy.Text, policy.Iprev) {
	names, err := l.collector.opts.DNS.Names(ctx, l.client.Addr)
	switch {
	case resolve.IsNotFound(err), err == nil && len(names) == 0:
		return policy.Text{}, policy.IprevPermError
	case err != nil:
		return policy.Text{}, policy.IprevTempError
	}
	result := policy.IprevFail
	for _, name := range names[:min(len(names), maxNames)] {
		switch l.resolves(ctx, name) {
		case policy.IprevPass:
			return policy.Seen(policy.HostName(name)), policy.IprevPass
		case policy.IprevTempError:
			result = policy.IprevTempError
		}
	}
	return policy.Seen(policy.HostName(names[0])), result
}

// confirm says whether the HELO name is the client's.
func (l *lookups) confirm(ctx context.Context, host string) finding {
	result := l.resolves(ctx, host)
	return finding{outcome: orUnknown(result), take: func(l *lookups) {
		if l.helo == host { // no other HELO came meanwhile
			l.found.Confirmed = result
		}
	}}
}

func orUnknown(i policy.Iprev) string {
	if i == policy.IprevUnknown {
		return "unknown"
	}
	return i.String()
}

// resolves says whether a name has the client's address: pass or fail, permerror
// when it is no host's, temperror when that cannot be known now. A name that has
// addresses of the other family alone says nothing: many servers talk IPv6 under a
// name that has none.
func (l *lookups) resolves(ctx context.Context, name string) policy.Iprev {
	family, other := 4, 6
	if l.client.Addr.Is6() {
		family, other = 6, 4
	}
	addrs, err := l.collector.opts.DNS.Addrs(ctx, name, family)
	switch {
	case err == nil && slices.Contains(addrs, l.client.Addr):
		return policy.IprevPass
	case err == nil && len(addrs) >= resolve.MostAddrs:
		return policy.IprevTempError // there may be more
	case err == nil && len(addrs) > 0:
		return policy.IprevFail
	case err != nil && !resolve.IsNotFound(err):
		return policy.IprevTempError
	case resolve.FailureOf(err) == resolve.NXDomain:
		return policy.IprevPermError
	}
	addrs, err = l.collector.opts.DNS.Addrs(ctx, name, other)
	switch {
	case err == nil && len(addrs) > 0:
		return policy.IprevUnknown
	case err != nil && !resolve.IsNotFound(err):
		return policy.IprevTempError
	}
	return policy.IprevPermError
}

// sender says whether the sender's domain names the client in its MX or its own
// addresses: the exemption of small offices (an idea of the Botnet plug-in of
// SpamAssassin).
func (l *lookups) sender(ctx context.Context, from, domain string) finding {
	result := l.sending(ctx, domain)
	return finding{outcome: result.String(), take: func(l *lookups) {
		if l.from == from {
			l.found.Sending = result
		}
	}}
}

func (l *lookups) sending(ctx context.Context, domain string) policy.Iprev {
	own := l.resolves(ctx, domain)
	if own == policy.IprevPass {
		return policy.IprevPass
	}
	exchanges, err := l.collector.opts.DNS.MX(ctx, domain)
	if err != nil && !resolve.IsNotFound(err) {
		return policy.IprevTempError
	}
	result := policy.IprevFail
	if own == policy.IprevTempError {
		result = policy.IprevTempError
	}
	for _, mx := range exchanges[:min(len(exchanges), maxExchanges)] {
		if mx.Null() {
			continue
		}
		switch l.resolves(ctx, mx.Host) {
		case policy.IprevPass:
			return policy.IprevPass
		case policy.IprevTempError:
			result = policy.IprevTempError
		}
	}
	return result
}

// cymru asks Team Cymru whose network it is.
func (l *lookups) cymru(ctx context.Context) finding {
	ctx, life := resolve.WithLife(ctx)
	texts, err := l.collector.opts.DNS.TXT(ctx, asn.CymruName(l.client.Addr))
	learnt := func(origins []uint32) fact {
		return fact{kind: factNetwork, body: networkBody(origins), life: max(life.Left(), shortest)}
	}
	switch {
	case resolve.IsNotFound(err):
		return finding{outcome: "none", fact: learnt(nil)}
	case err != nil:
		return finding{outcome: "temperror"}
	}
	for _, text := range texts {
		if origins, err := asn.ParseCymru(text); err == nil {
			origins = origins[:min(len(origins), maxOrigins)]
			network := l.network(origins)
			return finding{outcome: "found", take: func(l *lookups) { l.found.Network = network }, fact: learnt(origins)}
		}
	}
	return finding{outcome: "invalid"}
}

// network is the one that has these origins, with the admin's rows where there are any.
func (l *lookups) network(origins []uint32) policy.Network {
	if known := l.collector.opts.Networks; known != nil {
		return known.Of(slices.Clone(origins)) // those of callers stay on their stacks
	}
	return asn.Of(origins)
}

// reversed is an address as it stands in a reverse zone or a list: octets or
// nibbles from the last to the first, without a final dot.
func reversed(a netip.Addr) string {
	const hex = "0123456789abcdef"
	if a.Is4() {
		b := a.As4()
		return netip.AddrFrom4([4]byte{b[3], b[2], b[1], b[0]}).String()
	}
	raw := a.As16()
	text := make([]byte, 0, 64)
	for i := len(raw) - 1; i >= 0; i-- {
		text = append(text, hex[raw[i]&15], '.', hex[raw[i]>>4], '.')
	}
	return string(text[:len(text)-1])
}
