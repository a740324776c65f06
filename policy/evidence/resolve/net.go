package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// Net makes look-ups as *net.Resolver does: with its types, and errors that are
// *net.DNSError and nothing else. It is the DNSResolver of
// blitiri.com.ar/go/spf, which tells errors apart by that type. It is safe for
// concurrent use.
type Net struct {
	resolver *Resolver
	without6 bool
}

// Net returns the resolver in the shape of *net.Resolver.
func (r *Resolver) Net() Net { return Net{resolver: r} }

// For returns one that asks for the addresses that can be the client's only. IPv6
// clients need both families: SPF's "exists" is about A records for them, too
// (RFC 7208 section 5.7).
func (n Net) For(client netip.Addr) Net {
	n.without6 = client.Unmap().Is4()
	return n
}

// LookupTXT returns the TXT records of a name.
func (n Net) LookupTXT(ctx context.Context, name string) ([]string, error) {
	text, err := n.resolver.TXT(ctx, name)
	return text, asNet(err)
}

// LookupMX returns the mail exchangers of a domain. A null MX has the host ".".
func (n Net) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	found, err := n.resolver.MX(ctx, name)
	if err != nil {
		return nil, asNet(err)
	}
	all := make([]*net.MX, len(found))
	for i, m := range found {
		all[i] = &net.MX{Host: m.Host, Pref: m.Pref}
	}
	return all, nil
}

// LookupIPAddr returns the addresses of a name, IPv4 first. Where one family's
// question fails, all fails: half of the addresses would look like all.
func (n Net) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	var six []netip.Addr
	var err6 error
	done := make(chan struct{})
	if n.without6 {
		close(done)
	} else {
		go func() {
			defer close(done)
			six, err6 = n.resolver.Addrs(ctx, host, 6)
		}()
	}
	four, err := n.resolver.Addrs(ctx, host, 4)
	<-done
	if IsTemporary(err6) {
		return nil, asNet(err6)
	}
	if err != nil && (IsTemporary(err) || len(six) == 0) {
		return nil, asNet(err)
	}
	var all []net.IPAddr
	for _, addrs := range [...][]netip.Addr{four, six} {
		for _, a := range addrs {
			all = append(all, net.IPAddr{IP: a.AsSlice()})
		}
	}
	return all, nil
}

// LookupAddr returns the names of an address, at most 10, without final dots.
func (n Net) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "not an address", Name: addr, IsNotFound: true}
	}
	names, err := n.resolver.Names(ctx, a)
	return names, asNet(err)
}

func asNet(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return nil // look-ups fail with nothing else
	}
	d := &net.DNSError{
		Err: e.Failure.String(), Name: e.Name,
		IsTimeout: e.Failure == Timeout, IsTemporary: e.Temporary(), IsNotFound: e.NotFound(),
	}
	if e.Server.IsValid() {
		d.Server = e.Server.String()
	}
	return d
}
