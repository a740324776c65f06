//go:build integration

package integration

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is all that the fake name server knows, by lower-case name with a final
// dot. It is filled before the server starts and read-only from then on.
type zone map[string]*records

// records of one name. broken names are answered SERVFAIL.
type records struct {
	addrs  []netip.Addr
	ptr    string
	broken bool
}

// add takes a line "NAME A ADDR", "NAME AAAA ADDR", "ADDR PTR NAME" or "NAME SERVFAIL".
func (z zone) add(line string) error {
	w := strings.Fields(line)
	if len(w) == 2 && w[1] == "SERVFAIL" {
		z.at(w[0]).broken = true
		return nil
	}
	if len(w) != 3 {
		return fmt.Errorf("names: %q is no record", line)
	}
	switch w[1] {
	case "A", "AAAA":
		return z.addAddr(w[0], w[2])
	case "PTR":
		return z.addPTR(w[0], w[2])
	}
	return fmt.Errorf("names: no type %s", w[1])
}

func (z zone) at(name string) *records {
	name = strings.ToLower(strings.TrimSuffix(name, ".")) + "."
	if z[name] == nil {
		z[name] = &records{}
	}
	return z[name]
}

func (z zone) addAddr(name, text string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return err
	}
	r := z.at(name)
	for _, known := range r.addrs {
		if known == addr {
			return nil
		}
	}
	r.addrs = append(r.addrs, addr)
	return nil
}

func (z zone) addPTR(text, name string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return err
	}
	r := z.at(reverse(addr))
	if r.ptr != "" && r.ptr != name+"." {
		return fmt.Errorf("names: %s is %s in one case and %s in another; hint: give each case an address of its own", addr, r.ptr, name)
	}
	r.ptr = name + "."
	return nil
}

// addClient makes what DNS says about a client agree with its iprev result.
func (z zone) addClient(c client) error {
	if c.name == "" {
		return nil
	}
	if err := z.addPTR(c.addr, c.name); err != nil {
		return err
	}
	switch c.iprev {
	case "pass":
		return z.addAddr(c.name, c.addr)
	case "temperror":
		z.at(c.name).broken = true
	case "fail":
		return z.addAddr(c.name, "198.51.100.254")
	}
	return nil
}

func reverse(addr netip.Addr) string {
	var b strings.Builder
	if addr.Is4() {
		q := addr.As4()
		fmt.Fprintf(&b, "%d.%d.%d.%d.in-addr.arpa", q[3], q[2], q[1], q[0])
		return b.String()
	}
	q := addr.As16()
	for i := len(q) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "%x.%x.", q[i]&15, q[i]>>4)
	}
	return b.String() + "ip6.arpa"
}

// serve answers UDP queries on port 53 of this namespace until the test ends.
func (z zone) serve() error {
	conn, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		return err
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := z.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return nil
}

// answer is nil for what is no query.
func (z zone) answer(query []byte) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: h.ID, Response: true, RecursionDesired: h.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	r := z[strings.ToLower(q.Name.String())]
	switch {
	case r == nil:
		m.RCode = dnsmessage.RCodeNameError
	case r.broken:
		m.RCode = dnsmessage.RCodeServerFailure
	default:
		m.Answers = r.answers(q)
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

func (r *records) answers(q dnsmessage.Question) []dnsmessage.Resource {
	var out []dnsmessage.Resource
	put := func(body dnsmessage.ResourceBody) {
		head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 60}
		out = append(out, dnsmessage.Resource{Header: head, Body: body})
	}
	for _, a := range r.addrs {
		if a.Is4() && q.Type == dnsmessage.TypeA {
			put(&dnsmessage.AResource{A: a.As4()})
		}
		if a.Is6() && q.Type == dnsmessage.TypeAAAA {
			put(&dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	if r.ptr != "" && q.Type == dnsmessage.TypePTR {
		put(&dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(r.ptr)})
	}
	return out
}
