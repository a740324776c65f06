package resolve

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// MostAddrs is how many addresses of a name are read: pools of senders have more than
// a hundred. A list of so many may not be the whole.
const MostAddrs = 256

const (
	mostRecords = 32  // MX records
	mostTexts   = 128 // TXT records: big companies have more than 32, and SPF's may be the last
	mostNames   = 10  // PTR records (RFC 7208 section 4.6.4)
	mostAliases = 16  // CNAME records followed; resolvers stop at 8 to 16
)

var (
	errAliases  = errors.New("too many CNAME records, or a loop")
	errAlias    = errors.New("a CNAME record leads to no name that can be asked for")
	errReferral = errors.New("the server refers to others: it does not recurse")
	errHost     = errors.New("no record holds a host name")
)

// MX is a mail exchanger (RFC 5321 section 5.1).
type MX struct {
	Host string // as the record spells it, without the final dot; "." in a null MX
	Pref uint16 // lower is preferred
}

// Null reports whether the record says that the domain takes no mail (RFC 7505).
// It is then the only one.
func (m MX) Null() bool { return m.Host == "." }

// found is what one message says of a question.
type found struct {
	answer
	failure Failure
	err     error
	aliases int    // CNAME records followed
	again   string // the name to ask for, where a chain of them ends without an answer
}

// read takes the answer to the question out of a message whose code is success or
// NXDOMAIN. What does not belong to the name or its aliases is ignored.
func read(m *dns.Msg, kind uint16) *found {
	f := &found{}
	f.life = maxTTL
	name := m.Question[0].Name
	for ; !f.take(m.Answer, kind, name); f.aliases++ {
		if f.aliases > mostAliases {
			f.failure, f.err = Invalid, errAliases
			return f
		}
		next := f.alias(m.Answer, name)
		if next == "" {
			f.none(m, name)
			return f
		}
		name = next
	}
	if m.Rcode == dns.RcodeNameError { // RFC 6604 section 3: the code is that of the last name
		f.none(m, name)
		return f
	}
	f.life = max(f.life, minLife)
	f.tidy(kind)
	return f
}

// take collects the records of a name, and reports whether there were any.
func (f *found) take(records []dns.RR, kind uint16, name string) bool {
	any := false
	for _, r := range records {
		h := r.Header()
		if h.Rrtype != kind || h.Class != dns.ClassINET || !strings.EqualFold(h.Name, name) {
			continue
		}
		any = true
		f.lives(h.Ttl)
		switch r := r.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(r.A); ok && len(f.addrs) < MostAddrs {
				f.addrs = append(f.addrs, a.Unmap())
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(r.AAAA); ok && a.Is6() && len(f.addrs) < MostAddrs {
				f.addrs = append(f.addrs, a)
			}
		case *dns.PTR:
			if host, ok := hostName(r.Ptr); ok && len(f.text) < mostNames {
				f.text = append(f.text, host)
			}
		case *dns.MX:
			if r.Mx == "." {
				f.mx = append(f.mx, MX{".", r.Preference})
			} else if host, ok := hostName(r.Mx); ok {
				f.mx = append(f.mx, MX{host, r.Preference})
			}
		case *dns.TXT:
			if len(f.text) < mostTexts {
				f.text = append(f.text, joined(r.Txt))
			}
		}
	}
	return any
}

// alias returns what the name is an alias of, "" if it is none.
func (f *found) alias(records []dns.RR, name string) string {
	for _, r := range records {
		if c, ok := r.(*dns.CNAME); ok && c.Hdr.Class == dns.ClassINET && strings.EqualFold(c.Hdr.Name, name) {
			f.lives(c.Hdr.Ttl)
			return c.Target
		}
	}
	return ""
}

// none tells the kinds of "no" apart, for a name that has no records of the kind
// and no alias (RFC 2308 section 2).
func (f *found) none(m *dns.Msg, name string) {
	f.failure = NoData
	if m.Rcode == dns.RcodeNameError {
		f.failure = NXDomain
	}
	referral := false
	for _, r := range m.Ns {
		if soa, ok := r.(*dns.SOA); ok && dns.IsSubDomain(soa.Hdr.Name, name) {
			f.lives(min(soa.Hdr.Ttl, soa.Minttl))
			f.life = min(max(f.life, minLife), maxNegative)
			return
		}
		referral = referral || r.Header().Rrtype == dns.TypeNS
	}
	if f.aliases > 0 && f.failure == NoData {
		f.failure, f.again = 0, name
		return
	}
	f.life = minLife // section 5: without an SOA it should not be kept
	if referral && !m.RecursionAvailable && f.failure == NoData {
		f.failure, f.err = Invalid, errReferral
	}
}

func (f *found) lives(seconds uint32) {
	if seconds > 1<<31-1 { // RFC 2181 section 8
		seconds = 0
	}
	f.life = min(f.life, time.Duration(seconds)*time.Second)
}

// tidy bounds what was taken. Lists are cut to their length, so that a caller who
// appends does not write into another's.
func (f *found) tidy(kind uint16) {
	if kind == dns.TypeMX && len(f.mx) > 0 {
		slices.SortStableFunc(f.mx, func(a, b MX) int { return int(a.Pref) - int(b.Pref) })
		if slices.ContainsFunc(f.mx, func(m MX) bool { return !m.Null() }) {
			f.mx = slices.DeleteFunc(f.mx, MX.Null) // RFC 7505 section 3: there must be no others
		} else {
			f.mx = f.mx[:1]
		}
		f.mx = slices.Clip(f.mx[:min(len(f.mx), mostRecords)])
	}
	f.addrs, f.text = slices.Clip(f.addrs), slices.Clip(f.text)
	if len(f.addrs)+len(f.text)+len(f.mx) == 0 {
		f.failure, f.err = NoData, errHost
		f.life = min(f.life, maxNegative)
	}
}

// hostName returns a name from a record without its final dot, and whether it
// holds nothing but letters, digits, '-' and '_'.
func hostName(s string) (string, bool) {
	s = strings.TrimSuffix(s, ".")
	for i := range len(s) {
		switch b := lower(s[i]); {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', b == '-', b == '_', b == '.':
		default:
			return "", false
		}
	}
	return s, s != ""
}

// joined puts the strings of a TXT record together (RFC 7208 section 3.3), and
// undoes the escapes that the library writes into them.
func joined(parts []string) string {
	var b strings.Builder
	for _, s := range parts {
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] != '\\' || i+1 == len(s):
				b.WriteByte(s[i])
			case i+3 < len(s) && isDigit(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]):
				b.WriteByte((s[i+1]-'0')*100 + (s[i+2]-'0')*10 + s[i+3] - '0')
				i += 3
			default:
				i++
				b.WriteByte(s[i])
			}
		}
	}
	return b.String()
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
