//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// speedCF leaves out a pause: while messages come faster than they are delivered, Postfix has new ones wait
// for a second, now and then, which is no filter's doing.
const speedCF = "in_flow_delay = 0\n"

// entry is a filter that takes part, or a case of one.
type entry struct {
	name  string
	f     *filter
	fresh func(n int) caller // each connection is the next one's; nil: the same mail servers come again
	part  int                // of the messages: one of so many; a slow filter would take all the time
	proof string             // what its edits or its log show when it does its work
}

// plan is how a size is measured.
type plan struct {
	size
	messages, rounds int
}

// plans begin with the one that counts.
func plans(o options) []plan {
	list := []plan{{size{20, 5}, 2000, 5}, {size{8, 5}, 500, 3}, {size{60, 5}, 500, 3}, {size{8, 500}, 120, 3}, {size{20, 500}, 120, 3}, {size{60, 500}, 120, 3}}
	if o.quick {
		list = []plan{{size{20, 5}, 160, 1}, {size{20, 500}, 16, 1}}
	}
	if o.messages > 0 {
		list[0].messages = o.messages
	}
	if o.rounds > 0 {
		list[0].rounds = o.rounds
	}
	return list
}

// measuredSize is what was measured for one size.
type measuredSize struct {
	Size             size
	Messages, Rounds int
	Rows             []measuredRow
}

// measuredRow has a value a message for each round.
type measuredRow struct {
	Name      string
	Messages  int
	Wall      []float64 // ms
	CPU, MTA  []float64 // µs
	Questions []float64 // of DNS
}

// timeSizes measures all sizes, with one set of filters and one Postfix.
func timeSizes(ctx context.Context, o options) ([]measuredSize, error) {
	s, err := startSigner(o)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	most := warmCallers
	for _, p := range plans(o) {
		n := max(p.messages, o.sessions)
		most += 2 * (n*p.rounds + max(n/10, warmCallers, o.sessions)) // two filters have new ones
	}
	if most > mostCallers {
		return nil, fmt.Errorf("%d clients are too many for %s; hint: fewer -messages or -rounds", most, benchNetwork)
	}
	dns, err := startNames(most, s.record)
	if err != nil {
		return nil, err
	}
	defer dns.Close()
	entries, err := startEntries(o)
	var filters []*filter
	for _, e := range entries {
		filters = append(filters, e.f)
	}
	defer func() { stopAll(filters) }()
	if err != nil {
		return nil, err
	}
	p, err := startPostfix(ctx, filepath.Join(o.dir, "postfix"), filters, speedCF)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	b := &bencher{p: p, dns: dns, entries: entries, sessions: o.sessions, fresh: warmCallers}
	var all []measuredSize
	for _, pl := range plans(o) {
		msg, err := s.message(pl.size)
		if err != nil {
			return nil, err
		}
		m, err := b.size(ctx, pl, msg)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pl.size, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// startEntries starts what takes part. On error those that run are returned, too.
func startEntries(o options) (list []entry, err error) {
	daemon := func(name string) func() (*filter, error) {
		return func() (*filter, error) { return startDaemon(name, o, setup{mode: "tag", dns: systemDNS}) }
	}
	for _, e := range []struct {
		entry
		start func() (*filter, error)
	}{
		{entry{name: noFilter}, func() (*filter, error) { return &filter{name: noFilter}, nil }},
		{entry{name: cPlain, proof: "X-Bench"}, func() (*filter, error) { return startC(cPlain, o) }},
		{entry{name: cBits, proof: "X-Bench"}, func() (*filter, error) { return startC(cBits, o, "-n") }},
		{entry{name: goEdge, proof: "X-IoT-Spam"}, func() (*filter, error) { return startNoop(goEdge, o, "-edge") }},
		{entry{name: goPlain, proof: "X-IoT-Spam"}, func() (*filter, error) { return startNoop(goPlain, o) }},
		{entry{name: ours, proof: "X-IoT-Spam: No"}, daemon(ours)},
		{entry{name: oursCold, proof: "X-IoT-Spam: No", fresh: server}, daemon(oursCold)},
		{entry{name: oursSuspects, proof: "class=device", fresh: suspect, part: 2}, daemon(oursSuspects)},
		{entry{name: "opendkim", proof: "dkim=pass"}, func() (*filter, error) { return startOpendkim("opendkim", o) }},
		{entry{name: rspamd, proof: "R_DKIM_ALLOW", part: 4}, func() (*filter, error) { return startRspamd(rspamd, o) }},
	} {
		if e.f, err = e.start(); err != nil {
			return list, err
		}
		e.part = max(e.part, 1)
		list = append(list, e.entry)
	}
	return list, nil
}

const (
	noFilter     = "no filter"
	cPlain       = "C plain"
	cBits        = "C with bits"
	goEdge       = "Go, own edge"
	goPlain      = "Go, go-milter alone"
	ours         = "iot-milter, warm"
	oursCold     = "iot-milter, cold"
	oursSuspects = "iot-milter, suspects"
	rspamd       = "rspamd"
)

// bencher sends messages by way of one Postfix.
type bencher struct {
	p        *postfix
	dns      *names
	entries  []entry
	sessions int
	known    bool // the warm clients have been here
	fresh    int  // the next caller who has not been here
}

// size measures one size of messages, in rounds.
func (b *bencher) size(ctx context.Context, pl plan, msg message) (measuredSize, error) {
	m := measuredSize{Size: pl.size, Messages: pl.messages, Rounds: pl.rounds}
	for _, e := range b.entries {
		n := max(pl.messages/e.part, b.sessions)
		m.Rows = append(m.Rows, measuredRow{Name: e.name, Messages: n})
		// Every process has started, and before the first size every warm client has been there.
		warm := max(n/10, b.sessions)
		if !b.known {
			warm = max(warm, warmCallers)
		}
		if _, err := b.send(ctx, e, msg.wire, warm); err != nil {
			return m, err
		}
	}
	b.known = true
	for _, e := range b.entries {
		if e.proof == "" {
			continue
		}
		client := server
		if e.fresh != nil {
			client = e.fresh
		}
		if err := proven(e.f, e.proof, client(0), msg); err != nil {
			return m, err
		}
	}
	for round := range pl.rounds {
		// Each round begins with another filter, so that none always profits from
		// its place.
		for k := range b.entries {
			i := (round + k) % len(b.entries)
			if err := b.settle(ctx); err != nil {
				return m, err
			}
			if err := b.timed(ctx, b.entries[i], msg.wire, &m.Rows[i]); err != nil {
				return m, err
			}
			fmt.Fprintf(os.Stderr, "%s, round %d: %-18s %.2f ms a message\n", pl.size, round+1, b.entries[i].name, m.Rows[i].Wall[round])
		}
	}
	return m, nil
}

// timed adds a round to a row. What a filter does a moment after its messages is its own, too, so
// processors are read after the queue is empty.
func (b *bencher) timed(ctx context.Context, e entry, data []byte, row *measuredRow) error {
	cpu, asked := e.f.cpu(), b.dns.asked.Load()
	mta, err := b.p.cpu()
	if err != nil {
		return err
	}
	took, err := b.send(ctx, e, data, row.Messages)
	if err != nil {
		return err
	}
	mta2, err := b.p.cpu()
	if err != nil {
		return err
	}
	each := func(v float64) float64 { return v / float64(row.Messages) }
	row.Wall = append(row.Wall, each(took.Seconds()*1e3))
	row.CPU = append(row.CPU, each((e.f.cpu()-cpu).Seconds()*1e6))
	row.MTA = append(row.MTA, each((mta2-mta).Seconds()*1e6))
	row.Questions = append(row.Questions, each(float64(b.dns.asked.Load()-asked)))
	return nil
}

// send loads one listener. The time is that of the SMTP sessions; the queue is
// drained after it, so that its work falls on no other run.
func (b *bencher) send(ctx context.Context, e entry, data []byte, messages int) (time.Duration, error) {
	first := b.fresh
	l := load{to: fmt.Sprintf("127.0.0.1:%d", b.p.ports[e.f]), sessions: b.sessions, messages: messages, data: data,
		caller: func(i int) caller { return server(i % warmCallers) }}
	if e.fresh != nil {
		l.caller = func(i int) caller { return e.fresh(first + i) }
		b.fresh += messages
	}
	took, err := l.send(ctx)
	if err != nil {
		return 0, fmt.Errorf("to %s: %w\n%s%s", e.name, err, tail(e.f.log), tail(filepath.Join(b.p.dir, "maillog")))
	}
	return took, b.p.drained(messages)
}

// settle waits until no filter is busy with itself, as rspamd is after its start, or while it reads
// lists again: a minute at most.
func (b *bencher) settle(ctx context.Context) error {
	const pause, busy = 200 * time.Millisecond, 20 * time.Millisecond
	all := func() (sum time.Duration) {
		for _, e := range b.entries {
			sum += e.f.cpu()
		}
		return sum
	}
	for range int(time.Minute / pause) {
		before := all()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		if all()-before < busy {
			return nil
		}
	}
	return errors.New("the filters do not come to rest")
}
