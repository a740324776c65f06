// Package event carries decisions from the mail path to those who want to know of
// them: the history, a file of JSON lines, and whoever watches. The mail path writes
// a line into a queue and goes on; all else happens behind it.
package event

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// Sink takes lines, one JSON object each with a line feed. Add and Flush are called by one
// goroutine, and must not keep the line.
type Sink interface {
	// Wants reports whether lines are kept at all now. It is called by many, and does not
	// wait.
	Wants() bool
	Add(line []byte)
	// Flush is called about every second.
	Flush()
}

// Meter is told of what is lost. It must be safe for concurrent use.
type Meter interface {
	EventsDropped(n int) // decisions that found no room in the queue
	TailDropped(n int)   // … in that of somebody who watches
}

const (
	maxQueue = 4096        // decisions, of some 700 bytes each
	maxLine  = 64 << 10    // bytes that a buffer may keep
	every    = time.Second // between flushes
	// MaxTails is how many may watch at once.
	MaxTails = 16
	maxTail  = 256 // decisions that wait for one of them
)

// Stream hands each decision on to the next recorder, and then to its sinks and to
// those who watch. It implements policy.Recorder and is safe for concurrent use.
type Stream struct {
	next  policy.Recorder
	meter Meter
	sinks []Sink
	lines chan *[]byte
	pool  sync.Pool
	stop  chan struct{}
	done  chan struct{}
	ended sync.Once

	tails atomic.Int32 // how many watch
	mu    sync.Mutex
	watch map[*Tail]struct{}
}

// New returns a Stream. Close ends its goroutine.
func New(next policy.Recorder, meter Meter, sinks ...Sink) *Stream {
	s := &Stream{
		next: next, meter: meter, sinks: sinks, lines: make(chan *[]byte, maxQueue), stop: make(chan struct{}), done: make(chan struct{}),
		watch: map[*Tail]struct{}{}, pool: sync.Pool{New: func() any { return new([]byte) }},
	}
	go s.run()
	return s
}

// Record implements policy.Recorder. It never waits: without room the decision is lost
// to those behind it, and counted.
func (s *Stream) Record(r *policy.Record) {
	s.next.Record(r)
	if !s.wanted() {
		return
	}
	line := s.pool.Get().(*[]byte)
	*line = append(r.AppendJSON((*line)[:0]), '\n')
	select {
	case s.lines <- line:
	default:
		s.meter.EventsDropped(1)
		s.free(line)
	}
}

// wanted reports whether there is anybody for whom a line is to be written.
func (s *Stream) wanted() bool {
	for _, to := range s.sinks {
		if to.Wants() {
			return true
		}
	}
	return s.tails.Load() > 0
}

func (s *Stream) free(line *[]byte) {
	if cap(*line) <= maxLine {
		s.pool.Put(line)
	}
}

func (s *Stream) run() {
	defer close(s.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case line := <-s.lines:
			s.take(line)
		case <-tick.C:
			s.flush()
		case <-s.stop:
			for { // what came before Close
				select {
				case line := <-s.lines:
					s.take(line)
				default:
					s.flush()
					return
				}
			}
		}
	}
}

func (s *Stream) take(line *[]byte) {
	for _, to := range s.sinks {
		to.Add(*line)
	}
	if s.tails.Load() > 0 {
		s.mu.Lock()
		for t := range s.watch {
			t.add(*line, s.meter)
		}
		s.mu.Unlock()
	}
	s.free(line)
}

func (s *Stream) flush() {
	for _, to := range s.sinks {
		to.Flush()
	}
}

// Close hands on what waits and ends those who watch. Decisions that come later are
// lost to those behind it. It closes no sink.
func (s *Stream) Close() {
	s.ended.Do(func() {
		close(s.stop)
		<-s.done
		s.mu.Lock()
		defer s.mu.Unlock()
		for t := range s.watch {
			s.remove(t)
		}
	})
}

// Tail is one who watches: Lines yields decisions as they are made, until it is closed.
type Tail struct {
	Lines   <-chan []byte
	lines   chan []byte
	dropped atomic.Int64
}

// Dropped is how many decisions were lost since the last call, for they came faster
// than they were taken.
func (t *Tail) Dropped() int64 { return t.dropped.Swap(0) }

func (t *Tail) add(line []byte, m Meter) {
	select {
	case t.lines <- append([]byte(nil), line...):
	default:
		t.dropped.Add(1)
		m.TailDropped(1)
	}
}

// Tail begins to watch; ok is false when too many do. Whoever is done calls Leave.
func (s *Stream) Tail() (t *Tail, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stop:
		return nil, false
	default:
	}
	if len(s.watch) >= MaxTails {
		return nil, false
	}
	t = &Tail{lines: make(chan []byte, maxTail)}
	t.Lines = t.lines
	s.watch[t] = struct{}{}
	s.tails.Add(1)
	return t, true
}

// Leave ends it. It may be called twice.
func (s *Stream) Leave(t *Tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(t)
}

func (s *Stream) remove(t *Tail) {
	if _, ok := s.watch[t]; ok {
		delete(s.watch, t)
		s.tails.Add(-1)
		close(t.lines)
	}
}
