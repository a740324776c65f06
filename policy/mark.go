package policy

import (
	"math"
	"strconv"
	"strings"
)

// maxMarkSignals is how many signals the header names, the strongest first.
const maxMarkSignals = 8

// markWidth is the column before which the header is folded.
const markWidth = 78

// FailOpenMark is the header value of a message that passed unjudged.
func FailOpenMark(host string) string {
	var m mark
	m.begin(FlagNo)
	m.word("class", ClassUnknown.String())
	m.word("reason", "fail-open")
	m.word("host", host)
	return m.String()
}

// ExemptMark is the header value of a message that is exempt from judgement.
func ExemptMark(reason, host string) string {
	var m mark
	m.begin(FlagNo)
	m.word("exempt", reason)
	m.word("host", host)
	return m.String()
}

// Mark is the header value of a judged message.
func (j *Judgement) Mark(action Action, host string) string {
	var m mark
	m.begin(j.Flag)
	m.word("class", j.Class.String())
	m.word("device", j.Device.String())
	var number [8]byte
	m.word("confidence", string(strconv.AppendFloat(number[:0], floor2(j.Confidence), 'f', 2, 64)))
	m.word("action", action.String())
	var names [maxMarkSignals]string
	m.list("signals", j.Strongest(names[:0]))
	m.word("host", host)
	return m.String()
}

// floor2 rounds down to two decimals: nothing is ever said to be certain. What
// is added makes up for decimals that have no exact binary form.
func floor2(p float64) float64 {
	if !(p > 0) {
		return 0
	}
	return math.Floor(min(p, 0.99)*100+1e-9) / 100
}

// mark builds a folded header value of "Word, key=value key=value". Values hold
// only [A-Za-z0-9._:,-], and what would not fit on a line is cut; an empty value
// leaves its key out.
type mark struct {
	strings.Builder
	column int
}

func (m *mark) begin(f Flag) {
	m.Grow(160)
	m.column = len(HeaderName) + len(": ")
	switch f {
	case FlagYes:
		m.put("Yes,")
	case FlagSuspect:
		m.put("Suspect,")
	default:
		m.put("No,")
	}
}

func (m *mark) word(key, value string) {
	if value = markValue(value); value != "" {
		value = value[:min(len(value), markRoom(key))]
		m.blank(len(key) + 1 + len(value))
		m.put(key, "=", value)
	}
}

// markRoom is how long the value of a key can be on a line of its own.
func markRoom(key string) int { return markWidth - 1 - len(" ") - len(key) - len("=") }

// hostValue is the value of host= for a host: MTAs may call themselves
// something that does not fit as it is.
func hostValue(host string) string {
	host = markValue(host)
	return host[:min(len(host), markRoom("host"))]
}

// list writes key=a,b,c and may fold after a comma.
func (m *mark) list(key string, values []string) {
	for i, v := range values {
		comma := ","
		if i == len(values)-1 {
			comma = ""
		}
		if i == 0 {
			m.blank(len(key) + 1 + len(v) + len(comma))
			m.put(key, "=")
		} else if m.column+len(v)+len(comma) >= markWidth {
			m.fold()
		}
		m.put(v, comma)
	}
}

func (m *mark) put(parts ...string) {
	for _, p := range parts {
		m.WriteString(p)
		m.column += len(p)
	}
}

// blank separates words, on a new line where the next of length n would pass the
// width.
func (m *mark) blank(n int) {
	if m.column+1+n >= markWidth {
		m.fold()
		return
	}
	m.put(" ")
}

func (m *mark) fold() {
	m.WriteString("\n ")
	m.column = 1
}

func markValue(s string) string {
	s = s[:min(len(s), 255)]
	for i := range len(s) {
		if !markByte(s[i]) {
			return strings.Map(func(r rune) rune {
				if r < 0x80 && markByte(byte(r)) {
					return r
				}
				return '-'
			}, s)
		}
	}
	return s
}

func markByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= lower(c) && lower(c) <= 'z' || strings.IndexByte("._:,-", c) >= 0
}
