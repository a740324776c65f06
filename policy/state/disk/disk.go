// Package disk keeps the daemon's memory beyond the process, in a bbolt file. The
// mail path never waits for it: changes are collected in memory, and one goroutine
// writes them every few seconds. Whatever is wrong with the disk, the daemon goes on
// from memory, says so, counts it and tries again. What a kill or a power cut costs
// is the last seconds.
//
// bbolt is kept by etcd, needs no cgo and survives a cut at any moment. It trusts
// its pages, though, and maps them: a page that is wrong or missing can end the
// process. So a file is walked by own code first, by reads, and bbolt opens
// what is sound.
package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/iot-milter/iot-milter/policy/state"
)

// Meter is told what the store does. It must be safe for concurrent use.
type Meter interface {
	StoreUp(on bool)                             // the disk takes changes
	StoreLoaded(entries int, took time.Duration) // at start
	StoreFlushed(changes int)                    // reached the disk
	StoreLost(changes int)                       // found no room while waiting: everything is written anew
}

// Options are what a Store needs. All but Every are required.
type Options struct {
	Dir   string // exists, and is writable for the daemon alone
	Log   *slog.Logger
	Meter Meter
	Now   func() time.Time
	Every time.Duration // between flushes; 0 is 5 s
}

const (
	name     = "state.db" // in Dir
	every    = 5 * time.Second
	maxWait  = 5 * time.Minute // between attempts to open
	pageSize = 4096
)

// Store writes a Memory's changes to a file, and reads them back at start.
type Store struct {
	memory *state.Memory
	opts   Options
	path   string

	// The goroutine's own, after Open.
	db       *bolt.DB
	file     *os.File // db's
	loaded   bool     // the file's entries are in the memory
	littered bool     // what the start took of memory is not given back yet
	due      bool     // everything is to be written, for changes were missed
	created  bool     // the last attempt met a new file
	wait     time.Duration
	retry    time.Time // of the next attempt
	said     time.Time // the last line about trouble
	expired  time.Time

	closing chan time.Time // takes until when to write
	done    chan struct{}
}

// Open loads what the directory's file holds into the memory, and goes on writing
// changes to it until Close. It does not fail: what is wrong is logged, and the
// memory works without a file until there is one.
func Open(memory *state.Memory, o Options) *Store {
	if o.Every == 0 {
		o.Every = every
	}
	s := &Store{
		memory: memory, opts: o, path: filepath.Join(o.Dir, name), expired: o.Now(),
		closing: make(chan time.Time, 1), done: make(chan struct{}),
	}
	memory.Watch()
	s.attempt()
	go s.run()
	return s
}

// Close writes what changed, waiting so long for it, and ends the Store.
func (s *Store) Close(wait time.Duration) error {
	s.closing <- s.opts.Now().Add(wait)
	late := time.NewTimer(wait + wait/4)
	defer late.Stop()
	select {
	case <-s.done:
		return nil
	case <-late.C:
		return fmt.Errorf("%s: the disk does not answer; hint: the last seconds of history may be lost", s.path)
	}
}

func (s *Store) run() {
	defer close(s.done)
	debug.SetPanicOnFault(true) // a mapped page that cannot be read is an error, not the end
	tick := time.NewTicker(s.opts.Every)
	defer tick.Stop()
	for {
		select {
		case until := <-s.closing:
			if s.db != nil {
				s.flush(until)
				s.close()
			}
			return
		case <-tick.C:
			s.work()
		}
	}
}

// expireEvery is how often unused entries are looked for.
const expireEvery = time.Hour

func (s *Store) work() {
	now := s.opts.Now()
	if s.littered { // not while the daemon starts, and MTAs wait for it
		s.littered = false
		debug.FreeOSMemory()
	}
	if now.Sub(s.expired).Abs() >= expireEvery {
		s.expired = now
		s.memory.Expire(now)
	}
	if s.db == nil && (!now.Before(s.retry) || s.retry.Sub(now) > maxWait) {
		s.attempt()
	}
	if s.db != nil {
		s.flush(time.Time{})
	}
}

// attempt opens the file; a corrupt one is set aside, and a new one begun.
func (s *Store) attempt() {
	err := s.open()
	if errors.Is(err, errCorrupt) {
		err = s.open()
	}
	if err != nil {
		s.down(err)
		return
	}
	s.opts.Meter.StoreUp(true)
	if s.wait > 0 {
		s.opts.Log.Info("the store is back", "file", s.path)
	}
	s.wait = 0
}

// down goes on from memory alone.
func (s *Store) down(err error) {
	s.close()
	s.due = true
	s.wait = min(max(2*s.wait, s.opts.Every), maxWait)
	now := s.opts.Now()
	s.retry = now.Add(s.wait)
	s.opts.Meter.StoreUp(false)
	if !s.said.IsZero() && now.Sub(s.said).Abs() < time.Minute {
		return
	}
	s.said = now
	s.opts.Log.Warn("the store is down", "file", s.path, "err", err, "retry", s.wait,
		"hint", "history goes on in memory and is written when the disk takes it; look at space, permissions and whether another daemon has the file")
}

// close gives the file back. bbolt may have lost its own locks to a panic and never
// answer: then the file is unlocked and closed under it. The mapping stays, and would
// keep the lock.
func (s *Store) close() {
	db, file := s.db, s.file
	if s.db, s.file = nil, nil; db == nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		contain(db.Close)
	}()
	late := time.NewTimer(time.Second)
	defer late.Stop()
	select {
	case <-closed:
	case <-late.C:
		syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
		file.Close()
	}
}

// contain calls f and makes an error of its panic: bbolt panics on files that are
// wrong, and the processor on mapped pages that cannot be read.
func contain(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// flush writes the changes since the last one, until a time if it is not zero.
func (s *Store) flush(until time.Time) {
	written, err := 0, error(nil)
	for t := range state.NumTables {
		keys, lost := s.memory.Changed(t)
		if lost > 0 {
			s.opts.Meter.StoreLost(lost)
			s.due = true
		}
		if s.due || err != nil {
			continue // what changed is written with all the rest
		}
		var n int
		n, err = s.write(t, keys, until)
		written += n
	}
	if s.due && err == nil {
		written, err = s.pass(until)
	}
	if written > 0 {
		s.opts.Meter.StoreFlushed(written)
	}
	switch {
	case errors.Is(err, errLate):
		s.due = true
	case err != nil:
		s.down(err)
	}
}

// errLate says that there was no time to write everything.
var errLate = errors.New("late")

// late reports whether the time to write is over, or, without an end, whether the
// daemon is about to close.
func (s *Store) late(until time.Time) bool {
	if until.IsZero() {
		return len(s.closing) > 0
	}
	return s.opts.Now().After(until)
}

// pass writes everything that is not in the file yet, and takes out what is in the
// file alone.
func (s *Store) pass(until time.Time) (written int, err error) {
	s.due = false
	for t := range state.NumTables {
		keys := s.memory.Keys(t)
		for from := (*state.StoreKey)(nil); ; {
			n := min(len(keys), passBatch)
			var to *state.StoreKey
			if n < len(keys) {
				to = &keys[n]
			}
			changed := 0
			if err = s.update(func(tx *bolt.Tx) (err error) {
				changed, err = s.reconcile(tx, t, keys[:n], from, to)
				return err
			}); err != nil {
				s.due = true
				return written, err
			}
			written += changed
			s.release()
			if from, keys = to, keys[n:]; to == nil {
				break
			}
			if s.late(until) {
				s.due = true
				return written, errLate
			}
		}
	}
	return written, nil
}

// retained bounds a slice's share of the memory limit while a file is read.
func retained(size int64) int { return int(min(size/minEntry, math.MaxInt32)) }
