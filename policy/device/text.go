package device

import (
	"net/netip"
	"strings"
)

func trimDot(s string) string {
	if s != "" && s[len(s)-1] == '.' {
		return s[:len(s)-1]
	}
	return s
}

func hasPrefix(s, prefix string) bool { return strings.HasPrefix(s, prefix) }
func hasSuffix(s, suffix string) bool { return strings.HasSuffix(s, suffix) }
func lastDot(s string) int            { return strings.LastIndexByte(s, '.') }

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }
func isAlnum(c byte) bool  { return isDigit(c) || isLetter(c) }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c && c <= 'f' }

func hasDigit(s string) bool {
	for i := range len(s) {
		if isDigit(s[i]) {
			return true
		}
	}
	return false
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func allHex(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return s != ""
}

// lowerASCII leaves all other bytes as they are: strings.ToLower would replace
// what is no UTF-8.
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x != y && (x|0x20 != y|0x20 || !isLetter(x|0x20)) {
			return false
		}
	}
	return true
}

// isHost reports whether s, in lower case, is made of letters, digits, hyphens
// and underscores in labels of 1 to 63 bytes. The underscore is no host name's
// (RFC 952), but devices use it.
func isHost(s string) bool {
	label := 0
	for i := range len(s) {
		c := s[i]
		if c == '.' {
			if label == 0 {
				return false
			}
			label = 0
			continue
		}
		label++
		if label > 63 || !isLetter(c) && !isDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return label > 0
}

// literal parses an address literal (RFC 5321, section 4.1.3).
func literal(s string) netip.Addr {
	if len(s) < 3 || s[len(s)-1] != ']' {
		return netip.Addr{}
	}
	s = s[1 : len(s)-1]
	if len(s) > 5 && equalFold(s[:5], "ipv6:") {
		s = s[5:]
	}
	return bare(s)
}

// bare parses an address; it looks first, because the error of the parser
// would cost an allocation for each name.
func bare(s string) netip.Addr {
	colon := strings.IndexByte(s, ':') >= 0
	for i := range len(s) {
		c := s[i]
		if isDigit(c) || c == '.' || colon && (c == ':' || isHex(c|0x20)) {
			continue
		}
		return netip.Addr{}
	}
	if !colon && strings.Count(s, ".") != 3 {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
