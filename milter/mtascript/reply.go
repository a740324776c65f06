package mtascript

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ErrReply is a reply that an MTA would not understand: a payload where none
// belongs, missing NULs, a reply text that is not "4xx …" or "5xx …".
var ErrReply = errors.New("malformed milter reply")

// Kind is how an event ended.
type Kind byte

// The kinds. None is an event that was sent and needs no reply, NotSent one that
// was agreed away or for which the session had no place any more.
const (
	NotSent Kind = iota
	None
	Continue
	Accept
	Reject
	TempFail
	Discard
	Skip
	ReplyText
	ConnFail
	Shutdown
)

var kindNames = [...]string{"not sent", "none", "continue", "accept", "reject", "tempfail",
	"discard", "skip", "replycode", "connfail", "shutdown"}

// String is the kind's word, such as "continue".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", byte(k))
}

// Refused tells whether the client is told 4xx or 5xx.
func (k Kind) Refused() bool {
	switch k {
	case Reject, TempFail, ReplyText, ConnFail, Shutdown:
		return true
	}
	return false
}

// Reply is the filter's answer to one event. Text is the SMTP reply of kind
// ReplyText with "%%" turned to "%", as the client sees it. Edits are those of an
// EOM in their order. Progress counts progress frames.
type Reply struct {
	Kind     Kind
	Text     string
	Edits    []Edit
	Progress int
}

// Edit is a change asked for at end of message. Code is its reply code. Name and
// Value are a header's; for sender and recipients Name is the address and Value
// its ESMTP arguments; for a quarantine Value is the reason, for a body chunk the
// bytes. Index is as on the wire.
type Edit struct {
	Code  byte
	Index uint32
	Name  string
	Value string
}

var finals = map[byte]Kind{
	ReplyContinue: Continue, ReplyAccept: Accept, ReplyReject: Reject, ReplyTempFail: TempFail,
	ReplyDiscard: Discard, ReplySkip: Skip, ReplyConnFail: ConnFail, ReplyShutdown: Shutdown,
}

// await collects one event's answer. A million edits are a runaway filter.
func (c *Conn) await(event byte) (Reply, error) {
	const maxFrames = 1 << 20
	var r Reply
	for range maxFrames {
		f, err := c.Recv()
		if err != nil {
			return r, fmt.Errorf("reply to %s: %w", StageName(event), err)
		}
		if kind, ok := finals[f.Code]; ok {
			if len(f.Payload) > 0 {
				return r, fmt.Errorf("%w: %v to %s", ErrReply, f, StageName(event))
			}
			r.Kind = kind
			return r, nil
		}
		switch f.Code {
		case ReplyProgress:
			r.Progress++
		case ReplyCode:
			r.Kind = ReplyText
			r.Text, err = parseReplyText(f)
			return r, err
		default:
			// Postfix takes a quarantine at any stage, Sendmail only here.
			if event != CmdEOM {
				return r, fmt.Errorf("%w: %v to %s", ErrOutOfStep, f, StageName(event))
			}
			e, err := parseEdit(f)
			if err != nil {
				return r, err
			}
			r.Edits = append(r.Edits, e)
		}
	}
	return r, fmt.Errorf("%w: no end of edits", ErrReply)
}

func parseReplyText(f Frame) (string, error) {
	s, ok := strings.CutSuffix(string(f.Payload), "\x00")
	if !ok || strings.ContainsRune(s, 0) {
		return s, fmt.Errorf("%w: %v", ErrReply, f)
	}
	lines := strings.Split(s, "\r\n")
	for i, line := range lines {
		sep := byte('-')
		if i == len(lines)-1 {
			sep = ' '
		}
		if !replyLine(line, lines[0], sep) {
			return s, fmt.Errorf("%w: line %q", ErrReply, line)
		}
	}
	text := strings.ReplaceAll(s, "%%", "\x00")
	// Sendmail uses the text as a format and drops it whole for a lone %.
	if strings.Contains(text, "%") {
		return s, fmt.Errorf("%w: lone %% in %q", ErrReply, s)
	}
	return strings.ReplaceAll(text, "\x00", "%"), nil
}

func replyLine(line, first string, sep byte) bool {
	if len(line) < 4 || line[0] != '4' && line[0] != '5' || line[3] != sep {
		return false
	}
	digit := func(b byte) bool { return b >= '0' && b <= '9' }
	return digit(line[1]) && digit(line[2]) && line[:3] == first[:3] && !strings.ContainsAny(line, "\r\n")
}

func parseEdit(f Frame) (Edit, error) {
	e := Edit{Code: f.Code}
	p := f.Payload
	fail := fmt.Errorf("%w: %v", ErrReply, f)
	switch f.Code {
	case ReplyInsHeader, ReplyChgHeader:
		if len(p) < 4 {
			return e, fail
		}
		e.Index = binary.BigEndian.Uint32(p)
		p = p[4:]
	case ReplyBody:
		e.Value = string(p)
		return e, nil
	}
	parts := strings.Split(string(p), "\x00")
	n := len(parts) - 1
	if n < 1 || parts[n] != "" {
		return e, fail
	}
	var min, max int
	switch f.Code {
	case ReplyInsHeader, ReplyChgHeader, ReplyAddHeader:
		min, max = 2, 2
	case ReplyAddRcpt, ReplyDelRcpt:
		min, max = 1, 1
	case ReplyChgFrom, ReplyAddRcptPar:
		min, max = 1, 2
	case ReplyQuarantine:
		e.Value = parts[0]
		return e, nil
	}
	if n < min || n > max || parts[0] == "" {
		return e, fail
	}
	e.Name = parts[0]
	if n == 2 {
		e.Value = parts[1]
	}
	return e, nil
}
