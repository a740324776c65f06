package asn

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

// The zones of Team Cymru's IP to ASN service, see
// https://www.team-cymru.com/ip-asn-mapping.
const (
	cymru4 = "origin.asn.cymru.com"
	cymru6 = "origin6.asn.cymru.com"
)

// CymruName is the name whose TXT record says whose network addr is in: as in
// reverse DNS, with another end. It is "" for what is no address.
func CymruName(addr netip.Addr) string {
	addr = addr.Unmap()
	switch {
	case addr.Is4():
		a := addr.As4()
		b := make([]byte, 0, len("255.255.255.255.")+len(cymru4))
		for i := len(a) - 1; i >= 0; i-- {
			b = append(strconv.AppendUint(b, uint64(a[i]), 10), '.')
		}
		return string(append(b, cymru4...))
	case addr.Is6():
		const hex = "0123456789abcdef"
		a := addr.As16()
		b := make([]byte, 0, 4*len(a)+len(cymru6))
		for i := len(a) - 1; i >= 0; i-- {
			b = append(b, hex[a[i]&15], '.', hex[a[i]>>4], '.')
		}
		return string(append(b, cymru6...))
	}
	return ""
}

// maxOrigins is how many origins of one prefix are read.
const maxOrigins = 32

// ParseCymru reads the origins in an answer, one at least:
//
//	3561 | 216.88.0.0/14 | US | arin | 1998-09-25
//	23028 33333 | 2001:db8::/32 | US | arin |
//
// The answer is what a name server says, and may be anything.
func ParseCymru(txt string) (origins []uint32, err error) {
	f := strings.Split(txt, "|")
	if len(txt) > 512 || len(f) < 3 {
		return nil, errors.New("not an answer of the IP to ASN service: ASN | prefix | country …")
	}
	if p := strings.TrimSpace(f[1]); p != "" {
		if _, err := netip.ParsePrefix(p); err != nil {
			return nil, fmt.Errorf("an answer without a prefix: %q", clean(p))
		}
	}
	numbers := strings.Fields(f[0])
	if len(numbers) == 0 || len(numbers) > maxOrigins {
		return nil, fmt.Errorf("an answer with %d origins", len(numbers))
	}
	for _, o := range numbers {
		asn, err := strconv.ParseUint(o, 10, 32)
		if err != nil || asn == 0 || o[0] == '+' {
			return nil, fmt.Errorf("an origin that is no number: %q", clean(o))
		}
		origins = append(origins, uint32(asn))
	}
	return origins, nil
}

// Of is the network that has these origins: the first is the ASN, and the kind is known
// only if it is the same for all. Kind and name, which Team Cymru's answer does not
// have, are by the built-in table; Source.Of knows the admin's rows.
func Of(origins []uint32) policy.Network { return of(origins, KindOf) }

// Of is the package's Of with the admin's rows.
func (s *Source) Of(origins []uint32) policy.Network { return of(origins, s.KindOf) }

func of(origins []uint32, kindOf func(asn uint32) policy.NetworkKind) (n policy.Network) {
	for i, asn := range origins {
		kind := kindOf(asn)
		if i == 0 {
			n = policy.Network{ASN: asn, Name: builtin()[asn].name, Kind: kind}
		} else if kind != n.Kind {
			n.Kind = policy.NetworkUnknown
		}
	}
	return n
}
