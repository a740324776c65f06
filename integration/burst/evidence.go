package main

import (
	"context"
	"net/netip"
	"sync/atomic"

	"github.com/iot-milter/iot-milter/policy"
)

// evidence is what the daemon would find in DNS and in a table of networks, from
// the scene: which autonomous system an address is in, whether the HELO name
// resolves to the client, whether the sender's domain names it. The answers are
// there at once.
type evidence struct {
	world *world
	names bool                 // whether names are looked up
	now   atomic.Pointer[host] // of the session under way: there is one at a time
}

var _ policy.Evidence = (*evidence)(nil)

// Start implements policy.Evidence.
func (e *evidence) Start(c policy.Client) policy.Lookups {
	return &lookups{evidence: e, host: e.now.Load(), addr: c.Addr}
}

type lookups struct {
	evidence        *evidence
	host            *host
	addr            netip.Addr
	greeted, sender bool
}

func (l *lookups) Greeting(policy.Greeting) { l.greeted = true }
func (l *lookups) Sender(policy.Envelope)   { l.sender = true }

func (l *lookups) Await(_ context.Context, f *policy.Facts) error {
	if l.addr.Is4() {
		f.Network.ASN = l.evidence.world.asn(l.addr.As4())
	}
	if !l.evidence.names || l.host == nil {
		return nil
	}
	result := func(holds bool) policy.Iprev {
		if holds {
			return policy.IprevPass
		}
		return policy.IprevFail
	}
	if l.greeted {
		f.Confirmed = result(l.host.resolves)
	}
	if l.sender {
		f.Sending = result(l.host.sends)
	}
	return nil
}

func (l *lookups) Judged(*policy.Facts, *policy.Judgement) {}
func (l *lookups) Close()                                  {}
