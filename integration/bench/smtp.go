//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"
)

// load is what one run sends to a listener. smtp-source would do but for one thing: it cannot
// come from other addresses than one, and for a filter that knows its clients each is another case.
// net/smtp looks at each byte of a message for dots, on the cores that are measured.
type load struct {
	to       string
	sessions int // at once
	messages int
	data     []byte             // of a message, as it stands after DATA
	caller   func(i int) caller // of the ith message
}

// send sends each message in a connection of its own, and fails if one is not taken. The time is
// that of the sessions, from the first to the end of the last.
func (l load) send(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, l.sessions)
	start := time.Now()
	for w := range l.sessions {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= l.messages {
					return
				}
				if errs[w] = l.session(ctx, l.caller(i)); errs[w] != nil {
					cancel()
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	return took, errors.Join(append(errs, ctx.Err())...)
}

func (l load) session(ctx context.Context, c caller) error {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.addr, 0))}
	nc, err := d.DialContext(ctx, "tcp4", l.to)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	r := textproto.NewReader(bufio.NewReader(nc))
	for _, step := range []struct {
		say  []byte
		want int
	}{
		{nil, 220},
		{fmt.Appendf(nil, "EHLO %s\r\n", c.helo), 250},
		{fmt.Appendf(nil, "MAIL FROM:<a@%s>\r\n", c.domain), 250},
		{[]byte("RCPT TO:<b@example.test>\r\n"), 250},
		{[]byte("DATA\r\n"), 354},
		{l.data, 250},
		{[]byte("QUIT\r\n"), 221},
	} {
		if len(step.say) > 0 {
			if _, err := nc.Write(step.say); err != nil {
				return err
			}
		}
		if _, _, err := r.ReadResponse(step.want); err != nil {
			return fmt.Errorf("to %.40q from %s: %w", step.say, c.addr, err)
		}
	}
	return nil
}
