package mtascript

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// ErrOutOfStep is a reply where none is due or an edit outside end of message:
// from there on MTA and filter misread each other.
var ErrOutOfStep = errors.New("milter protocol out of step")

// DefaultTimeout bounds each read and write of a new Conn. Sendmail gives a
// filter 10 s.
const DefaultTimeout = 10 * time.Second

// Conn is the MTA's end of one milter connection. It is not safe for concurrent
// use, except that Close may be called at any time. Set the fields before the
// first call.
type Conn struct {
	// Timeout bounds every single read and write; 0 means none.
	Timeout time.Duration
	// Coalesce makes Event hold frames that need no reply back until one does,
	// as Postfix does.
	Coalesce bool
	// Settle is how long Event waits for a stray reply after each frame that
	// needs none. 0 finds strays no later than Finish does.
	Settle time.Duration
	// Drip writes byte by byte with this pause after each; 0 writes whole frames.
	Drip time.Duration

	nc      net.Conn
	r       *bufio.Reader
	pending []byte
	agreed  Agreement
}

// Dial connects to a filter: "unix" and a path, or "tcp" and host:port. Its own
// timeout is DefaultTimeout.
func Dial(network, addr string) (*Conn, error) {
	nc, err := net.DialTimeout(network, addr, DefaultTimeout)
	if err != nil {
		return nil, err
	}
	return New(nc), nil
}

// New takes over nc. Until Negotiate succeeds no event is suppressed and every
// event is answered.
func New(nc net.Conn) *Conn {
	return &Conn{Timeout: DefaultTimeout, nc: nc, r: bufio.NewReader(nc)}
}

// Agreement is what Negotiate last agreed; the zero value before.
func (c *Conn) Agreement() Agreement { return c.agreed }

// Send writes one frame at once, after those that are queued.
func (c *Conn) Send(code byte, payload []byte) error {
	c.Queue(Frame{code, payload})
	return c.Flush()
}

// SendRaw writes bytes that need not be a frame, after the queued frames.
func (c *Conn) SendRaw(b []byte) error {
	c.pending = append(c.pending, b...)
	return c.Flush()
}

// Queue holds frames back until Flush, Recv or Send.
func (c *Conn) Queue(frames ...Frame) {
	for _, f := range frames {
		c.pending = f.Append(c.pending)
	}
}

// Flush writes what is queued in one write, or byte by byte if Drip is set.
func (c *Conn) Flush() error {
	b := c.pending
	c.pending = c.pending[:0]
	step := len(b)
	if c.Drip > 0 {
		step = 1
	}
	for len(b) > 0 {
		_ = c.nc.SetWriteDeadline(deadline(c.Timeout))
		if _, err := c.nc.Write(b[:step]); err != nil {
			return fmt.Errorf("write to filter: %w", err)
		}
		b = b[step:]
		time.Sleep(c.Drip)
	}
	return nil
}

// Recv writes what is queued and reads one frame. A filter that closed the
// socket between frames gives io.EOF.
func (c *Conn) Recv() (Frame, error) {
	if err := c.Flush(); err != nil {
		return Frame{}, err
	}
	return c.read(c.Timeout)
}

func (c *Conn) read(timeout time.Duration) (Frame, error) {
	// A pipe whose other end closed refuses deadlines; the read tells it better.
	_ = c.nc.SetReadDeadline(deadline(timeout))
	f, err := ReadFrame(c.r)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read from filter: %w", err)
	}
	return f, err
}

// Event sends an event as the agreement has it and reads what is due: nothing
// for a suppressed event (NotSent) or one without reply (None), otherwise all
// frames up to the one that ends the event. Frames that are no events are sent
// and give None. Errors: ErrOutOfStep, ErrReply, or the connection's.
func (c *Conn) Event(f Frame) (Reply, error) {
	if c.agreed.Suppressed(f.Code) {
		return Reply{Kind: NotSent}, nil
	}
	if c.r.Buffered() > 0 {
		return Reply{}, c.stray(f.Code)
	}
	c.Queue(f)
	if c.agreed.ReplyDue(f.Code) {
		return c.await(f.Code)
	}
	if c.Coalesce && c.Settle == 0 {
		return Reply{Kind: None}, nil
	}
	if err := c.Flush(); err != nil {
		return Reply{}, err
	}
	if c.Settle > 0 {
		return Reply{Kind: None}, c.Quiet(c.Settle)
	}
	return Reply{Kind: None}, nil
}

func (c *Conn) stray(code byte) error {
	f, err := c.read(c.Timeout)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %v before %s", ErrOutOfStep, f, StageName(code))
}

// Quiet writes what is queued and fails with ErrOutOfStep if the filter says
// anything within d, or with io.EOF if it closes.
func (c *Conn) Quiet(d time.Duration) error {
	if err := c.Flush(); err != nil {
		return err
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(d))
	_, err := c.r.Peek(1)
	if err == nil {
		f, err := c.read(c.Timeout)
		return errors.Join(fmt.Errorf("%w: %v where no reply is due", ErrOutOfStep, f), err)
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return nil
	}
	return err
}

// Finish sends QUIT, waits until the filter closes, and closes. A frame in
// between is ErrOutOfStep: since replies come in order, any stray reply of the
// session is left over here.
func (c *Conn) Finish() error {
	defer c.Close()
	c.Queue(Quit())
	f, err := c.Recv()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%w: %v after the last reply", ErrOutOfStep, f)
	}
	return err
}

// Close closes the connection without a word.
func (c *Conn) Close() error { return c.nc.Close() }

func deadline(d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}
