// Package sink is a mail store for tests: it takes mail by LMTP, or by SMTP,
// and keeps every message exactly as it was delivered.
//
// It belongs to the tests of the real MTAs and must not be imported by the
// daemon. LMTP is RFC 2033, SMTP is RFC 5321.
package sink

import (
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// Message is one delivered message. Data has the line ends of the wire.
type Message struct {
	From string
	To   []string
	Data []byte
}

// Sink stores what arrives. Its methods may be called concurrently.
type Sink struct {
	server   *smtp.Server
	listener net.Listener
	forward  func(Message) error

	refuses  atomic.Bool
	mu       sync.Mutex
	messages []Message
	arrived  chan struct{}
}

// Options says how a sink speaks.
type Options struct {
	// Addr is a TCP address; port 0 is a free one.
	Addr string
	// LMTP instead of SMTP.
	LMTP bool
	// Forward, where set, gets each message instead of the store: the sink is
	// then a content filter. Its error is the client's 451.
	Forward func(Message) error
}

// Listen starts a sink. The caller closes it.
func Listen(o Options) (*Sink, error) {
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	s := &Sink{listener: l, forward: o.Forward, arrived: make(chan struct{}, 1)}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{sink: s}, nil
	}))
	s.server.LMTP = o.LMTP
	s.server.Domain = "sink.example.test"
	s.server.ReadTimeout = time.Minute
	// Tests send header lines far beyond the 1,000 octets of RFC 5321, and an
	// MTA hands 8-bit data on only to who can take it.
	s.server.MaxLineLength = 1 << 20
	s.server.EnableSMTPUTF8 = true
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

// Port is the TCP port that the sink listens on.
func (s *Sink) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Close ends the sink and its sessions.
func (s *Sink) Close() error { return s.server.Close() }

// Refuse makes the sink answer 451 to every sender, or take mail again. A message that is
// under way comes to its end.
func (s *Sink) Refuse(on bool) { s.refuses.Store(on) }

// Reset forgets all messages.
func (s *Sink) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = nil
}

// Messages is what has arrived since the last Reset, in order of arrival.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait returns the messages as soon as there are n, or after the timeout.
func (s *Sink) Wait(n int, timeout time.Duration) []Message {
	late := time.After(timeout)
	for {
		if m := s.Messages(); len(m) >= n {
			return m
		}
		select {
		case <-s.arrived:
		case <-late:
			return s.Messages()
		}
	}
}

func (s *Sink) take(m Message) error {
	if s.forward != nil {
		return s.forward(m)
	}
	s.mu.Lock()
	s.messages = append(s.messages, m)
	s.mu.Unlock()
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	return nil
}

// session collects one transaction after the other.
type session struct {
	sink    *Sink
	message Message
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.sink.refuses.Load() {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now"}
	}
	s.message = Message{From: from}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.message.To = append(s.message.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.message.Data = data
	if err := s.sink.take(s.message); err != nil {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: err.Error()}
	}
	return nil
}

func (s *session) Reset() { s.message = Message{} }

func (s *session) Logout() error { return nil }
