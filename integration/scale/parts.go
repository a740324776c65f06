package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

// figures are what was measured. docs/scale.md keeps them, so that a test can compute anew what follows
// from them.
type figures struct {
	Enforce, Tag costs // of the hardest site, and out of the box
	Rates        []answers
	Slow         []answers
	Outage       outage
	Store        []filled
	Facts        float64 // bytes of the store for the facts of one address
	Reader       reader
	Measured     map[string]string // of each part: when, where and by what
}

// part is what is measured together.
type part struct {
	name string
	run  func(context.Context, *options, *figures) error
}

var allParts = []part{
	{"enforce", func(ctx context.Context, o *options, f *figures) (err error) {
		f.Enforce, err = measureCosts(ctx, o, hardest)
		return err
	}},
	{"tag", func(ctx context.Context, o *options, f *figures) (err error) {
		f.Tag, err = measureCosts(ctx, o, outOfTheBox)
		return err
	}},
	{"answers", measureAnswers},
	{"outage", measureOutage},
	{"store", measureStore},
}

// costs are those of one connection with one message.
type costs struct{ Known, New, Mix connection }

// connection is what one costs, on average.
type connection struct {
	Requests  float64 // that the nodes sent to the store
	Awaited   float64 // of them those that mail waits for
	In, Out   float64 // bytes
	Micros    float64 // of the store's processor
	Questions float64 // to DNS
	Suspects  float64 // decisions about clients flagged yes or suspect
}

func (r *round) connection() connection {
	return connection{Requests: r.each(r.sent), Awaited: r.each(float64(len(r.told.awaited))), In: r.each(r.in), Out: r.each(r.out),
		Micros: r.each(float64(r.cpu) / float64(time.Microsecond)), Questions: r.each(float64(r.questions)), Suspects: r.each(float64(r.told.suspects))}
}

// measureCosts is at the rate that a host has on average, with as many hosts as this machine can play: what is
// told together depends on the rate of a host.
func measureCosts(ctx context.Context, o *options, w site) (costs, error) {
	rate := perHost * float64(o.costNodes)
	c, err := warmCluster(ctx, o, w, o.costNodes, rate)
	if err != nil {
		return costs{}, err
	}
	defer c.close()
	var all [3]connection
	for i, fresh := range []float64{0, 1, o.fresh} {
		r, err := c.undisturbed(ctx, rate, fresh)
		if err != nil {
			return costs{}, err
		}
		if all[i] = r.connection(); all[i].Requests > mostRequests {
			return costs{}, fmt.Errorf("%s: %.2f requests a connection, more than %v", w.name, all[i].Requests, mostRequests)
		}
	}
	return costs{all[0], all[1], all[2]}, nil
}

// undisturbed is a round without late answers, after which connections would seem to cost less. Others on
// the machine may be the cause: it is played again.
func (c *cluster) undisturbed(ctx context.Context, rate, fresh float64) (r *round, err error) {
	for range 4 {
		if err := c.wellAgain(ctx); err != nil {
			return nil, err
		}
		if r, err = c.play(ctx, rate, fresh, c.o.long); err != nil {
			return nil, err
		}
		late, of := r.told.late()
		if late == 0 {
			break
		}
		fmt.Fprintf(os.Stderr, "scale: %d of %d answers were late: the machine is busy, and the figures of this round are too low\n", late, of)
	}
	return r, nil
}

// mostRequests is what a connection may ask, by far: one look, and for suspects some questions each.
const mostRequests = 6

// answers is how it went at one rate.
type answers struct {
	Share             float64 // of a processor that the store has
	Rate              float64 // connections a second, of all nodes
	Busy              float64 // share of a processor that the store used
	P50, P99, Longest float64 // ms that mail waited for an answer
	Late              float64 // share of what mail waited for that the own memory answered
	Heard             float64 // share of connections whose history was there at RCPT
	Dropped           float64 // share of what was to be told, or asked about hosts
	Alone             int     // nodes that lost the store, also more than once
	Connections       float64
	Behind            float64 // ms that the load itself was late, p99
}

func (r *round) answers(cores float64) answers {
	late, of := r.told.late()
	dropped, told := r.told.dropped()
	ms := func(q float64) float64 { return float64(quantile(r.told.awaited, q)) / float64(time.Millisecond) }
	return answers{Share: cores, Rate: r.rate, Busy: r.cpu.Seconds() / r.took.Seconds(), P50: ms(.5), P99: ms(.99), Longest: ms(1),
		Late: share(late, of), Heard: share(r.heard, r.began), Dropped: share(dropped, told), Alone: r.told.degraded,
		Connections: r.clients, Behind: float64(r.behind) / float64(time.Millisecond)}
}

// longestWait is what no call may exceed, a machine without a free core included: a call has 50 ms.
const longestWait = 2 * time.Second

func (r *round) bounded() error {
	if longest := quantile(r.told.awaited, 1); longest > longestWait {
		return fmt.Errorf("at %.0f connections a second mail waited %v for an answer", r.rate, longest)
	}
	if r.told.failOpen > 0 {
		return fmt.Errorf("at %.0f connections a second %d messages passed unjudged: the own memory is to answer", r.rate, r.told.failOpen)
	}
	return nil
}

// measureAnswers is with all nodes, at rates that grow, and then with a store that has less and less of a
// processor, till it has too little.
func measureAnswers(ctx context.Context, o *options, f *figures) error {
	f.Rates, f.Slow = nil, nil
	c, err := warmCluster(ctx, o, hardest, o.nodes, o.rates[0])
	if err != nil {
		return err
	}
	defer c.close()
	for _, rate := range o.rates {
		r, err := c.play(ctx, rate, o.fresh, o.long)
		if err != nil {
			return err
		}
		if err := r.bounded(); err != nil {
			return err
		}
		f.Rates = append(f.Rates, r.answers(1))
	}
	for _, share := range o.shares {
		end := c.server.throttle(share)
		r, err := c.play(ctx, o.slowRate, o.fresh, o.long)
		end()
		if err != nil {
			return err
		}
		if err := r.bounded(); err != nil {
			return err
		}
		f.Slow = append(f.Slow, r.answers(share))
		if err := c.wellAgain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measureOutage is with nodes that have not lost the store before: who lost it of late tries it less often.
func measureOutage(ctx context.Context, o *options, f *figures) error {
	c, err := warmCluster(ctx, o, hardest, o.nodes, o.rates[0])
	if err != nil {
		return err
	}
	defer c.close()
	f.Outage, err = c.outage(ctx)
	return err
}

// wellAgain waits until all nodes use the store.
func (c *cluster) wellAgain(ctx context.Context) error {
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if c.alone() == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d of %d nodes do not use the store again", c.alone(), len(c.nodes))
}

func (c *cluster) alone() (n int) {
	for _, node := range c.nodes {
		if node.store.Degraded() {
			n++
		}
	}
	return n
}

// outage is how it goes when the store is silent for some time.
type outage struct {
	Silent   float64 // s
	Rate     float64
	Longest  float64 // ms that mail waited, in all of it
	Back     float64 // s after which all nodes used the store again; 0 is not in the time that was watched
	Again    int     // nodes that lost it once more
	BackP99  float64 // ms that mail waited from then on for the store's answers, while nodes caught up
	Told     int     // what was told meanwhile …
	Dropped  int     // … or found no room
	BusyMost float64 // share of a processor that the store used, in the busiest second
	Seconds  float64 // that were watched after it was back
}

func (c *cluster) outage(ctx context.Context) (o outage, err error) {
	o = outage{Silent: c.o.silent.Seconds(), Rate: c.o.slowRate, Seconds: c.o.after.Seconds()}
	done := make(chan error, 1)
	go func() {
		_, err := c.play(ctx, o.Rate, c.o.fresh, c.o.silent+c.o.after+2*time.Second)
		done <- err
	}()
	time.Sleep(2 * time.Second)
	_ = c.server.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(c.o.silent)
	silent := c.meter.take()
	_ = c.server.cmd.Process.Signal(syscall.SIGCONT)
	began, cpu := time.Now(), c.server.cpu()
	for tick := time.NewTicker(time.Second); time.Since(began) < c.o.after && ctx.Err() == nil; {
		<-tick.C
		now := c.server.cpu()
		o.BusyMost, cpu = max(o.BusyMost, (now-cpu).Seconds()), now
		if o.Back == 0 && c.alone() == 0 {
			o.Back = time.Since(began).Seconds()
		}
	}
	back := c.meter.take()
	if err := <-done; err != nil {
		return o, err
	}
	o.Again = back.degraded
	o.BackP99 = float64(quantile(back.awaited, .99)) / float64(time.Millisecond)
	back.add(silent)
	o.Longest = float64(quantile(back.awaited, 1)) / float64(time.Millisecond)
	dropped, told := back.dropped()
	o.Dropped, o.Told = dropped, told-dropped
	return o, c.wellAgain(ctx)
}
