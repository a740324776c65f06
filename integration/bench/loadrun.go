//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// outcome is what a load did.
type outcome struct {
	sessions int
	wall     time.Duration
	took     latencies
	full     int             // connects that found the filter's queue full
	late     []time.Duration // of an open loop: how late the pieces were due, by our fault
}

// closed keeps the connections busy for so long: where one session ends the next begins, and
// at the end each goes on to the end of its message.
func closed(ctx context.Context, socket string, tapes []*tape, connections int, lasts time.Duration) (outcome, error) {
	var failed failure
	var wg sync.WaitGroup
	players := make([]*player, connections)
	counts := make([]int, connections)
	start := time.Now()
	now := func(int) time.Time { return time.Now() }
	enough := func() bool { return time.Since(start) >= lasts || ctx.Err() != nil || failed.is() }
	for w := range players {
		players[w] = newPlayer(socket)
		wg.Go(func() {
			for i := w; !enough(); i++ {
				if err := players[w].play(tapes[i%len(tapes)], now, enough); err != nil {
					failed.set(err)
					return
				}
				counts[w]++
			}
		})
	}
	wg.Wait()
	o := gather(players)
	o.wall = time.Since(start)
	for _, n := range counts {
		o.sessions += n
	}
	return o, errors.Join(failed.err, ctx.Err())
}

func (o *outcome) messages() int { return len(o.took[stageOf(mtascript.CmdEOM)]) }

// gather adds up what players saw.
func gather(players []*player) (o outcome) {
	for _, p := range players {
		o.took.add(&p.took)
		o.full += p.full
	}
	return o
}

// failure is the first error of many goroutines.
type failure struct {
	once sync.Once
	flag atomic.Bool
	err  error
}

func (f *failure) set(err error) {
	f.once.Do(func() { f.err = err; f.flag.Store(true) })
}

func (f *failure) is() bool { return f.flag.Load() }

// timetable is an open loop: sessions come when they come, whether or not the filter keeps up.
// All times are fixed in advance, and latencies are counted from them: what a slow answer
// delays counts as slow too.
type timetable struct {
	arrivals []time.Duration // since the start
	steps    []step
}

// step is when a piece of a session is due.
type step struct {
	due     time.Duration // since the start
	session int
}

// arrivals of a Poisson process at a mean rate. They are the same in each run.
func arrivals(n int, perSecond float64) []time.Duration {
	random := rand.New(rand.NewPCG(8, 500))
	all := make([]time.Duration, n)
	at := 0.0
	for i := range all {
		at += random.ExpFloat64() / perSecond
		all[i] = time.Duration(at * float64(time.Second))
	}
	return all
}

// paced are the pieces of a tape with a time of their own: the client takes a round trip
// from one SMTP command to the next. All else follows at once on the answer before it, as
// CONNECT does on OPTNEG, and what the MTA sends after the client's final dot.
func paced(t *tape) map[int]time.Duration {
	delays := map[byte]time.Duration{mtascript.CmdOptNeg: 0, mtascript.CmdHelo: roundTrip,
		mtascript.CmdMail: 2 * roundTrip, mtascript.CmdRcpt: 3 * roundTrip}
	due := map[int]time.Duration{}
	mail := false
	for i, p := range t.pieces {
		if d, ok := delays[p.at]; ok {
			due[i] = d
			mail = mail || p.at == mtascript.CmdRcpt
			continue
		}
		if mail {
			due[i] = 4 * roundTrip
			break
		}
	}
	return due
}

// newTimetable is that of sessions that play the tape, or others of the same shape.
func newTimetable(arrivals []time.Duration, t *tape) *timetable {
	p := &timetable{arrivals: arrivals}
	for _, d := range paced(t) {
		for i, at := range arrivals {
			p.steps = append(p.steps, step{at + d, i})
		}
	}
	slices.SortFunc(p.steps, func(a, b step) int { return int(a.due - b.due) })
	return p
}

// open carries the timetable out.
func open(ctx context.Context, socket string, tapes []*tape, p *timetable) (outcome, error) {
	var failed failure
	var wg sync.WaitGroup
	players := make([]*player, len(p.arrivals))
	dues := make([]chan time.Time, len(p.arrivals))
	has := paced(tapes[0])
	late := make([]time.Duration, 0, len(p.steps))
	start := time.Now()
	pace(ctx, start, p.steps, func(s step) {
		due := start.Add(s.due)
		late = append(late, time.Since(due))
		if dues[s.session] == nil {
			players[s.session], dues[s.session] = newPlayer(socket), make(chan time.Time, len(has))
			wg.Go(func() {
				begin := func(i int) time.Time {
					if _, ok := has[i]; ok {
						return <-dues[s.session]
					}
					return time.Now()
				}
				if err := players[s.session].play(tapes[s.session%len(tapes)], begin, never); err != nil {
					failed.set(err)
				}
			})
		}
		dues[s.session] <- due
	})
	if ctx.Err() != nil {
		return outcome{}, ctx.Err() // sessions that are under way wait for steps that never come
	}
	wg.Wait()
	o := gather(players)
	o.wall, o.sessions, o.late = time.Since(start), len(players), late
	return o, failed.err
}

func never() bool { return false }

// pace calls do when each of the steps is due. The runtime's timers are up to a millisecond
// late where the process is idle (epoll_wait(2) counts in milliseconds): it sleeps on a thread
// of its own.
func pace(ctx context.Context, start time.Time, steps []step, do func(step)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, s := range steps {
		for rest := s.due - time.Since(start); rest > 0; rest = s.due - time.Since(start) {
			ts := unix.NsecToTimespec(int64(rest))
			_ = unix.Nanosleep(&ts, nil) // a signal wakes it early
		}
		if ctx.Err() != nil {
			return
		}
		do(s)
	}
}

// raiseFiles lets this process and the filters that it starts have as many descriptors as
// the connections take.
func raiseFiles(connections int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if need := uint64(connections) + 200; l.Max < need {
		return fmt.Errorf("%d connections need %d file descriptors, the limit is %d; hint: ulimit -n", connections, need, l.Max)
	}
	l.Cur = l.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}
