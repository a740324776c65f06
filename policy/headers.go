package policy

import (
	"bytes"
	"strings"
)

// HeaderName is the header field that iot-milter writes.
const HeaderName = "X-IoT-Spam"

const (
	maxValue = 1024 // bytes kept of a header value that a signal reads
	maxMarks = 32   // own-named fields whose host is remembered, counted from the top
)

// Headers collects from a message's header fields what signals and edits need,
// as they arrive, without an allocation per field. The zero value is empty;
// Reset makes it so again and keeps its memory. One goroutine may use it at a
// time. It holds of the subject a hash, and of the body where it links to.
type Headers struct {
	Count    int // fields seen
	Received int // Received fields

	By        Text // who wrote the topmost Received by its own words: the client, or a hop before it
	Date      Text
	MessageID Text
	Mailer    Text // X-Mailer or User-Agent, the first of them
	From      Text

	ContentType Text // these two are known after KeepType only
	Encoding    Text // Content-Transfer-Encoding
	Links       Links

	typed bool // KeepType

	order   uint64 // of the names of the fields, but the trace's: see Template
	subject uint64 // of the subject without what differs from mail to mail; 0 without one

	marks     int // fields of our own name
	markHosts [maxMarks]string

	authserv string // own authserv-id, lower case; "" when such fields are not ours to remove
	ownAuth  []int  // indexes, from 1, of arriving Authentication-Results that claim our iprev
	authSeen int
}

// Reset empties h. The authserv is the identifier under which
// Authentication-Results fields are written, "" for none (RFC 8601, section 5:
// fields from outside that claim it must go).
func (h *Headers) Reset(authserv string) {
	auth := h.ownAuth[:0]
	*h = Headers{authserv: strings.ToLower(authserv), ownAuth: auth}
}

// KeepType has the fields kept that say how the body is to be read. It comes after
// Reset and before the fields.
func (h *Headers) KeepType() { h.typed = true }

// Add takes one field as the MTA hands it over. It does not keep name or value.
func (h *Headers) Add(name, value []byte) {
	h.Count++
	name = bytes.TrimRight(name, " \t")
	h.order = orderOf(h.order, name)
	switch len(name) {
	case len("Subject"):
		if h.subject == 0 && is(name, "Subject") {
			h.subject = subjectOf(value)
		}
	case len("Date"):
		if is(name, "Date") {
			first(&h.Date, value)
		} else if is(name, "From") {
			first(&h.From, value)
		}
	case len("Received"):
		if is(name, "Received") {
			h.Received++
			first(&h.By, byHost(value))
		} else if is(name, "X-Mailer") {
			first(&h.Mailer, value)
		}
	case len("Message-ID"):
		if is(name, "Message-ID") {
			first(&h.MessageID, value)
		} else if is(name, "User-Agent") {
			first(&h.Mailer, value)
		} else if is(name, HeaderName) {
			h.addMark(value)
		}
	case len("Content-Type"):
		if h.typed && is(name, "Content-Type") {
			first(&h.ContentType, value)
		}
	case len("Content-Transfer-Encoding"):
		if h.typed && is(name, "Content-Transfer-Encoding") {
			first(&h.Encoding, value)
		}
	case len("Authentication-Results"):
		if is(name, "Authentication-Results") {
			h.addAuth(value)
		}
	}
}

// Marks is the number of fields of our own name that arrived.
func (h *Headers) Marks() int { return h.marks }

// MarkOf returns the index, from 1, of the topmost field of our own name that a
// host of hosts (lower case) wrote, 0 when there is none. Only the first 32 are
// looked at: our own stands at the top.
func (h *Headers) MarkOf(hosts []string) int {
	for i := range min(h.marks, maxMarks) {
		for _, host := range hosts {
			if host != "" && h.markHosts[i] == hostValue(host) {
				return i + 1
			}
		}
	}
	return 0
}

// ForeignAuth returns the indexes, from 1 and rising, of arriving
// Authentication-Results fields that claim an iprev result under our own
// identifier. The slice is valid until Reset.
func (h *Headers) ForeignAuth() []int { return h.ownAuth }

func (h *Headers) addMark(value []byte) {
	if h.marks < maxMarks {
		h.markHosts[h.marks] = markHost(value)
	}
	h.marks++
}

// markHost returns the host= word of a field of our own name, lower case.
func markHost(value []byte) string {
	for word := range bytes.FieldsSeq(value) {
		if host, ok := bytes.CutPrefix(word, []byte("host=")); ok && len(host) <= 255 {
			return string(bytes.ToLower(host))
		}
	}
	return ""
}

// addAuth looks at the field with and without its comments: what one reader
// takes for a result of ours must not stay, whatever the other says.
func (h *Headers) addAuth(value []byte) {
	h.authSeen++
	if h.authserv == "" || len(value) < len(h.authserv) {
		return
	}
	if claimsIprev(value, h.authserv) || claimsIprev(uncomment(value), h.authserv) {
		h.ownAuth = append(h.ownAuth, h.authSeen)
	}
}

func claimsIprev(value []byte, authserv string) bool {
	id, results, _ := bytes.Cut(value, []byte(";"))
	fields := bytes.Fields(id) // the identifier may be followed by a version
	if len(fields) == 0 || !is(bytes.Trim(fields[0], `"`), authserv) {
		return false
	}
	for result := range bytes.SplitSeq(results, []byte(";")) {
		method, _, _ := bytes.Cut(result, []byte("="))
		method, _, _ = bytes.Cut(method, []byte("/")) // … and so may the method
		if is(bytes.TrimSpace(method), "iprev") {
			return true
		}
	}
	return false
}

// uncomment blanks comments (RFC 5322, section 3.2.2), which may stand between
// any two words, and takes semicolons out of quoted strings.
func uncomment(value []byte) []byte {
	out := make([]byte, 0, len(value))
	depth, quoted := 0, false
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && (quoted || depth > 0):
			i++
		case quoted:
			quoted = c != '"'
			if c != ';' {
				out = append(out, c)
			}
		case c == '(':
			depth++
			out = append(out, ' ')
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			quoted = c == '"'
			out = append(out, c)
		}
	}
	return out
}

func first(t *Text, value []byte) {
	if !t.known {
		*t = Seen(string(value[:min(len(value), maxValue)]))
	}
}

// is compares ASCII case-insensitively; bytes.EqualFold would also fold the
// Kelvin sign.
func is(name []byte, want string) bool {
	if len(name) != len(want) {
		return false
	}
	for i, c := range name {
		if lower(c) != lower(want[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
