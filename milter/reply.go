package milter

import (
	"encoding/binary"
	"strings"

	gomilter "github.com/emersion/go-milter"
)

// maxReply is the longest reply text sent, in bytes: Sendmail's limit for one
// line.
const maxReply = 980

// The answers are written by the session itself, into what the edge holds back;
// the library is given nil, which it takes for "no answer due". Its own way would
// allocate a 4 KiB writer for each answer and each edit (quirk 10), and forget
// the session after some (quirks 1 and 2), and it would answer OPTNEG without the offer.

// say holds one frame back: a code and its payload, in parts.
func (e *edge) say(code byte, parts ...string) {
	n := 1
	for _, p := range parts {
		n += len(p)
	}
	e.out = append(binary.BigEndian.AppendUint32(e.out, uint32(n)), code)
	for _, p := range parts {
		e.out = append(e.out, p...)
	}
	if len(e.out) >= holdOutput {
		e.flush()
	}
}

const nul = "\x00"

// sayContinue lets the MTA go on. It is also the answer to a good recipient and
// at end of message: accept would end the filter for the message in Sendmail.
func (e *edge) sayContinue() { e.say(byte(gomilter.ActContinue)) }

// sayReply is an SMTP error reply, "550 5.7.1 text".
func (e *edge) sayReply(text string) { e.say(byte(gomilter.ActReplyCode), replyText(text), nul) }

// sayHeader inserts a field at an index, or changes the field of that name with
// the index; an empty value deletes it.
func (e *edge) sayHeader(code gomilter.ModifyActCode, index int, name, value string) {
	var at [4]byte
	binary.BigEndian.PutUint32(at[:], uint32(index))
	e.say(byte(code), string(at[:]), name, nul, value, nul)
}

// sayQuarantine has the MTA hold the message.
func (e *edge) sayQuarantine(reason string) {
	e.say(byte(gomilter.ActQuarantine), replyText(reason), nul)
}

// replyText blanks the bytes that could end the line and doubles "%" (quirk 12).
func replyText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.ReplaceAll(s[:min(len(s), maxReply)], "%", "%%")
}
