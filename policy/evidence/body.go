package evidence

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// The bodies of facts. What cannot be read, or could not have been written, is as if it
// were not there: it is asked for anew.

// maxName is how long a name is kept. Longer ones are asked for anew.
const maxName = 128

func iprevBody(name string, result policy.Iprev) string { return string([]byte{byte(result)}) + name }

func parseIprev(body string) (name policy.Text, result policy.Iprev, ok bool) {
	if body == "" {
		return name, result, false
	}
	switch result = policy.Iprev(body[0]); {
	case result == policy.IprevPermError && len(body) == 1:
		return name, result, true
	case (result == policy.IprevPass || result == policy.IprevFail) && len(body) > 1:
		return policy.Seen(body[1:]), result, true
	}
	return name, result, false
}

// maxOrigins is how many origins of a prefix are kept.
const maxOrigins = 8

func networkBody(origins []uint32) string {
	b := make([]byte, 0, 4*maxOrigins)
	for _, asn := range origins {
		b = binary.BigEndian.AppendUint32(b, asn)
	}
	return string(b)
}

// parseNetwork appends the origins to a buffer; none says that Team Cymru knows none.
func parseNetwork(body string, origins []uint32) ([]uint32, bool) {
	for ; len(body) >= 4; body = body[4:] {
		origins = append(origins, binary.BigEndian.Uint32([]byte(body[:4])))
	}
	return origins, body == "" && len(origins) <= maxOrigins
}

// listBody are the answers of a list, without their first octet, which is 127.
func listBody(answers []netip.Addr) string {
	b := make([]byte, 0, 3*len(answers))
	for _, a := range answers {
		octets := a.As4()
		b = append(b, octets[1:]...)
	}
	return string(b)
}

func parseList(body string, answers []netip.Addr) ([]netip.Addr, bool) {
	for ; len(body) >= 3; body = body[3:] {
		answers = append(answers, netip.AddrFrom4([4]byte{127, body[0], body[1], body[2]}))
	}
	return answers, body == ""
}

func p0fBody(p *policy.P0f) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(min(max(p.Uptime/time.Second, 0), math.MaxUint32)))
	b = binary.BigEndian.AppendUint16(b, uint16(int16(p.Distance)))
	nat := byte(0)
	if p.NAT {
		nat = 1
	}
	return string(appendTexts(append(b, nat), p.OS, p.Flavor, p.Link))
}

func parseP0f(body string) (p policy.P0f, ok bool) {
	if len(body) < 7 {
		return p, false
	}
	p = policy.P0f{Known: true, NAT: body[6] == 1}
	p.Uptime = time.Duration(uint32(body[0])<<24|uint32(body[1])<<16|uint32(body[2])<<8|uint32(body[3])) * time.Second
	p.Distance = int(int16(uint16(body[4])<<8 | uint16(body[5])))
	return p, parseTexts(body[7:], &p.OS, &p.Flavor, &p.Link)
}

// bannerBody of a banner without a kind says that a probe saw nothing.
func bannerBody(b *policy.Banner) string {
	return string(appendTexts([]byte{byte(b.Kind)}, b.Vendor, b.Place, b.Text))
}

func parseBanner(body string) (b policy.Banner, ok bool) {
	if body == "" || int(body[0]) >= len(device.Kinds) {
		return b, false
	}
	b.Kind = device.Kind(body[0])
	return b, parseTexts(body[1:], &b.Vendor, &b.Place, &b.Text)
}

// maxText is how long a text in a fact is kept; the rest of it is cut.
const maxText = 80

func appendTexts(b []byte, texts ...string) []byte {
	for _, t := range texts {
		t = t[:min(len(t), maxText)]
		b = append(append(b, byte(len(t))), t...)
	}
	return b
}

func parseTexts(body string, texts ...*string) bool {
	for _, t := range texts {
		if body == "" || 1+int(body[0]) > len(body) {
			return false
		}
		n := 1 + int(body[0])
		*t, body = body[1:n], body[n:]
	}
	return body == ""
}

// text says the fact for people, in words of its own and of attackers.
func (f *fact) text() (string, bool) {
	switch f.kind {
	case factIprev:
		name, result, ok := parseIprev(f.body)
		return strings.TrimSpace(result.String() + " " + name.String()), ok
	case factNetwork:
		origins, ok := parseNetwork(f.body, nil)
		words := make([]string, len(origins))
		for i, asn := range origins {
			words[i] = "AS" + strconv.FormatUint(uint64(asn), 10)
		}
		return orWord(strings.Join(words, " "), "unknown"), ok
	case factList:
		answers, ok := parseList(f.body, nil)
		words := make([]string, len(answers))
		for i, a := range answers {
			words[i] = a.String()
		}
		return orWord(strings.Join(words, " "), "not listed"), ok
	case factP0f:
		p, ok := parseP0f(f.body)
		return orWord(strings.Join(strings.Fields(p.OS+" "+p.Flavor+" "+p.Link), " "), "no system"), ok
	}
	b, ok := parseBanner(f.body)
	if b.Kind == device.None {
		return "nothing seen", ok
	}
	return strings.Join(strings.Fields(b.Kind.String()+" "+b.Vendor+" "+b.Place+" "+b.Text), " "), ok
}

func orWord(text, word string) string {
	if text == "" {
		return word
	}
	return text
}
