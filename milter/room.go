package milter

import (
	"bufio"
	"sync"
)

const (
	readBuffer = 8 << 10  // bytes: 20 headers with their macros in one read
	maxRoom    = 16 << 10 // bytes of answers that a room keeps
)

// room is the memory that a session reads and writes in. Sessions are short, so it goes
// from one to the next: made anew, it would be most of what a session leaves to the
// garbage collector.
type room struct {
	reader *bufio.Reader
	buf    []byte // of the frame
	out    []byte // of the answers
}

var rooms = sync.Pool{New: func() any { return &room{reader: bufio.NewReaderSize(nil, readBuffer)} }}

// frame is a buffer of n bytes. A large one is given up for the next small frame.
func (r *room) frame(n int) []byte {
	const small = 4 << 10
	if n > cap(r.buf) || (cap(r.buf) > small && n <= small) {
		r.buf = make([]byte, max(n, 512))
	}
	return r.buf[:n]
}

// back is the end of the session. What it wrote stays until it is written over: nothing
// reads beyond what was read or said since.
func (r *room) back() {
	r.reader.Reset(nil)
	r.out = r.out[:0]
	rooms.Put(r)
}
