package milter

import (
	"bytes"
	"errors"
	"io"
	"syscall"
)

// errHealthCheck ends a session that was a load balancer's question whether
// somebody is there: an HTTP request, or a connection that says nothing.
var errHealthCheck = errors.New("a health check")

const (
	// maxRequest bounds an HTTP request; what load balancers send has some hundred bytes.
	maxRequest = 4 << 10

	healthHead = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
	healthBody = "ok\n"
)

// asksHealth tells by its first bytes what is no milter frame: taken for a frame's
// length, "GET " would be over 1 GiB.
func asksHealth(head []byte) bool {
	switch string(head) {
	case "GET ", "HEAD", "OPTI":
		return true
	}
	return false
}

// silent reports whether the peer went away before it said anything. HAProxy's TCP
// check ends with a reset.
func silent(head []byte, err error) bool {
	return len(head) == 0 && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET))
}

// answerHealth reads an HTTP request to its end, for closing with bytes unread would
// reset the connection before the answer is seen, and says that the server serves.
// It tells nothing else, so who asks does not matter.
func (e *edge) answerHealth() error {
	var line, request int
	for {
		b, err := e.frames.room.reader.ReadSlice('\n')
		if request == 0 {
			line = len(b)
			e.out = append(e.out, healthHead...)
			if !bytes.HasPrefix(b, []byte("HEAD")) {
				e.out = append(e.out, healthBody...)
			}
		}
		request += len(b)
		blank := request > line && len(bytes.TrimRight(b, "\r\n")) == 0
		if blank || err != nil || request > maxRequest {
			return errHealthCheck // Close sends the answer
		}
	}
}
