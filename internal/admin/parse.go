package admin

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ParsePrefix reads an address or a network. The host's bits of a network are
// cleared, and IPv4 that is written as IPv6 is IPv4.
func ParsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, bad("%q is no address and no network; hint: 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48", s)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

const (
	day     = 24 * time.Hour
	maxDays = 36_500
)

var days = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// ParseSpan reads a time span such as "30d", "12h" or "1d12h". A day has 24 hours.
func ParseSpan(s string) (span time.Duration, err error) {
	rest := s
	if m := days.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		span, rest = time.Duration(min(n, maxDays+1))*day, m[2]
	}
	if rest != "" || span == 0 {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 || strings.ContainsAny(rest, "+-") {
			return 0, bad("%q is no time span; hint: 30d, 12h or 1d12h", s)
		}
		span += more
	}
	if span < time.Second || span > maxDays*day {
		return 0, bad("%q is out of range: 1s to %dd", s, maxDays)
	}
	return span, nil
}
