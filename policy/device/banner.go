package device

import (
	"net/netip"
	"strings"
)

// Answer is what a greeting tells about the host that sent it. The zero value is
// "no device". Model and Words share memory with the text.
type Answer struct {
	Device Kind
	Vendor string
	Model  string
	Words  []string // the parts of the text that made it so, the deciding one first
}

// Protocols is a set of places that greetings come from.
type Protocols uint16

// The places. HTTP is the value of a Server or WWW-Authenticate field, Title the
// text of an HTML page's title, SNMP the sysDescr (RFC 3418), UPnP the SERVER
// field of UPnP discovery.
const (
	HTTP Protocols = 1 << iota
	Title
	Telnet
	SSH
	FTP
	RTSP
	SMTP
	SNMP
	UPnP
	HELO
	PTR

	greetings = HTTP | Title | Telnet | SSH | FTP | RTSP | SMTP | SNMP | UPnP
)

// protocols are the words for the places, which are part of the contract.
var protocols = map[string]Protocols{
	"http": HTTP, "title": Title, "telnet": Telnet, "ssh": SSH, "ftp": FTP, "rtsp": RTSP, "smtp": SMTP,
	"snmp": SNMP, "upnp": UPnP, "helo": HELO, "ptr": PTR,
}

// ParseProtocol returns the place that word names.
func ParseProtocol(word string) (Protocols, bool) {
	p, ok := protocols[word]
	return p, ok
}

// MaxBanner is how many bytes of a greeting are looked at: the largest header
// field that common HTTP servers send or take is 8 KiB, a greeting's telling part
// stands at its beginning.
const MaxBanner = 4096

// maxWords is how many words an Answer lists.
const maxWords = 8

// Identify says which device sent the text, by the built-in tables; kind is a word
// of ParseProtocol, any other has no answer. Any bytes are allowed; those after
// the first 4096 do not count. It is safe for concurrent use and costs some
// microseconds; its time is bounded by the length of the text.
func Identify(kind, text string) Answer {
	in, ok := protocols[kind]
	if !ok {
		return Answer{}
	}
	if in&(HELO|PTR) != 0 {
		n := Parse(text, netip.Addr{})
		a := Answer{Device: n.Kind, Vendor: n.Vendor}
		if n.Kind != None && n.Word != "" {
			a.Words = []string{n.Word}
		}
		return a
	}
	return identify(in, text)
}

// scan is one greeting on its way through the table.
type scan struct {
	in     Protocols
	text   string // as given, trimmed to its telling part
	low    []byte // the same in lower case, markup and controls blanked: equal length
	best   hit
	vendor hit // the first vendor's name
	words  [maxWords]hit
	n      int
	manage int // letters of words of management pages
}

// hit is a row that matched, and where.
type hit struct {
	row        *bannerRow
	start, end int
}

func identify(in Protocols, text string) Answer {
	s := scan{in: in, text: tell(in, text)}
	s.low = make([]byte, len(s.text))
	blank(s.low, s.text)
	s.run(banners)
	return s.answer()
}

// run looks for every row at every place where a word begins.
func (s *scan) run(t *bannerTable) {
	for i := range s.low {
		if i > 0 && isWord(s.low[i]) && isWord(s.low[i-1]) {
			continue
		}
		for _, row := range t.first[s.low[i]] {
			if row.in&s.in == 0 || row.start && i > 0 {
				continue
			}
			if end := matchAt(row.pattern, s.low, i); end > i {
				s.add(hit{row, i, end})
			}
		}
	}
}

func (s *scan) add(h hit) {
	if h.row.rank <= rankWord && s.inName(h) {
		return
	}
	switch h.row.rank {
	case rankManage:
		s.manage += letters(s.low[h.start:h.end])
		return
	case rankVendor, rankMaker:
		if s.vendor.row == nil {
			s.vendor = h
		}
	}
	if s.n < len(s.words) {
		s.words[s.n] = h
		s.n++
	}
	if s.best.row == nil || h.beats(s.best) {
		s.best = h
	}
}

// beats reports whether h decides against o, which stands left of it or is another
// row at the same place: by rank, then by kind, then by length. Home routers list
// their switch, firewall and VPN; a switch lists no router or printer.
func (h hit) beats(o hit) bool {
	if h.row.rank != o.row.rank {
		return h.row.rank > o.row.rank
	}
	if h.row.rank == rankWord && (h.row.kind == Other) != (o.row.kind == Other) {
		return o.row.kind == Other
	}
	return h.end-h.start > o.end-o.start
}

func (s *scan) answer() (a Answer) {
	b := s.best
	if b.row == nil || b.row.kind == None || !s.credible() {
		return a
	}
	a.Device, a.Vendor = b.row.kind, b.row.vendor
	if a.Vendor == "" && s.vendor.row != nil {
		a.Vendor = s.vendor.row.vendor
	}
	a.Model = s.model(b)
	b.end = s.wordEnd(b.end)
	a.Words = append(make([]string, 0, s.n), s.text[b.start:b.end])
	for _, h := range s.words[:s.n] {
		h.end = s.wordEnd(h.end)
		if h.row.kind != None && !within(h, b) {
			a.Words = append(a.Words, s.text[h.start:h.end])
		}
	}
	return a
}

// wordEnd returns the end of the word that goes on at end: rows may end inside one.
func (s *scan) wordEnd(end int) int {
	for end < len(s.low) && isModel(s.low[end]) {
		end++
	}
	return end
}

func within(h, b hit) bool { return h.start >= b.start && h.end <= b.end }

// credible reports whether the deciding row may decide here. A page's title is any
// text that people write: a device's word, or a maker's name, names a device only
// beside little else; "Camera shop in Springfield" is none.
func (s *scan) credible() bool {
	b := s.best
	switch {
	case s.in != Title:
		return true
	case b.row.rank == rankProduct:
		return s.rest() <= maxRestProduct
	}
	if s.manage > 0 || b.row.rank == rankWord && s.vendor.row != nil {
		return s.rest() <= maxRestManage
	}
	return s.rest() <= maxRest
}

// maxRest and maxRestManage are how many letters and digits may stand in a title
// that a weak row decides, beside the words of rows; the second holds for titles
// with a word of management pages. maxRestProduct holds for product lines, which
// shops and forums name too.
const (
	maxRest        = 8
	maxRestManage  = 16
	maxRestProduct = 24
)

// rest counts the letters and digits that no row explains.
func (s *scan) rest() int {
	n := -s.manage
	for i, c := range s.low {
		if isWord(c) && !s.covered(i) {
			n++
		}
	}
	return n
}

func (s *scan) covered(i int) bool {
	for _, h := range s.words[:s.n] {
		if h.start <= i && i < h.end {
			return true
		}
	}
	return false
}

// inName reports whether h is part of a host name or mail address, which people
// choose: nas.example.org is no NAS.
func (s *scan) inName(h hit) bool {
	start, end := h.start, h.end
	for start > 0 && isName(s.low[start-1]) {
		start--
	}
	for end < len(s.low) && isName(s.low[end]) {
		end++
	}
	for i := start + 1; i+1 < end; i++ {
		if s.low[i] == '.' && isWord(s.low[i-1]) && isLetter(s.low[i+1]) {
			return true
		}
	}
	return false
}

func isName(c byte) bool { return isModel(c) || c == '.' || c == '@' }

// model returns the model's name: of what decided, or else of another product line
// in the text, the first word that looks like one, or the next word after it.
func (s *scan) model(b hit) string {
	if m := s.modelOf(b); m != "" {
		return m
	}
	for _, h := range s.words[:s.n] {
		if h.row.rank == rankProduct && h.row.kind == b.row.kind {
			if m := s.modelOf(h); m != "" {
				return m
			}
		}
	}
	return ""
}

func (s *scan) modelOf(h hit) string {
	last := s.wordEnd(h.end)
	at := h.start
	if h.row.rank < rankProduct {
		// The name of a maker or of software is no model.
		at = last
	}
	for at < len(s.low) {
		end := s.wordEnd(at)
		if looksModel(s.low[at:end]) {
			return strings.TrimRight(s.text[at:end], ".-_")
		}
		if at >= last && end > at || end == len(s.low) {
			return ""
		}
		at = end
		for at < len(s.low) && (s.low[at] == ' ' || s.low[at] == '/') {
			at++
		}
		if at == end && at >= last {
			return ""
		}
		at = max(at, end+1)
	}
	return ""
}

func letters(b []byte) (n int) {
	for _, c := range b {
		if isWord(c) {
			n++
		}
	}
	return n
}

func isModel(c byte) bool { return isWord(c) || c == '-' || c == '+' || c == '_' }

// looksModel reports whether w has a digit and a letter or three digits: a version
// or a year is cut at its dots by isModel, and is no model.
func looksModel(w []byte) bool {
	digits, letters := 0, 0
	for _, c := range w {
		switch {
		case isDigit(c):
			digits++
		case isLetter(c):
			letters++
		}
	}
	if digits == 0 || len(w) > 24 || letters == 1 && w[0] == 'v' {
		return false
	}
	return letters > 0 || digits >= 3
}
