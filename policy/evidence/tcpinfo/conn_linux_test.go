package tcpinfo

import (
	"errors"
	"os"
	"testing"
)

// A request to which no answer comes is given up, and the socket serves the next one: the
// deadline is of that one only.
func TestSocketOutlivesALateAnswer(t *testing.T) {
	c, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.link.Close()
	send := c.send
	c.send = func(uintptr) bool { c.err = nil; return true } // the request is lost
	if _, err := c.lookup(testClient, local{addr: testServer.Addr(), port: testServer.Port()}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("without an answer: %v", err)
	}
	c.send = send
	for range 3 {
		if _, err := c.lookup(testClient, local{addr: testServer.Addr(), port: testServer.Port()}); !errors.Is(err, errNone) {
			t.Fatalf("after it: %v", err)
		}
	}
}
