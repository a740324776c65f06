package device

import "strings"

// rank is how much a row's match says. A higher one decides.
type rank uint8

const (
	rankManage  rank = iota // a word of management pages; says nothing itself
	rankVendor              // a maker of many things
	rankMaker               // a maker, or a software, of mostly one kind
	rankWord                // a word for a kind of device
	rankVeto                // general-purpose systems and their software: no device
	rankProduct             // a product line or model
)

// bannerGroup is rows of one source: patterns, separated by "|", that mean one
// kind of one vendor. A pattern is lower case and matches whole words; in it
//
//	#  is one or more digits          %  is one or more hexadecimal digits
//	?  is one letter                  a space is one or more spaces
//	*  is up to 48 bytes, as few as will do; at the end it lets the word go on
//	^  at the beginning is the beginning of the text, $ at the end its end
type bannerGroup struct {
	rank     rank
	in       Protocols
	kind     Kind
	vendor   string
	source   string
	patterns string
}

// bannerRow is one pattern, compiled.
type bannerRow struct {
	pattern string
	start   bool
	in      Protocols
	rank    rank
	kind    Kind
	vendor  string
	source  string
}

// bannerTable is the rows by the first byte that they match.
type bannerTable struct {
	rows  []bannerRow
	first [256][]*bannerRow
}

var banners = newBannerTable(bannerManage, bannerVeto, bannerVendors, bannerSoftware, bannerWords, bannerPrinters,
	bannerRouters, bannerStorage, bannerVideo, bannerMedia, bannerPhones, bannerFamilies, bannerInfrastructure)

func newBannerTable(lists ...[]bannerGroup) *bannerTable {
	t := &bannerTable{}
	for _, list := range lists {
		for _, g := range list {
			for _, p := range strings.Split(g.patterns, "|") {
				row := bannerRow{p, false, g.in, g.rank, g.kind, g.vendor, g.source}
				row.pattern, row.start = strings.CutPrefix(p, "^")
				if row.in == 0 {
					row.in = greetings
					if row.kind == Other {
						// A mail gateway is a mail server.
						row.in &^= SMTP
					}
				}
				t.rows = append(t.rows, row)
			}
		}
	}
	for i := range t.rows {
		t.index(&t.rows[i])
	}
	return t
}

func (t *bannerTable) index(row *bannerRow) {
	c := row.pattern[0]
	for b := range 256 {
		if hit := byte(b); c == hit && c != '#' && c != '%' && c != '?' || c == '#' && isDigit(hit) ||
			c == '%' && isHex(hit) || c == '?' && isLetter(hit) {
			t.first[b] = append(t.first[b], row)
		}
	}
}

// starSpan is the farthest that * in the midst of a pattern reaches.
const starSpan = 48

// matchAt returns the end of p's match in s at i, or -1. Its time is bounded by
// the pattern: at most starSpan tries for each of its stars, of which
// TestBannerRows allows two.
func matchAt(p string, s []byte, i int) int {
	for k := 0; k < len(p); k++ {
		switch c := p[k]; c {
		case '*':
			if k == len(p)-1 {
				return i
			}
			for j := i; j <= min(i+starSpan, len(s)); j++ {
				if end := matchAt(p[k+1:], s, j); end >= 0 {
					return end
				}
			}
			return -1
		case '$':
			for i < len(s) && (s[i] == ' ' || s[i] == '.' || s[i] == '!') {
				i++
			}
			if i < len(s) {
				return -1
			}
			return i
		case '#', '%', ' ':
			n := i
			for n < len(s) && inRun(c, s[n]) {
				n++
			}
			if n == i {
				return -1
			}
			i = n
		default:
			if i == len(s) || s[i] != c && (c != '?' || !isLetter(s[i])) {
				return -1
			}
			i++
		}
	}
	if i < len(s) && isWord(s[i]) && i > 0 && isWord(s[i-1]) {
		return -1
	}
	return i
}

func inRun(class, c byte) bool {
	switch class {
	case '#':
		return isDigit(c)
	case '%':
		return isHex(c)
	}
	return c == ' '
}

func isWord(c byte) bool { return isLetter(c) || isDigit(c) }

// tell returns the part of a greeting that its sender chose: Reply's, and of a
// challenge its realm (RFC 9110, section 11.5).
func tell(in Protocols, text string) string {
	text = Reply(in, text[:min(len(text), MaxBanner)])
	if in == HTTP || in == RTSP {
		for i := 0; i+7 < len(text); i++ {
			if text[i]|0x20 == 'r' && equalFold(text[i:i+7], `realm="`) {
				text, _, _ = strings.Cut(text[i+7:], `"`)
				break
			}
		}
	}
	return strings.TrimLeft(text, " \t\r\n\"")
}

// Reply returns a greeting without the reply code of FTP and SMTP (RFC 959, RFC
// 5321) and without the protocol version of SSH (RFC 4253, section 4.2).
func Reply(in Protocols, text string) string {
	switch in {
	case FTP, SMTP:
		if len(text) > 4 && text[:3] == "220" && (text[3] == ' ' || text[3] == '-') {
			return text[4:]
		}
	case SSH:
		if strings.HasPrefix(text, "SSH-") {
			if _, rest, ok := strings.Cut(text[4:], "-"); ok {
				return rest
			}
		}
	}
	return text
}

// blank writes text to low in lower case, with spaces for controls, for bytes that
// no text has (telnet's negotiation, RFC 854) and for the character references of
// titles.
func blank(low []byte, text string) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c < ' ' || c == 0x7f || c >= 0xf0:
			c = ' '
		case c == '&':
			if n := reference(text[i:]); n > 0 {
				for k := range n {
					low[i+k] = ' '
				}
				i += n - 1
				continue
			}
		}
		low[i] = c
	}
}

// reference returns the length of the character reference that s begins with.
func reference(s string) int {
	end := strings.IndexByte(s[:min(len(s), 10)], ';')
	if end < 2 {
		return 0
	}
	for i := 1; i < end; i++ {
		if c := s[i] | 0x20; !isLetter(c) && !isDigit(s[i]) && s[i] != '#' {
			return 0
		}
	}
	return end + 1
}
