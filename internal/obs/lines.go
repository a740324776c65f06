package obs

import (
	"io"
	"time"

	"github.com/rs/zerolog/diode"
)

const (
	// maxLines is how many log lines wait for a reader that is slow; older ones
	// are dropped. Some 600 bytes each.
	maxLines = 8192
	// flushTime is how long Close waits for the reader.
	flushTime = 2 * time.Second
	// poll is how often the reader is looked after. The library's other way,
	// waking on each line, can miss one and leave it until the next.
	poll = 20 * time.Millisecond
)

// Lines is a writer that never waits: a log that nobody reads, or a full disk
// behind it, must not hold mail up. What does not fit is dropped and counted. It
// is safe for concurrent use.
type Lines struct{ diode.Writer }

// NewLines returns a writer of lines to w. It tells dropped how many were lost,
// from a goroutine of its own.
func NewLines(w io.Writer, dropped func(lines int)) *Lines {
	return &Lines{diode.NewWriter(struct{ io.Writer }{w}, maxLines, poll, dropped)} // w stays open
}

// Close writes what waits, for two seconds at most. Nothing may be written after.
func (l *Lines) Close() error {
	done := make(chan error, 1)
	go func() { done <- l.Writer.Close() }()
	select {
	case err := <-done:
		return err
	case <-time.After(flushTime):
		return nil
	}
}
