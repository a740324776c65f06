package device

import (
	"fmt"
	"net/netip"
)

// MAC is the hardware address of a network interface. Its first three bytes are
// the maker's OUI.
type MAC [6]byte

func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// FromMaker reports whether m is an address that a maker may have given: of one
// interface, not made up by software (IEEE 802, the two lowest bits of the first
// byte), not zero.
func (m MAC) FromMaker() bool { return m[0]&3 == 0 && m != MAC{} }

// EUI64 returns the hardware address that an interface made its IPv6 address of
// (RFC 4291, appendix A). Privacy addresses have none, IPv4 addresses neither.
func EUI64(addr netip.Addr) (m MAC, ok bool) {
	if !addr.Is6() || addr.Is4In6() {
		return MAC{}, false
	}
	a := addr.As16()
	if a[11] != 0xff || a[12] != 0xfe {
		return MAC{}, false
	}
	m = MAC{a[8] ^ 2, a[9], a[10], a[13], a[14], a[15]}
	return m, m.FromMaker()
}

// macPrefixes stand before the MAC address of the modem in names of cable lines:
// cpe of Rogers and Cable Onda, s0106 of Shaw, h of AT&T Broadband.
var macPrefixes = [...]string{"cpe", "mac", "cm", "modem", "s0106", "h"}

// findMAC finds a MAC address in the text: twelve hexadecimal digits at the end
// of a run of letters and digits, or six pairs. After one of macPrefixes any
// address of a maker counts. Else it needs a letter, since IPv4 addresses are
// written in twelve digits, and a known maker or the block 00, where the oldest
// makers are: random host names have hexadecimal digits too.
func (t *Table) findMAC(text string) (MAC, bool) {
	before := ""
	for i := 0; i < len(text); {
		if !isAlnum(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && isAlnum(text[i]) {
			i++
		}
		run := text[start:i]
		if stem := len(run) - 12; stem >= 0 && allHex(run[stem:]) {
			prefix := run[:stem]
			if prefix == "" {
				prefix = before
			}
			m := macOf(run[stem:], 2)
			if m.FromMaker() && (macPrefix(prefix) || t.plausible(m, run[:stem], run[stem:])) {
				return m, true
			}
		}
		if len(run) == 2 && start+17 <= len(text) && pairs(text[start:start+17]) {
			if m := macOf(text[start:], 3); m.FromMaker() && t.plausible(m, "", text[start:start+17]) {
				return m, true
			}
		}
		before = run
	}
	return MAC{}, false
}

// macOf reads six pairs of hexadecimal digits, one each step bytes.
func macOf(s string, step int) (m MAC) {
	for k := range m {
		m[k] = byte(hexValue(s[step*k])<<4 | hexValue(s[step*k+1]))
	}
	return m
}

func macPrefix(s string) bool {
	for _, p := range macPrefixes {
		if s == p {
			return true
		}
	}
	return false
}

// plausible reports whether m, written as digits after stem, is no chance. A stem
// that ends in a hexadecimal digit may be the beginning of a longer number.
func (t *Table) plausible(m MAC, stem, digits string) bool {
	if !hasLetter(digits) {
		return false
	}
	if m[0] == 0 && len(stem) <= 2 {
		return true
	}
	_, _, known := t.makers.OUI([3]byte(m[:3]))
	return known && (stem == "" || !isHex(stem[len(stem)-1]))
}

func hasLetter(s string) bool {
	for i := range len(s) {
		if isLetter(s[i]) {
			return true
		}
	}
	return false
}

// pairs reports whether s is six pairs of hexadecimal digits with hyphens or
// underscores between.
func pairs(s string) bool {
	for i := range len(s) {
		if i%3 == 2 {
			if s[i] != '-' && s[i] != '_' {
				return false
			}
		} else if !isHex(s[i]) {
			return false
		}
	}
	return true
}
