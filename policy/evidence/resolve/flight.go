package resolve

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"

	"github.com/miekg/dns"
)

const tries = 2 // of each server

// flight is a question under way, for all who want to know.
type flight struct {
	done   chan struct{}
	answer *answer // once done is closed

	// Of the resolver's lock:
	waiting int  // how many want to know
	left    bool // nobody does any more, and it goes on
	cut     bool // nobody did, and it was broken off
	cancel  context.CancelFunc
}

// mayLeave is the part of the questions under way that may go on although nobody
// waits any more: who comes and goes must not fill the resolver with questions whose
// name servers never answer.
const mayLeave = 4

// join returns the flight for the question, a new one if there is none, or an
// answer that says why there is none. It is called with the lock held.
func (r *Resolver) join(q *question, hash uint64) (*flight, *answer) {
	if r.closed {
		return nil, q.fails(Busy, netip.AddrPort{}, ErrClosed)
	}
	if f := r.flights[string(q.key())]; f != nil {
		f.waiting++
		if f.left {
			f.left = false
			r.left--
		}
		return f, nil
	}
	if len(r.flights) >= r.opts.Inflight {
		return nil, q.fails(Busy, netip.AddrPort{}, ErrBusy)
	}
	f := &flight{done: make(chan struct{}), waiting: 1}
	var ctx context.Context
	ctx, f.cancel = context.WithTimeout(r.ctx, r.longest)
	own := *q // the caller's stays on its stack
	r.flights[string(own.key())] = f
	r.wg.Go(func() { r.fly(ctx, f, &own, hash) })
	return f, nil
}

// leave is called by who does not wait for the flight any longer.
func (r *Resolver) leave(f *flight, q *question) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.waiting--
	switch {
	case f.waiting > 0 || r.flights[string(q.key())] != f:
	case r.left < r.opts.Inflight/mayLeave:
		f.left = true
		r.left++
	default:
		f.cut = true
		f.cancel()
		delete(r.flights, string(q.key()))
	}
}

// fly finds the answer. It goes on when those who asked do not wait any longer,
// unless too many do so: the next who asks finds it.
func (r *Resolver) fly(ctx context.Context, f *flight, q *question, hash uint64) {
	began := r.clock()
	defer f.cancel()
	a := r.safely(ctx, q)
	now := r.clock()
	r.mu.Lock()
	switch {
	case f.cut:
		a = q.fails(Busy, netip.AddrPort{}, ErrBusy)
	case f.left:
		r.left--
		fallthrough
	default:
		delete(r.flights, string(q.key()))
	}
	if a.life > 0 {
		r.cache.put(hash, a, now)
	}
	r.mu.Unlock()
	f.answer = a
	r.meter.Query(outcome(a), now-began)
	close(f.done)
}

func outcome(a *answer) string {
	if a.failed == nil {
		return Failure(0).String()
	}
	return a.failed.Failure.String()
}

// safely keeps a bug in the reading of messages, which come from anywhere, from
// ending the daemon.
func (r *Resolver) safely(ctx context.Context, q *question) (a *answer) {
	defer func() {
		if p := recover(); p != nil {
			if r.mayLog(&r.saidPanic) {
				r.log.Error("dns look-up panicked", "question", q.name(), "panic", p, "stack", string(debug.Stack()))
			}
			a = q.fails(Invalid, netip.AddrPort{}, fmt.Errorf("panic: %v", p))
			a.life = failureLife
		}
	}()
	return r.ask(ctx, q)
}

// ask follows aliases until there is an answer.
func (r *Resolver) ask(ctx context.Context, q *question) *answer {
	life, step, aliases := maxTTL, *q, 0
	for {
		m, s, flt := r.query(ctx, &step)
		if flt != nil {
			a := q.fails(flt.failure, s, flt.err)
			if flt.err != ErrDown && flt.failure != Busy {
				a.life = failureLife
			}
			return a
		}
		f := read(m, q.kind())
		aliases += f.aliases
		life = min(life, f.life)
		if f.again != "" && aliases <= mostAliases && step.again(f.again) {
			continue
		}
		switch {
		case f.again == "":
		case aliases > mostAliases:
			f.failure, f.err = Invalid, errAliases
		default:
			f.failure, f.err = Invalid, errAlias
		}
		if f.failure != 0 {
			a := q.fails(f.failure, s, f.err)
			if a.life = max(life, minLife); f.failure == Invalid {
				a.life = failureLife
			}
			return a
		}
		a := f.answer
		a.key, a.life = string(q.key()), max(life, minLife)
		return &a
	}
}

// again makes it the question for the name that an alias leads to, which is in the
// form of zone files. A backslash there means a byte that no host name has.
func (q *question) again(name string) bool {
	_, ok := hostName(name)
	return ok && q.set(q.kind(), name)
}

// query puts the question to the servers, by turns, until one answers. The fault
// is the last one; but a server's word tells more than the silence of others.
func (r *Resolver) query(ctx context.Context, q *question) (*dns.Msg, netip.AddrPort, *fault) {
	set := r.current()
	begin := set.first()
	spent := make([]bool, len(set.list))
	last, from := &fault{Timeout, ErrDown}, netip.AddrPort{}
	for range tries {
		for i := range set.list {
			i = (begin + i) % len(set.list)
			s := set.list[i]
			ok, try := s.ready(r.clock())
			if try {
				r.try(s)
			}
			if !ok || spent[i] {
				continue
			}
			m, flt := r.exchange(ctx, s, q)
			if flt == nil {
				return m, s.addr, nil
			}
			if r.ctx.Err() != nil {
				return nil, s.addr, &fault{Busy, ErrClosed}
			}
			if flt.failure == Busy {
				return nil, s.addr, flt
			}
			spent[i] = flt.failure != Timeout
			if flt.failure != Timeout || last.failure == Timeout {
				last, from = flt, s.addr
			}
			if ctx.Err() != nil {
				return nil, from, last
			}
		}
	}
	return nil, from, last
}

// try starts the trial of a server that looks dead or is down. The caller has the
// turn for it from the server.
func (r *Resolver) try(s *server) {
	r.wg.Go(func() {
		root := question{n: 1}
		root.text[0] = byte(dns.TypeNS)
		w := root.pack(randomID(), s.edns(r.clock()))
		_, flt := r.datagram(r.ctx, s, w)
		s.tried(flt != nil && flt.failure == Timeout && r.ctx.Err() == nil, r.clock())
	})
}
