package milter

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	gomilter "github.com/emersion/go-milter"
	"golang.org/x/time/rate"

	"github.com/iot-milter/iot-milter/policy"
)

// Event is something that the server counts. The words are metric labels.
type Event string

// The events.
const (
	EventSession     Event = "session"      // a session began
	EventStripOnly   Event = "strip-only"   // a session above the limit: nothing is judged
	EventLacking     Event = "lacking"      // the MTA does not offer an action that is needed
	EventPanic       Event = "panic"        // own fault; the session fails open
	EventProtocol    Event = "protocol"     // the peer does not speak the milter protocol
	EventTimeout     Event = "timeout"      // the peer was silent, or stalled within a frame
	EventLost        Event = "lost"         // the peer closed without QUIT
	EventHealthCheck Event = "health-check" // a load balancer asked by HTTP, or only connected
	EventAcceptError Event = "accept-error" // accept failed: out of file descriptors, for instance
	EventForged      Event = "forged"       // a message had more forged fields than are removed
	EventBody        Event = "body"         // a suspect's body was looked at …
	EventBodyCut     Event = "body-cut"     // … and not to its end
	EventHeld        Event = "quarantined"  // the MTA was asked to hold a message: it is in the admin's care
	EventWaits       Event = "waits"        // a connection waits unread: twice the limit of sessions is served
)

// Events are all events, for a meter that binds its counters at start.
var Events = []Event{EventSession, EventStripOnly, EventLacking, EventPanic, EventProtocol, EventTimeout, EventLost, EventHealthCheck, EventAcceptError, EventForged, EventBody, EventBodyCut, EventHeld, EventWaits}

// Meter is told what the server counts. It must be safe for concurrent use.
type Meter interface {
	Event(Event)
	Sessions(delta int) // how many are served now
}

// Limits bound what MTAs can take of the server. Each must be positive.
type Limits struct {
	Sessions int           // judged at once; as many again are served unjudged, more wait unread
	Idle     time.Duration // silence between frames: longer than an SMTP client may pause (Sendmail: 1 h)
	Frame    time.Duration // from a frame's first byte to its last, and for a write
	Grace    time.Duration // how long a session at rest may go on after Shutdown was called
}

// Options are what a Server needs. All are required.
type Options struct {
	Decider policy.Decider
	Log     *slog.Logger
	Meter   Meter
	Limits  Limits
	Now     func() time.Time
	NewID   func() string // names a session: short, unique, of letters and digits
}

// Server serves milter sessions. It is safe for concurrent use; Serve may run on
// several listeners.
type Server struct {
	opts  Options
	slots chan struct{} // one for each session, judged or not

	// Sessions wait for evidence under ctx, which ends when the time for stopping is up.
	ctx  context.Context
	stop context.CancelFunc

	panics, protocol, lacks, accepts, crowds, forged rate.Sometimes

	mu        sync.Mutex
	sessions  map[*edge]struct{}
	listeners map[net.Listener]struct{}
	stopping  bool
	rest      time.Time      // when sessions at rest end; zero while serving
	cut       bool           // the time for stopping is up
	wait      sync.WaitGroup // sessions, and those who accept them
}

// ErrClosed is what Serve returns after Shutdown.
var ErrClosed = errors.New("milter server closed")

// New returns a Server that serves nothing yet.
func New(o Options) *Server {
	ctx, stop := context.WithCancel(context.Background())
	return &Server{
		opts:      o,
		ctx:       ctx,
		stop:      stop,
		slots:     make(chan struct{}, 2*o.Limits.Sessions),
		panics:    rate.Sometimes{Interval: time.Minute},
		protocol:  rate.Sometimes{Interval: time.Minute},
		lacks:     rate.Sometimes{Interval: time.Minute},
		accepts:   rate.Sometimes{Interval: time.Minute},
		crowds:    rate.Sometimes{Interval: time.Minute},
		forged:    rate.Sometimes{Interval: time.Minute},
		sessions:  map[*edge]struct{}{},
		listeners: map[net.Listener]struct{}{},
	}
}

// Serve accepts connections until Shutdown, then returns ErrClosed. An accept
// that fails is tried again, after a pause that grows to a second: running out
// of file descriptors must not end the service.
func (s *Server) Serve(l net.Listener) error {
	if !s.track(l) {
		l.Close()
		return ErrClosed
	}
	defer s.wait.Done()
	const maxPause = time.Second
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = 0
			s.slot()
			s.start(conn)
			continue
		}
		if s.isStopping() {
			return ErrClosed
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), maxPause)
		s.opts.Meter.Event(EventAcceptError)
		s.accepts.Do(func() { s.opts.Log.Error("accept", "err", err, "pause", pause) })
		time.Sleep(pause)
	}
}

// slot takes a slot for a session, waiting for one where all are taken.
func (s *Server) slot() {
	select {
	case s.slots <- struct{}{}:
	default:
		s.opts.Meter.Event(EventWaits)
		s.slots <- struct{}{}
	}
}

func (s *Server) track(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.listeners[l] = struct{}{}
	s.wait.Add(1)
	return true
}

func (s *Server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// start serves a connection, for which there is a slot. One that was accepted just
// before Shutdown is served too: where the socket outlives the process its MTA would take
// the end of the connection for a fault.
func (s *Server) start(conn net.Conn) {
	sess := s.newSession(conn)
	s.mu.Lock()
	if s.cut {
		s.mu.Unlock()
		conn.Close()
		<-s.slots
		return
	}
	sess.edge.draining = s.rest
	s.wait.Add(1) // not from 0: who accepts is counted
	s.sessions[sess.edge] = struct{}{}
	sess.stripOnly = len(s.sessions) > s.opts.Limits.Sessions
	s.mu.Unlock()
	s.opts.Meter.Sessions(+1)
	sess.serve(func() {
		s.mu.Lock()
		delete(s.sessions, sess.edge)
		s.mu.Unlock()
		s.opts.Meter.Sessions(-1)
		<-s.slots
		s.wait.Done()
	})
}

// newSession is one that has not begun.
func (s *Server) newSession(conn net.Conn) *session {
	sess := &session{server: s, id: s.opts.NewID()}
	sess.edge = newEdge(conn, s.opts.Limits, sess)
	return sess
}

// serve runs the session on a goroutine of the library's, and done at its end.
func (s *session) serve(done func()) {
	s.done = done
	library := gomilter.Server{NewMilter: func() gomilter.Milter { return s }}
	library.Serve(&once{conn: s.edge}) // returns at its second Accept; the session goes on
}

func (s *Server) begun(sess *session) {
	if sess.own {
		return
	}
	s.opts.Meter.Event(EventSession)
	if sess.stripOnly {
		s.opts.Meter.Event(EventStripOnly)
		s.crowds.Do(func() {
			s.opts.Log.Warn("above the session limit: mail passes unjudged, only forged headers are removed",
				"sessions", s.opts.Limits.Sessions, "hint", "raise [limits] sessions")
		})
	}
	if lacking := sess.agreed.lacking(sess.wishes); lacking != "" {
		s.opts.Meter.Event(EventLacking)
		s.lacks.Do(func() {
			s.opts.Log.Error("the MTA does not let milters do what the configuration needs",
				"session", sess.id, "lacking", lacking,
				"hint", "allow these milter actions in the MTA, or choose a mode and actions that do without")
		})
	}
}

// ended counts why a session ended other than by QUIT.
func (s *Server) ended(sess *session, cause error) {
	switch {
	case sess.own:
	case errors.Is(cause, errHealthCheck):
		s.opts.Meter.Event(EventHealthCheck)
	case sess.edge.quit || (cause == nil || errors.Is(cause, io.EOF)) && sess.judge == nil:
		// QUIT, or the end before the MTA named a client.
	case errors.Is(cause, errFrame):
		s.opts.Meter.Event(EventProtocol)
		s.protocol.Do(func() { s.opts.Log.Warn("not the milter protocol", "session", sess.id, "err", cause) })
	case errors.Is(cause, os.ErrDeadlineExceeded):
		if !s.isStopping() {
			s.opts.Meter.Event(EventTimeout)
		}
	default:
		s.opts.Meter.Event(EventLost)
	}
}

func (s *Server) logPanic(id string, at policy.Stage, p any, stack []byte) {
	s.panics.Do(func() {
		s.opts.Log.Error("panic: the session fails open", "session", id, "stage", at.String(), "panic", p, "stack", string(stack))
	})
}

// Shutdown stops accepting, lets open messages end, ends sessions at rest after
// Limits.Grace, and waits for all of it. When ctx ends first the rest is cut off
// and ctx's error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	s.rest = s.opts.Now().Add(s.opts.Limits.Grace)
	for l := range s.listeners {
		l.Close()
	}
	for e := range s.sessions {
		e.nudge(s.rest)
	}
	s.mu.Unlock()

	done := make(chan struct{})
	go func() { s.wait.Wait(); close(done) }()
	defer s.stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.cut = true
	for e := range s.sessions {
		e.Conn.Close()
	}
	s.mu.Unlock()
	s.stop() // nobody hears what those who wait for evidence would say
	<-done
	return ctx.Err()
}

// once is a listener that yields one connection.
type once struct{ conn *edge }

func (o *once) Accept() (net.Conn, error) {
	if o.conn == nil {
		return nil, io.EOF
	}
	conn := o.conn
	o.conn = nil
	return conn, nil
}

func (o *once) Close() error   { return nil }
func (o *once) Addr() net.Addr { return &net.UnixAddr{} }
