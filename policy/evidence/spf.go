package evidence

import (
	"context"
	"net"
	"net/netip"

	"blitiri.com.ar/go/spf"

	"github.com/iot-milter/iot-milter/policy"
)

// spf asks the sender's domain who may send for it (RFC 7208). A pass of a record
// that lets strangers pass, too, is told apart.
func (l *lookups) spf(ctx context.Context, from, helo string) finding {
	result := l.check(ctx, l.client.Addr, from, helo)
	if result == policy.SPFPass {
		result = l.narrow(ctx, from, helo)
	}
	return finding{outcome: orNone(result), take: func(l *lookups) {
		if l.from == from {
			l.found.SPF = result
		}
	}}
}

func orNone(s policy.SPF) string {
	if s == policy.SPFUnknown {
		return "unknown"
	}
	return s.String()
}

var spfResults = map[spf.Result]policy.SPF{
	spf.None: policy.SPFNone, spf.Neutral: policy.SPFNeutral, spf.Pass: policy.SPFPass, spf.Fail: policy.SPFFail,
	spf.SoftFail: policy.SPFSoftFail, spf.TempError: policy.SPFTempError, spf.PermError: policy.SPFPermError,
}

func (l *lookups) check(ctx context.Context, addr netip.Addr, from, helo string) policy.SPF {
	// The library's error explains the result; the result alone matters here.
	result, _ := spf.CheckHostWithSender(net.IP(addr.AsSlice()), helo, from,
		spf.WithContext(ctx), spf.WithResolver(l.collector.opts.SPF(addr)))
	return spfResults[result]
}

// A record that lets pass the address that differs from the client's in this bit
// alone, counted from the left, covers a /8 or more around it (IPv6: a /24, what a
// regional registry gives out at most): it ends in "+all", or might as well.
const (
	strange4 = 8
	strange6 = 24
)

// narrow is what a pass is worth: a pass, or one that strangers have, too. Whoever
// writes the record can make the question about strangers fail: then nothing is
// known.
func (l *lookups) narrow(ctx context.Context, from, helo string) policy.SPF {
	bit := strange4
	if l.client.Addr.Is6() {
		bit = strange6
	}
	switch l.check(ctx, flipped(l.client.Addr, bit), from, helo) {
	case policy.SPFPass:
		return policy.SPFOpen
	case policy.SPFTempError, policy.SPFPermError:
		return policy.SPFTempError
	}
	return policy.SPFPass
}

// flipped is an address with one bit turned, from the left.
func flipped(a netip.Addr, bit int) netip.Addr {
	b := a.AsSlice()
	b[bit/8] ^= 0x80 >> (bit % 8)
	f, _ := netip.AddrFromSlice(b)
	return f
}
