package device

import (
	"net/netip"
	"strings"
)

// Shape is the outward form of a host name.
type Shape uint8

// The shapes, in the order in which they are tried.
const (
	ShapeNone      Shape = iota // nothing was parsed
	ShapeEmpty                  // the empty name, or "(none)" of a machine without one
	ShapeLiteral                // an address literal, [192.0.2.1] or [IPv6:2001:db8::1]
	ShapeAddress                // a bare address
	ShapeLocalhost              // localhost, or below it
	ShapeSingle                 // one label
	ShapePrivate                // below a suffix of private networks: .lan .home .local …
	ShapeFQDN                   // a name below a public suffix
	ShapeBroken                 // not a host name
)

// Traits are what the words of a name say about its host.
type Traits uint16

// The traits. A name can have several that contradict each other; the signals
// weigh them.
const (
	Own      Traits = 1 << iota // holds the client's own address in some spelling
	Access                      // numbered as consumer access lines are: dyn, pool, dsl …
	Server                      // a word of mail servers: mail, mx, smtp …
	Business                    // static or business lines
	Hosting                     // rented machines
	Numbers                     // four octets in a row, whosever address they are
	Provider                    // below the domain of a provider of access lines
	Hardware                    // holds a MAC address

	// Weak stands in rows only. A weak word of servers counts where no address
	// stands beside it, a weak word of access lines only beside an address or
	// below a provider's domain, a weak word of hosting where no word of servers is.
	Weak Traits = 1 << 15
)

// Name is a parsed PTR or HELO name. The zero value is "nothing was parsed".
// It is a value that shares memory only with the parsed text.
type Name struct {
	Text   string // as given
	Domain string // the registered domain, lower case; "" unless Shape is ShapeFQDN
	Traits Traits
	Shape  Shape
	Kind   Kind       // of the device that the name names
	MAC    MAC        // where Traits have Hardware
	Addr   netip.Addr // of a literal or bare address
	Vendor string     // of the device
	Word   string     // the word of the text that made it so
}

// Has reports whether n has all the traits of t.
func (n Name) Has(t Traits) bool { return n.Traits&t == t }

// Any reports whether n has one of the traits of t.
func (n Name) Any(t Traits) bool { return n.Traits&t != 0 }

// Equal reports whether both are the same host name: letter case and a final
// dot make no difference.
func (n Name) Equal(host string) bool {
	return n.Text != "" && equalFold(trimDot(n.Text), trimDot(host))
}

// maxName is the length of the longest host name in bytes (RFC 1035, section
// 2.3.4). What is longer is no name.
const maxName = 255

// Parse says what name tells about a host at addr, which may be invalid when it
// is unknown. Any bytes are allowed. It is safe for concurrent use and allocates
// only what the public suffix library does, and a copy of names with capitals.
func Parse(name string, addr netip.Addr) Name { return builtin.Parse(name, addr) }

// Parse is Parse by the rows of t, or by the built-in ones if t is nil.
func (t *Table) Parse(name string, addr netip.Addr) Name {
	if t == nil {
		t = builtin
	}
	n := Name{Text: name}
	host := trimDot(name)
	switch {
	case host == "" || unnamed(host):
		n.Shape = ShapeEmpty
		return n
	case len(host) > maxName:
		n.Shape = ShapeBroken
		return n
	case host[0] == '[':
		n.Addr, n.Shape = literal(host), ShapeLiteral
		if !n.Addr.IsValid() {
			n.Shape = ShapeBroken
		}
		return n
	}
	if a := bare(host); a.IsValid() {
		n.Addr, n.Shape = a, ShapeAddress
		return n
	}
	host = lowerASCII(host)
	left := t.shape(&n, host)
	if n.Shape != ShapeLocalhost {
		t.traits(&n, left, addr)
		t.device(&n, host)
	}
	return n
}

// unnamed reports the default host name of the Linux kernel, "(none)".
func unnamed(host string) bool {
	first, _, _ := strings.Cut(host, ".")
	return equalFold(first, "(none)")
}

// shape finds the shape and the registered domain, and returns what stands left
// of the latter: the part that whoever named the host chose freely.
func (t *Table) shape(n *Name, host string) (left string) {
	switch {
	case !isHost(host):
		n.Shape = ShapeBroken
		return host
	case host == "localhost" || host == "localhost.localdomain" || hasSuffix(host, ".localhost"):
		n.Shape = ShapeLocalhost
		return ""
	}
	dot := lastDot(host)
	if dot < 0 {
		n.Shape = ShapeSingle
		return host
	}
	if end, row := t.private(host, dot); row != nil {
		n.Shape, n.Kind, n.Vendor = ShapePrivate, row.Kind, row.Vendor
		if row.Kind != None {
			n.Word = row.Suffix
		}
		return host[:max(end, 0)]
	}
	if allDigits(host[dot+1:]) {
		n.Shape = ShapeBroken
		return host
	}
	domain, org, ok := registered(host, dot)
	if !ok {
		// No registry has the last label: the name works in one network only.
		n.Shape = ShapePrivate
		return host[:dot]
	}
	n.Shape, n.Domain = ShapeFQDN, domain
	if row := t.domain(host); row != nil {
		n.Traits |= row.Traits
	}
	return trimDot(host[:len(host)-len(org)])
}
