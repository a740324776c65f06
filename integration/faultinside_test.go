//go:build integration

package integration

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	service "github.com/iot-milter/iot-milter/internal/daemon"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// The faults of this file cannot be had from outside: a namespace of time leaves the
// wall clock alone, and the program has no signal that panics. So the daemon's parts
// serve Postfix from the test's process, with another clock or another decider.

// inside serves in the daemon's place until the returned function is called.
func (r *faultRun) inside(now func() time.Time, wrap func(policy.Decider) policy.Decider) (end func()) {
	r.t.Helper()
	r.daemon.stop(syscall.SIGTERM)
	config, _, err := conf.Parse("faults", []byte("mode = \"enforce\"\nclass.access.action = \"reject\"\n"))
	if err != nil {
		r.t.Fatal(err)
	}
	memory, err := state.New(state.Options{Entries: 10_000, Hosts: 10_000})
	if err != nil {
		r.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	metrics := obs.NewMetrics("faults")
	var d policy.Decider = decider.New(decider.Options{Recorder: &obs.Recorder{Log: log, Metrics: metrics}, Meter: metrics, Log: log, Now: now, State: memory},
		service.Settings(config))
	if wrap != nil {
		d = wrap(d)
	}
	var id atomic.Int64
	server := milter.New(milter.Options{Decider: d, Log: log, Meter: metrics, Now: now,
		NewID:  func() string { return "s" + strconv.FormatInt(id.Add(1), 10) },
		Limits: milter.Limits{Sessions: 4000, Idle: time.Minute, Frame: 30 * time.Second, Grace: time.Second}})
	l, err := net.Listen("unix", postfix.socket())
	if err == nil {
		err = os.Chmod(postfix.socket(), 0o666)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			r.t.Error(err)
		}
		r.restart()
	}
}

func clockJump(r *faultRun) {
	const year = 365 * 24 * time.Hour
	var off atomic.Int64
	end := r.inside(func() time.Time { return time.Now().Add(time.Duration(off.Load())) }, nil)
	for _, jump := range []time.Duration{0, year, -year, 0} {
		off.Store(int64(jump))
		r.recovered(time.Now())
		r.load.more(30)
	}
	end()
}

// faulty is a decider whose judgements panic, one of three.
type faulty struct {
	policy.Decider
	n *atomic.Int64
}

func (f faulty) Open(c policy.Client) policy.Case { return faultyCase{f.Decider.Open(c), f.n.Add(1)} }

type faultyCase struct {
	policy.Case
	n int64
}

func (c faultyCase) Recipient(ctx context.Context, rcpt string) policy.Verdict {
	if c.n%6 == 0 {
		panic("test: a signal at RCPT")
	}
	return c.Case.Recipient(ctx, rcpt)
}

func (c faultyCase) Message(ctx context.Context, id string, h *policy.Headers) policy.Verdict {
	if c.n%6 == 3 {
		panic("test: a signal at end of message")
	}
	return c.Case.Message(ctx, id, h)
}

func panicking(r *faultRun) {
	var n atomic.Int64
	end := r.inside(time.Now, func(d policy.Decider) policy.Decider { return faulty{d, &n} })
	r.load.more(80)
	r.recovered(time.Now())
	end()
	if n.Load() < 60 {
		r.t.Errorf("%d sessions met it", n.Load())
	}
}
