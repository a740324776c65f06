package milter

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	gomilter "github.com/emersion/go-milter"
)

const holdOutput = 64 << 10 // bytes of held answers that force a write

// edge stands between the MTA and the library as the library's net.Conn. All of a
// session runs on the library's goroutine; only nudge may be called from elsewhere.
type edge struct {
	net.Conn
	limits Limits
	taker  taker
	frames frames

	rest []byte // of the frame that the library is reading
	out  []byte // answers held until the next read
	mute mute   // frames that need no answer

	taking gomilter.Code // what is being taken, for a panic's line in the log

	negotiated bool

	frameBy time.Time // when the frame that has begun must be complete; zero between frames
	cause   error     // why reading ended
	quit    bool      // the MTA said QUIT

	mu       sync.Mutex // guards the read deadline against nudge
	draining time.Time  // when a session at rest ends; zero while serving

	closed bool
}

// taker takes the frames that need no library, and is told of the end.
type taker interface {
	negotiate(offer) mute
	macros(at gomilter.Code, payload []byte)
	header(payload []byte)
	headersEnd()
	body(chunk []byte) (room int) // how much more is wanted
	connect(payload []byte) error
	nextClient()
	atRest() bool
	panicked(at gomilter.Code, what any)
	ended(cause error)
}

// mute says which frames were agreed to get no answer.
type mute struct{ header, body bool }

func newEdge(conn net.Conn, limits Limits, t taker) *edge {
	e := &edge{Conn: conn, limits: limits, taker: t}
	room := rooms.Get().(*room)
	e.frames.room, e.out = room, room.out
	room.reader.Reset(wire{e})
	return e
}

// greet waits for the MTA's OPTNEG and has it answered. The MTA has Limits.Frame for it
// from the connection on. A health check is answered instead.
func (e *edge) greet() error {
	e.begin()
	head, err := e.frames.room.reader.Peek(lengthPrefix)
	switch {
	case silent(head, err):
		return errHealthCheck
	case err == nil && asksHealth(head):
		return e.answerHealth()
	}
	head, err = e.frames.room.reader.Peek(offerLength)
	if err != nil {
		return err
	}
	o, err := parseOffer(head)
	if err != nil {
		return err
	}
	if _, err := e.frames.next(); err != nil {
		return err
	}
	e.negotiated = true
	e.mute = e.taker.negotiate(o)
	return nil
}

// Read hands the library the frames that it must see, one after the other.
// Whatever ends the session is io.EOF to the library, which logs all else; the
// cause is kept.
func (e *edge) Read(p []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			e.taker.panicked(e.taking, r)
			n, err = 0, io.EOF
		}
	}()
	if len(e.rest) == 0 {
		if err := e.next(); err != nil {
			e.cause = err
			return 0, io.EOF
		}
	}
	n = copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (e *edge) next() error {
	if !e.negotiated {
		deepen()
		if err := e.greet(); err != nil {
			return err
		}
	}
	for {
		e.frameBy = time.Time{}
		if e.frames.room.reader.Buffered() > 0 {
			e.begin()
		}
		f, err := e.frames.next()
		if err != nil {
			return err
		}
		forward, err := e.take(f)
		if err != nil {
			return err
		}
		if forward {
			e.rest = f.raw
			return nil
		}
	}
}

// take handles a frame itself, or says that the library shall.
func (e *edge) take(f frame) (forward bool, err error) {
	e.taking = f.code
	switch f.code {
	case gomilter.CodeMacro:
		if len(f.payload) == 0 {
			return false, fmt.Errorf("%w: macros of no stage", errFrame)
		}
		e.taker.macros(gomilter.Code(f.payload[0]), f.payload[1:])
		return false, nil
	case gomilter.CodeHeader:
		e.taker.header(f.payload)
		if !e.mute.header {
			e.sayContinue()
		}
		return false, nil
	case gomilter.CodeEOH:
		e.taker.headersEnd()
		return false, nil
	case gomilter.CodeBody:
		if e.frames.body > 0 {
			e.frames.body = e.taker.body(f.payload)
		}
		if !e.mute.body {
			e.sayContinue()
		}
		return false, nil
	case codeUnknown:
		e.sayContinue()
		return false, nil
	case codeQuitNC:
		e.taker.nextClient()
		return false, nil
	case gomilter.CodeConn:
		return true, e.taker.connect(f.payload)
	case gomilter.CodeQuit:
		e.quit = true
		return true, nil
	case gomilter.CodeOptNeg:
		return false, fmt.Errorf("%w: a second option negotiation", errFrame)
	case gomilter.CodeHelo, gomilter.CodeMail, gomilter.CodeRcpt, gomilter.CodeData,
		gomilter.CodeEOB, gomilter.CodeAbort:
		return true, nil
	}
	return false, fmt.Errorf("%w: command %q", errFrame, byte(f.code))
}

// Write holds what the library says back until the next read from the MTA: its answer
// to DATA, which we never ask for. It never fails: the library would log; the next read
// will tell.
func (e *edge) Write(p []byte) (int, error) {
	e.out = append(e.out, p...)
	return len(p), nil
}

func (e *edge) flush() {
	if len(e.out) == 0 {
		return
	}
	e.Conn.SetWriteDeadline(time.Now().Add(e.limits.Frame))
	if _, err := e.Conn.Write(e.out); err != nil {
		e.Conn.Close() // half an answer is out: only the end of the connection is clear
	}
	e.out = e.out[:0]
	if cap(e.out) > maxRoom {
		e.out = nil
	}
}

// Close ends the session. The library calls it when a read has failed, after QUIT, and
// after a panic of its own.
func (e *edge) Close() error {
	if e.closed {
		return nil
	}
	e.closed = true
	e.flush()
	e.Conn.Close()
	e.taker.ended(e.cause)
	e.frames.room.out = e.out
	e.frames.room.back()
	return nil
}

// wire reads from the MTA. Before it waits it sends what is held, and it knows
// how long to wait.
type wire struct{ e *edge }

func (w wire) Read(p []byte) (int, error) {
	e := w.e
	e.flush()
	for {
		by := e.arm()
		n, err := e.Conn.Read(p)
		if n > 0 {
			e.begin()
			return n, nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(by) {
			continue // nudged
		}
		return n, err
	}
}

// begin starts the clock of a frame: from its first byte the MTA has
// Limits.Frame to complete it, however slowly the bytes come.
func (e *edge) begin() {
	if e.frameBy.IsZero() {
		e.frameBy = time.Now().Add(e.limits.Frame)
	}
}

// arm sets the read deadline and returns it.
func (e *edge) arm() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	by := e.frameBy
	if by.IsZero() {
		by = time.Now().Add(e.limits.Idle)
	}
	atRest := e.frameBy.IsZero() && e.taker.atRest() || !e.negotiated
	if atRest && !e.draining.IsZero() && e.draining.Before(by) {
		by = e.draining
	}
	e.Conn.SetReadDeadline(by)
	return by
}

// nudge makes a session that is at rest end at the time, and wakes it so that it
// sees that. Safe for concurrent use.
func (e *edge) nudge(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.draining = at
	e.Conn.SetReadDeadline(time.Unix(1, 0))
}
