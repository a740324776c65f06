//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// caller is a client with a confirmed name, a name that it greets by, and a domain that its
// mail is from.
type caller struct {
	addr               netip.Addr
	host, helo, domain string
	records            string // in DNS
}

// server is the nth mail server: the name that it greets by is not that of its address, but
// is its own, and so is the domain, whose SPF record names it.
func server(n int) caller {
	c := caller{addr: address(0, n), domain: fmt.Sprintf("d%d.example.net", n)}
	c.host, c.helo = "mail."+c.domain, "smtp."+c.domain
	c.records = fmt.Sprintf("%[1]s A %[2]s\n%[3]s A %[2]s\n%[4]s MX 10 %[1]s\n%[4]s TXT \"v=spf1 mx -all\"\n", c.host, c.addr, c.helo, c.domain)
	return c
}

// suspect is the nth host on a consumer's line: a device by its greeting, whose mail is from the domain
// of others, which is looked up.
func suspect(n int) caller {
	c := caller{addr: address(1, n), helo: "DiskStation", domain: fmt.Sprintf("s%d.example.org", n)}
	c.host = fmt.Sprintf("cpe-%s.dyn.isp.example", strings.ReplaceAll(c.addr.String(), ".", "-"))
	c.records = fmt.Sprintf("%[1]s A %[2]s\n%[3]s MX 10 mail.%[3]s\nmail.%[3]s A 203.0.113.2\n%[3]s TXT \"v=spf1 mx -all\"\n", c.host, c.addr, c.domain)
	return c
}

// address is the nth of one half of benchNetwork.
func address(half byte, n int) netip.Addr {
	a := benchNetwork.Addr().As4()
	a[1] += half
	a[2], a[3] = byte((n+1)>>8), byte(n+1)
	return netip.AddrFrom4(a)
}

const (
	warmCallers = 64        // who come again and again
	mostCallers = 1<<16 - 2 // of a kind
)

// names is the system's resolver of the bench: it knows its callers and a key, and says at
// once of all else that it does not exist, as a resolver near by does that has been asked before.
type names struct {
	*dnstest.Server
	asked atomic.Int64
}

func startNames(callers int, key string) (*names, error) {
	s, err := dnstest.Start("127.0.0.1:53")
	if err != nil {
		return nil, err
	}
	n := &names{Server: s}
	s.OnQuestion(func(dnstest.Question) { n.asked.Add(1) })
	var zone strings.Builder
	fmt.Fprintf(&zone, "example.net MX 10 mail.example.net\nmail.example.net A 198.18.0.1\n_dmarc.example.net TXT \"v=DMARC1; p=none\"\n%s\n", key)
	for i := range callers {
		for _, c := range []caller{server(i), suspect(i)} {
			a := c.addr.As4()
			fmt.Fprintf(&zone, "%d.%d.%d.%d.in-addr.arpa PTR %s\n%s", a[3], a[2], a[1], a[0], c.host, c.records)
		}
	}
	if err := s.Set(zone.String()); err != nil {
		s.Close()
		return nil, err
	}
	return n, nil
}
