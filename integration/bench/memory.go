//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

const (
	memoryClients  = 10000
	memoryParallel = 8
	memorySteps    = 10
	// The first three steps fill caches and let the heap find its size: at 2.5
	// messages a session 30,000 have shown every client.
	memoryWarmUp = 3
	slackKiB     = 4 << 10
)

// measureMemory sends the messages in ten steps, reads the resident memory after
// each, and fails if a step after the warm-up is more than 10 % + 4 MiB above it.
func measureMemory(ctx context.Context, o options) (result, error) {
	if o.memoryMessages == 0 {
		o.memoryMessages = 100000
		if o.quick {
			o.memoryMessages = 10000
		}
	}
	step := o.memoryMessages / memorySteps
	if step < memoryParallel {
		return result{}, fmt.Errorf("-memory-messages %d is too small", o.memoryMessages)
	}
	f, err := startDaemon("iot-milter", o, setup{mode: "tag"})
	if err != nil {
		return result{}, err
	}
	defer f.stop()
	r := result{notes: []string{fmt.Sprintf("%d messages from %d clients, %d sessions at once, straight into the socket; no growth beyond 10 %% + 4 MiB after the warm-up.",
		step*memorySteps, memoryClients, memoryParallel)}}
	t := table{head: []string{"messages", "VmRSS MiB"}}
	var session atomic.Int64
	var base int
	for i := range memorySteps {
		if err := sendStep(ctx, f, &session, step); err != nil {
			return r, err
		}
		// A collector gets the time to give back what it will.
		time.Sleep(500 * time.Millisecond)
		rss, err := f.rss()
		if err != nil {
			return r, err
		}
		t.rows = append(t.rows, []string{fmt.Sprint(step * (i + 1)), fmt.Sprintf("%.1f", float64(rss)/1024)})
		if i < memoryWarmUp {
			base = max(base, rss)
			continue
		}
		if top := base + base/10 + slackKiB; rss > top {
			return r, fmt.Errorf("%s grew from %d KiB to %d KiB, above %d KiB", f.name, base, rss, top)
		}
	}
	r.tables = []table{t}
	return r, nil
}

// sendStep sends n messages over parallel connections, one to four a session.
func sendStep(ctx context.Context, f *filter, session *atomic.Int64, n int) error {
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	errs := make(chan error, memoryParallel)
	for range memoryParallel {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := session.Add(1)
				k := i%4 + 1
				if rest := left.Add(-k) + k; rest <= 0 {
					return
				} else if rest < k {
					k = rest
				}
				if err := sendSession(f, int(i), int(k)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return ctx.Err()
	}
}

func sendSession(f *filter, i, messages int) error {
	s := session(i, i%memoryClients, messages)
	t, err := s.Dial("unix", f.socket)
	if err != nil {
		return fmt.Errorf("session %d: %w", i, err)
	}
	for j, m := range t.Messages {
		if !m.Delivered || len(m.Final.Edits) == 0 {
			return fmt.Errorf("session %d, message %d: delivered %v, %v, %d edits", i, j, m.Delivered,
				m.Final.Kind, len(m.Final.Edits))
		}
	}
	return nil
}

// session is the ith, of the nth client.
func session(i, n, messages int) mtascript.Session {
	s := mtascript.Session{MTA: mtascript.MTA(i % 2), Client: client(n)}
	s.Helo = []string{"DiskStation", s.Client.Host, "localhost", "[192.0.2.1]"}[i/2%4]
	for j := range messages {
		s.Messages = append(s.Messages, mtascript.Message{
			// A client's own sender: a new pair of both is kept, so that pairs that never end
			// would be growth.
			From:    fmt.Sprintf("user%d@example.net", n%977),
			Rcpts:   []string{"b@example.test"},
			QueueID: fmt.Sprintf("4F%06XB%d", i, j),
			Headers: headers(),
			Body:    []byte(body),
		})
	}
	if s.MTA == mtascript.Sendmail && s.Client.Family == mtascript.FamilyInet6 {
		s.Client.Addr = "IPv6:" + s.Client.Addr
	}
	return s
}

// client is the nth of 10,000: half of them in the benchmark network of RFC 2544,
// half in the documentation prefix of IPv6.
func client(n int) mtascript.Client {
	c := mtascript.Client{
		Host: fmt.Sprintf("cpe-%d.dyn.isp.example", n),
		Addr: fmt.Sprintf("198.18.%d.%d", n>>8, n&255),
		Port: uint16(20000 + n),
	}
	if n%3 == 0 {
		c.Host = fmt.Sprintf("mail%d.example.net", n)
	}
	if n>>1&1 == 1 {
		c.Family, c.Addr = mtascript.FamilyInet6, fmt.Sprintf("2001:db8:%x::25", n)
	}
	return c
}
