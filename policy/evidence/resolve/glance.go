package resolve

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrUnasked is the cause of a failure of what a Glance did not find.
var ErrUnasked = errors.New("not kept, and nobody was to be asked")

// Glance is the context of look-ups that ask nobody and wait for nobody: they find what
// is kept, and what is not fails as Busy. So who has many questions that follow from each
// other sees whether all answers are at hand, and may make the look-ups again otherwise.
// The zero value is ready; it is for one such attempt, and safe for concurrent use in it.
type Glance struct {
	missed   atomic.Bool
	found    atomic.Int32
	resolver atomic.Pointer[Resolver]
}

var _ context.Context = (*Glance)(nil)

// Whole reports whether there were look-ups and all of them found what they were after.
// Those of a resolver of another kind do not count.
func (g *Glance) Whole() bool { return !g.missed.Load() && g.found.Load() > 0 }

// Count tells the resolver's Meter of the look-ups. Whoever makes them again without the
// Glance does not call it.
func (g *Glance) Count() {
	if r := g.resolver.Load(); r != nil {
		for range g.found.Load() {
			r.meter.Cached(true)
		}
	}
}

// Deadline implements context.Context: there is none.
func (*Glance) Deadline() (deadline time.Time, ok bool) { return deadline, false }

// Done implements context.Context: nobody is to wait.
func (*Glance) Done() <-chan struct{} { return over }

// Err implements context.Context.
func (*Glance) Err() error { return context.Canceled }

// Value implements context.Context.
func (g *Glance) Value(key any) any {
	if key == (glanceKey{}) {
		return g
	}
	return nil
}

type glanceKey struct{}

var over = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func glanceOf(ctx context.Context) *Glance {
	g, _ := ctx.Value(glanceKey{}).(*Glance)
	return g
}

// glance is look for a Glance.
func (r *Resolver) glance(ctx context.Context, g *Glance, q *question) *answer {
	hash, now := r.cache.hash(q), r.clock()
	r.mu.Lock()
	a, left := r.cache.get(hash, q, now)
	r.mu.Unlock()
	if a == nil {
		g.missed.Store(true)
		return unasked
	}
	g.resolver.Store(r)
	g.found.Add(1)
	lifeOf(ctx).note(a, left)
	return a
}

// unasked does not name the question: nobody is told of it.
var unasked = &answer{failed: &Error{Failure: Busy, Err: ErrUnasked}}
