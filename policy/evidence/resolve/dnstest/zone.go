package dnstest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// behaviour is how the questions for one name are treated.
type behaviour struct {
	delay                         time.Duration
	drop, truncate, tcpClose      bool
	bare, formerr, badvers        bool
	lieID, lieQuestion, liePort   bool
	garbage, noise, shout         bool
	nochase, rotate, nosoa, refer bool
	rcode, chain, huge            int
	minimum                       uint32 // seconds; 0 is that of the SOA
}

type set struct {
	records []dns.RR
	turn    int
}

type key struct {
	name string
	kind uint16
}

// zone is what the server knows.
type zone struct {
	sets  map[key]*set
	names map[string]bool // those with records, and those above them
	bad   map[string]behaviour
}

func newZone() *zone {
	return &zone{map[key]*set{}, map[string]bool{}, map[string]behaviour{}}
}

// canonical is the one spelling of a name by which it is known: the library escapes
// more than a zone file has to.
func canonical(name string) string {
	name = strings.ToLower(dns.Fqdn(name))
	var wire [256]byte
	if _, err := dns.PackDomainName(name, wire[:], 0, nil, false); err == nil {
		name, _, _ = dns.UnpackDomainName(wire[:], 0)
	}
	return name
}

// read takes text in. Records replace those of the same name and type.
func (z *zone) read(text string) error {
	var records strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "!") {
			records.WriteString(line + "\n")
			continue
		}
		records.WriteString("\n")
		if err := z.directive(strings.Fields(line[1:])); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	p := dns.NewZoneParser(strings.NewReader(records.String()), ".", "")
	p.SetDefaultTTL(300)
	fresh := map[key]*set{}
	for r, ok := p.Next(); ok; r, ok = p.Next() {
		k := key{canonical(r.Header().Name), r.Header().Rrtype}
		if fresh[k] == nil {
			fresh[k] = &set{}
		}
		fresh[k].records = append(fresh[k].records, r)
	}
	if err := p.Err(); err != nil {
		return err
	}
	for k, s := range fresh {
		z.sets[k] = s
		for name := k.name; name != "."; name = parent(name) {
			z.names[name] = true
		}
	}
	return nil
}

// parent is the name without its first label.
func parent(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

// numbered are the directives with an argument.
var numbered = map[string]func(*behaviour, string) error{
	"delay": func(b *behaviour, s string) (err error) {
		b.delay, err = time.ParseDuration(s)
		return err
	},
	"chain": func(b *behaviour, s string) (err error) {
		b.chain, err = strconv.Atoi(s)
		return err
	},
	"huge": func(b *behaviour, s string) (err error) {
		b.huge, err = strconv.Atoi(s)
		return err
	},
	"minimum": func(b *behaviour, s string) error {
		n, err := strconv.ParseUint(s, 10, 32)
		b.minimum = uint32(n)
		return err
	},
}

var plain = map[string]func(*behaviour){
	"drop":         func(b *behaviour) { b.drop = true },
	"truncate":     func(b *behaviour) { b.truncate = true },
	"tcp-close":    func(b *behaviour) { b.tcpClose = true },
	"servfail":     func(b *behaviour) { b.rcode = dns.RcodeServerFailure },
	"refused":      func(b *behaviour) { b.rcode = dns.RcodeRefused },
	"notimp":       func(b *behaviour) { b.rcode = dns.RcodeNotImplemented },
	"bare":         func(b *behaviour) { b.bare = true },
	"formerr":      func(b *behaviour) { b.formerr = true },
	"badvers":      func(b *behaviour) { b.badvers = true },
	"lie-id":       func(b *behaviour) { b.lieID = true },
	"lie-question": func(b *behaviour) { b.lieQuestion = true },
	"lie-port":     func(b *behaviour) { b.liePort = true },
	"garbage":      func(b *behaviour) { b.garbage = true },
	"noise":        func(b *behaviour) { b.noise = true },
	"shout":        func(b *behaviour) { b.shout = true },
	"nochase":      func(b *behaviour) { b.nochase = true },
	"rotate":       func(b *behaviour) { b.rotate = true },
	"nosoa":        func(b *behaviour) { b.nosoa = true },
	"referral":     func(b *behaviour) { b.refer = true },
	"clear":        func(b *behaviour) { *b = behaviour{} },
}

func (z *zone) directive(f []string) error {
	if len(f) == 0 {
		return fmt.Errorf("no directive")
	}
	word, names := f[0], f[1:]
	apply := plain[word]
	if with := numbered[word]; with != nil && len(names) > 0 {
		arg := names[0]
		names = names[1:]
		if err := with(&behaviour{}, arg); err != nil {
			return err
		}
		apply = func(b *behaviour) { _ = with(b, arg) } // tried above
	}
	if apply == nil {
		return fmt.Errorf("no such directive")
	}
	if len(names) == 0 {
		return fmt.Errorf("which name? * is all")
	}
	for _, n := range names {
		if n != "*" {
			n = canonical(n)
		}
		b := z.bad[n]
		apply(&b)
		z.bad[n] = b
	}
	return nil
}

// behaviour is that of the name itself, or else that of all.
func (z *zone) behaviour(name string) behaviour {
	if b, ok := z.bad[name]; ok {
		return b
	}
	return z.bad["*"]
}

// find returns the records of a name, by wildcards (RFC 4592) where it has none of
// its own.
func (z *zone) find(name string, kind uint16, rotate bool) []dns.RR {
	s, given := z.sets[key{name, kind}], name
	if s == nil && !z.names[name] {
		for up := name; s == nil && up != "."; {
			up = parent(up)
			s = z.sets[key{"*." + up, kind}]
			if z.names[up] {
				break
			}
		}
	}
	if s == nil {
		return nil
	}
	records := s.records
	if rotate {
		records = records[s.turn%len(records) : s.turn%len(records)+1]
		s.turn++
	}
	out := make([]dns.RR, len(records))
	for i, r := range records {
		out[i] = dns.Copy(r)
		out[i].Header().Name = given
	}
	return out
}

// soa is the SOA of the zone that the name is in: that of the root if none is
// told.
func (z *zone) soa(name string, minimum uint32) dns.RR {
	soa := &dns.SOA{
		Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 3600},
		Ns:  "ns.example.", Mbox: "root.example.", Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: 60,
	}
	for {
		if s := z.sets[key{name, dns.TypeSOA}]; s != nil {
			soa, _ = dns.Copy(s.records[0]).(*dns.SOA)
			break
		}
		if name == "." {
			break
		}
		name = parent(name)
	}
	if minimum > 0 {
		soa.Minttl = minimum
	}
	return soa
}
