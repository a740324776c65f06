package decider

import (
	"testing"
	"unsafe"
)

// TestDecisionIsSmall: each connection has one, and what it takes is cleared, filled and
// swept. The allocator has sizes of its own: those above are of 2048 bytes.
func TestDecisionIsSmall(t *testing.T) {
	const header = 8 // that the allocator puts before it
	if n := unsafe.Sizeof(decision{}) + header; n > 1792 {
		t.Errorf("%d bytes", n)
	}
}
