package resolve

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

const (
	maxName  = 253  // bytes of a name as text: 255 on the wire (RFC 1035 section 2.3.4)
	maxLabel = 63   // bytes
	udpSize  = 1232 // bytes that we offer to take: 1280, the least MTU of IPv6, without its headers
	headSize = 12   // bytes of a message before the question
)

// question is a type and a name, lower case and without the final dot. It lives
// on the stack, so that an answer from the cache costs no allocation.
type question struct {
	n    int
	text [1 + maxName]byte // the type, which is below 256 for all that we ask, then the name
}

func (q *question) kind() uint16 { return uint16(q.text[0]) }

// key is the text by which the question is told from others.
func (q *question) key() []byte { return q.text[:q.n] }

func (q *question) name() string { return string(q.text[1:q.n]) }

// set makes it the question for a name. It reports false for what can be no name,
// and keeps as much of it as fits, for the error.
func (q *question) set(kind uint16, name string) bool {
	q.text[0] = byte(kind)
	name = strings.TrimSuffix(name, ".")
	q.n = 1 + copy(q.text[1:], name)
	if len(name) == 0 || len(name) > maxName {
		return false
	}
	label := 0
	for i, b := range q.text[1:q.n] {
		switch {
		case b == '.':
			if label == 0 {
				return false
			}
			label = -1
		case b <= ' ' || b > '~':
			return false
		case 'A' <= b && b <= 'Z':
			q.text[1+i] = b + 'a' - 'A'
		}
		if label++; label > maxLabel {
			return false
		}
	}
	return label > 0
}

const hexDigits = "0123456789abcdef"

// reverse makes it the question for the names of an address (RFC 1035
// section 3.5, RFC 3596 section 2.5).
func (q *question) reverse(addr netip.Addr) bool {
	q.text[0], q.n = byte(dns.TypePTR), 1
	addr = addr.Unmap()
	switch {
	case addr.Is4():
		a := addr.As4()
		b := q.text[:1]
		for i := range a {
			d := a[3-i]
			if d >= 100 {
				b = append(b, '0'+d/100)
			}
			if d >= 10 {
				b = append(b, '0'+d/10%10)
			}
			b = append(b, '0'+d%10, '.')
		}
		q.n = len(append(b, "in-addr.arpa"...))
	case addr.Is6():
		a := addr.As16()
		b := q.text[:1]
		for i := range a {
			d := a[15-i]
			b = append(b, hexDigits[d&15], '.', hexDigits[d>>4], '.')
		}
		q.n = len(append(b, "ip6.arpa"...))
	default:
		return false
	}
	return true
}

// query is a question as it goes over the wire.
type query struct {
	id   uint16
	edns bool
	asks int // bytes of the question section
	wire []byte
}

// pack writes the message: one question, recursion desired, and EDNS0 (RFC 6891
// section 6.1.2) unless the server cannot do that.
func (q *question) pack(id uint16, edns bool) *query {
	b := make([]byte, headSize, headSize+q.n+1+4+11)
	binary.BigEndian.PutUint16(b, id)
	b[2] = 1 // recursion desired
	b[5] = 1 // one question
	if q.n > 1 {
		for rest := q.text[1:q.n]; ; {
			n := 0
			for n < len(rest) && rest[n] != '.' {
				n++
			}
			b = append(append(b, byte(n)), rest[:n]...)
			if n == len(rest) {
				break
			}
			rest = rest[n+1:]
		}
	}
	b = append(b, 0, 0, q.text[0], 0, byte(dns.ClassINET))
	asks := len(b) - headSize
	if edns {
		b[11] = 1
		b = append(b, 0, 0, byte(dns.TypeOPT), udpSize>>8, udpSize&255, 0, 0, 0, 0, 0, 0)
	}
	return &query{id, edns, asks, b}
}

// answeredBy reports whether raw is an answer to the query, by its id and its
// question. Names are compared as RFC 4343 says; the lengths of labels are no
// letters. Servers that refuse may leave the question out.
func (w *query) answeredBy(raw []byte) bool {
	if len(raw) < headSize || binary.BigEndian.Uint16(raw) != w.id || raw[2]>>3 != 1<<4 { // an answer, opcode 0
		return false
	}
	switch binary.BigEndian.Uint16(raw[4:]) {
	case 0:
		switch int(raw[3] & 15) {
		case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
			return true
		}
		return false
	case 1:
		return len(raw) >= headSize+w.asks && foldEqual(raw[headSize:headSize+w.asks], w.wire[headSize:headSize+w.asks])
	}
	return false
}

func foldEqual(a, b []byte) bool {
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
