package device

import "net/netip"

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
	Access                      // a word of consumer access lines: dyn, pool, dsl, cable …
	Server                      // a word of mail servers: mail, mx, smtp …
	Business                    // static or business lines
	Hosting                     // rented machines
)

// Name is a parsed PTR or HELO name. The zero value is "nothing was parsed".
type Name struct {
	Text   string // as given
	Domain string // the registered domain, lower case; "" unless Shape is ShapeFQDN
	Shape  Shape
	Traits Traits
	Addr   netip.Addr // of a literal or bare address
	Kind   Kind       // of the device that the name names
	Vendor string
	Word   string // the word of the text that made it so
}

// Has reports whether n has all the traits of t.
func (n Name) Has(t Traits) bool { return n.Traits&t == t }

// Parse says what name tells about a host at addr.
func Parse(name string, addr netip.Addr) Name { return Name{Text: name, Shape: ShapeFQDN} }
