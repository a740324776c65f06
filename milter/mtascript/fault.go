package mtascript

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

// FaultKind is a way in which an MTA goes wrong.
type FaultKind byte

// The faults. Those that do not close leave the connection to the filter, which
// is expected to close it.
const (
	// FaultHalf writes the first half of the frame and closes.
	FaultHalf FaultKind = iota + 1
	// FaultStall writes the first half of the frame and waits.
	FaultStall
	// FaultReset closes with a reset instead of the frame.
	FaultReset
	// FaultResetAfter writes the frame and resets before reading the answer.
	FaultResetAfter
	// FaultZero writes a length of 0 instead of the frame, and waits.
	FaultZero
	// FaultOversize claims 2 GiB for the frame, and waits.
	FaultOversize
	// FaultBig writes a frame of that code with MaxFrame bytes, and waits.
	FaultBig
	// FaultNUL writes a frame of that code with 64 NULs only, and waits.
	FaultNUL
)

// Inject does what kind says with frame f. For the kinds that wait it returns
// how long the filter took to close, or ErrStalled after limit; frames that
// arrive in between are dropped.
func (c *Conn) Inject(kind FaultKind, f Frame, limit time.Duration) (time.Duration, error) {
	whole := f.Bytes()
	raw := whole
	switch kind {
	case FaultHalf:
		return 0, errors.Join(c.SendRaw(whole[:len(whole)/2]), c.Close())
	case FaultReset:
		return 0, c.Reset()
	case FaultResetAfter:
		return 0, errors.Join(c.SendRaw(whole), c.Reset())
	case FaultStall:
		raw = whole[:len(whole)/2]
	case FaultZero:
		raw = WithLength(0, f)
	case FaultOversize:
		raw = WithLength(1<<31, f)
	case FaultBig:
		raw = Frame{f.Code, make([]byte, MaxFrame-1)}.Bytes()
		for i := range raw[5:] {
			raw[5+i] = 'x'
		}
	case FaultNUL:
		raw = Frame{f.Code, make([]byte, 64)}.Bytes()
	}
	// A filter may close before it has read all of a bad frame.
	if err := c.SendRaw(raw); err != nil {
		return 0, c.Close()
	}
	return c.AwaitClose(limit)
}

// WithLength is f on the wire with the length field n, true or not.
func WithLength(n uint32, f Frame) []byte {
	b := f.Bytes()
	binary.BigEndian.PutUint32(b, n)
	return b
}

// ErrStalled is a filter that kept a session open past the limit given.
var ErrStalled = errors.New("filter did not close in time")

// AwaitClose reads and drops until the filter closes, closes too, and returns
// the time it took. After limit it is ErrStalled.
func (c *Conn) AwaitClose(limit time.Duration) (time.Duration, error) {
	start := time.Now()
	defer c.Close()
	_ = c.nc.SetReadDeadline(start.Add(limit))
	_, err := io.Copy(io.Discard, c.r)
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		err = ErrStalled
	} else {
		err = nil // a reset is a close
	}
	return time.Since(start), err
}

// Reset closes with SO_LINGER 0, so that a TCP peer gets RST. A UNIX peer sees a
// plain close, or ECONNRESET if it had written what was not read.
func (c *Conn) Reset() error {
	if tcp, ok := c.nc.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return err
		}
	}
	return c.Close()
}
