//go:build integration

package integration

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// names is the name server of the world: the MTAs and the daemon ask it.
var names *dnstest.Server

// zone collects what the name server is to know, in the words of package dnstest.
type zone struct {
	text  strings.Builder
	lines map[string]bool
	ptrs  map[netip.Addr]string
}

func newZone() *zone {
	return &zone{lines: map[string]bool{}, ptrs: map[netip.Addr]string{}}
}

// add takes a line of a case: "ADDRESS PTR NAME", "NAME SERVFAIL", or what dnstest
// understands.
func (z *zone) add(line string) error {
	w := strings.Fields(line)
	switch {
	case len(w) == 2 && w[1] == "SERVFAIL":
		z.put("!servfail " + w[0])
	case len(w) == 3 && w[1] == "PTR":
		return z.addPTR(w[0], w[2])
	default:
		z.put(line)
	}
	return nil
}

// put adds a line once: cases share names, and a set has no record twice.
func (z *zone) put(line string) {
	if line = strings.Join(strings.Fields(line), " "); !z.lines[line] {
		z.lines[line] = true
		z.text.WriteString(line + "\n")
	}
}

func (z *zone) addAddr(name, addr string) {
	kind := "A"
	if strings.Contains(addr, ":") {
		kind = "AAAA"
	}
	z.put(name + " " + kind + " " + addr)
}

func (z *zone) addPTR(text, name string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return err
	}
	if known := z.ptrs[addr]; known != "" && known != name {
		return fmt.Errorf("names: %s is %s in one case and %s in another; hint: give each case an address of its own", addr, known, name)
	}
	z.ptrs[addr] = name
	z.put(reverse(addr) + " PTR " + name)
	return nil
}

// addClient makes what DNS says about a client agree with its iprev result.
func (z *zone) addClient(c client) error {
	if c.name == "" {
		return nil
	}
	if err := z.addPTR(c.addr, c.name); err != nil {
		return err
	}
	switch c.iprev {
	case "pass":
		z.addAddr(c.name, c.addr)
	case "temperror":
		z.put("!servfail " + c.name)
	case "fail":
		z.addAddr(c.name, "198.51.100.254")
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

// serve starts the name server, on port 53 of this namespace until the test ends.
func (z *zone) serve() (err error) {
	if names, err = dnstest.Start("127.0.0.1:53"); err != nil {
		return err
	}
	return names.Set(z.text.String())
}
