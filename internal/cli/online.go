package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/daemon"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
)

// online lets the judgement look up what is missing, with the daemon's sources and
// deadlines, and wait for it. A source that cannot be had is told of. The caller
// closes the sources.
func online(ctx context.Context, settings *decider.Settings, config *conf.Config, w io.Writer) *daemon.Sources {
	sources, errs := daemon.OpenSources(config, daemon.SourceOptions{Log: slog.New(slog.DiscardHandler), Recorded: true})
	for _, err := range errs {
		fmt.Fprintf(w, "warning: %v\n", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*settings.Deadline)
	defer cancel()
	sources.Collector.Settle(ctx)
	for zone, state := range sources.Collector.Lists() {
		if state != "ok" {
			fmt.Fprintf(w, "warning: list %s: %s\n", zone, state)
		}
	}
	settings.Evidence, settings.Patient = sources.Collector, true
	return sources
}

// maxAhead is how many records of a recording are looked up before they are judged.
const maxAhead = 100

// window judges records in their order, and begins to look up those that come next:
// what one waits for, the others have ready.
type window struct {
	evidence policy.Evidence // nil judges at once
	judge    func(*replay.Record) error
	waiting  []waiting
}

type waiting struct {
	record *replay.Record
	ahead  policy.Lookups // of the record, only to warm the sources' memories
}

func (w *window) add(r *replay.Record) error {
	if w.evidence == nil || r.Damage != "" || r.Undecidable != "" {
		if err := w.flush(); err != nil {
			return err
		}
		return w.judge(r)
	}
	ahead := w.evidence.Start(r.Client)
	ahead.Greeting(r.Greeting)
	ahead.Sender(r.Envelope)
	w.waiting = append(w.waiting, waiting{r, ahead})
	if len(w.waiting) < maxAhead {
		return nil
	}
	return w.next()
}

// next judges the first that waits.
func (w *window) next() error {
	first := w.waiting[0]
	w.waiting = append(w.waiting[:0], w.waiting[1:]...)
	defer first.ahead.Close()
	return w.judge(first.record)
}

func (w *window) flush() error {
	for len(w.waiting) > 0 {
		if err := w.next(); err != nil {
			return err
		}
	}
	return nil
}
