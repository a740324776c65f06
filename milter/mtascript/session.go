package mtascript

import "time"

// MTA is whose order of frames a script follows.
type MTA byte

// The two MTAs.
const (
	Postfix MTA = iota
	Sendmail
)

// String is the MTA's name.
func (m MTA) String() string {
	if m == Sendmail {
		return "Sendmail"
	}
	return "Postfix"
}

// Client is the SMTP client as CONNECT names it. Host is the confirmed name or
// "[address]"; Sendmail writes an IPv6 Addr as "IPv6:2001:db8::1", which is up to
// the caller. Family 0 is FamilyInet.
type Client struct {
	Host   string
	Family byte
	Port   uint16
	Addr   string
}

// Header is one field. Value has no blank after the colon and folds with "\n",
// as a filter is shown it. Own marks the Received field that the MTA itself
// added and hides from the filter; only Apply sets it.
type Header struct {
	Name, Value string
	Own         bool
}

// Message is one transaction. From and Rcpts get angle brackets where they lack
// them; "" is the null sender. MailArgs and RcptArgs are ESMTP arguments, the
// latter for every recipient. QueueID defaults to a made-up one.
type Message struct {
	From     string
	MailArgs []string
	Rcpts    []string
	RcptArgs []string
	Headers  []Header
	Body     []byte
	QueueID  string
	// Macros are added to the session's for this message, such as {auth_authen}.
	Macros map[string]string
	// ResetAfter is the command after whose reply the client sends RSET: CmdMail,
	// CmdRcpt or CmdData. 0 is none.
	ResetAfter byte
	// LostAfter is like ResetAfter, but the client's connection breaks: the
	// session ends without further messages.
	LostAfter byte
	// Unknown are command lines that the client sends before MAIL.
	Unknown []string
}

// Fault makes the MTA go wrong instead of sending the first frame with code At
// of message Message, counted from 0 (-1 before the first). The script ends
// there. Limit bounds the wait for the filter to close.
type Fault struct {
	Kind    FaultKind
	At      byte
	Message int
	Limit   time.Duration
}

// Session is one SMTP connection as a filter sees it. The zero value is a
// Postfix session without HELO or message.
type Session struct {
	MTA    MTA
	Client Client
	Helo   string
	// StartTLS, if not nil, makes the client greet again after STARTTLS, with
	// these macros added from then on.
	StartTLS map[string]string
	// Macros are the values the MTA knows, by name as in its lists ("j",
	// "{daemon_name}"); which go out when is the MTA's default or the filter's
	// list. nil is StandardMacros; an empty map is none. Queue id, sender and
	// recipient macros are the script's.
	Macros   map[string]string
	Messages []Message
	// Offer nil is FullOffer.
	Offer *Offer
	Fault *Fault
	// NoQuit closes the socket without ABORT and QUIT at the end.
	NoQuit bool
}

// Step is one frame of a session and its answer, in order. Message counts from
// 0; -1 is outside any message. Macro frames are no steps.
type Step struct {
	Message int
	Frame   Frame
	Reply   Reply
}

// Outcome is what became of one message. Refused is the command at which all of
// it was refused, 0 if it was not; Final is the reply that decided. Rcpts has the
// reply to each recipient.
type Outcome struct {
	Rcpts   []Reply
	Final   Reply
	Refused byte
	// Delivered tells whether the MTA would queue the message, and Headers are
	// then its fields after the edits, the MTA's own Received among them.
	Delivered bool
	Headers   []Header
}

// Transcript is what a session gave.
type Transcript struct {
	Agreement Agreement
	Steps     []Step
	Messages  []Outcome
	// Closed is how long the filter took to close after a fault.
	Closed time.Duration
}

// Reply is the answer to the nth step with that code, counted from 0; the zero
// Reply (NotSent) if there was none.
func (t *Transcript) Reply(code byte, n int) Reply {
	for _, s := range t.Steps {
		if s.Frame.Code == code {
			if n == 0 {
				return s.Reply
			}
			n--
		}
	}
	return Reply{}
}
