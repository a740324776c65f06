package resolve

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

const (
	tripAfter  = 5 // timeouts in a row
	firstPause = 2 * time.Second
	maxPause   = time.Minute
	plainLife  = time.Hour   // a server without EDNS is updated now and then
	silence    = time.Minute // between two lines of the log about one server
)

// ServerState is what is known of one server.
type ServerState struct {
	Server   netip.AddrPort
	Down     bool
	Timeouts int           // in a row
	Retry    time.Duration // until the next trial, if it is down; 0 and less is at the next question
}

// server is one server and its breaker. Times are the resolver's clock. It is safe
// for concurrent use.
type server struct {
	addr  netip.AddrPort
	meter Meter
	log   *slog.Logger

	mu       sync.Mutex
	missed   int
	down     bool
	trying   bool // a trial is under way
	pause    time.Duration
	retry    time.Duration
	plain    time.Duration // until when it is asked without EDNS
	said     time.Duration
	saidOnce bool
}

// ready reports whether the server may be asked, and whether the caller has to
// start a trial.
func (s *server) ready(now time.Duration) (ok, try bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.down {
		return true, false
	}
	try = now >= s.retry && !s.trying
	s.trying = s.trying || try
	return false, try
}

// miss counts a timeout, and reports whether the caller has to start a trial.
func (s *server) miss() (try bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed++
	try = s.missed >= tripAfter && !s.down && !s.trying
	s.trying = s.trying || try
	return try
}

// hit takes note of an answer, whatever it says.
func (s *server) hit(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed = 0
	if s.down {
		s.turn(false, now)
	}
}

// tried ends a trial that hit has not ended. One that was broken off tells
// nothing.
func (s *server) tried(missed bool, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trying = false
	if !missed || s.missed == 0 { // an answer came to another question meanwhile
		return
	}
	if s.pause = min(2*s.pause, maxPause); !s.down {
		s.pause = firstPause
	}
	s.retry = now + s.pause
	if !s.down {
		s.turn(true, now)
	}
}

// turn is called with the lock held, so that the meter sees changes in their
// order.
func (s *server) turn(down bool, now time.Duration) {
	s.down = down
	s.meter.ServerDown(s.addr, down)
	if s.saidOnce && now-s.said < silence {
		return
	}
	s.said, s.saidOnce = now, true
	if down {
		s.log.Warn("dns server is down", "server", s.addr, "timeouts", s.missed,
			"hint", "it answers no questions; look-ups go to the others, and fail at once where there are none")
	} else {
		s.log.Info("dns server is up", "server", s.addr)
	}
}

// edns reports whether the server is asked with EDNS.
func (s *server) edns(now time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plain == 0 || now >= s.plain
}

func (s *server) withoutEDNS(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plain = now + plainLife
}

func (s *server) state(now time.Duration) ServerState {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := ServerState{Server: s.addr, Down: s.down, Timeouts: s.missed}
	if s.down {
		st.Retry = s.retry - now
	}
	return st
}

// leave is called when nobody will ask the server any more.
func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		s.down = false
		s.meter.ServerDown(s.addr, false)
	}
}
