package replay

import (
	"net/netip"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

// mta is who wrote a Received field, as far as its shape depends on it.
type mta uint8

const (
	mtaOther mta = iota
	mtaExim
	mtaCommuniGate
	mtaEcelerity
	mtaIMail
	mtaNameless // writes no PTR name, or one that nobody has confirmed
)

// writer tells the MTA by the comment in which it names itself.
func writer(comment string) mta {
	for _, w := range writers {
		if strings.HasPrefix(comment, w.prefix) {
			return w.mta
		}
	}
	return mtaOther
}

var writers = [...]struct {
	prefix string
	mta    mta
}{
	{"Exim", mtaExim}, {"CommuniGate Pro ", mtaCommuniGate}, {"ecelerity ", mtaEcelerity}, {"SMTPD32-", mtaIMail},
	{"InterMail ", mtaNameless}, {"iPlanet Messaging", mtaNameless}, {"Sun Java System Messaging", mtaNameless},
	{"Lotus Domino", mtaNameless}, {"Merak ", mtaNameless}, {"OpenSMTPD", mtaNameless}, {"Haraka", mtaNameless},
}

// isZMailer tells ZMailer's comment, [IP]:port "EHLO NAME" …, by its beginning,
// which no client can reach.
func isZMailer(c string) bool {
	_, rest, ok := strings.Cut(c, " ")
	return ok && strings.HasPrefix(c, "[") && (strings.HasPrefix(rest, `"EHLO `) || strings.HasPrefix(rest, `"HELO `))
}

// zmailer reads NAME ([IP]:port "EHLO HELO" … rhost-flags-OK-OK-OK-FAIL). The
// flags tell of the name; the last one of HELO. Instead of a name stands [IP].
func (h *hop) zmailer(first, c string) bool {
	at, rest, _ := strings.Cut(c, " ")
	if h.addr = bracketed(at); !h.addr.IsValid() {
		return false
	}
	rest = rest[len(`"EHLO `):]
	helo, rest, _ := strings.Cut(rest, `"`)
	_, flags, ok := strings.Cut(rest, "rhost-flags-")
	if !ok {
		return false // a bracket in HELO has cut the comment short
	}
	h.helo = policy.Seen(policy.ClipName(helo))
	name := policy.HostName(first)
	switch {
	case strings.HasPrefix(first, "["):
		h.iprev = policy.IprevPermError
	case name != "" && strings.HasPrefix(flags, "OK-OK-OK-"):
		h.name, h.iprev = policy.Seen(name), policy.IprevPass
	}
	return true
}

// communiGate reads [IP] (HELO NAME) and [IP] (account NAME HELO NAME): it looks
// for no names.
func (h *hop) communiGate(first, c string) bool {
	if h.addr = bracketed(first); !h.addr.IsValid() {
		return false
	}
	if strings.HasPrefix(c, "account ") {
		h.auth = true
	}
	if _, helo, ok := strings.Cut(" "+c, " HELO "); ok {
		h.helo = policy.Seen(policy.ClipName(helo))
	}
	return true
}

// ecelerity reads ([IP:port] helo=NAME), in front of which stands a name or the
// address.
func (h *hop) ecelerity(c string) bool {
	at, rest, _ := strings.Cut(c, " ")
	at = strings.TrimSuffix(strings.TrimPrefix(at, "["), "]")
	if ap, err := netip.ParseAddrPort(at); err == nil {
		at = ap.Addr().String()
	} else if i := strings.LastIndexByte(at, ':'); i > 0 && strings.Count(at, ":") == 8 {
		at = at[:i] // an IPv6 address in full, and the port
	}
	if h.addr = policy.ParseAddr(at); !h.addr.IsValid() {
		return false
	}
	h.eximGreeting(rest)
	return true
}

// imail reads HELO [IP] by …, which has the address outside of comments: after
// the first word, where a HELO without blanks cannot reach.
func (h *hop) imail(first string, rest []word) bool {
	if len(rest) < 2 || rest[0].comment || !strings.EqualFold(rest[1].text, "by") {
		return false
	}
	if h.addr = bracketed(rest[0].text); !h.addr.IsValid() {
		return false
	}
	h.helo = policy.Seen(policy.ClipName(first))
	return true
}
