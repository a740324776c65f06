package replay

import (
	"net/mail"
	"net/netip"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	maxReceived = 8192 // bytes of a Received field that are read
	maxWords    = 96   // words and comments of it
)

// hop is what one Received field says.
type hop struct {
	kind   hopKind
	addr   netip.Addr
	name   policy.Text
	iprev  policy.Iprev
	helo   policy.Text
	by     string
	with   string
	id     string
	sender string // of Exim's and qmail's envelope-from, with brackets; "" when there is none
	auth   bool   // the client had authenticated
	tls    string
	at     time.Time
}

// hopKind says how far a field was understood.
type hopKind uint8

const (
	hopUnread hopKind = iota // a client that cannot be told
	hopInside                // no SMTP client: a local hand-over, or mail that was fetched
	hopClient                // a client with its address
)

// word is a word of a Received field, or a comment without its brackets.
type word struct {
	text    string
	comment bool
}

// parseReceived reads a field's value. It believes only shapes in which the MTA
// itself wrote the address, at a place that the client's HELO, user name and
// certificate cannot reach: the comment directly after the word after "from".
func parseReceived(value []byte) (h hop) {
	text := unfold(value)
	if i := strings.LastIndexByte(text, ';'); i >= 0 {
		h.at = date(text[i+1:])
		text = text[:i]
	}
	words := split(text)
	if len(words) > 0 && words[0].comment {
		return noGreeting(words, h)
	}
	if len(words) < 2 || !strings.EqualFold(words[0].text, "from") {
		h.kind = hopInside
		return h
	}
	rest := words[2:]
	var client []word
	for len(rest) > 0 && rest[0].comment {
		client = append(client, rest[0])
		rest = rest[1:]
	}
	mta := h.trailer(rest)
	zmailer := len(client) > 0 && isZMailer(client[0].text)
	if inside(h.with) && !zmailer {
		h.kind = hopInside
		return h
	}
	for _, c := range client {
		h.noteComment(c.text)
	}
	ok := false
	switch {
	case len(client) == 0:
		ok = mta == mtaIMail && h.imail(words[1].text, rest)
	case zmailer:
		ok = h.zmailer(words[1].text, client[0].text)
	default:
		ok = h.client(words[1].text, client, mta)
	}
	if ok {
		h.kind = hopClient
	}
	return h
}

// noGreeting reads "(from NAME [IP])", Sendmail's word on a client that said no
// HELO, and its and qmail's on mail of the machine.
func noGreeting(words []word, h hop) hop {
	h.kind = hopInside
	text, ok := strings.CutPrefix(words[0].text, "from ")
	h.trailer(words[1:])
	if !ok || !strings.Contains(text, "[") {
		return h
	}
	h.kind = hopUnread
	if h.tcpInfo(text) {
		h.kind, h.helo = hopClient, policy.Seen("")
	}
	return h
}

// trailer reads what follows the client: by, with, id. It returns who wrote it.
func (h *hop) trailer(rest []word) (by mta) {
	for i, w := range rest {
		if w.comment {
			if m := writer(w.text); m != mtaOther {
				by = m
			}
			h.noteComment(w.text)
			continue
		}
		if i+1 >= len(rest) || rest[i+1].comment {
			continue
		}
		next := rest[i+1].text
		switch strings.ToLower(w.text) {
		case "by":
			if h.by == "" {
				h.by = lowerHost(next)
			}
		case "with":
			if h.with == "" {
				h.with = strings.ToUpper(next)
			}
		case "id":
			if h.id == "" {
				h.id = next
			}
		}
	}
	switch h.with {
	case "ESMTPA", "ESMTPSA", "UTF8SMTPA", "UTF8SMTPSA": // RFC 3848, RFC 6531
		h.auth = true
	case "MICROSOFT", "MAILENABLE": // "with Microsoft SMTPSVC", "with MailEnable ESMTP"
		by = mtaNameless
	}
	return by
}

// noteComment takes what the MTA says in comments of its own.
func (h *hop) noteComment(text string) {
	lower := strings.ToLower(text)
	switch {
	case strings.HasPrefix(lower, "authenticated "):
		h.auth = true
	case strings.HasPrefix(lower, "using tlsv"):
		h.tls, _, _ = strings.Cut(text[len("using "):], " ")
	case strings.HasPrefix(lower, "version=tlsv"):
		h.tls, _, _ = strings.Cut(text[len("version="):], " ")
		h.tls = strings.TrimSuffix(h.tls, ",")
	case strings.HasPrefix(lower, "envelope-from "):
		h.sender = strings.TrimSpace(text[len("envelope-from "):])
	}
}

// inside are protocols by which no SMTP client from outside comes (RFC 2033, and
// what MTAs and fetchers of mail write).
func inside(with string) bool {
	switch with {
	case "LOCAL", "MAPI", "POP3", "POP3S", "IMAP", "IMAPS", "HTTP", "BSMTP", "UUCP", "XMIT":
		return true
	}
	return strings.HasPrefix(with, "LMTP") || strings.HasPrefix(with, "UTF8LMTP")
}

// client reads the word after "from" and the comments behind it.
func (h *hop) client(first string, comments []word, by mta) bool {
	c := comments[0].text
	switch {
	case by == mtaExim:
		return h.exim(first, c)
	case by == mtaEcelerity:
		return h.ecelerity(c)
	case by == mtaCommuniGate && strings.HasPrefix(first, "["):
		return h.communiGate(first, c)
	case strings.HasPrefix(c, "HELO ") && len(comments) > 1: // qmail, IronPort
		h.helo = policy.Seen(policy.ClipName(c[len("HELO "):]))
		return h.bare(comments[1].text)
	}
	h.helo = policy.Seen(policy.ClipName(first))
	if by == mtaCommuniGate {
		c = strings.TrimSuffix(c, " verified")
	}
	if strings.HasSuffix(c, "]") || strings.HasSuffix(c, " (may be forged)") { // Postfix, Sendmail
		ok := h.tcpInfo(c)
		if by == mtaNameless || by == mtaCommuniGate || strings.HasPrefix(c, "unverified [") {
			h.name, h.iprev = policy.Text{}, policy.IprevUnknown
		}
		return ok
	}
	return h.bare(c) // Exchange; qmail where the name equals HELO
}

// tcpInfo reads "IDENT@NAME [IP] (may be forged)" from its end: a user name is
// the client's text, the rest is not.
func (h *hop) tcpInfo(c string) bool {
	c, forged := strings.CutSuffix(c, " (may be forged)")
	open := strings.LastIndexByte(c, '[')
	if open < 0 || !strings.HasSuffix(c, "]") {
		return false
	}
	if h.addr = policy.ParseAddr(c[open:]); !h.addr.IsValid() {
		return false
	}
	name := strings.TrimSpace(c[:open])
	name = name[strings.LastIndexByte(name, '@')+1:]
	if strings.ContainsAny(name, " ()[]") {
		return false
	}
	switch name = policy.HostName(name); {
	case name == "":
		h.iprev = policy.IprevPermError
	case forged:
		h.name, h.iprev = policy.Seen(name), policy.IprevFail
	default:
		h.name, h.iprev = policy.Seen(name), policy.IprevPass
	}
	return true
}

// exim reads "NAME ([IP] helo=HELO)", where the name is confirmed, and "[IP]
// (helo=HELO)", where it is not known whether Exim looked for one.
func (h *hop) exim(first, c string) bool {
	if strings.HasPrefix(first, "[") {
		if h.addr = bracketed(first); !h.addr.IsValid() {
			return false
		}
		h.eximGreeting(c)
		return true
	}
	at, rest, _ := strings.Cut(c, " ")
	name := policy.HostName(first)
	if h.addr = bracketed(at); !h.addr.IsValid() || name == "" {
		return false
	}
	h.name, h.iprev = policy.Seen(name), policy.IprevPass
	h.helo = policy.Seen(name) // written only where it differs
	h.eximGreeting(rest)
	return true
}

func (h *hop) eximGreeting(c string) {
	_, helo, ok := strings.Cut(" "+c, " helo=")
	if !ok {
		return
	}
	helo, _, _ = strings.Cut(helo, " ident=")
	h.helo = policy.Seen(policy.ClipName(helo))
}

// bracketed reads "[IP]" and "[IP]:port".
func bracketed(s string) netip.Addr {
	if end := strings.LastIndexByte(s, ']'); end > 0 && strings.HasPrefix(s, "[") {
		return policy.ParseAddr(s[:end+1])
	}
	return netip.Addr{}
}

// bare reads "IP" and "IDENT@IP" of MTAs that confirm no names.
func (h *hop) bare(c string) bool {
	h.addr = policy.ParseAddr(c[strings.LastIndexByte(c, '@')+1:])
	return h.addr.IsValid()
}

// unfold makes each run of white space one blank.
func unfold(value []byte) string {
	return strings.Join(strings.Fields(string(value[:min(len(value), maxReceived)])), " ")
}

// split cuts text at blanks and takes comments, which may be nested, as one. An
// open one runs to the end.
func split(text string) []word {
	var words []word
	for i := 0; i < len(text) && len(words) < maxWords; {
		switch text[i] {
		case ' ':
			i++
		case '(':
			end := commentEnd(text, i)
			words = append(words, word{strings.TrimSpace(text[i+1 : end]), true})
			i = end + 1
		default:
			end := i
			for end < len(text) && text[end] != ' ' && (text[end] != '(' || end == i) {
				end++
			}
			words = append(words, word{text[i:end], false})
			i = end
		}
	}
	return words
}

// commentEnd is where the comment that opens at i closes.
func commentEnd(text string, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

func date(s string) time.Time {
	at, err := mail.ParseDate(strings.TrimSpace(s))
	if err != nil || at.Year() < 1990 || at.Year() > 2100 {
		return time.Time{}
	}
	return at
}
