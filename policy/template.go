package policy

import (
	"bytes"
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// Template is what the messages of one run have in common, as hashes. Anybody
// can compute them: whoever keeps them does so under a secret. The zero value is
// no template.
type Template struct {
	// Loose is the program: the names of the header's fields and their order, the
	// mailer, the shape of Message-ID, and whether HELO is a device's name or one of
	// the client's own.
	Loose uint64
	// Exact is that with the subject, less its numbers; 0 without a subject.
	Exact uint64
	// Links is what the message advertises, by itself: the registered domains that its
	// body links to. The others are without it: who varies the domains would hide behind
	// them a program that is well known. 0 without a body, or without such a link.
	Links uint64
}

// Template returns the template of the message, the zero value before its header is
// known. The PTR name is no part of it: that is the network's, and a run comes from
// many.
func (f *Facts) Template() Template {
	h := f.Headers
	if h == nil || h.Count == 0 {
		return Template{}
	}
	sum := mix(h.order, hashStart)
	sum = mixText(sum, h.Mailer.String())
	sum = mixID(sum, h.MessageID.String())
	sum = mixByte(sum, greeter(f))
	t := Template{Loose: nonZero(sum), Links: f.links()}
	if h.subject != 0 {
		t.Exact = nonZero(mix(h.subject, sum))
	}
	return t
}

// greeter is what sort of name the client greets with: a device's, one of its own,
// or any other. One program greets with whatever its hosts are called.
func greeter(f *Facts) byte {
	switch {
	case f.HELO.Kind != device.None:
		return 'd'
	case independent(f):
		return 'o'
	}
	return '-'
}

// FNV-1a, with 64 bits (RFC 9923).
const (
	hashStart = 14695981039346656037
	hashPrime = 1099511628211
)

func mixByte(sum uint64, b byte) uint64 { return (sum ^ uint64(b)) * hashPrime }

func mix(n, sum uint64) uint64 {
	for range 8 {
		sum, n = mixByte(sum, byte(n)), n>>8
	}
	return sum
}

func nonZero(sum uint64) uint64 { return max(sum, 1) }

// traceNames are fields that hosts on the way add, in numbers of their own.
var traceNames = []string{"Received", "Return-Path", "Delivered-To", "X-Received", HeaderName, "Authentication-Results"}

// orderOf adds the name of the next field.
func orderOf(sum uint64, name []byte) uint64 {
	for _, trace := range traceNames {
		if is(name, trace) {
			return sum
		}
	}
	if sum == 0 {
		sum = hashStart
	}
	for _, b := range name {
		sum = mixByte(sum, lower(b))
	}
	return mixByte(sum, ':')
}

// subjectOf is a hash of a subject's words. What programs vary counts as a sign:
// words with a digit, addresses, long words, encoded words (RFC 2047).
func subjectOf(value []byte) uint64 {
	sum := uint64(hashStart)
	for word := range bytes.FieldsSeq(value) {
		word = bytes.Trim(word, ".,;:!?()[]{}\"'<>*-_#")
		if len(word) == 0 {
			continue
		}
		switch {
		case bytes.HasPrefix(word, []byte("=?")):
			sum = mixByte(sum, '=')
		case bytes.ContainsRune(word, '@'):
			sum = mixByte(sum, '@')
		case len(word) > maxWord, bytes.ContainsAny(word, "0123456789"):
			sum = mixByte(sum, '#')
		default:
			for _, b := range word {
				sum = mixByte(sum, lower(b))
			}
		}
		sum = mixByte(sum, ' ')
	}
	return nonZero(sum)
}

// maxWord is the length in bytes of the longest word of a subject that counts as
// one.
const maxWord = 24

// mixText adds a text; a run of digits is one sign.
func mixText(sum uint64, text string) uint64 {
	digits := false
	for i := range len(text) {
		b := lower(text[i])
		if '0' <= b && b <= '9' {
			if digits {
				continue
			}
			b, digits = '#', true
		} else {
			digits = false
		}
		sum = mixByte(sum, b)
	}
	return mixByte(sum, 0)
}

// mixID adds the shape of a Message-ID: the signs between its runs of letters and
// digits, and whether its host is one word, a name or none.
func mixID(sum uint64, id string) uint64 {
	local, host, found := strings.Cut(id, "@")
	run := false
	for i := range len(local) {
		b := lower(local[i])
		if '0' <= b && b <= '9' || 'a' <= b && b <= 'z' {
			if !run {
				sum = mixByte(sum, 'x')
			}
			run = true
			continue
		}
		run = false
		sum = mixByte(sum, b)
	}
	switch {
	case !found:
		sum = mixByte(sum, '0')
	case strings.Contains(host, "."):
		sum = mixByte(sum, '2')
	default:
		sum = mixByte(sum, '1')
	}
	return mixByte(sum, 0)
}
