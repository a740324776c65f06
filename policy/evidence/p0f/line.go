package p0f

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// maxDebt is how long a late answer is waited for before the connection is
	// given up, which may cost p0f its life.
	maxDebt = 5 * time.Second

	minBackOff = 100 * time.Millisecond
	maxBackOff = 10 * time.Second
)

// errDown is that p0f cannot be reached.
var errDown = errors.New("cannot be reached")

// line is one connection, or the room for one; who took it from Client.lines owns
// it. owed is how many bytes of answers are still to come that nobody waits for.
type line struct {
	conn  net.Conn
	owed  int
	since time.Time
}

func (l *line) hangUp() {
	if l.conn != nil {
		l.conn.Close()
	}
	*l = line{}
}

// ask has the query answered. A connection that p0f has closed since, because it
// was restarted, is replaced once.
func (c *Client) ask(l *line, q query, a *answer, deadline time.Time) error {
	if l.owed > 0 && time.Since(l.since) > maxDebt {
		l.hangUp()
	}
	used := l.conn != nil
	err := c.try(l, q, a, deadline)
	if err == nil || !used || l.conn != nil || !time.Now().Before(deadline) {
		return err
	}
	return c.try(l, q, a, deadline)
}

// try asks once. After an error the line is closed, unless an answer is only late.
func (c *Client) try(l *line, q query, a *answer, deadline time.Time) error {
	if l.conn == nil {
		conn, err := c.link.dial(c, deadline)
		if err != nil {
			return err
		}
		l.conn = conn
	}
	err := l.converse(q, a, deadline)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		l.hangUp()
	}
	return err
}

func (l *line) converse(q query, a *answer, deadline time.Time) error {
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	for l.owed > 0 {
		n, err := io.ReadFull(l.conn, a[:min(l.owed, answerSize)])
		l.owed -= n
		if err != nil {
			return err
		}
	}
	if n, err := l.conn.Write(q[:]); err != nil {
		if n > 0 { // half a question cannot be taken back
			l.hangUp()
			return fmt.Errorf("it takes no question: %w", err)
		}
		return err
	}
	n, err := io.ReadFull(l.conn, a[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.owed, l.since = answerSize-n, time.Now()
	}
	return err
}

// link is what is known of the way to p0f, for all lines.
type link struct {
	mu      sync.Mutex
	asked   bool
	fault   error // the last one, nil when the last question was answered
	since   time.Time
	backOff time.Duration
	next    time.Time // no connection is tried before
	logged  time.Time
	said    bool // the log's last word is that it does not answer
	silent  int  // faults since then
}

// dial connects, unless it failed just now: the pause between tries doubles.
func (k *link) dial(c *Client, deadline time.Time) (net.Conn, error) {
	now := c.o.Now()
	k.mu.Lock()
	wait := k.next.Sub(now)
	k.mu.Unlock()
	if wait > 0 {
		return nil, fmt.Errorf("%w, next try in %v", errDown, wait.Round(time.Millisecond))
	}
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("unix", c.o.Socket)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.backOff = 0
		return conn, nil
	}
	if !k.next.After(now) { // of several that failed at once the first counts
		k.backOff = min(max(2*k.backOff, minBackOff), maxBackOff)
		k.next = now.Add(k.backOff)
	}
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: %w; hint: the socket is open to all, a folder above it is not", errDown, err)
	}
	return nil, fmt.Errorf("%w: %w", errDown, err)
}

// report takes how a question ended, and logs it once a minute: p0f may answer one
// question and not the next.
func (k *link) report(c *Client, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := c.o.Now()
	was := k.fault
	k.asked, k.fault = true, err
	if err == nil {
		if was != nil && k.said {
			c.o.Log.Info("p0f answers again", "socket", c.o.Socket, "after", now.Sub(k.since).Round(time.Second))
			k.said = false
		}
		return
	}
	if was == nil {
		k.since = now
	}
	k.silent++
	if now.Sub(k.logged) < time.Minute {
		return
	}
	c.o.Log.Warn("p0f does not answer; its evidence is missing", "socket", c.o.Socket, "error", err, "faults", k.silent)
	k.logged, k.said, k.silent = now, true, 0
}

// State says for an admin how it stands with p0f: "ok", "not asked yet", or since
// when and why it does not answer.
func (c *Client) State() string {
	k := &c.link
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !k.asked:
		return "not asked yet"
	case k.fault == nil:
		return "ok"
	}
	return fmt.Sprintf("no answer since %s: %v", k.since.UTC().Format(time.RFC3339), k.fault)
}
