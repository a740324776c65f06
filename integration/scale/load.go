package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// cluster is a store, the nodes that share it and the world that they ask.
type cluster struct {
	o      *options
	server *server
	nodes  []*node
	meter  *meter
	dns    *dns
}

func newCluster(o *options, w site, nodes int) (*cluster, error) {
	s, err := startServer()
	if err != nil {
		return nil, err
	}
	c := &cluster{o: o, server: s, meter: newMeter(), dns: &dns{delay: o.dnsDelay}}
	for range nodes {
		n, err := newNode(s.url(), c.meter, c.dns, w)
		if err != nil {
			c.close()
			return nil, err
		}
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		n.lookups.Settle(context.Background())
	}
	return c, nil
}

// warmCluster is one whose store knows those who come again and again.
func warmCluster(ctx context.Context, o *options, w site, nodes int, rate float64) (*cluster, error) {
	c, err := newCluster(o, w, nodes)
	if err != nil {
		return nil, err
	}
	if _, err := c.play(ctx, rate, 0, o.long); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *cluster) close() {
	var all sync.WaitGroup
	for _, n := range c.nodes {
		all.Go(n.close)
	}
	all.Wait()
	c.server.stop()
}

// round is what one run of connections showed.
type round struct {
	rate      float64 // connections a second that were to begin
	began     int     // that did
	took      time.Duration
	behind    time.Duration // how late the load itself was, p99: it is no open loop where that is much
	told      told
	sent      float64 // commands that the nodes sent
	in, out   float64 // bytes, as the store counts them
	cpu       time.Duration
	questions int64   // to DNS
	heard     int     // of those who were judged, whose history was there by then
	clients   float64 // connections to the store
}

func (r *round) each(v float64) float64 { return v / float64(max(1, r.began)) }

func share(part, of int) float64 { return float64(part) / float64(max(1, of)) }

// play has connections begin at a rate, each when its time has come whether or not others have ended: an
// open loop. Who comes and to which node is by chance.
func (c *cluster) play(ctx context.Context, rate, fresh float64, long time.Duration) (*round, error) {
	before, err := c.server.stats()
	if err != nil {
		return nil, err
	}
	c.meter.take()
	r := &round{rate: rate}
	asked := c.dns.asked.Load()
	t := newTraffic(c.o, fresh)
	var all sync.WaitGroup
	var heard atomic.Int64
	var late []time.Duration
	begin := time.Now()
	for due := time.Duration(0); due < long && ctx.Err() == nil; due += time.Duration(t.r.ExpFloat64() / rate * float64(time.Second)) {
		if wait := due - time.Since(begin); wait > time.Millisecond { // the kernel's timers are no finer
			time.Sleep(wait)
		}
		late = append(late, max(0, time.Since(begin)-due))
		client, node := t.client(), c.nodes[t.r.IntN(len(c.nodes))]
		all.Go(func() {
			s := session{client: client, node: node, rtt: c.o.rtt}
			if s.play(ctx) {
				heard.Add(1)
			}
		})
		r.began++
	}
	r.took = time.Since(begin)
	c.o.from = t.next - firstNew
	all.Wait()
	c.settle()
	after, err := c.server.stats()
	if err != nil {
		return nil, err
	}
	r.between(before, after)
	r.told, r.behind = c.meter.take(), quantile(late, .99)
	r.questions, r.heard = c.dns.asked.Load()-asked, int(heard.Load())
	return r, ctx.Err()
}

func (r *round) between(before, after stats) {
	r.sent = after.sent() - before.sent()
	r.in = after.values["total_net_input_bytes"] - before.values["total_net_input_bytes"]
	r.out = after.values["total_net_output_bytes"] - before.values["total_net_output_bytes"]
	r.cpu, r.clients = after.cpu-before.cpu, after.values["connected_clients"]
}

// settle waits for what no mail waits for: until nothing more is told.
func (c *cluster) settle() {
	for last, n := -1, 0; last != n; {
		time.Sleep(150 * time.Millisecond) // more than what is told is gathered for
		last, n = n, c.meter.done("visits")+c.meter.done("facts")+c.meter.done("habits")+c.meter.done("hosts")
	}
}

// session is one SMTP connection with one message, as the protocol edge has it judged.
type session struct {
	client client
	node   *node
	rtt    time.Duration // between client and MX: a pause before RCPT, one before the end of the message
}

// play plays it. It reports whether the store had said what it knows of the client by RCPT.
func (s *session) play(ctx context.Context) (heard bool) {
	ptr, helo, domain := s.client.names()
	k := s.node.decider.Open(policy.Client{At: time.Now(), Session: fmt.Sprint("s", s.client.n), MTA: "mx.example.test",
		Addr: s.client.addr, Port: 40000, Name: policy.Seen(ptr), Iprev: policy.IprevPass})
	defer k.Close()
	k.Greeting(policy.Greeting{Name: policy.Seen(helo)})
	time.Sleep(s.rtt)
	k.Sender(policy.Envelope{From: policy.Seen("a@" + domain)})
	heard = s.node.store.Coming(s.client.addr) == nil
	if v := k.Recipient(ctx, "u@example.test"); v.Refuses() {
		k.End(policy.EndAbort)
		return heard
	}
	time.Sleep(s.rtt)
	var h policy.Headers
	s.client.mail(&h)
	k.Message(ctx, "4F2A1", &h)
	k.End(policy.EndEOM)
	return heard
}
