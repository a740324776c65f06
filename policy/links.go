package policy

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

const (
	maxURLs  = 512 // of a body that are looked at
	maxLinks = 4   // domains that one message advertises; whoever links to more does something else
	maxHost  = 253 // bytes of a host name (RFC 1035, section 2.3.4)
)

// Links is where a body leads: the registered domains of the hosts in its http and
// https addresses, sorted, without those that everybody links to. The zero value is
// unknown: nobody looked, which is not the same as a body without a link.
type Links struct {
	// Cut says that the body was not read to its end: it was longer than MaxBody, or
	// had too many parts or addresses.
	Cut bool

	known   bool
	many    bool // more than maxLinks
	domains []string
}

// Get returns the domains, none where there are more than a few, and whether the body
// was looked at.
func (l *Links) Get() (domains []string, known bool) { return l.domains, l.known }

// add takes a domain.
func (l *Links) add(domain string) {
	i, found := slices.BinarySearch(l.domains, domain)
	switch {
	case found || l.many:
	case len(l.domains) == maxLinks:
		l.domains, l.many = nil, true
	default:
		l.domains = slices.Insert(l.domains, i, domain)
	}
}

// scan finds the addresses in a text.
func (r *linkReader) scan(text []byte) {
	for !r.many {
		i := bytes.Index(text, []byte("://"))
		if i < 0 {
			return
		}
		scheme := text[:i]
		text = text[i+len("://"):]
		if !endsWith(scheme, "http") && !endsWith(scheme, "https") {
			continue
		}
		if r.urls == maxURLs {
			r.Cut = true
			return
		}
		r.urls++
		if domain := linkDomain(authority(text, r.torn)); domain != "" {
			r.add(domain)
		}
	}
}

func endsWith(text []byte, word string) bool {
	return len(text) >= len(word) && is(text[len(text)-len(word):], word)
}

// authority is what an address, which has lost its scheme, begins with: the host and
// what may stand around it. It is empty where the text may end within it.
func authority(text []byte, torn bool) []byte {
	end := bytes.IndexFunc(text[:min(len(text), 4*maxHost)], endsAuthority)
	switch {
	case end >= 0:
		return text[:end]
	case torn || len(text) > 4*maxHost:
		return nil
	}
	return text
}

// linkDomain is whose host that is; "" where it tells nothing. A browser goes to what
// stands behind the last @.
func linkDomain(address []byte) string {
	host := address[bytes.LastIndexByte(address, '@')+1:]
	host, _, _ = bytes.Cut(host, []byte(":"))
	host = bytes.TrimRight(host, ".")
	if len(host) == 0 || len(host) > maxHost {
		return ""
	}
	for _, b := range host {
		b = lower(b)
		if !('a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '.' || b == '-' || b == '_') {
			return ""
		}
	}
	name := strings.ToLower(string(host))
	if ip, err := netip.ParseAddr(name); err == nil {
		if !ip.IsGlobalUnicast() || ip.IsPrivate() {
			return ""
		}
		return name
	}
	return device.LinkDomain(name)
}

// endsAuthority reports what ends the host of an address in HTML or in running text.
func endsAuthority(c rune) bool { return c <= ' ' || strings.ContainsRune("/?#\\\"'<>()[]{}|^`,;", c) }

// links is the template of what a message advertises, whatever it looks like; 0 for
// none. What is the recipient's, one's own or the sender's is in honest mail.
func (f *Facts) links() uint64 {
	sum, any := mixByte(hashStart, 'u'), false
	for _, domain := range f.Headers.Links.domains {
		if f.familiar(domain) {
			continue
		}
		any = true
		for i := range len(domain) {
			sum = mixByte(sum, domain[i])
		}
		sum = mixByte(sum, 0)
	}
	if !any {
		return 0
	}
	return nonZero(sum)
}

// familiar reports whether the domain is the recipient's, the MTA's or the sender's.
func (f *Facts) familiar(domain string) bool {
	if within(f.Recipient.String(), domain) || within(DomainOf(f.Envelope.From.String()).String(), domain) {
		return true
	}
	return slices.ContainsFunc(f.Hosts, func(own string) bool { return within(own, domain) })
}

// within reports whether the host is the domain or below it.
func within(host, domain string) bool {
	n := len(host) - len(domain)
	return n >= 0 && sameASCII(host[n:], domain) && (n == 0 || host[n-1] == '.')
}
