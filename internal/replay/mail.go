package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

// maxHeader bounds the header of a message, in bytes.
const maxHeader = 1 << 20

// longHeader is the damage of a header that is longer.
const longHeader = "a header longer than 1 MiB"

// ReadHeaders reads the header of an RFC 5322 message as an MTA would hand it
// over, tolerating what MTAs tolerate: bare line feeds, an mbox "From " line, a
// line that is no field (it ends the header).
func ReadHeaders(r io.Reader, h *policy.Headers) error {
	text, _, err := readHeader(newLines(r))
	if err != nil {
		return err
	}
	for name, value := range fields(text) {
		h.Add(name, value)
	}
	return nil
}

// errLongHeader says that a header is longer than maxHeader.
var errLongHeader = fmt.Errorf("the header is longer than %d bytes", maxHeader)

// readHeader reads the header at the beginning of a file, and the "From " line
// that may stand before it.
func readHeader(l *lines) (text []byte, from string, err error) {
	var head header
	for {
		line, long, err := l.next(maxHeader)
		if errors.Is(err, io.EOF) {
			return head.text, from, nil
		}
		if err != nil {
			return nil, "", err
		}
		if l.number == 1 && bytes.HasPrefix(line, []byte("From ")) {
			from = fromSender(line)
			continue
		}
		if !head.add(line, long) {
			break
		}
	}
	if head.long {
		return nil, "", errLongHeader
	}
	return head.text, from, nil
}

// header collects the lines of a header.
type header struct {
	text []byte
	long bool // more than is kept
}

// add takes a line and reports whether more may follow.
func (h *header) add(line []byte, long bool) bool {
	folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && len(h.text) > 0
	if !folded && !isField(line) {
		return false
	}
	if long || len(h.text)+len(line) >= maxHeader {
		h.long = true
		return false
	}
	h.text = append(append(h.text, line...), '\n')
	return true
}

// isField reports whether a line begins a header field.
func isField(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	return colon > 0 && !bytes.ContainsAny(bytes.TrimRight(line[:colon], " \t"), " \t")
}

// fields are the fields of a header that readHeader or header.add collected. The
// values are without the blank after the colon, and folded as they were.
func fields(text []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for len(text) > 0 {
			end := 0
			for {
				n := bytes.IndexByte(text[end:], '\n')
				if n < 0 {
					end = len(text)
					break
				}
				end += n + 1
				if end >= len(text) || text[end] != ' ' && text[end] != '\t' {
					break
				}
			}
			name, value, _ := bytes.Cut(bytes.TrimSuffix(text[:end], []byte("\n")), []byte(":"))
			if !yield(name, bytes.TrimLeft(value, " \t")) {
				return
			}
			text = text[end:]
		}
	}
}

func (s *source) eml(path string, l *lines) error {
	text, from, err := readHeader(l)
	if errors.Is(err, errLongHeader) {
		s.damaged(path, longHeader)
		return nil
	}
	if err != nil {
		return err
	}
	body := s.newBody()
	for body != nil && body.Room() > 0 {
		line, _, err := l.next(policy.MaxBody)
		if err != nil {
			break // the header is there, and what follows is of no interest otherwise
		}
		addLine(body, line)
	}
	s.out.add(s.mailParser(), item{place: place{path: path}, text: text, from: from, body: body})
	return nil
}

// newBody is nil where nobody wants to know what messages link to.
func (s *source) newBody() *policy.Body {
	if !s.o.Bodies {
		return nil
	}
	return new(policy.Body)
}

// addLine takes a line as an MTA would hand it over.
func addLine(body *policy.Body, line []byte) {
	body.Add(line)
	body.Add([]byte("\r\n"))
}

// mbox reads messages that follow each other, each after a "From " line. A body
// is skipped line by line, but for its beginning where that is wanted: it may have any
// size.
func (s *source) mbox(path string, l *lines) error {
	var head header
	var from string
	var body *policy.Body
	start, inHeader, blank := 0, false, true
	give := func() bool {
		at := place{path, start}
		switch {
		case start == 0:
			return true
		case head.long:
			return s.out.record(Record{Place: at.String(), Damage: longHeader})
		}
		return s.out.add(s.mailParser(), item{place: at, text: head.text, from: from, body: body})
	}
	for {
		limit := maxSkimmed
		reads := !inHeader && body != nil && body.Room() > 0
		if inHeader {
			limit = maxHeader
		} else if reads {
			limit = policy.MaxBody
		}
		line, long, err := l.next(limit)
		if err != nil {
			give()
			return err
		}
		switch {
		case fromLine(line, blank):
			if !give() {
				return nil
			}
			head, from, start, inHeader, body = header{}, fromSender(line), l.number, true, s.newBody()
		case start == 0 && len(line) > 0 && !blank:
		case start == 0 && len(line) > 0:
			if !s.out.record(Record{Place: place{path, l.number}.String(), Damage: "text before the first message"}) {
				return nil
			}
		case inHeader && bytes.HasPrefix(line, []byte(">From ")) && len(head.text) == 0:
		case inHeader:
			inHeader = head.add(line, long)
		case reads:
			addLine(body, line)
		}
		blank = len(line) == 0
	}
}

// fromLine tells the line before a message of an mbox from a line of a body: it
// has a time of day and a year, and stands after an empty line or names the day
// of the week.
func fromLine(line []byte, afterBlank bool) bool {
	if !bytes.HasPrefix(line, []byte("From ")) || len(line) > maxSkimmed {
		return false
	}
	clock, year, day := false, false, false
	for word := range strings.FieldsSeq(string(line)) {
		switch {
		case len(word) >= 4 && strings.IndexByte(word, ':') > 0 && word[0] >= '0' && word[0] <= '9' && strings.Trim(word, "0123456789:") == "":
			clock = true
		case len(word) == 4 && (strings.HasPrefix(word, "19") || strings.HasPrefix(word, "20")):
			year = true
		case len(word) == 3 && strings.Contains("Mon Tue Wed Thu Fri Sat Sun", word):
			day = true
		}
	}
	return clock && year && (afterBlank || day)
}

// fromSender is the envelope sender of a "From " line, "" when it has none.
func fromSender(line []byte) string {
	words := strings.Fields(string(line[:min(len(line), maxSkimmed)]))
	if len(words) < 2 {
		return ""
	}
	if words[1] == "MAILER-DAEMON" {
		return "<>"
	}
	if strings.Contains(words[1], "@") {
		return words[1]
	}
	return ""
}

// address is an envelope address without its brackets, cut to what RFC 5321,
// section 4.5.3.1, allows and more.
func address(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
	return s[:min(len(s), 512)]
}
