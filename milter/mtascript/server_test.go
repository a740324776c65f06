package mtascript

import (
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// filter is a frame server by hand: answer gives the frames to send back.
type filter struct {
	mu     sync.Mutex
	got    []Frame
	answer func(n int, f Frame) []Frame
	done   chan struct{}
}

func (s *filter) serve(nc net.Conn) {
	defer close(s.done)
	defer nc.Close()
	for n := 0; ; n++ {
		f, err := ReadFrame(nc)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.got = append(s.got, f)
		s.mu.Unlock()
		if f.Code == CmdQuit {
			return
		}
		for _, a := range s.answer(n, f) {
			if _, err := nc.Write(a.Bytes()); err != nil {
				return
			}
		}
	}
}

// codes is what the filter got, one letter a frame; a macro frame is shown as
// the lower-case letter of its event.
func (s *filter) codes() string {
	<-s.done
	var b []byte
	for _, f := range s.got {
		if f.Code == CmdMacro {
			b = append(b, f.Payload[0]+'a'-'A')
			continue
		}
		b = append(b, f.Code)
	}
	return string(b)
}

func startFilter(t *testing.T, answer func(n int, f Frame) []Frame) (*Conn, *filter) {
	t.Helper()
	s := &filter{answer: answer, done: make(chan struct{})}
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	go s.serve(nc)
	c.Timeout = 5 * time.Second
	t.Cleanup(func() { c.Close() })
	return c, s
}

// agree answers OPTNEG with version, actions and protocol, and the rest as an
// obedient filter does that continues everything.
func agree(version, actions, protocol uint32, special map[byte][]Frame) func(int, Frame) []Frame {
	a := Agreement{Version: version, Protocol: protocol}
	return func(_ int, f Frame) []Frame {
		if r, ok := special[f.Code]; ok {
			return r
		}
		if f.Code == CmdOptNeg {
			return []Frame{OptNeg(Offer{version, actions, protocol})}
		}
		if a.ReplyDue(f.Code) {
			return []Frame{{Code: ReplyContinue}}
		}
		return nil
	}
}

func editFrame(code byte, index uint32, name, value string) Frame {
	var p []byte
	if code != ReplyAddHeader {
		p = binary.BigEndian.AppendUint32(nil, index)
	}
	return Frame{code, append(p, cstrings(name, value)...)}
}

var plain = Session{
	Client: Client{Host: "mail.example.net", Port: 4711, Addr: "192.0.2.7"},
	Helo:   "mail.example.net",
	Messages: []Message{{
		From:    "a@example.net",
		Rcpts:   []string{"b@example.org", "c@example.org"},
		Headers: []Header{{Name: "From", Value: "a@example.net"}, {Name: "Subject", Value: "x"}},
		Body:    []byte("hello\n"),
	}},
}

func with(m MTA, change func(*Session)) Session {
	s := plain
	s.MTA = m
	s.Messages = append([]Message(nil), plain.Messages...)
	if change != nil {
		change(&s)
	}
	return s
}

func mustRun(t *testing.T, s Session, c *Conn) *Transcript {
	t.Helper()
	tr, err := s.Run(c)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
