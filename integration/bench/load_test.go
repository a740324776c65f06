//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
)

// counting is the decider, the case and the meter of a real protocol edge. It adds a header,
// and counts; one of many of what it is asked takes its time.
type counting struct {
	*counts
	opened, rcpts func(n int64) // called with the number of the call
}

type counts struct {
	mu           sync.Mutex
	events       map[milter.Event]int
	opens, asked atomic.Int64
	messages     atomic.Int64
}

func (c counting) Wishes() policy.Wishes {
	return policy.Wishes{Earliest: policy.StageRcpt, Prompt: true, Mark: true, Hostname: "mx.example.test"}
}
func (c counting) Open(policy.Client) policy.Case { c.opened(c.opens.Add(1)); return c }
func (c counting) Pass(policy.Client, string) policy.Case {
	return c
}
func (c counting) Greeting(policy.Greeting)                           {}
func (c counting) Sender(policy.Envelope)                             {}
func (c counting) Early(context.Context, policy.Stage) policy.Verdict { return policy.Verdict{} }
func (c counting) Recipient(context.Context, string) policy.Verdict {
	c.rcpts(c.asked.Add(1))
	return policy.Verdict{}
}
func (c counting) Reads(*policy.Headers) bool { return false }
func (c counting) Message(context.Context, string, *policy.Headers) policy.Verdict {
	c.messages.Add(1)
	return policy.Verdict{Mark: "No"}
}
func (c counting) Fail(string)    {}
func (c counting) End(policy.End) {}
func (c counting) Close()         {}
func (c counting) Sessions(int)   {}
func (c counting) Event(e milter.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events[e]++
}

func (c counting) event(e milter.Event) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events[e]
}

// serveCounting serves until the test ends.
func serveCounting(t *testing.T, opened, rcpts func(int64)) (counting, string) {
	t.Helper()
	c := counting{&counts{events: map[milter.Event]int{}}, opened, rcpts}
	var last atomic.Int64
	s := milter.New(milter.Options{Decider: c, Meter: c, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		NewID:  func() string { return strconv.FormatInt(last.Add(1), 36) },
		Limits: milter.Limits{Sessions: 400, Idle: time.Minute, Frame: 10 * time.Second, Grace: 10 * time.Millisecond}})
	path := filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c, path
}

func atOnce(int64) {}

func tapesOf(t *testing.T, socket string, messages int) (tapes []*tape) {
	t.Helper()
	for n := range 3 {
		one, err := record(socket, loadSession(n, messages))
		if err != nil {
			t.Fatal(err)
		}
		tapes = append(tapes, one)
	}
	return tapes
}

func TestTapeIsWhatPostfixWrites(t *testing.T) {
	_, socket := serveCounting(t, atOnce, atOnce)
	got := ""
	for _, p := range tapesOf(t, socket, 2)[0].pieces {
		got += string(p.at)
	}
	// OPTNEG and CONNECT, then of each message RCPT with all before it and EOM with the header.
	if got != "OCREREQ" {
		t.Errorf("answered are %s", got)
	}
}

func TestClosedLoopCounts(t *testing.T) {
	c, socket := serveCounting(t, atOnce, atOnce)
	tapes := tapesOf(t, socket, 2)
	got, err := closed(t.Context(), socket, tapes, 8, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	sessions, messages := got.sessions+len(tapes), got.messages()+2*len(tapes)
	if c.event(milter.EventSession) != sessions || int(c.messages.Load()) != messages || len(c.events) != 1 {
		t.Errorf("%d sessions, %d messages; the filter had %v and %d messages", sessions, messages, c.events, c.messages.Load())
	}
	// Who has enough does without the second message.
	if got.sessions < 8 || got.messages() > 2*got.sessions || got.messages() < 2*got.sessions-8 {
		t.Errorf("%d messages in %d sessions", got.messages(), got.sessions)
	}
	for i, s := range stages {
		want := map[byte]int{mtascript.CmdOptNeg: got.sessions, mtascript.CmdConnect: got.sessions,
			mtascript.CmdRcpt: got.messages(), mtascript.CmdEOM: int(c.messages.Load()) - 2*len(tapes)}[s]
		if len(got.took[i]) != want {
			t.Errorf("%s: %d times, want %d", mtascript.StageName(s), len(got.took[i]), want)
		}
	}
}

// A filter that stalls in one of twenty sessions must show in the 99th percentile of RCPT,
// also if what stalls is CONNECT: RCPT was due meanwhile, and its own answer is fast.
func TestOpenLoopCountsFromWhenDue(t *testing.T) {
	const stall = 50 * time.Millisecond
	sometimes := func(d time.Duration) func(int64) {
		return func(n int64) {
			if n%20 == 0 {
				time.Sleep(d)
			}
		}
	}
	for name, filter := range map[string]struct{ opened, rcpts func(int64) }{
		"rcpt": {atOnce, sometimes(stall)}, "connect": {sometimes(3*roundTrip + stall), atOnce},
	} {
		t.Run(name, func(t *testing.T) {
			// A busy machine delays all of a run, but not of each run.
			least := time.Hour
			for try := 0; try < 10 && least > roundTrip/2; try++ {
				_, socket := serveCounting(t, filter.opened, filter.rcpts)
				tapes := tapesOf(t, socket, 1)
				got, err := open(t.Context(), socket, tapes, newTimetable(arrivals(100, openRate), tapes[0]))
				if err != nil {
					t.Fatal(err)
				}
				rcpt := got.took[stageOf(mtascript.CmdRcpt)]
				if got.sessions != 100 || len(rcpt) != 100 || len(got.late) != 300 {
					t.Fatalf("%d sessions, %d answers, %d steps", got.sessions, len(rcpt), len(got.late))
				}
				if p99 := quantile(rcpt, 0.99); p99 < stall {
					t.Errorf("99 %%: %v", p99)
				}
				least = quantile(rcpt, 0)
			}
			if least > roundTrip/2 {
				t.Errorf("least: %v", least)
			}
		})
	}
}

func TestOpenLoopEndsWhenToldTo(t *testing.T) {
	_, socket := serveCounting(t, atOnce, atOnce)
	tapes := tapesOf(t, socket, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := open(ctx, socket, tapes, newTimetable(arrivals(1000, openRate), tapes[0])); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestTimetable(t *testing.T) {
	all := arrivals(5000, openRate)
	if rate := 5000 / all[4999].Seconds(); rate < 0.95*openRate || rate > 1.05*openRate {
		t.Errorf("%.1f sessions/s", rate)
	}
	pieces := func(codes string) *tape {
		one := &tape{}
		for _, c := range codes {
			one.pieces = append(one.pieces, piece{at: byte(c)})
		}
		return one
	}
	for codes, want := range map[string]map[int]time.Duration{
		"OCREQ":      {0: 0, 2: 3 * roundTrip, 3: 4 * roundTrip},
		"OCHMRTLNEQ": {0: 0, 2: roundTrip, 3: 2 * roundTrip, 4: 3 * roundTrip, 5: 4 * roundTrip},
	} {
		got := paced(pieces(codes))
		if len(got) != len(want) {
			t.Errorf("%s: %v", codes, got)
		}
		for i, d := range want {
			if got[i] != d {
				t.Errorf("%s: piece %d at %v, want %v", codes, i, got[i], d)
			}
		}
	}
	p := newTimetable([]time.Duration{0, time.Millisecond}, pieces("OCREQ"))
	want := []step{{0, 0}, {time.Millisecond, 1}, {3 * roundTrip, 0}, {3*roundTrip + time.Millisecond, 1},
		{4 * roundTrip, 0}, {4*roundTrip + time.Millisecond, 1}}
	for i := range want {
		if len(p.steps) != len(want) || p.steps[i] != want[i] {
			t.Fatalf("%v", p.steps)
		}
	}
}

func TestPlayerNoticesAStrayAnswer(t *testing.T) {
	_, socket := serveCounting(t, atOnce, atOnce)
	tapes := tapesOf(t, socket, 1)
	// No filter that runs anywhere answers too often: this one says "continue" twice to RCPT.
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "stray.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		answers := map[byte][]byte{
			mtascript.CmdOptNeg:  mtascript.OptNeg(mtascript.Offer{Version: 2}).Bytes(),
			mtascript.CmdConnect: {0, 0, 0, 1, 'c'},
			mtascript.CmdRcpt:    {0, 0, 0, 1, 'c', 0, 0, 0, 1, 'c'},
		}
		for r := bufio.NewReader(conn); ; {
			f, err := mtascript.ReadFrame(r)
			if err != nil {
				return
			}
			conn.Write(answers[f.Code])
		}
	}()
	p := newPlayer(l.Addr().String())
	if err := p.play(tapes[0], func(int) time.Time { return time.Now() }, never); err == nil {
		t.Error("nothing was noticed")
	}
}

func TestQuantile(t *testing.T) {
	samples := make([]time.Duration, 1000)
	for i := range samples {
		samples[i] = time.Duration(1000 - i)
	}
	for q, want := range map[float64]time.Duration{0.5: 500, 0.99: 990, 0.999: 999, 1: 1000, 0: 1} {
		if got := quantile(samples, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if got := quantile([]time.Duration{7}, 0.99); got != 7 {
		t.Error(got)
	}
}

func TestReportOfWhatFailed(t *testing.T) {
	size := (&options{quick: true}).loadSize()
	var all []*loaded
	for range loadFilters {
		f := &loaded{filter: &filter{name: "f"}, closed: map[int]*closedFigures{}}
		for _, n := range size.connected {
			f.closed[n] = &closedFigures{sessionCPU: []float64{2}, rcpt: []float64{1}}
		}
		all = append(all, f)
	}
	all[loadC].closed[256] = &closedFigures{failed: errors.New("no more threads")}
	r := reportLoad(all, size, 0)
	if r.targets[2].met() || !r.targets[0].met() || r.notes[len(r.notes)-1] != "f at 256 connections: no more threads." {
		t.Errorf("%+v\n%q", r.targets, r.notes)
	}
}
