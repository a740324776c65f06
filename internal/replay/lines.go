package replay

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

const (
	readBuffer = 1 << 16 // bytes read at a time
	maxSkimmed = 512     // bytes kept of a line whose beginning is all that counts
)

// lines reads lines of any length in bounded memory.
type lines struct {
	r      *bufio.Reader
	number int // of the line read last, from 1
	buf    []byte
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, readBuffer)} }

// next returns the next line without its end, cut to limit bytes; long says that
// it was cut. It is valid until the next call. What stands before the end of the
// input without a line feed is a line, too.
func (l *lines) next(limit int) (line []byte, long bool, err error) {
	line, err = l.r.ReadSlice('\n')
	switch {
	case err == nil:
	case errors.Is(err, bufio.ErrBufferFull):
		line, long, err = l.rest(line, limit)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, err
		}
	case errors.Is(err, io.EOF) && len(line) > 0:
	default:
		return nil, false, err
	}
	l.number++
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(line) > limit {
		return line[:limit], true, nil
	}
	return line, long, nil
}

// rest collects a line that is longer than the reader's buffer.
func (l *lines) rest(line []byte, limit int) ([]byte, bool, error) {
	l.buf = append(l.buf[:0], line...)
	long := false
	for {
		more, err := l.r.ReadSlice('\n')
		if room := limit + 2 - len(l.buf); len(more) <= room {
			l.buf = append(l.buf, more...)
		} else {
			long = true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.buf, long, err
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
