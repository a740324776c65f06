package dnstest

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func ask(t *testing.T, s *Server, network, name string, kind uint16) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, Timeout: 2 * time.Second}
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), kind)
	got, _, err := c.Exchange(m, s.Addr().String())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return got
}

func TestServer(t *testing.T) {
	s, err := Start("")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var told []Question
	s.OnQuestion(func(q Question) { told = append(told, q) })
	if err := s.Set(`
example.org          IN SOA ns.example.org. root.example.org. 1 2 3 4 5 ; a remark
deep.down.example.org IN A 192.0.2.1
*.wild.example.org   IN A 192.0.2.2
own.wild.example.org IN TXT x
!chain 3 chain.example.org
!servfail bad.example.org
`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		kind   uint16
		rcode  int
		answer int
	}{
		{"deep.down.example.org", dns.TypeA, dns.RcodeSuccess, 1},
		{"DEEP.down.example.org", dns.TypeA, dns.RcodeSuccess, 1},
		{"deep.down.example.org", dns.TypeTXT, dns.RcodeSuccess, 0},
		{"down.example.org", dns.TypeA, dns.RcodeSuccess, 0},
		{"no.example.org", dns.TypeA, dns.RcodeNameError, 0},
		{"a.b.wild.example.org", dns.TypeA, dns.RcodeSuccess, 1},
		{"a.wild.example.org", dns.TypeTXT, dns.RcodeSuccess, 0},
		{"own.wild.example.org", dns.TypeA, dns.RcodeSuccess, 0},
		{"chain.example.org", dns.TypeA, dns.RcodeSuccess, 4},
		{"bad.example.org", dns.TypeA, dns.RcodeServerFailure, 0},
		{".", dns.TypeNS, dns.RcodeNameError, 0},
	} {
		for _, network := range []string{"udp", "tcp"} {
			got := ask(t, s, network, c.name, c.kind)
			if got.Rcode != c.rcode || len(got.Answer) != c.answer {
				t.Errorf("%s by %s:\n%v", c.name, network, got)
			}
			soa := len(got.Ns) == 1 && got.Ns[0].Header().Rrtype == dns.TypeSOA
			if want := c.answer == 0 && c.rcode != dns.RcodeServerFailure; soa != want {
				t.Errorf("%s by %s: soa %v", c.name, network, soa)
			}
		}
	}
	if n, m := s.Count("deep.down.example.org", "A"), len(s.Questions()); n != 4 || m != 22 || len(told) != m {
		t.Errorf("%d, %d, %d questions", n, m, len(told))
	}
	s.Reset()
	if got := ask(t, s, "udp", "deep.down.example.org", dns.TypeA); got.Rcode != dns.RcodeNameError || s.Count("", "") != 1 {
		t.Errorf("after Reset:\n%v", got)
	}
}

func TestMistakes(t *testing.T) {
	z := newZone()
	for text, want := range map[string]string{
		"!":                  "no directive",
		"!fly x.example":     "no such directive",
		"!drop":              "which name",
		"!delay x.example":   "invalid duration",
		"!delay":             "no such directive",
		"!huge x x.example":  "invalid syntax",
		"x.example IN A x":   "bad A",
		"x.example IN NONE1": "dns:",
	} {
		if err := z.read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, addr := range []string{"x", "127.0.0.1", "192.0.2.1:0"} {
		if s, err := Start(addr); err == nil {
			s.Close()
			t.Errorf("%s: it listens", addr)
		}
	}
}
