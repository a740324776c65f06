package event

import (
	"errors"
	"log/slog"
	"os"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// File appends lines to a file that the system rotates: one that was moved or removed
// is made anew within a second. It implements Sink, and waits for the disk: whoever
// must not wait puts a queue before it.
type File struct {
	path    string
	log     *slog.Logger
	now     func() time.Time
	dropped func(lines int)
	said    rate.Sometimes

	file    *os.File
	waiting []byte
	lines   int
	failed  time.Time
}

// fileMode lets a group read: decisions are for those who may read mail logs.
const fileMode = 0o640

// NewFile returns a File. Lines that the disk does not take are told to dropped.
func NewFile(path string, log *slog.Logger, now func() time.Time, dropped func(lines int)) *File {
	return &File{path: path, log: log, now: now, dropped: dropped, said: rate.Sometimes{Interval: time.Minute}}
}

const (
	fileFlush = 32 << 10
	fileRetry = 10 * time.Second
)

// Wants implements Sink.
func (*File) Wants() bool { return true }

// Add implements Sink.
func (f *File) Add(line []byte) {
	f.waiting = append(f.waiting, line...)
	f.lines++
	if len(f.waiting) >= fileFlush {
		f.Flush()
	}
}

// Flush implements Sink.
func (f *File) Flush() {
	if f.lines == 0 {
		return
	}
	now := f.now()
	if gone := now.Sub(f.failed); !f.failed.IsZero() && gone >= 0 && gone < fileRetry {
		f.drop()
		return
	}
	if err := f.write(); err != nil {
		f.failed = now
		f.drop()
		f.said.Do(func() {
			f.log.Warn("the event file takes no decisions", "file", f.path, "err", err, "hint", "mail goes on; look at the disk and the folder's owner; [log] events = \"\" switches it off")
		})
		return
	}
	f.failed, f.waiting, f.lines = time.Time{}, f.waiting[:0], 0
}

func (f *File) drop() {
	f.dropped(f.lines)
	f.waiting, f.lines = f.waiting[:0], 0
}

func (f *File) write() error {
	if f.file != nil && !f.same() {
		f.file.Close()
		f.file = nil
	}
	if f.file == nil {
		file, err := open(f.path)
		if err != nil {
			return err
		}
		f.file = file
	}
	_, err := f.file.Write(f.waiting)
	return err
}

var errKind = errors.New("it is no regular file: a pipe would keep everybody waiting")

// open takes regular files alone, and does not wait for others to be what they are not.
func open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, fileMode)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, errors.Join(err, errKind)
	}
	return file, nil
}

// same reports whether the open file is still the one at the path.
func (f *File) same() bool {
	there, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	open, err := f.file.Stat()
	return err == nil && os.SameFile(there, open)
}

// Close writes what waits.
func (f *File) Close() error {
	f.Flush()
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
