package resolve

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Options are what a Resolver needs. The zero value asks the system's servers.
type Options struct {
	Servers  []netip.AddrPort // in the order of preference; nil: those of Config, which is read again when it changed
	Config   string           // a resolv.conf(5); default /etc/resolv.conf
	Timeout  time.Duration    // of one try; default 1s. A whole question takes at most five times that
	Entries  int              // answers kept, of 1 KiB in the mean at most; default 20000
	Inflight int              // questions under way at once; more fail as Busy; default 256
	Log      *slog.Logger     // nil is silent
	Meter    Meter            // nil counts nothing
	Now      func() time.Time // of times to live and of breakers; sockets wait by the system's clock; default time.Now
}

// Meter is told what the resolver does. It must be safe for concurrent use, must
// not block, and must not call the resolver.
type Meter interface {
	// Query is called once for each question that went to the servers, or that
	// was turned away: answer nxdomain nodata servfail timeout refused busy invalid.
	Query(outcome string, took time.Duration)
	// Cached is called once for each look-up of a name that can be asked for.
	Cached(hit bool)
	// ServerDown is called when a server goes down or up again.
	ServerDown(server netip.AddrPort, down bool)
}

type deaf struct{}

func (deaf) Query(string, time.Duration)     {}
func (deaf) Cached(bool)                     {}
func (deaf) ServerDown(netip.AddrPort, bool) {}

// Resolver looks names up. It is safe for concurrent use. Look-ups fail with
// *Error and nothing else; the same question is asked once for all who wait for
// it; the end of a caller's context ends its waiting, as Timeout, and not the
// question, unless a quarter of Inflight has nobody who waits. Slices and errors that it returns are shared and must not be changed.
type Resolver struct {
	opts    Options
	log     *slog.Logger
	meter   Meter
	begin   time.Time
	longest time.Duration // of a whole question
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	set        atomic.Pointer[serverSet]
	looked     atomic.Int64 // by the clock, when the configuration was looked at
	saidConfig atomic.Int64
	saidPanic  atomic.Int64
	loading    sync.Mutex
	stamp      stamp

	mu      sync.Mutex
	cache   *cache
	flights map[string]*flight
	left    int // of the flights those that nobody waits for
	closed  bool
}

// New returns a Resolver. It asks nothing yet. The caller must Close it. Errors
// are mistakes in the options, and a configuration that cannot be read; one that
// does not exist means the server on this machine, as resolv.conf(5) says.
func New(o Options) (*Resolver, error) {
	if o.Timeout < 0 || o.Entries < 0 || o.Inflight < 0 {
		return nil, errors.New("dns: timeout, entries and inflight must not be below zero")
	}
	if o.Servers != nil && len(o.Servers) == 0 {
		return nil, errors.New("dns: no servers")
	}
	if err := checkServers(o.Servers); err != nil {
		return nil, err
	}
	if o.Config == "" {
		o.Config = defaultConfig
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.Entries == 0 {
		o.Entries = 20000
	}
	if o.Inflight == 0 {
		o.Inflight = 256
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Meter == nil {
		o.Meter = deaf{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Resolver{opts: o, log: o.Log, meter: o.Meter, begin: o.Now(), longest: 5 * o.Timeout, flights: make(map[string]*flight)}
	var err error
	if r.cache, err = newCache(o.Entries); err != nil {
		return nil, err
	}
	if o.Servers != nil {
		r.replace(slices.Clone(o.Servers), false)
	} else if err := r.load(); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

// Close ends the questions under way, which fail as Busy with ErrClosed, and those
// that come later. It waits for all goroutines of the resolver.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
	for _, s := range r.set.Load().list {
		s.leave()
	}
}

// clock is the time since New: times of steps of the system's clock do not matter.
func (r *Resolver) clock() time.Duration { return r.opts.Now().Sub(r.begin) }

// Addrs returns the addresses of a name, at most MostAddrs, in the order of the answer.
// Family is 4 for A records and 6 for AAAA: that of the client that is looked for.
func (r *Resolver) Addrs(ctx context.Context, name string, family int) ([]netip.Addr, error) {
	kind := dns.TypeA
	if family == 6 {
		kind = dns.TypeAAAA
	}
	var q question
	if !q.set(kind, name) {
		return nil, q.noName()
	}
	a := r.look(ctx, &q)
	return a.addrs, a.err()
}

// Names returns the names of an address by its PTR records, as they are spelled
// there, without final dots: the first 10 that are host names. Nothing says that
// they are true.
func (r *Resolver) Names(ctx context.Context, addr netip.Addr) ([]string, error) {
	var q question
	if !q.reverse(addr) {
		return nil, q.noName()
	}
	a := r.look(ctx, &q)
	return a.text, a.err()
}

// MX returns the mail exchangers of a domain, at most 32, the preferred first. A
// domain that takes no mail has one, whose Null is true. NoData is not that: mail
// for such a domain goes to its address (RFC 5321 section 5.1).
func (r *Resolver) MX(ctx context.Context, name string) ([]MX, error) {
	var q question
	if !q.set(dns.TypeMX, name) {
		return nil, q.noName()
	}
	a := r.look(ctx, &q)
	return a.mx, a.err()
}

// TXT returns the TXT records of a name, at most 128, the strings of each joined.
// They are any bytes.
func (r *Resolver) TXT(ctx context.Context, name string) ([]string, error) {
	var q question
	if !q.set(dns.TypeTXT, name) {
		return nil, q.noName()
	}
	a := r.look(ctx, &q)
	return a.text, a.err()
}

// Healthy reports whether at least one server is not down.
func (r *Resolver) Healthy() bool {
	return slices.ContainsFunc(r.State(), func(s ServerState) bool { return !s.Down })
}

// State returns what is known of the servers, in their order.
func (r *Resolver) State() []ServerState {
	now := r.clock()
	var all []ServerState
	for _, s := range r.set.Load().list {
		all = append(all, s.state(now))
	}
	return all
}

// Cached returns how many answers are kept and the bytes that they take.
func (r *Resolver) Cached() (entries, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cache.len(), r.cache.bytes
}

func (r *Resolver) look(ctx context.Context, q *question) *answer {
	if g := glanceOf(ctx); g != nil {
		return r.glance(ctx, g, q)
	}
	hash, now := r.cache.hash(q), r.clock()
	var f *flight
	r.mu.Lock()
	a, left := r.cache.get(hash, q, now)
	hit := a != nil
	if !hit {
		if ctx.Err() != nil {
			a = q.fails(Timeout, netip.AddrPort{}, ctx.Err())
		} else {
			f, a = r.join(q, hash)
		}
	}
	r.mu.Unlock()
	r.meter.Cached(hit)
	if a != nil {
		if !hit && a.failed.Failure == Busy {
			r.meter.Query(Busy.String(), 0)
		}
		lifeOf(ctx).note(a, left)
		return a
	}
	select {
	case <-f.done:
		lifeOf(ctx).note(f.answer, f.answer.life)
		return f.answer
	case <-ctx.Done():
		r.leave(f, q)
		return q.fails(Timeout, netip.AddrPort{}, context.Cause(ctx))
	}
}

func (a *answer) err() error {
	if a.failed == nil {
		return nil // not a nil *Error
	}
	return a.failed
}

func (q *question) fails(f Failure, s netip.AddrPort, err error) *answer {
	return &answer{key: string(q.key()), failed: q.failure(f, s, err)}
}

func (q *question) failure(f Failure, s netip.AddrPort, err error) *Error {
	return &Error{Failure: f, Name: q.name(), Type: dns.TypeToString[q.kind()], Server: s, Err: err}
}

// noName is the error for what is no name, or no address.
func (q *question) noName() error {
	q.n = max(q.n, 1)
	return q.failure(NXDomain, netip.AddrPort{}, ErrName)
}
