package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	failuresInRow = 3
	firstWait     = time.Second
	maxWait       = time.Minute
	look          = time.Minute // between trials of a store that does well
)

// circuit is open, or down, after failures in a row: then nobody waits for the
// store but the goroutine that tries it.
type circuit struct {
	down    atomic.Bool
	row     atomic.Int32 // failures in a row
	tripped chan struct{}

	said   atomic.Int64 // unix nanoseconds of the last line about trouble
	told   atomic.Bool  // the last line was about trouble
	unsaid atomic.Int64 // failures since then
}

// keep tries the store until Close.
func (s *Store) keep() {
	wait, recovered := firstWait, s.opts.Now()
	pause := time.NewTimer(s.pause(wait))
	defer pause.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-s.circuit.tripped:
			if !s.circuit.down.Load() { // a trial was quicker
				continue
			}
			// A store that comes and goes is not asked every second for ever.
			if s.opts.Now().Sub(recovered) > maxWait {
				wait = firstWait
			}
			s.opts.Meter.Degraded(true)
			pause.Reset(s.pause(wait))
			continue
		case <-pause.C:
		}
		wasDown := s.circuit.down.Load()
		start := s.opts.Now()
		switch err := s.trial(); {
		case err != nil:
			s.failed("trial", err, s.opts.Now().Sub(start))
			if wasDown {
				wait = min(2*wait, maxWait)
			}
		case wasDown:
			recovered, wait = s.opts.Now(), min(2*wait, maxWait)
			s.recover()
		default:
			s.circuit.row.Store(0)
		}
		pause.Reset(s.pause(wait))
	}
}

// pause is how long to wait for the next trial. Hosts that lost the store in one moment come back in
// others.
func (s *Store) pause(wait time.Duration) time.Duration {
	if !s.circuit.down.Load() {
		wait = look
	}
	return wait - rand.N(wait/4)
}

func (s *Store) recover() {
	s.circuit.row.Store(0)
	s.circuit.down.Store(false)
	s.opts.Meter.Degraded(false)
	if s.circuit.told.Swap(false) {
		s.opts.Log.Info("the shared store answers again", "failures", s.circuit.unsaid.Load())
	}
}

// failed counts a failure, and says so at most once a minute.
func (s *Store) failed(op string, err error, took time.Duration) {
	select {
	case <-s.closing: // which the client says, too, and nobody needs to know
		return
	default:
	}
	why := outcome(err)
	s.opts.Meter.Call(op, why, took)
	c := &s.circuit
	c.unsaid.Add(1)
	if c.row.Add(1) >= failuresInRow && c.down.CompareAndSwap(false, true) {
		select {
		case c.tripped <- struct{}{}:
		default:
		}
	}
	now, last := s.opts.Now().UnixNano(), c.said.Load()
	if last != 0 && now-last < int64(time.Minute) && now >= last || !c.said.CompareAndSwap(last, now) {
		return
	}
	c.told.Store(true)
	s.opts.Log.Warn("the shared store does not answer", "op", op, "cause", why, "error", err.Error(), "failures", c.unsaid.Swap(0),
		"hint", hints[why])
}

var hints = map[string]string{
	"timeout":     "this host counts alone meanwhile; the server or the way to it is slow",
	"unreachable": "this host counts alone meanwhile; is the server up, and its address right?",
	"readonly":    "this host counts alone meanwhile; this is a replica: name the primary, or use redis-sentinel",
	"auth":        "this host counts alone meanwhile; user, password or ACL: it needs +@scripting +@read +@write +@connection on its keys",
	"loading":     "this host counts alone meanwhile; the server is starting, busy or has lost its primary",
	"full":        "this host counts alone meanwhile; raise maxmemory, or choose maxmemory-policy volatile-ttl",
	"error":       "this host counts alone meanwhile; the server must be Redis 4 or Valkey, or later",
}

// outcome is one word for an error.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	var slow net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redis.ErrPoolTimeout) || errors.As(err, &slow) && slow.Timeout() {
		return "timeout"
	}
	text := err.Error()
	for _, c := range [...]struct{ word, of string }{
		{"READONLY", "readonly"}, {"NOREPLICAS", "readonly"}, {"NOAUTH", "auth"}, {"WRONGPASS", "auth"}, {"NOPERM", "auth"},
		{"invalid password", "auth"}, {"without any password", "auth"},
		{"LOADING", "loading"}, {"MASTERDOWN", "loading"}, {"CLUSTERDOWN", "loading"}, {"BUSY", "loading"}, {"TRYAGAIN", "loading"},
		{"MISCONF", "full"}, {"OOM", "full"},
	} {
		if strings.Contains(text, c.word) {
			return c.of
		}
	}
	if answer := redis.Error(nil); errors.As(err, &answer) || errors.Is(err, errSecret) || errors.Is(err, errAnswer) {
		return "error"
	}
	return "unreachable"
}
