package resolve

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// fuzzed is the question to which the fuzzer answers.
func fuzzed(kind uint16) *question {
	q := new(question)
	q.set(kind, "x.example")
	return q
}

// FuzzAnswer reads messages from anywhere. Those that are no answer to the question
// are made one, so that their records are read.
func FuzzAnswer(f *testing.F) {
	kinds := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeMX, dns.TypeTXT}
	for i, kind := range kinds {
		for _, m := range seeds(kind) {
			raw, err := m.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), raw)
			f.Add(uint8(i), raw[:len(raw)*2/3])
		}
	}
	f.Add(uint8(0), []byte{})
	f.Fuzz(func(t *testing.T, i uint8, raw []byte) {
		kind := kinds[int(i)%len(kinds)]
		w := fuzzed(kind).pack(1, true)
		refusesEDNS(append(raw[:len(raw):len(raw)], make([]byte, headSize)...))
		if !w.answeredBy(raw) {
			made := append([]byte(nil), w.wire[:headSize+w.asks]...)
			if len(raw) > headSize+w.asks {
				copy(made[2:headSize], raw[2:headSize])
				made = append(made, raw[headSize+w.asks:]...)
			}
			made[2], made[4], made[5] = made[2]&7|0x80, 0, 1
			if raw = made; !w.answeredBy(raw) {
				t.Fatalf("no answer: %x", raw)
			}
		}
		m, flt := parse(raw, w)
		if flt != nil {
			if m != nil || flt.failure == 0 || flt.failure == NXDomain || flt.failure == NoData {
				t.Fatalf("%+v", flt)
			}
			return
		}
		if err := sane(read(m, kind)); err != nil {
			t.Fatal(err)
		}
	})
}

func sane(f *found) error {
	n := len(f.addrs) + len(f.text) + len(f.mx)
	ends := 0
	for _, end := range []bool{f.failure != 0, f.again != "", f.failure == 0 && f.again == "" && n > 0} {
		if end {
			ends++
		}
	}
	switch {
	case ends != 1:
		return fmt.Errorf("failure %v, again %q, %d records", f.failure, f.again, n)
	case len(f.addrs) > MostAddrs || len(f.mx) > mostRecords || len(f.text) > mostTexts:
		return fmt.Errorf("%d addresses, %d MX, %d texts", len(f.addrs), len(f.mx), len(f.text))
	case f.life < 0 || f.life > maxTTL || f.aliases > mostAliases+1:
		return fmt.Errorf("life %v, %d aliases", f.life, f.aliases)
	}
	for _, m := range f.mx {
		if _, ok := hostName(m.Host); !ok && (!m.Null() || len(f.mx) > 1) {
			return fmt.Errorf("host %q", m.Host)
		}
	}
	for _, a := range f.addrs {
		if !a.IsValid() {
			return errors.New("an address that is none")
		}
	}
	return nil
}

// seeds are answers to the question of fuzzed.
func seeds(kind uint16) []*dns.Msg {
	answer := func(rcode int, lines ...string) *dns.Msg {
		m := new(dns.Msg)
		m.SetQuestion("x.example.", kind)
		m.Id, m.Response, m.Rcode, m.Compress = 1, true, rcode, true
		for _, l := range lines {
			r, err := dns.NewRR(l)
			if err != nil {
				panic(err)
			}
			if r.Header().Rrtype == dns.TypeSOA || r.Header().Rrtype == dns.TypeNS {
				m.Ns = append(m.Ns, r)
			} else {
				m.Answer = append(m.Answer, r)
			}
		}
		return m.SetEdns0(1232, false)
	}
	soa := "example. 60 IN SOA ns.example. r.example. 1 1 1 1 60"
	return []*dns.Msg{
		answer(0, "x.example. 60 IN A 192.0.2.1", "x.example. 0 IN AAAA 2001:db8::1", "x.example. 1 IN PTR y.example.",
			"x.example. 1 IN MX 0 .", "x.example. 1 IN MX 1 y.example.", `x.example. 1 IN TXT "a" "\"\\\007"`),
		answer(0, "x.example. 60 IN CNAME y.example.", "Y.example. 60 IN CNAME z.example."),
		answer(0, "x.example. 60 IN CNAME x.example."),
		answer(dns.RcodeNameError, soa), answer(0, soa), answer(0, "example. 60 IN NS ns.example."),
		answer(dns.RcodeServerFailure), answer(dns.RcodeRefused), answer(dns.RcodeFormatError), answer(dns.RcodeBadVers),
	}
}

// FuzzName asks with any name: what is asked for can be packed, and read again as
// the same name.
func FuzzName(f *testing.F) {
	for _, s := range []string{"", ".", "x.example", "X.Example.", "a..b", `\.`, "\\000", "(none)", strings.Repeat("a.", 130), "\x00", "o'brien.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var q question
		if !q.set(dns.TypeA, name) {
			_ = q.noName().Error()
			return
		}
		m := new(dns.Msg)
		if err := m.Unpack(q.pack(1, true).wire); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		got := joined([]string{m.Question[0].Name})
		if want := strings.ToLower(strings.TrimSuffix(name, ".")) + "."; got != want {
			t.Errorf("%q is asked for as %q", name, got)
		}
	})
}

// TestForeignRecords: records that do not belong to the question are left alone.
func TestForeignRecords(t *testing.T) {
	m := seeds(dns.TypeA)[0]
	m.Answer = append(m.Answer,
		&dns.A{Hdr: dns.RR_Header{Name: "other.example.", Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(203, 0, 113, 66)},
		&dns.A{Hdr: dns.RR_Header{Name: "x.example.", Rrtype: dns.TypeA, Class: dns.ClassCHAOS}, A: net.IPv4(203, 0, 113, 66)})
	f := read(m, dns.TypeA)
	if len(f.addrs) != 1 || f.addrs[0] != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%v", f.addrs)
	}
	m = seeds(dns.TypeA)[3]
	m.Ns[0].Header().Name = "other.test."
	m.Ns[0].Header().Ttl, m.Ns[0].(*dns.SOA).Minttl = 600, 600
	if f = read(m, dns.TypeA); f.failure != NXDomain || f.life != minLife {
		t.Errorf("the SOA of another zone: %v, %v", f.failure, f.life)
	}
}
