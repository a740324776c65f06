package p0f

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/iot-milter/iot-milter/policy"
)

// What Options has by default, and its limits.
const (
	DefaultTimeout = 200 * time.Millisecond
	DefaultConns   = 4
	MaxConns       = 20 // what p0f takes by default; others may ask it too
	DefaultEntries = 4096
)

// How long answers are kept. The SYN of the very connection that is asked about
// reaches p0f through a buffer, so what it does not know yet it may know soon.
const (
	keepMatch   = 5 * time.Minute
	keepPartial = 30 * time.Second // the address without a system
	keepNoMatch = 5 * time.Second
)

// Options says how to ask. The zero value of each field is its default; Socket
// has none.
type Options struct {
	Socket  string        // p0f's option -s
	Timeout time.Duration // of one Look
	Conns   int           // at one time, 1 to MaxConns
	Entries int           // answers that are kept, each about 300 bytes
	Log     *slog.Logger
	Meter   Meter
	Now     func() time.Time
}

// Meter counts. Its methods are called from many goroutines and must not wait.
type Meter interface {
	// Lookup is called once for each question that p0f was to be asked: its
	// outcome is one of Outcomes.
	Lookup(outcome string, took time.Duration)
	// Cached is called for each Look: hit says that p0f needed not be asked.
	Cached(hit bool)
}

// Outcomes are the words that Meter.Lookup is called with: p0f knows the address,
// does not; answered too late; all connections were in use; cannot be reached;
// answered wrongly.
var Outcomes = []string{"match", "nomatch", "timeout", "busy", "down", "error"}

type unmetered struct{}

func (unmetered) Lookup(string, time.Duration) {}
func (unmetered) Cached(bool)                  {}

// Client asks one p0f. Its methods may be called from many goroutines; it starts
// none of its own. p0f may be down when it begins and may be restarted while it
// runs.
type Client struct {
	o     Options
	lines chan *line // those that nobody uses
	done  chan struct{}
	once  sync.Once
	link  link

	mu    sync.Mutex
	cache *simplelru.LRU[netip.Addr, entry]
}

type entry struct {
	p0f   policy.P0f
	until time.Time
}

// New returns a client. It does not connect: p0f may be started later.
func New(o Options) (*Client, error) {
	if o.Socket == "" {
		return nil, errors.New("no socket; hint: the file that p0f was started with, its option -s")
	}
	// sockaddr_un has 108 bytes (unix(7)), and p0f wants a NUL at the end.
	if len(o.Socket) > 107 {
		return nil, fmt.Errorf("the socket's path has %d bytes; hint: at most 107, which is the kernel's limit", len(o.Socket))
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Conns == 0 {
		o.Conns = DefaultConns
	}
	if o.Conns < 0 || o.Conns > MaxConns {
		return nil, fmt.Errorf("%d connections; hint: 1 to %d, p0f takes no more by default", o.Conns, MaxConns)
	}
	if o.Entries <= 0 {
		o.Entries = DefaultEntries
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Meter == nil {
		o.Meter = unmetered{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	cache, err := simplelru.NewLRU[netip.Addr, entry](o.Entries, nil)
	if err != nil {
		return nil, err
	}
	c := &Client{o: o, lines: make(chan *line, o.Conns), done: make(chan struct{}), cache: cache}
	for range o.Conns {
		c.lines <- &line{}
	}
	return c, nil
}

// Look returns what p0f says of addr: nothing, without an error, if it does not
// know the address. It takes Options.Timeout at most, or less by ctx; where more
// callers ask than there are connections they wait for one within that time.
// Every error but os.ErrClosed is temporary, and tells nothing about the client.
func (c *Client) Look(ctx context.Context, addr netip.Addr) (policy.P0f, error) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return policy.P0f{}, errors.New("p0f: not an address")
	}
	p, ok := c.cached(addr)
	c.o.Meter.Cached(ok)
	if ok {
		return p, nil
	}
	begin := c.o.Now()
	p, outcome, err := c.look(ctx, addr)
	c.o.Meter.Lookup(outcome, c.o.Now().Sub(begin))
	if err != nil {
		return policy.P0f{}, fmt.Errorf("p0f: %w", err)
	}
	c.keep(addr, p)
	return p, nil
}

var errBusy = errors.New("all connections are in use")

func (c *Client) look(ctx context.Context, addr netip.Addr) (p policy.P0f, outcome string, err error) {
	deadline := time.Now().Add(c.o.Timeout) // the kernel's clock, not ours
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if d, ok := ctx.Deadline(); ok {
		deadline = d // the caller's may be earlier
	}
	var l *line
	select {
	case l = <-c.lines:
	case <-c.done:
		return p, "down", os.ErrClosed
	case <-ctx.Done():
		return p, "busy", errBusy
	}
	var a answer
	err = c.ask(l, queryFor(addr), &a, deadline)
	if err == nil {
		if p, err = parse(&a, c.o.Now()); err != nil {
			l.hangUp() // what comes next would be misread too
		}
	}
	c.release(l)
	c.link.report(c, err)
	switch {
	case err == nil && p.Known:
		return p, "match", nil
	case err == nil:
		return p, "nomatch", nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return p, "timeout", errors.New("no answer in time")
	case errors.Is(err, errDown):
		return p, "down", err
	}
	return p, "error", err
}

// release gives a line back; after Close nobody takes it.
func (c *Client) release(l *line) {
	c.lines <- l
	select {
	case <-c.done:
		c.drain()
	default:
	}
}

func (c *Client) drain() {
	for {
		select {
		case l := <-c.lines:
			l.hangUp()
		default:
			return
		}
	}
}

// Close ends the connections. A Look that is under way ends as it would have; a
// later one returns os.ErrClosed or what is kept.
func (c *Client) Close() error {
	c.once.Do(func() { close(c.done) })
	c.drain()
	return nil
}

func (c *Client) cached(addr netip.Addr) (policy.P0f, bool) {
	now := c.o.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.cache.Get(addr)
	if ok && !now.Before(e.until) {
		c.cache.Remove(addr)
		ok = false
	}
	return e.p0f, ok
}

func (c *Client) keep(addr netip.Addr, p policy.P0f) {
	ttl := keepMatch
	switch {
	case !p.Known:
		ttl = keepNoMatch
	case p.OS == "":
		ttl = keepPartial
	}
	e := entry{p, c.o.Now().Add(ttl)}
	c.mu.Lock()
	c.cache.Add(addr, e)
	c.mu.Unlock()
}
