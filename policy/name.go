package policy

import (
	"net/netip"
	"strings"
)

// maxName is the longest name or HELO that is kept, in bytes (RFC 1035, section
// 2.3.4); more is cut.
const maxName = 255

// ClipName cuts an attacker's text to what a name may have.
func ClipName(s string) string { return s[:min(len(s), maxName)] }

// HostName returns a PTR name as told by an MTA, without its closing dot, unless
// it stands for "no name": empty, "unknown", or an address.
func HostName(s string) string {
	s = strings.TrimSuffix(ClipName(s), ".")
	if s == "" || s[0] == '[' || strings.EqualFold(s, "unknown") || ParseAddr(s).IsValid() {
		return ""
	}
	return s
}

// ParseAddr reads an address in any MTA's spelling: Sendmail's "IPv6:" prefix,
// brackets, a scope, an IPv4 address mapped into IPv6. An invalid one is the zero
// Addr.
func ParseAddr(s string) netip.Addr {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if len(s) > 5 && strings.EqualFold(s[:5], "IPv6:") {
		s = s[5:]
	}
	// The parser's error would cost an allocation for each name. What has no colon is of
	// IPv4, if anything, and ends with a digit.
	if s == "" || !strings.Contains(s, ":") && (s[len(s)-1] < '0' || s[len(s)-1] > '9') {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.WithZone("").Unmap()
}
