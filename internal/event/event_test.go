package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/internal/racetest"
	"github.com/iot-milter/iot-milter/policy"
)

// meter counts what is lost, and taker what the next recorder got.
type meter struct{ queue, tail atomic.Int64 }

func (m *meter) EventsDropped(n int) { m.queue.Add(int64(n)) }
func (m *meter) TailDropped(n int)   { m.tail.Add(int64(n)) }

type taker struct{ n atomic.Int64 }

func (t *taker) Record(*policy.Record) { t.n.Add(1) }

// sink keeps lines, and may hold everybody up.
type sink struct {
	mu    sync.Mutex
	lines []string
	hold  chan struct{}
	idle  atomic.Bool
}

func (s *sink) Wants() bool { return !s.idle.Load() }

func (s *sink) Add(line []byte) {
	if s.hold != nil {
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, string(line))
}

func (s *sink) Flush() {}

func record(id string) *policy.Record {
	return &policy.Record{ID: id, Facts: &policy.Facts{Client: policy.Client{Session: id, At: time.Unix(1_800_000_000, 0)}}, Mode: policy.ModeTag}
}

func TestStream(t *testing.T) {
	m, next, to := &meter{}, &taker{}, &sink{}
	s := New(next, m, to)
	tail, ok := s.Tail()
	if !ok {
		t.Fatal("nobody may watch")
	}
	for i := range 100 {
		s.Record(record(fmt.Sprint("s", i)))
	}
	for i := range 100 {
		var d policy.Decision
		if err := json.Unmarshal(<-tail.Lines, &d); err != nil || d.ID != fmt.Sprint("s", i) {
			t.Fatalf("%d: %v %q", i, err, d.ID)
		}
	}
	s.Leave(tail)
	s.Leave(tail)
	s.Record(record("last"))
	s.Close()
	s.Close()
	if len(to.lines) != 101 || next.n.Load() != 101 || m.queue.Load() != 0 || m.tail.Load() != 0 {
		t.Errorf("%d lines, %d records, %d lost", len(to.lines), next.n.Load(), m.queue.Load())
	}
	s.Record(record("late")) // waits for nothing
	if _, ok := s.Tail(); ok {
		t.Error("one watches what has ended")
	}
}

// TestSafety16NobodyWaits: a sink that hangs, and a watcher that does not read, cost
// lines and no time.
func TestSafety16NobodyWaits(t *testing.T) {
	m, next, to := &meter{}, &taker{}, &sink{hold: make(chan struct{})}
	s := New(next, m, to)
	tail, _ := s.Tail()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 * maxQueue {
			s.Record(record("s"))
		}
	}()
	<-done
	if lost := m.queue.Load(); lost < maxQueue || lost > 3*maxQueue-maxQueue {
		t.Errorf("%d of %d are lost", lost, 3*maxQueue)
	}
	close(to.hold)
	s.Close()
	if m.tail.Load() == 0 || tail.Dropped() != m.tail.Load() || tail.Dropped() != 0 {
		t.Errorf("%d are lost to the watcher", m.tail.Load())
	}
	n := 0
	for range tail.Lines {
		n++
	}
	if n != maxTail || next.n.Load() != 3*maxQueue {
		t.Errorf("the watcher has %d, the next recorder %d", n, next.n.Load())
	}
}

func TestTooManyWatch(t *testing.T) {
	s := New(&taker{}, &meter{})
	defer s.Close()
	var all []*Tail
	for range MaxTails {
		w, ok := s.Tail()
		if !ok {
			t.Fatal("too few")
		}
		all = append(all, w)
	}
	if _, ok := s.Tail(); ok {
		t.Error("too many")
	}
	s.Leave(all[3])
	if _, ok := s.Tail(); !ok {
		t.Error("a place that became free is not")
	}
}

// TestRecordAllocates nothing but what a text of time takes.
func TestRecordAllocates(t *testing.T) {
	s := New(&taker{}, &meter{}, &sink{hold: make(chan struct{})})
	r := record("s1.1")
	for range maxQueue + 10 { // the queue is full: buffers come back at once
		s.Record(r)
	}
	if n := testing.AllocsPerRun(1000, func() { s.Record(r) }); n > 1 && !racetest.Enabled {
		t.Errorf("%v allocations", n)
	}
}

type fileAt struct {
	*File
	at   time.Time
	lost int
	log  bytes.Buffer
}

func newFileAt(path string) *fileAt {
	f := &fileAt{at: time.Unix(1_800_000_000, 0)}
	f.File = NewFile(path, slog.New(slog.NewTextHandler(&f.log, nil)), func() time.Time { return f.at }, func(n int) { f.lost += n })
	return f
}

// TestFileIsRotated: a file that the system moves away is made anew, and no line is lost.
func TestFileIsRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	f := newFileAt(path)
	put := func(n int) {
		for i := range n {
			f.Add([]byte(fmt.Sprintf("{\"n\":%d}\n", i)))
		}
		f.Flush()
	}
	put(10)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	put(20)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	put(30)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{path + ".1": 10, path: 30} {
		text, err := os.ReadFile(name)
		if err != nil || strings.Count(string(text), "\n") != want {
			t.Errorf("%s has %d lines, %v", name, strings.Count(string(text), "\n"), err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 || f.lost != 0 {
		t.Errorf("%v, mode %v, %d lost", err, info.Mode(), f.lost)
	}
}

// TestFileThatIsNone: what takes no lines is said once, costs lines, and is tried again.
func TestFileThatIsNone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFileAt(path)
	for range 3 {
		f.Add([]byte("{}\n"))
		f.Flush()
	}
	if f.lost != 3 || strings.Count(f.log.String(), "hint=") != 1 {
		t.Errorf("%d lost: %s", f.lost, &f.log)
	}
	os.Remove(path)
	f.at = f.at.Add(fileRetry)
	f.Add([]byte("{}\n"))
	if f.Flush(); f.lost != 3 {
		t.Errorf("%d lost: %s", f.lost, &f.log)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "{}\n" {
		t.Errorf("%q %v", text, err)
	}
}

// TestNobodyWantsLines: then none is written, until somebody does.
func TestNobodyWantsLines(t *testing.T) {
	next, to := &taker{}, &sink{}
	to.idle.Store(true)
	s := New(next, &meter{}, to)
	defer s.Close()
	s.Record(record("unwanted"))
	tail, ok := s.Tail()
	if !ok {
		t.Fatal("nobody may watch")
	}
	s.Record(record("watched"))
	if line := string(<-tail.Lines); !strings.Contains(line, `"id":"watched"`) {
		t.Error(line)
	}
	s.Leave(tail)
	s.Record(record("unwanted again"))
	to.idle.Store(false)
	s.Record(record("wanted"))
	s.Close()
	got := strings.Join(to.lines, "")
	if strings.Contains(got, "unwanted") || !strings.Contains(got, `"id":"wanted"`) || next.n.Load() != 4 {
		t.Errorf("%d records, lines %s", next.n.Load(), got)
	}
}
