package milter

import (
	"strings"

	gomilter "github.com/emersion/go-milter"
)

// maxReply is the longest reply text sent, in bytes: Sendmail's limit for one
// line.
const maxReply = 980

// reply is an answer to the MTA. It says Continue always: any other word makes
// the library forget the session (quirks 1 and 2).
type reply struct {
	code byte
	data []byte
}

var continued = reply{code: byte(gomilter.ActContinue)}

// Response implements gomilter.Response.
func (r reply) Response() *gomilter.Message { return &gomilter.Message{Code: r.code, Data: r.data} }

// Continue implements gomilter.Response.
func (reply) Continue() bool { return true }

// smtpReply is an SMTP error reply, "550 5.7.1 text". Bytes that could end the
// line are blanked and "%" is doubled (quirk 12).
func smtpReply(text string) reply {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return ' '
		}
		return r
	}, text)
	text = strings.ReplaceAll(text[:min(len(text), maxReply)], "%", "%%")
	return reply{code: byte(gomilter.ActReplyCode), data: append([]byte(text), 0)}
}
