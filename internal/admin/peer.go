package admin

import (
	"context"
	"net"
	"sync"
)

// peers takes connections of a UNIX socket, so many at once and no more, and notes
// whose they are.
type peers struct {
	net.Listener
	slots chan struct{}
}

// peer is a connection and the user at its other end.
type peer struct {
	net.Conn
	uid  int // -1 is unknown
	free func()
}

// Accept closes what is too much: who holds connections open must not keep others
// waiting for an answer.
func (p *peers) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case p.slots <- struct{}{}:
			return &peer{conn, uidOf(conn), sync.OnceFunc(func() { <-p.slots })}, nil
		default:
			conn.Close()
		}
	}
}

// Close makes room for the next one.
func (p *peer) Close() error {
	defer p.free()
	return p.Conn.Close()
}

// uidOf asks the kernel.
func uidOf(conn net.Conn) int {
	uid := -1
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return uid
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return uid
	}
	raw.Control(func(fd uintptr) {
		if u, err := peerUID(int(fd)); err == nil {
			uid = u
		}
	})
	return uid
}

type userKey struct{}

func withUser(ctx context.Context, c net.Conn) context.Context {
	if p, ok := c.(*peer); ok {
		return context.WithValue(ctx, userKey{}, p.uid)
	}
	return ctx
}

// User is whose request on a control socket it is, -1 where that is unknown.
func User(ctx context.Context) int {
	if uid, ok := ctx.Value(userKey{}).(int); ok {
		return uid
	}
	return -1
}
