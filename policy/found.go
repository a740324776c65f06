package policy

import (
	"net/netip"
	"time"

	"github.com/iot-milter/iot-milter/policy/device"
)

// Found is what look-ups found about a connection, beside what the MTA told. Its
// zero value is "nothing is known", part by part: what nobody asked, what has not
// been answered yet and what could not be answered tell nothing. It is a value;
// the strings and slices in it are shared and never changed.
type Found struct {
	Stack    Stack
	Network  Network
	Listings []Listing
	P0f      P0f
	Banner   Banner

	// Confirmed says whether the HELO name resolves to the client's address.
	Confirmed Iprev
	// Sending says whether the sender's domain, by its MX or A records, names the
	// client: a small office's server on a line of its own.
	Sending Iprev
	// SPF is what the sender's domain says of the client (RFC 7208).
	SPF SPF
}

// Stack is what the kernel knows of the TCP stack at the other end of the
// connection (TCP_INFO, tcp(7)).
type Stack struct {
	Known bool
	// Whole says that the options are all that the client offered: false where a
	// SYN cookie may have dropped them, and then those that are missing tell nothing.
	Whole       bool
	Scale       int8 // window scale, 0 to 14; -1 when the client offered none
	Timestamps  bool
	SACK        bool
	ECN         bool
	MSS         uint16 // what the client announced, in bytes; 0 where our own path hides it
	V6          bool   // an MSS of IPv6 is 20 bytes less for the same link
	RTT         time.Duration
	Retransmits uint32
}

// NetworkKind is what an autonomous system is known for.
type NetworkKind uint8

// The kinds of networks.
const (
	NetworkUnknown NetworkKind = iota
	NetworkAccess
	NetworkMobile
	NetworkHosting
	NetworkBusiness
	NetworkEducation
)

var networkWords = []string{"", "access", "mobile", "hosting", "business", "education"}

func (k NetworkKind) String() string { return word(networkWords, int(k)) }

// ParseNetworkKind returns the kind that s names; "" is NetworkUnknown.
func ParseNetworkKind(s string) (NetworkKind, error) {
	return parse[NetworkKind](networkWords, s, "kind of network")
}

// Network is whose network the client's address is in.
type Network struct {
	ASN  uint32 // autonomous system; 0 is unknown
	Name string // of its holder; attackers choose it as little as their provider
	Kind NetworkKind
}

// ListKind is what it means to be on a list.
type ListKind uint8

// The kinds of lists: addresses of consumer lines, of machines that relay for
// others without their owner's will, of sources of spam, of known mail servers.
const (
	ListAccess ListKind = iota
	ListProxy
	ListAbuse
	ListAllow
	numListKinds
)

var listWords = []string{"access", "proxy", "abuse", "allow"}

func (k ListKind) String() string { return word(listWords, int(k)) }

// ParseListKind returns the kind that s names.
func ParseListKind(s string) (ListKind, error) { return parse[ListKind](listWords, s, "kind of list") }

// Listing is one list's word on the client's address.
type Listing struct {
	Zone   string
	Code   netip.Addr // the answer, in 127.0.0.0/8
	Kind   ListKind
	Weight *Weight // by the admin's configuration, see ListWeight
}

// P0f is what p0f says of the client's address. It knows addresses, not
// connections: another host behind it may have been seen.
type P0f struct {
	Known    bool
	NAT      bool   // it saw different systems at the address of late
	OS       string // "Linux", "Windows" …, "" when it matched nothing
	Flavor   string // "3.11 and newer"
	Link     string // "Ethernet or modem", "DSL" …
	Distance int    // hops; -1 is unknown
	Uptime   time.Duration
}

// Banner is what an earlier probe saw at the client's address.
type Banner struct {
	Kind   device.Kind
	Vendor string
	Place  string // "http", "telnet" …: a word of device.ParseProtocol
	Text   string // the words that made it so, an attacker's text
}

// SPF is the result of the sender's domain's policy for the client.
type SPF uint8

// The results. SPFOpen is a pass of a record that lets nearly everybody pass, and
// tells nothing about who does.
const (
	SPFUnknown SPF = iota
	SPFNone
	SPFPass
	SPFOpen
	SPFNeutral
	SPFSoftFail
	SPFFail
	SPFTempError
	SPFPermError
)

var spfWords = []string{"", "none", "pass", "open", "neutral", "softfail", "fail", "temperror", "permerror"}

func (s SPF) String() string { return word(spfWords, int(s)) }

// ParseSPF returns the result that s names; "" is SPFUnknown.
func ParseSPF(s string) (SPF, error) { return parse[SPF](spfWords, s, "result of SPF") }
