//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// The filters of this part, by their place in its lists.
const (
	loadC = iota
	loadBits
	loadPlain
	loadEdge
	loadOwn
	loadFilters
)

const (
	// Of loadClients so many are mail servers, the others consumer lines. They are few
	// enough for all to be known, and for lines with one message to be no campaign.
	loadClients = 16
	loadServers = 12

	manyMessages = 10  // of the longer sessions
	openRate     = 500 // sessions a second of the open loop
)

// connectionCounts are those of the closed loop.
var connectionCounts = []int{1, 16, 256, 2000}

// loadSize is how long things are done.
type loadSize struct {
	rounds    int
	warmUp    time.Duration // of each filter
	short     time.Duration // sessions of one message, in each round; twice that at most connections
	long      time.Duration // sessions of manyMessages
	arrivals  int           // sessions of the open loop, in each round
	settle    time.Duration // for work that a filter does after the last session
	connected []int
}

func (o *options) loadSize() loadSize {
	if o.quick {
		return loadSize{1, 200 * time.Millisecond, 100 * time.Millisecond, 50 * time.Millisecond, 200, 20 * time.Millisecond, connectionCounts}
	}
	return loadSize{5, time.Second, 700 * time.Millisecond, 400 * time.Millisecond, 600, 50 * time.Millisecond, connectionCounts}
}

// loadClient is the nth client, and how it greets and whose mail it brings.
func loadClient(n int) (c mtascript.Client, helo, from string) {
	if n < loadServers {
		host := fmt.Sprintf("mail%d.example.net", n)
		return mtascript.Client{Host: host, Addr: fmt.Sprintf("198.51.100.%d", n+1), Port: 40000}, host, "a@example.net"
	}
	host := fmt.Sprintf("cpe-203-0-113-%d.dyn.isp.example", n)
	return mtascript.Client{Host: host, Addr: fmt.Sprintf("203.0.113.%d", n), Port: 40000}, "DiskStation", "a@example.org"
}

// loadZone is what DNS knows of the clients.
func loadZone() string {
	var b strings.Builder
	b.WriteString("example.net 86400 MX 10 mail0.example.net.\nexample.net 86400 TXT \"v=spf1 ip4:198.51.100.0/24 -all\"\n" +
		"example.org 86400 MX 10 mail0.example.net.\nexample.org 86400 TXT \"v=spf1 -all\"\n")
	for n := range loadClients {
		c, _, _ := loadClient(n)
		q := strings.Split(c.Addr, ".")
		fmt.Fprintf(&b, "%s.%s.%s.%s.in-addr.arpa 86400 PTR %s.\n%s 86400 A %s\n", q[3], q[2], q[1], q[0], c.Host, c.Host, c.Addr)
	}
	return b.String()
}

// loadSession is one of the nth client.
func loadSession(n, messages int) mtascript.Session {
	c, helo, from := loadClient(n)
	s := mtascript.Session{Client: c, Helo: helo}
	for range messages {
		s.Messages = append(s.Messages, mtascript.Message{From: from, Rcpts: []string{"b@example.test"}, Headers: headers(), Body: []byte(body)})
	}
	return s
}

// loaded is a filter, what is sent to it, and what was measured.
type loaded struct {
	*filter
	short, long []*tape
	closed      map[int]*closedFigures // by the number of connections
	open        openFigures
}

// closedFigures are those of a number of connections; slices have a value for each round.
type closedFigures struct {
	sessions, sessionCPU []float64 // a second; microseconds a session of one message
	messages, messageCPU []float64 // of sessions of manyMessages
	rcpt                 []float64 // 99th percentile, in seconds
	took                 latencies
	full                 int
	failed               error // ends the rounds
}

type openFigures struct {
	rcpt, cpu []float64 // as above
	took      latencies
	late      []time.Duration
	failed    error
}

// measureLoad measures the protocol without an MTA.
func measureLoad(ctx context.Context, o options) (result, error) {
	size := o.loadSize()
	if err := raiseFiles(size.connected[len(size.connected)-1]); err != nil {
		return result{}, err
	}
	dns, err := dnstest.Start("")
	if err != nil {
		return result{}, err
	}
	defer dns.Close()
	if err := dns.Set(loadZone()); err != nil {
		return result{}, err
	}
	all, err := startLoad(o, dns.Addr().String())
	if err != nil {
		return result{}, err
	}
	defer stopLoad(all)
	if err := prepare(ctx, all, size); err != nil {
		return result{}, err
	}
	asked := dns.Count("", "")
	for round := range size.rounds {
		if err := loadRound(ctx, all, round, size); err != nil {
			return result{}, err
		}
		fmt.Fprintf(os.Stderr, "protocol: round %d of %d\n", round+1, size.rounds)
	}
	return reportLoad(all, size, dns.Count("", "")-asked), nil
}

func startLoad(o options, dns string) ([]*loaded, error) {
	starts := make([]func() (*filter, error), loadFilters)
	starts[loadC] = func() (*filter, error) { return startC("C plain", o) }
	starts[loadBits] = func() (*filter, error) { return startC("C with bits", o, "-n") }
	starts[loadPlain] = func() (*filter, error) { return startNoop("go-milter", o) }
	starts[loadEdge] = func() (*filter, error) { return startNoop("go-milter in our edge", o, "-edge") }
	starts[loadOwn] = func() (*filter, error) { return startDaemon("iot-milter", o, setup{mode: "tag", dns: dns}) }
	filters, err := started(starts...)
	var all []*loaded
	for _, f := range filters {
		all = append(all, &loaded{filter: f, closed: map[int]*closedFigures{}})
	}
	return all, err
}

// stopLoad ends the filters all at once: libmilter takes up to five seconds.
func stopLoad(all []*loaded) {
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(f.stop)
	}
	wg.Wait()
}

// prepare records what is sent to each filter, and warms it up.
func prepare(ctx context.Context, all []*loaded, size loadSize) error {
	for _, f := range all {
		for n := range loadClients {
			for _, list := range []struct {
				to       *[]*tape
				messages int
			}{{&f.short, 1}, {&f.long, manyMessages}} {
				t, err := record(f.socket, loadSession(n, list.messages))
				if err != nil {
					return fmt.Errorf("%s: %w\n%s", f.name, err, tail(f.log))
				}
				*list.to = append(*list.to, t)
			}
		}
		if _, err := closed(ctx, f.socket, f.short, 16, size.warmUp); err != nil {
			return fmt.Errorf("%s: %w\n%s", f.name, err, tail(f.log))
		}
		for _, n := range size.connected {
			f.closed[n] = &closedFigures{}
		}
	}
	return sameAgreement(all)
}

// sameAgreement fails if those filters are not sent the same frames whose difference is to
// be what iot-milter thinks.
func sameAgreement(all []*loaded) error {
	want := all[loadOwn].short[0].protocol
	for _, f := range all[loadPlain:loadOwn] {
		if got := f.short[0].protocol; got != want {
			return fmt.Errorf("%s agrees on %#x, iot-milter on %#x: bring them together in the folder noop", f.name, got, want)
		}
	}
	return nil
}

// loadRound does everything once with each filter, and begins each time with another one.
func loadRound(ctx context.Context, all []*loaded, round int, size loadSize) error {
	for _, connections := range size.connected {
		for k := range all {
			f := all[(round+k)%len(all)]
			if c := f.closed[connections]; c.failed == nil {
				c.failed = f.closedRound(ctx, connections, size, c)
			}
		}
	}
	for k := range all {
		f := all[(round+k)%len(all)]
		if f.open.failed == nil {
			f.open.failed = f.openRound(ctx, size)
		}
	}
	// Another filter that breaks is a result; ours is a fault.
	own := all[loadOwn]
	err := errors.Join(own.open.failed, ctx.Err())
	for _, n := range size.connected {
		err = errors.Join(err, own.closed[n].failed)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, tail(own.log))
	}
	return err
}

func (f *loaded) closedRound(ctx context.Context, connections int, size loadSize, c *closedFigures) error {
	short := size.short
	if connections > 1000 {
		short *= 2 // each connection shall have its turn more than once
	}
	got, cpu, err := f.timed(size, func() (outcome, error) {
		return closed(ctx, f.socket, f.short, connections, short)
	})
	if err != nil {
		return err
	}
	c.took.add(&got.took)
	c.full += got.full
	c.sessions = append(c.sessions, float64(got.sessions)/got.wall.Seconds())
	c.sessionCPU = append(c.sessionCPU, cpu)
	c.rcpt = append(c.rcpt, quantile(got.took[stageOf(mtascript.CmdRcpt)], 0.99).Seconds())
	got, cpu, err = f.timed(size, func() (outcome, error) {
		return closed(ctx, f.socket, f.long, connections, size.long)
	})
	if err != nil {
		return err
	}
	c.full += got.full
	messages := float64(got.messages())
	c.messages = append(c.messages, messages/got.wall.Seconds())
	c.messageCPU = append(c.messageCPU, cpu*float64(got.sessions)/messages)
	return nil
}

func (f *loaded) openRound(ctx context.Context, size loadSize) error {
	p := newTimetable(arrivals(size.arrivals, openRate), f.short[0])
	got, cpu, err := f.timed(size, func() (outcome, error) { return open(ctx, f.socket, f.short, p) })
	if err != nil {
		return err
	}
	f.open.took.add(&got.took)
	f.open.cpu = append(f.open.cpu, cpu)
	f.open.late = append(f.open.late, got.late...)
	f.open.rcpt = append(f.open.rcpt, quantile(got.took[stageOf(mtascript.CmdRcpt)], 0.99).Seconds())
	return nil
}

// timed returns the filter's CPU time beside what was done: microseconds a session.
func (f *loaded) timed(size loadSize, do func() (outcome, error)) (outcome, float64, error) {
	before := f.cpu()
	got, err := do()
	if err == nil && got.sessions == 0 {
		err = errors.New("no session came to its end")
	}
	if err != nil {
		return got, 0, err
	}
	time.Sleep(size.settle)
	return got, (f.cpu() - before).Seconds() * 1e6 / float64(got.sessions), nil
}
