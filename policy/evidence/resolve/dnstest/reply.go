package dnstest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"

	"github.com/miekg/dns"
)

const mostChased = 16 // CNAME records that the server follows

// reply makes the answer to a question.
func (z *zone) reply(q *dns.Msg, b behaviour) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable, m.Compress = true, true
	edns := q.IsEdns0() != nil
	if edns {
		m.SetEdns0(1232, false)
	}
	switch {
	case b.formerr && edns:
		m.Rcode, m.Extra = dns.RcodeFormatError, nil
	case b.badvers && edns:
		m.Rcode = dns.RcodeBadVers
	case b.rcode != 0:
		m.Rcode = b.rcode
	case b.refer:
		m.RecursionAvailable = false
		m.Ns = append(m.Ns, &dns.NS{Hdr: header("example.", dns.TypeNS), Ns: "ns.example."})
	default:
		z.answer(m, b)
	}
	if b.bare && m.Rcode != dns.RcodeSuccess {
		m.Question = nil
	}
	if b.shout {
		for _, r := range m.Answer {
			r.Header().Name = strings.ToUpper(r.Header().Name)
		}
		m.Question[0].Name = strings.ToUpper(m.Question[0].Name)
	}
	return m
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: 300}
}

func (z *zone) answer(m *dns.Msg, b behaviour) {
	name, kind := canonical(m.Question[0].Name), m.Question[0].Qtype
	if b.huge > 0 {
		m.Answer = huge(name, kind, b.huge)
		return
	}
	for i := range b.chain {
		next := fmt.Sprintf("c%d.%s", i, strings.TrimPrefix(name, fmt.Sprintf("c%d.", i-1)))
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: header(name, dns.TypeCNAME), Target: next})
		name = next
	}
	if b.chain > 0 {
		m.Answer = append(m.Answer, &dns.A{Hdr: header(name, dns.TypeA), A: net.IPv4(192, 0, 2, 99)})
		return
	}
	for range mostChased {
		if found := z.find(name, kind, b.rotate); found != nil {
			m.Answer = append(m.Answer, found...)
			return
		}
		alias := z.find(name, dns.TypeCNAME, b.rotate)
		if alias == nil {
			z.no(m, name, b)
			return
		}
		m.Answer = append(m.Answer, alias...)
		name = canonical(alias[0].(*dns.CNAME).Target)
		if b.nochase {
			return
		}
	}
}

func (z *zone) no(m *dns.Msg, name string, b behaviour) {
	if !z.names[name] && !z.wild(name) {
		m.Rcode = dns.RcodeNameError
	}
	if !b.nosoa {
		m.Ns = append(m.Ns, z.soa(name, b.minimum))
	}
}

// wild reports whether a wildcard makes the name exist.
func (z *zone) wild(name string) bool {
	for name != "." {
		if name = parent(name); z.names["*."+name] {
			return true
		}
		if z.names[name] {
			return false
		}
	}
	return false
}

func huge(name string, kind uint16, n int) []dns.RR {
	var all []dns.RR
	for i := range n {
		switch kind {
		case dns.TypeA:
			all = append(all, &dns.A{Hdr: header(name, kind), A: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))})
		case dns.TypeTXT:
			all = append(all, &dns.TXT{Hdr: header(name, kind), Txt: []string{fmt.Sprintf("%d %s", i, strings.Repeat("x", 200))}})
		case dns.TypeMX:
			all = append(all, &dns.MX{Hdr: header(name, kind), Preference: uint16(i), Mx: fmt.Sprintf("mx%d.%s", i, name)})
		case dns.TypePTR:
			all = append(all, &dns.PTR{Hdr: header(name, kind), Ptr: fmt.Sprintf("p%d.example.", i)})
		}
	}
	return all
}

// forged is what somebody who wants to be believed would send.
func forged(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	name, kind := q.Question[0].Name, q.Question[0].Qtype
	switch kind {
	case dns.TypeTXT:
		m.Answer = append(m.Answer, &dns.TXT{Hdr: header(name, kind), Txt: []string{"forged"}})
	case dns.TypeA:
		m.Answer = append(m.Answer, &dns.A{Hdr: header(name, kind), A: net.IPv4(203, 0, 113, 66)})
	default:
		m.Rcode = dns.RcodeNameError
	}
	return m
}

// lies are the messages that come before the true one by the same way.
func (b behaviour) lies(q *dns.Msg) [][]byte {
	var all [][]byte
	if b.noise {
		all = append(all, nil, []byte{1}, nonsense(11), nonsense(12), nonsense(300))
	}
	if b.lieID {
		for i := range uint16(20) {
			m := forged(q)
			m.Id += 1 + i
			all = append(all, packed(m))
		}
	}
	if b.lieQuestion {
		m := forged(q)
		m.Question[0].Name = "other.example."
		all = append(all, packed(m))
		m = forged(q)
		m.Question[0].Qtype = dns.TypeHINFO
		all = append(all, packed(m))
		m = forged(q)
		m.Question = nil
		all = append(all, packed(m))
		m = forged(q)
		m.Response = false
		all = append(all, packed(m))
	}
	return all
}

func packed(m *dns.Msg) []byte {
	raw, err := m.Pack()
	if err != nil || len(raw) > dns.MaxMsgSize { // too long for DNS: a test asked for that
		m.Answer = m.Answer[:len(m.Answer)/2]
		return packed(m)
	}
	return raw
}

func nonsense(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// ruined keeps a message's header and question and fills the rest with nonsense.
func ruined(raw []byte, q *dns.Msg) []byte {
	head := 12 + len(q.Question[0].Name) + 1 + 4
	return append(raw[:min(head, len(raw)):len(raw)], nonsense(100)...)
}
