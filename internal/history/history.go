// Package history keeps decisions on disk, bounded in days and bytes, and finds them
// again: one JSON object a line, as the event log has them. It knows nothing of mail
// but what policy.Decision says.
//
// The folder holds segments named after the time of their first line. The newest is
// plain text and grows; when it has 512 KiB it is packed (zstd, RFC 8878), some eight to
// one. A search reads them from the newest on: there is no index to go wrong, and what
// cannot be read costs its own segment alone.
package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/time/rate"
)

// Meter is told how the history does. It must be safe for concurrent use.
type Meter interface {
	HistoryUp(on bool)              // whether the disk takes lines
	HistoryBytes(n int64)           // that all segments take
	HistoryDropped(lines int)       // that the disk did not take
	HistoryUnreadable(segments int) // that are corrupt
}

// Options are what a Store needs, all of it.
type Options struct {
	Dir   string
	Keep  time.Duration // how long a line is kept at least while there is room; 0 keeps none
	Size  int64         // bytes that all segments may take
	Log   *slog.Logger
	Meter Meter
	Now   func() time.Time
}

const (
	segmentSize = 512 << 10        // bytes of text, from which on a segment is packed; a sixteenth of the size if that is less
	segmentTime = 24 * time.Hour   // or after so long
	packWindow  = 128 << 10        // bytes that the packer looks back: lines are alike
	maxSegment  = 64 << 20         // bytes that a packed one may unpack to
	retryTime   = 10 * time.Second // after the disk took nothing
	flushSize   = 32 << 10         // bytes that wait for the disk at most
)

// Store is a history. It is safe for concurrent use; Add waits for the disk, and for
// searches that read the newest segment, never for others.
type Store struct {
	opts  Options
	said  rate.Sometimes
	keeps atomic.Bool // anything at all

	mu       sync.Mutex
	keep     time.Duration
	size     int64
	segments []segment // the oldest first, without the one that grows
	grows    *os.File  // nil when there is none
	current  segment
	waiting  []byte
	failed   time.Time // when the disk took nothing; zero is well
}

// segment is a file of lines.
type segment struct {
	name  string
	since time.Time // of its first line
	last  time.Time // when it was last written to
	bytes int64
}

func (s *segment) packed() bool { return strings.HasSuffix(s.name, packedEnd) }

const (
	plainEnd  = ".jsonl"
	packedEnd = ".jsonl.zst"
)

// Open returns a Store. A folder that cannot be used is said, and tried again.
func Open(o Options) *Store {
	s := &Store{opts: o, keep: o.Keep, size: o.Size, said: rate.Sometimes{Interval: time.Minute}}
	s.keeps.Store(o.Keep > 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		s.fail(err)
	} else {
		o.Meter.HistoryUp(true)
	}
	s.prune()
	return s
}

// Bound changes how much is kept.
func (s *Store) Bound(keep time.Duration, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep, s.size = keep, size
	s.keeps.Store(keep > 0)
	s.prune()
}

// load takes stock of the folder. A text that an earlier process left is packed.
func (s *Store) load() error {
	if err := os.MkdirAll(s.opts.Dir, 0o750); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return err
	}
	s.segments = nil
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), newEnd) {
			os.Remove(filepath.Join(s.opts.Dir, e.Name())) // of a process that was killed
			continue
		}
		if g, ok := s.known(e); ok {
			s.segments = append(s.segments, g)
		}
	}
	slices.SortFunc(s.segments, func(a, b segment) int { return a.since.Compare(b.since) })
	for i := range s.segments {
		if g := &s.segments[i]; !g.packed() {
			s.pack(g)
		}
	}
	return nil
}

// known reads a segment's name: the milliseconds since 1970 of its first line.
func (s *Store) known(e fs.DirEntry) (g segment, ok bool) {
	digits, ok := strings.CutSuffix(e.Name(), packedEnd)
	if !ok {
		digits, ok = strings.CutSuffix(e.Name(), plainEnd)
	}
	ms, err := strconv.ParseInt(digits, 10, 64)
	info, infoErr := e.Info()
	if !ok || err != nil || infoErr != nil || !info.Mode().IsRegular() {
		return g, false
	}
	return segment{name: e.Name(), since: time.UnixMilli(ms), last: info.ModTime(), bytes: info.Size()}, true
}

// Wants reports whether lines are kept now.
func (s *Store) Wants() bool { return s.keeps.Load() }

// Add keeps a line, which ends with a line feed. Lines wait in memory for the next
// Flush, or for 32 KiB of them.
func (s *Store) Add(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keep == 0 {
		return
	}
	s.waiting = append(s.waiting, line...)
	if len(s.waiting) >= flushSize {
		s.flush()
	}
}

// Flush writes what waits, and forgets what is too old. It is called every second.
func (s *Store) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	s.prune()
}

func (s *Store) flush() {
	if len(s.waiting) == 0 {
		return
	}
	now := s.opts.Now()
	if gone := now.Sub(s.failed); !s.failed.IsZero() && gone >= 0 && gone < retryTime {
		s.drop()
		return
	}
	if err := s.write(now); err != nil {
		s.fail(err)
		s.drop()
		return
	}
	if !s.failed.IsZero() {
		s.failed = time.Time{}
		s.opts.Log.Info("the history of decisions is kept again", "dir", s.opts.Dir)
	}
	s.opts.Meter.HistoryUp(true)
	s.waiting = s.waiting[:0]
}

func (s *Store) drop() {
	s.opts.Meter.HistoryDropped(bytes.Count(s.waiting, newline))
	s.waiting = s.waiting[:0]
}

var newline = []byte{'\n'}

// write appends to the segment that grows, and packs it when it is large enough.
func (s *Store) write(now time.Time) error {
	if s.grows == nil {
		if err := s.begin(now); err != nil {
			return err
		}
	}
	if n, err := s.grows.Write(s.waiting); err != nil {
		// What is there of the last line must not spoil the next one.
		whole := bytes.LastIndexByte(s.waiting[:n], '\n') + 1
		s.waiting = s.waiting[whole:]
		return errors.Join(err, s.grows.Truncate(s.current.bytes+int64(whole)), s.end())
	}
	s.current.bytes += int64(len(s.waiting))
	s.current.last, s.waiting = now, s.waiting[:0]
	if s.current.bytes >= min(segmentSize, max(s.size/16, flushSize)) || now.Sub(s.current.since) >= segmentTime {
		return s.end()
	}
	return nil
}

// begin opens a segment. A clock that was set back gives it the next free name.
func (s *Store) begin(now time.Time) (err error) {
	since := now
	if n := len(s.segments); n > 0 && !since.After(s.segments[n-1].since) {
		since = s.segments[n-1].since.Add(time.Millisecond)
	}
	if err := os.MkdirAll(s.opts.Dir, 0o750); err != nil {
		return err
	}
	g := segment{name: fmt.Sprintf("%016d%s", since.UnixMilli(), plainEnd), since: since, last: now}
	s.grows, err = os.OpenFile(filepath.Join(s.opts.Dir, g.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o640)
	if err == nil {
		s.current = g
	}
	return err
}

// end closes the segment that grows, and packs it.
func (s *Store) end() error {
	if s.grows == nil {
		return nil
	}
	err := s.grows.Close()
	s.grows = nil
	if info, statErr := os.Stat(s.path(&s.current)); statErr == nil {
		s.current.bytes = info.Size()
	}
	s.segments = append(s.segments, s.current)
	s.pack(&s.segments[len(s.segments)-1])
	return err
}

func (s *Store) path(g *segment) string { return filepath.Join(s.opts.Dir, g.name) }

const newEnd = ".new"

// pack takes the text's place by its packed form. Where that fails, which is said, the
// text stays until the next start: it is as good.
func (s *Store) pack(g *segment) {
	text, err := os.ReadFile(s.path(g))
	if err == nil {
		text = text[:bytes.LastIndexByte(text, '\n')+1] // a killed process may leave a piece
		err = s.replace(g, text)
	}
	if err != nil {
		s.say("a part of the history cannot be packed: "+g.name, err)
	}
}

// replace writes a segment anew, packed; one without lines goes.
func (s *Store) replace(g *segment, text []byte) error {
	old := s.path(g)
	if len(text) == 0 {
		g.bytes = 0
		return os.Remove(old)
	}
	name := strings.TrimSuffix(strings.TrimSuffix(g.name, packedEnd), plainEnd) + packedEnd
	path := filepath.Join(s.opts.Dir, name)
	packed, err := compress(text)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+newEnd, packed, 0o640); err != nil {
		os.Remove(path + newEnd)
		return err
	}
	if err := errors.Join(os.Chtimes(path+newEnd, g.last, g.last), os.Rename(path+newEnd, path)); err != nil {
		return err
	}
	g.name, g.bytes = name, int64(len(packed))
	if path != old {
		return os.Remove(old)
	}
	return nil
}

// compress keeps no encoder: it is needed once in some thousand messages, and has
// a megabyte.
func compress(text []byte) ([]byte, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(packWindow), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.EncodeAll(text, nil), nil
}

// prune removes segments that are too old, and the oldest ones while all take too
// much. A segment of the future is one of a clock that was set back, and stays.
func (s *Store) prune() {
	now, total := s.opts.Now(), s.current.bytes
	if s.grows == nil {
		total = 0
	}
	for i := range s.segments {
		total += s.segments[i].bytes
	}
	kept := s.segments[:0]
	for i := range s.segments {
		g := s.segments[i]
		old := s.keep == 0 || now.Sub(g.last) > s.keep
		if g.bytes == 0 || old || total > s.size {
			total -= g.bytes
			if err := os.Remove(s.path(&g)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				s.say("cannot remove a part of the history", err)
			}
			continue
		}
		kept = append(kept, g)
	}
	s.segments = kept
	s.opts.Meter.HistoryBytes(total)
}

// fail notes that the disk took nothing.
func (s *Store) fail(err error) {
	s.failed = s.opts.Now()
	s.opts.Meter.HistoryUp(false)
	s.say("decisions are not kept in the history", err)
}

func (s *Store) say(what string, err error) {
	s.said.Do(func() {
		s.opts.Log.Warn(what, "dir", s.opts.Dir, "err", err, "hint", "mail goes on; look at the disk and at who owns the folder; more of it within a minute is counted only")
	})
}

// Close writes what waits.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	if s.grows == nil {
		return nil
	}
	err := s.grows.Close()
	s.grows = nil
	return err
}

// text reads a segment.
func (s *Store) text(g *segment) ([]byte, error) {
	f, err := os.Open(s.path(g))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !g.packed() {
		return io.ReadAll(io.LimitReader(f, maxSegment))
	}
	d, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxSegment))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return io.ReadAll(io.LimitReader(d, maxSegment))
}
