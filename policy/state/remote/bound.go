package remote

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// maxAnswer bounds the lengths that a store may announce from one request to the next, in
// elements and bytes. A record of facts has some hundred bytes, what a network holds some
// thousand names.
const maxAnswer = 4 << 20

var errTooLong = errors.New("the store announces more than it may answer")

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// bound ends connections whose other end announces lengths above maxAnswer: the client library
// makes room for what it is told before it has read anything, and what no memory has ends
// the process.
func bound(dial dialer) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		b := &bounded{Conn: conn, left: maxAnswer}
		if c, ok := conn.(syscall.Conn); ok { // the library looks whether it still lives
			return struct {
				*bounded
				syscall.Conn
			}{b, c}, nil
		}
		return b, nil
	}
}

// bounded reads lines only, whatever they are part of: where the library and a store are out of
// step the lines of a text are replies. Lengths are known by their type; so nothing may be
// asked by redis.SliceCmd (MGet, HMGet), which takes any number for one. It is used by
// one goroutine at a time, as the library uses its connections.
type bounded struct {
	net.Conn
	line [24]byte // its beginning: a type, and the digits of an int64
	n    int
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.n, b.left = 0, maxAnswer
	return b.Conn.Write(p)
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			b.n += copy(b.line[b.n:], rest)
			break
		}
		b.n += copy(b.line[b.n:], rest[:end])
		if !b.affords(b.line[:b.n]) {
			b.Conn.Close()
			return 0, errTooLong
		}
		b.n, rest = 0, rest[end+1:]
	}
	return n, err
}

// affords reports whether a line announces nothing, or no more than is left.
func (b *bounded) affords(line []byte) bool {
	if len(line) < 2 || strings.IndexByte("*$%~>|=!", line[0]) < 0 { // RESP 2 and 3
		return true
	}
	n, err := strconv.Atoi(string(bytes.TrimSuffix(line[1:], []byte{'\r'})))
	if errors.Is(err, strconv.ErrSyntax) {
		return true
	}
	b.left -= max(n, 0)
	return err == nil && len(line) < len(b.line) && b.left >= 0
}
