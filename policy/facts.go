package policy

import (
	"net/netip"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy/device"
)

// Text is an observed string, or unknown. The zero value is unknown, which is
// not the same as an observed empty string. Text is a value; copy it freely.
type Text struct {
	value string
	known bool
}

// Seen returns the Text of an observed string.
func Seen(s string) Text { return Text{value: s, known: true} }

// Get returns the string and whether it is known.
func (t Text) Get() (string, bool) { return t.value, t.known }

// Known reports whether the text was observed.
func (t Text) Known() bool { return t.known }

// String returns the observed string, "" when it is unknown.
func (t Text) String() string { return t.value }

// Client is what the MTA told about the SMTP client at CONNECT. The strings are
// an attacker's text, cut to 255 bytes.
type Client struct {
	At      time.Time      // when the connection was seen: the only clock of a judgement
	Session string         // our name of the milter connection
	MTA     string         // the MTA's own name, its macro j
	Addr    netip.Addr     // of the client, IPv4-mapped ones unmapped; invalid when it is unknown
	Port    uint16         // of the client; 0 is unknown
	CanHold bool           // the MTA agreed to quarantine messages
	Unix    bool           // the mail comes from a process on the MTA's machine
	Iprev   Iprev          // of the PTR name
	Name    Text           // the PTR name: confirmed when Iprev is pass, claimed otherwise
	Server  netip.AddrPort // what the client connected to, as far as told
	Daemon  string         // name of the listening daemon, macro {daemon_name}
}

// Greeting is what the client said in HELO or EHLO. The zero value is "no HELO
// yet", which is an unknown fact: RFC 5321 clients may be allowed to omit it.
type Greeting struct {
	Name       Text
	Before     Text   // another name that the client gave before this one, if any
	TLSVersion string // "" without TLS
	Cipher     string
}

// Envelope is the sender of one message.
type Envelope struct {
	From     Text   // without angle brackets; "" is the null sender, which is never evidence
	AuthUser string // macro {auth_authen}: who authenticated; "" when nobody did
	AuthType string // macro {auth_type}
}

// Sender is the address as logs and decisions show it: "<>" for the null sender,
// "" when it is unknown.
func (e *Envelope) Sender() string {
	if from, ok := e.From.Get(); ok && from == "" {
		return "<>"
	}
	return e.From.String()
}

// DomainOf is what stands right of the last @ of an address, unknown without one.
func DomainOf(address string) Text {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return Text{}
	}
	return Seen(strings.TrimSuffix(address[at+1:], ">"))
}

// Facts is everything that a judgement may look at. The owner of a Facts is one
// session; signals only read it. Its zero value knows nothing.
type Facts struct {
	Client   Client
	Greeting Greeting
	Envelope Envelope
	Headers  *Headers // nil before the end of message

	// Table is what names are parsed by; nil is the built-in one.
	Table *device.Table

	// PTR and HELO are the parsed names, filled by Parse. Their zero value is
	// "nothing to parse".
	PTR  device.Name
	HELO device.Name

	// Recipient is the domain of the recipient being judged, unknown before there
	// is one. Other domains of the same message are not told.
	Recipient Text

	// Past is what earlier sessions of the address showed.
	Past Past

	// Found is what look-ups added.
	Found

	// NamesSuspended takes name evidence out: DNS is ill, not the world.
	NamesSuspended bool

	// Hosts are the MTA's own names, lower case: a client that greets with one
	// of them lies.
	Hosts []string
}

// ParseClient fills what follows from the Client.
func (f *Facts) ParseClient() { f.PTR = f.parse(f.Client.Name, &f.HELO) }

// ParseGreeting fills what follows from the Greeting.
func (f *Facts) ParseGreeting() { f.HELO = f.parse(f.Greeting.Name, &f.PTR) }

// parse parses a name of the client. Most mail servers greet with the name that DNS has
// for them: what one of the two says then is what the other does.
func (f *Facts) parse(t Text, other *device.Name) device.Name {
	name, ok := t.Get()
	switch {
	case !ok:
		return device.Name{}
	case other.Text == name && other.Shape != device.ShapeNone:
		return *other
	}
	return f.Table.Parse(name, f.Client.Addr)
}
