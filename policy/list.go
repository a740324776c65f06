package policy

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// Codes is a set of answers of a DNS list: for each octet the least and the most.
// The zero value is no answer at all.
type Codes struct{ least, most [4]byte }

// errCodes is what ParseCodes wants.
var errCodes = errors.New(`want an answer in 127.0.0.0/8, each octet a number, a range or *: "127.0.0.4", "127.0.0.4-7", "127.0.*.2"`)

// ParseCodes reads "127.0.0.2", "127.0.0.4-7" or "127.0.*.3".
func ParseCodes(text string) (c Codes, err error) {
	octets := strings.Split(text, ".")
	if len(octets) != 4 || octets[0] != "127" {
		return Codes{}, errCodes
	}
	for i, octet := range octets {
		least, most, ranged := strings.Cut(octet, "-")
		if !ranged {
			most = least
		}
		if octet == "*" {
			least, most = "0", "255"
		}
		from, err1 := strconv.ParseUint(least, 10, 8)
		to, err2 := strconv.ParseUint(most, 10, 8)
		if err1 != nil || err2 != nil || from > to {
			return Codes{}, errCodes
		}
		c.least[i], c.most[i] = byte(from), byte(to)
	}
	return c, nil
}

// Contains reports whether the answer is in the set.
func (c Codes) Contains(answer netip.Addr) bool {
	if !answer.Is4() || c.least[0] == 0 {
		return false
	}
	for i, b := range answer.As4() {
		if b < c.least[i] || b > c.most[i] {
			return false
		}
	}
	return true
}

// String is the text that ParseCodes reads.
func (c Codes) String() string {
	if c.least[0] == 0 {
		return ""
	}
	octets := make([]string, 4)
	for i := range octets {
		least, most := strconv.Itoa(int(c.least[i])), strconv.Itoa(int(c.most[i]))
		switch {
		case c.least[i] == 0 && c.most[i] == 255:
			octets[i] = "*"
		case least != most:
			octets[i] = least + "-" + most
		default:
			octets[i] = least
		}
	}
	return strings.Join(octets, ".")
}

// keyedZones are those below which customers have a key of their own as the first
// label: Spamhaus' Data Query Service, Abusix.
var keyedZones = []string{"dq.spamhaus.net", "mail.abusix.zone"}

// WithoutKey is the zone of a list without a customer's key, which is a secret, and
// whether there was one.
func WithoutKey(zone string) (shown string, keyed bool) {
	_, rest, _ := strings.Cut(zone, ".")
	for _, below := range keyedZones {
		if rest == below || strings.HasSuffix(rest, "."+below) {
			return rest, true
		}
	}
	return zone, false
}
