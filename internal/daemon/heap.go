package daemon

import "sync"

// ballastSize is how much of the heap is there for nothing, in bytes; see ballast.
const ballastSize = 8 << 20

// ballast is memory that nobody touches, so no page of it is ever there. The garbage collector
// takes it for live, and lets the heap grow by as much more before it runs: it doubles what is
// live. In a daemon that knows few hosts that is some MiB, and it would run each hundred
// sessions. Beside a large store the ballast does not matter. The runtime has no setting for the
// least size of a heap, and GOGC is a factor, which large stores would pay for.
var ballast = sync.OnceValue(func() []byte { return make([]byte, ballastSize) })
