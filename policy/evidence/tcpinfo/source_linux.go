package tcpinfo

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	maxSockets   = 4           // netlink sockets; one look-up takes microseconds
	maxLearned   = 8           // our ends that are remembered
	missesLikely = 20          // in a row, before they are called a state
	dumpInterval = time.Minute // a dump reads the whole table of connections
	logInterval  = time.Minute // between two lines about own trouble
)

// guessedPorts are tried where the MTA does not tell its port: SMTP, submission,
// submissions, and where content filters hand mail back.
var guessedPorts = []uint16{25, 587, 465, 10025}

// Source answers what the kernel knows of SMTP connections of its own network
// namespace, which is the one that New was called in. Its methods may be called
// concurrently. The zero value is not usable.
type Source struct {
	o     Options
	own   *own
	conns chan *conn // those that nobody uses
	count int        // of all of them

	closed atomic.Bool

	dumping sync.Mutex
	dumper  *netlink.Conn

	mu       sync.Mutex
	learned  []local // our ends of connections that were found, the latest first
	dumped   time.Time
	misses   int  // since the last hit
	listens  bool // a miss found the listener that the MTA named
	trouble  error
	troubled time.Time // when it was last logged
	missed   bool      // the first miss was logged
	warned   bool      // so was what many mean
}

// New opens the netlink sockets. It fails where the kernel has no sock_diag for TCP
// or the service may not use netlink; its error says which and what to do, and
// holds until the service is started again: go without.
func New(o Options) (*Source, error) {
	link, err := probe()
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	s := &Source{o: o, conns: make(chan *conn, maxSockets), dumper: link}
	for range maxSockets {
		c, err := dial()
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("tcpinfo: netlink: %w", err)
		}
		s.conns <- c
		s.count++
	}
	s.own = openOwn(o.Proc, o.Now())
	return s, nil
}

// Close frees the sockets when the look-ups under way are done.
func (s *Source) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	for range s.count {
		errs = append(errs, (<-s.conns).link.Close())
	}
	s.dumping.Lock()
	defer s.dumping.Unlock()
	errs = append(errs, s.dumper.Close())
	if s.own != nil {
		s.own.mu.Lock()
		defer s.own.mu.Unlock()
		s.own.close()
	}
	return errors.Join(errs...)
}

// State says for a health check how it stands: "ok", "none: …" where none of the
// last connections was visible, with what that likely means, or "denied: …".
func (s *Source) State() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.trouble != nil:
		return "denied: " + s.trouble.Error()
	case s.misses >= missesLikely:
		return "none: " + s.likely()
	}
	return "ok"
}

// likely words what many misses mean.
func (s *Source) likely() string {
	if s.listens {
		return "the MTA listens here, but its clients' connections are not here; a TCP proxy, XCLIENT or the PROXY protocol is likely"
	}
	return "neither the MTA's listener nor its connections are here; the MTA is likely in another network namespace (a container), or behind a TCP proxy"
}

// Stack returns what the kernel knows of the connection between client and server.
// What is not visible is not Known and no error. An error is own trouble and
// temporary: Close, a deadline, netlink refused. It takes some microseconds, and
// 50 ms for each request at the very worst.
//
// The client's address and port must be known, or nothing is. Of the server the
// port, the address or both may be unknown (zero, or an unspecified address) or
// wrong. Then the ends of earlier hits are tried by exact look-ups, and the usual
// ports; what these do not find is asked for by a dump that is filtered by the
// client, at most once a minute, and its answer is remembered. So a dump is spent
// once a listener, not once a connection.
func (s *Source) Stack(client, server netip.AddrPort) (policy.Stack, error) {
	client = plain(client)
	if !client.Addr().IsValid() || client.Addr().IsUnspecified() || client.Port() == 0 {
		return policy.Stack{}, nil
	}
	start := s.o.Now()
	stack, err := s.ask(client, plain(server), start)
	s.met(err, start)
	if errors.Is(err, errNone) || errors.Is(err, errAmbiguous) {
		err = nil
	}
	return stack, err
}

// Glance is Stack for who cannot wait: exact look-ups alone, a dozen at most, each of which
// the kernel answers before the call returns or not at all, by a socket that is free. Where that is not enough to know, ok is false, and
// the caller asks Stack.
func (s *Source) Glance(client, server netip.AddrPort) (stack policy.Stack, ok bool) {
	client = plain(client)
	if !client.Addr().IsValid() || client.Addr().IsUnspecified() || client.Port() == 0 {
		return policy.Stack{}, true
	}
	if s.closed.Load() {
		return policy.Stack{}, false
	}
	var c *conn
	select {
	case c = <-s.conns:
	default:
		return policy.Stack{}, false
	}
	c.hurry = true
	defer func() {
		c.hurry = false
		s.conns <- c
	}()
	start := s.o.Now()
	a, err := s.find(c, client, plain(server))
	switch {
	case err == nil:
		stack = s.corrected(a, start)
	case !errors.Is(err, errNone) || s.dumpIsDue(start):
		return policy.Stack{}, false
	}
	s.met(err, start)
	return stack, true
}

// met counts a look-up and keeps the state.
func (s *Source) met(err error, start time.Time) {
	s.o.Meter.Lookup(s.note(err), s.o.Now().Sub(start))
}

// plain strips what the kernel's look-up has no place for.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

var errAmbiguous = errors.New("tcpinfo: several connections of that client")

// ask borrows a socket and asks for everything that may be the connection.
func (s *Source) ask(client, server netip.AddrPort, now time.Time) (policy.Stack, error) {
	c, err := s.borrow()
	if err != nil {
		return policy.Stack{}, err
	}
	defer func() { s.conns <- c }()
	a, err := s.find(c, client, server)
	if errors.Is(err, errNone) && s.mayDump(now) {
		a, err = s.learn(client, server)
	}
	if err != nil {
		return policy.Stack{}, err
	}
	return s.corrected(a, now), nil
}

// corrected is what an answer says of the client, without what our own settings did.
func (s *Source) corrected(a answer, now time.Time) policy.Stack {
	stack, options := a.stack(), a.info[offOptions]
	s.own.settings(now, options, stack.MSS != 0 || !stack.Whole).correct(&stack, options)
	return stack
}

func (s *Source) borrow() (*conn, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	select {
	case c := <-s.conns:
		return c, nil
	default:
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case c := <-s.conns:
		return c, nil
	case <-t.C:
		return nil, fmt.Errorf("tcpinfo: no socket: %w", unix.ETIMEDOUT)
	}
}

// find makes the exact look-ups: what the MTA told, then our ends that earlier
// connections had, then the usual ports.
func (s *Source) find(c *conn, client, server netip.AddrPort) (answer, error) {
	told := local{addr: server.Addr(), port: server.Port()}
	if told.addr.IsUnspecified() || told.addr.BitLen() != client.Addr().BitLen() {
		told.addr = netip.Addr{}
	}
	if told.addr.IsValid() && told.port != 0 {
		if a, err := s.try(c, client, told); !errors.Is(err, errNone) {
			return a, err
		}
	}
	var room [maxLearned + 4]local
	for _, at := range s.candidates(room[:0], client, told) {
		a, err := s.try(c, client, at)
		if err == nil {
			s.remember(at)
		}
		if !errors.Is(err, errNone) {
			return a, err
		}
	}
	return answer{}, errNone
}

// candidates appends the ends to try after the one that was told.
func (s *Source) candidates(to []local, client netip.AddrPort, told local) []local {
	s.mu.Lock()
	for _, at := range s.learned {
		if at.addr.BitLen() == client.Addr().BitLen() {
			to = append(to, at)
		}
	}
	s.mu.Unlock()
	if told.addr.IsValid() && told.port == 0 {
		for _, port := range guessedPorts {
			to = append(to, local{addr: told.addr, port: port})
		}
	}
	return to
}

// try is one exact look-up.
func (s *Source) try(c *conn, client netip.AddrPort, at local) (answer, error) {
	a, err := c.lookup(client, at)
	if err != nil {
		return answer{}, err
	}
	if a.local == at && a.is(client) {
		return a, nil
	}
	if a.state == stateListen {
		s.mu.Lock()
		s.listens = true
		s.mu.Unlock()
	}
	return answer{}, errNone
}

func (s *Source) remember(at local) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.learned, at); i >= 0 {
		s.learned = slices.Delete(s.learned, i, i+1)
	}
	if len(s.learned) == maxLearned {
		s.learned = s.learned[:maxLearned-1]
	}
	s.learned = slices.Insert(s.learned, 0, at)
}

// mayDump spends the dump of this minute.
func (s *Source) mayDump(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.due(now) {
		return false
	}
	s.dumped = now
	return true
}

// dumpIsDue reports whether mayDump would spend one.
func (s *Source) dumpIsDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.due(now)
}

// due is called with the lock held.
func (s *Source) due(now time.Time) bool {
	return s.dumped.IsZero() || now.Sub(s.dumped) >= dumpInterval
}

// learn dumps the client's connections and remembers our end of the one that fits.
func (s *Source) learn(client, server netip.AddrPort) (answer, error) {
	s.dumping.Lock()
	all, err := dump(s.dumper, client)
	if err != nil {
		// What the kernel still sends would spoil the next dump.
		if link, dialErr := netlink.Dial(unix.NETLINK_INET_DIAG, nil); dialErr == nil {
			s.dumper.Close()
			s.dumper = link
		}
	}
	s.dumping.Unlock()
	if err != nil {
		return answer{}, err
	}
	all = slices.DeleteFunc(all, func(a answer) bool { return !a.is(client) })
	if len(all) > 1 {
		all = slices.DeleteFunc(all, func(a answer) bool {
			return a.local.port != server.Port() && a.local.addr != server.Addr()
		})
	}
	switch len(all) {
	case 0:
		return answer{}, errNone
	case 1:
		s.remember(all[0].local)
		return all[0], nil
	}
	return answer{}, errAmbiguous
}

// note keeps the state, logs what is new in it, and returns the outcome's word.
func (s *Source) note(err error) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.misses, s.listens, s.trouble = 0, false, nil
		return OutcomeFound
	case errors.Is(err, errAmbiguous):
		s.trouble = nil
		return OutcomeAmbiguous
	case errors.Is(err, errNone):
		s.trouble = nil
		s.miss()
		return OutcomeNone
	}
	if now := s.o.Now(); !errors.Is(err, ErrClosed) {
		if s.troubled.IsZero() || now.Sub(s.troubled) >= logInterval {
			s.troubled = now
			s.o.Log.Warn("the kernel was not asked about a connection", "error", err)
		}
		s.trouble = err
	}
	return OutcomeError
}

// miss counts one and says once that there are some, once what many likely mean.
func (s *Source) miss() {
	s.misses++
	if !s.missed {
		s.missed = true
		s.o.Log.Debug("a connection is not visible in this network namespace; its TCP stack stays unknown")
	}
	if s.misses >= missesLikely && !s.warned {
		s.warned = true
		s.o.Log.Warn("the TCP stack of clients stays unknown", "misses", s.misses, "likely", s.likely())
	}
}
