package milter

// stack is what a session needs of it, in bytes: the decision's line in the log is its
// deepest place.
const stack = 8 << 10

// deepen has the goroutine's stack grow once, while little is on it. It would grow by and
// by otherwise, each time at the deepest place, and what a copy costs are the frames on it:
// a quarter of all instructions of a session. It grows to the next power of two; of a session
// at rest the garbage collector may take it back. policy/evidence does the same for look-ups.
//
//go:noinline
func deepen() byte {
	var frame [stack]byte
	return frame[zero]
}

var zero int // the compiler must not know which byte
