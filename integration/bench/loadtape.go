//go:build linux

package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// tape is what Postfix sends to one filter in one session, as the scripted MTA sent it to
// this very filter: so it has the macros and the silences that were agreed on.
type tape struct {
	pieces   []piece
	protocol uint32 // the bits agreed on
}

// piece is one write; at is the command that is answered after it. The last one is answered
// by the end of the connection.
type piece struct {
	bytes []byte
	at    byte
	stage int // index of stages; -1 is none of them
}

// stages are those whose answers are timed, where a filter answers them.
var stages = [...]byte{mtascript.CmdOptNeg, mtascript.CmdConnect, mtascript.CmdHelo, mtascript.CmdMail, mtascript.CmdRcpt, mtascript.CmdEOM}

// vstreamBuffer is how much Postfix collects before it writes, in bytes (VSTREAM_BUFSIZE).
const vstreamBuffer = 4096

// record plays a session with the filter and keeps what was written.
func record(socket string, s mtascript.Session) (*tape, error) {
	nc, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	r := &recorder{Conn: nc}
	got, err := s.Run(mtascript.New(r))
	if err != nil {
		return nil, err
	}
	for i, m := range got.Messages {
		if !m.Delivered || len(m.Final.Edits) == 0 {
			return nil, fmt.Errorf("message %d: delivered %v, %d edits", i, m.Delivered, len(m.Final.Edits))
		}
	}
	t := &tape{protocol: got.Agreement.Protocol}
	for _, b := range r.writes {
		if len(b) > vstreamBuffer {
			return nil, fmt.Errorf("%d bytes in one write: Postfix would send them in two", len(b))
		}
		at := lastCode(b)
		t.pieces = append(t.pieces, piece{b, at, stageOf(at)})
	}
	return t, nil
}

// recorder keeps what is written.
type recorder struct {
	net.Conn
	writes [][]byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.writes = append(r.writes, append([]byte(nil), b...))
	return r.Conn.Write(b)
}

// lastCode is the code of the last of whole frames.
func lastCode(b []byte) (code byte) {
	for len(b) > 4 {
		code = b[4]
		b = b[4+binary.BigEndian.Uint32(b):]
	}
	return code
}

func stageOf(code byte) int {
	for i, c := range stages {
		if c == code {
			return i
		}
	}
	return -1
}

// latencies are how long the answers to each of stages took.
type latencies [len(stages)][]time.Duration

func (l *latencies) add(more *latencies) {
	for i := range l {
		l[i] = append(l[i], more[i]...)
	}
}

// player is one connection of an MTA after the other to a filter. What it does for a
// session is little beside what a filter does: it shares the machine.
type player struct {
	addr net.UnixAddr
	r    *bufio.Reader
	took latencies
	full int // connects that found the filter's queue full
}

func newPlayer(socket string) *player {
	return &player{addr: net.UnixAddr{Name: socket, Net: "unix"}, r: bufio.NewReaderSize(nil, 1024)}
}

// patience is how long a session may take: above it a filter does not serve.
const patience = 30 * time.Second

// play plays the tape on a connection of its own. begin is called before each piece and
// says from when on its answer is waited for. After a message the client may have enough,
// and skips the others. Until the filter closes the connection the session is not over.
func (p *player) play(t *tape, begin func(piece int) time.Time, enough func() bool) error {
	var conn net.Conn
	last := len(t.pieces) - 1
	for i := 0; i <= last; i++ {
		if i > 0 && i < last && t.pieces[i-1].at == mtascript.CmdEOM && enough() {
			i = last
		}
		next := &t.pieces[i]
		asked := begin(i)
		if i == 0 {
			var err error
			if conn, err = p.dial(); err != nil {
				return err
			}
			defer conn.Close()
			p.r.Reset(conn)
		}
		if _, err := conn.Write(next.bytes); err != nil {
			return err
		}
		if err := p.answer(next.at); err != nil {
			return fmt.Errorf("answer to %s: %w", mtascript.StageName(next.at), err)
		}
		if next.stage >= 0 {
			p.took[next.stage] = append(p.took[next.stage], time.Since(asked))
		}
	}
	return nil
}

// dial waits while the filter's queue of connections is full: then a UNIX socket refuses at
// once, and Postfix would go on without the filter.
func (p *player) dial() (net.Conn, error) {
	by := time.Now().Add(patience)
	for {
		conn, err := net.DialUnix("unix", nil, &p.addr)
		if err == nil {
			return conn, conn.SetDeadline(by)
		}
		if !errors.Is(err, syscall.EAGAIN) || time.Now().After(by) {
			return nil, err
		}
		p.full++
		time.Sleep(2 * time.Millisecond)
	}
}

// answer reads up to the frame that ends the answer.
func (p *player) answer(at byte) error {
	const header = 5
	for edits := 0; ; edits++ {
		head, err := p.r.Peek(header)
		if at == mtascript.CmdQuit && errors.Is(err, io.EOF) && len(head) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		size, code := binary.BigEndian.Uint32(head), head[header-1]
		if _, err := p.r.Discard(header - 1 + int(size)); err != nil {
			return err
		}
		switch {
		case code == mtascript.CmdOptNeg && at == mtascript.CmdOptNeg:
			return nil
		case code == mtascript.ReplyContinue && at != mtascript.CmdQuit:
			if at == mtascript.CmdEOM && edits == 0 {
				return errors.New("no header is added")
			}
			return nil
		case at == mtascript.CmdEOM && strings.IndexByte("him", code) >= 0:
		default:
			return fmt.Errorf("%w: %q", mtascript.ErrOutOfStep, code)
		}
	}
}
