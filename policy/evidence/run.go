package evidence

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
)

// finding is what one look-up found: take writes it down, under the lock.
type finding struct {
	outcome string         // for the metrics; "" where the source counts for itself
	take    func(*lookups) // nil when nothing is known
	fact    fact           // of the address, to be kept; none where its kind is 0
}

// question is a look-up's: its source, and about what it asks.
type question struct {
	source string
	name   string // the HELO's host, or the sender's domain
	from   string // the sender …
	helo   string // … and the HELO that came before it
	zone   *zone
}

// answer makes the look-up.
func (l *lookups) answer(ctx context.Context, q question) finding {
	switch q.source {
	case "iprev":
		return l.iprev(ctx)
	case "helo":
		return l.confirm(ctx, q.name)
	case "sender":
		return l.sender(ctx, q.from, q.name)
	case "spf":
		return l.spf(ctx, q.from, q.helo)
	case "cymru":
		return l.cymru(ctx)
	case "list":
		return l.listed(ctx, q.zone)
	case "p0f":
		return l.p0f(ctx)
	}
	return l.stack()
}

// inDNS reports whether nothing but DNS is asked.
func (q *question) inDNS() bool { return q.source != "p0f" && q.source != "stack" }

// run makes a look-up: at once where DNS' answers are at hand, else in the background,
// unless too many are under way: then it leaves what a failure that may pass leaves, ill,
// which is nil where that is nothing.
func (l *lookups) run(q question, ill func()) {
	if q.inDNS() && l.atHand(q) {
		return
	}
	c := l.collector
	network := networkOf(l.client.Addr)
	if !c.enter(network) {
		c.opts.Meter.Busy(q.source)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.blind = true
		if ill != nil {
			ill()
		}
		return
	}
	l.background(q.source, func(ctx context.Context) finding { return l.answer(ctx, q) }, func() { c.leave(network) })
}

// atHand makes a look-up with the answers that DNS has kept, and reports whether those
// were all: a goroutine costs more than they do. Otherwise nothing was done.
func (l *lookups) atHand(q question) bool {
	g, began := new(resolve.Glance), l.collector.opts.Now()
	f := l.safely(g, q.source, func(ctx context.Context) finding { return l.answer(ctx, q) })
	if f.outcome != outcomePanic && !g.Whole() {
		return false
	}
	g.Count()
	l.metered(q.source, &f, began)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(q.source, &f)
	return true
}

// background is run for what takes no slot, or has one; then ended gives it back.
func (l *lookups) background(source string, look func(context.Context) finding, ended func()) {
	c := l.collector
	l.mu.Lock()
	l.count(source, +1)
	if l.ctx == nil {
		l.ctx, l.cancel = context.WithCancel(context.Background())
		if l.closed {
			l.cancel()
		}
	}
	ctx := l.ctx
	l.mu.Unlock()
	go func() {
		deepen()
		if ended != nil {
			defer ended()
		}
		began := c.opts.Now()
		f := l.guarded(ctx, source, look)
		l.metered(source, &f, began)
		l.done(source, &f)
	}()
}

// deepen has a goroutine's stack grow once, while nothing is on it, to what most look-ups
// need (8 KiB). It would grow by and by otherwise, each time at the deepest place, and a
// copy costs by the frames on it.
//
//go:noinline
func deepen() byte {
	var frame [6 << 10]byte
	return frame[zero]
}

var zero int // the compiler must not know which byte

// count is called with the lock held, when a look-up begins or has ended.
func (l *lookups) count(source string, n int) {
	l.running += n
	switch source {
	case "sender", "spf":
		l.aside += n
	case "iprev", "cymru", "list", "p0f", "shared":
		l.address += n
	}
}

// guarded is one look-up, bounded in time.
func (l *lookups) guarded(ctx context.Context, source string, look func(context.Context) finding) finding {
	ctx, cancel := context.WithTimeout(ctx, l.collector.opts.Longest)
	defer cancel()
	return l.safely(ctx, source, look)
}

// safely is one look-up. A panic in it must not end the daemon.
func (l *lookups) safely(ctx context.Context, source string, look func(context.Context) finding) (f finding) {
	defer func() {
		if p := recover(); p != nil {
			l.panicked(source, p)
			f = finding{outcome: outcomePanic}
		}
	}()
	return look(ctx)
}

const outcomePanic = "panic"

// panicked logs a panic. It is called where that was recovered.
func (l *lookups) panicked(source string, p any) {
	l.collector.panics.Do(func() {
		l.collector.opts.Log.Error("panic in a look-up", "source", source, "panic", p, "stack", string(debug.Stack()),
			"hint", "its fact stays unknown; more of it within a minute is counted only")
	})
}

// metered counts a look-up, unless its source counts for itself.
func (l *lookups) metered(source string, f *finding, began time.Time) {
	if o := &l.collector.opts; f.outcome != "" {
		o.Meter.Lookup(source, f.outcome, o.Now().Sub(began))
	}
}

func (l *lookups) done(source string, f *finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(source, -1)
	l.settle(source, f)
	if l.running == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// settle takes what a look-up found. It is called with the lock held.
func (l *lookups) settle(source string, f *finding) {
	if f.take != nil {
		f.take(l)
	}
	if source == "cymru" && f.take == nil && f.outcome != "none" {
		l.blind = true
	}
	if f.fact.kind != 0 && l.collector.opts.Facts != nil {
		l.learnt = append(l.learnt, f.fact)
	}
	if l.address == 0 && len(l.learnt) > 0 {
		l.collector.opts.Facts.keep(l.client.Addr, l.learnt...)
		l.learnt = nil
	}
}
