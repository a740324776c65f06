// Package obs is what an admin sees of the daemon: the log and the metrics. It
// implements the meters that other packages declare, and the recorder of
// decisions.
package obs

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/iot-milter/iot-milter/policy"
)

// NewLog returns a logger that writes logfmt or, with json, JSON lines to w. What
// it is given is quoted where it could be taken for another key or line, and
// shows no character that a terminal obeys.
func NewLog(w io.Writer, json bool, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindString {
			a.Value = slog.StringValue(harmless(a.Value.String()))
		}
		return a
	}}
	if json {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// harmless replaces what the handlers leave as it is although a terminal obeys
// it or hides it: DEL, the C1 controls, marks of writing direction.
func harmless(s string) string {
	for i := range len(s) {
		if s[i] >= 0x7f {
			return strings.Map(func(r rune) rune {
				if r >= 0x7f && !unicode.IsPrint(r) {
					return unicode.ReplacementChar
				}
				return r
			}, s)
		}
	}
	return s
}

// Recorder writes the verdict line of a decision and counts it. It implements
// policy.Recorder and is safe for concurrent use.
type Recorder struct {
	Log     *slog.Logger
	Metrics *Metrics
}

// Record implements policy.Recorder. The keys and their order are the contract's.
func (r *Recorder) Record(rec *policy.Record) {
	r.Metrics.record(rec)
	j := rec.Judgement
	if j == nil {
		j = &unjudged
	}
	f := rec.Facts
	var names [8]string
	r.Log.LogAttrs(context.Background(), slog.LevelInfo, "verdict",
		slog.String("id", rec.ID),
		slog.String("session", f.Client.Session),
		slog.String("mta", f.Client.MTA),
		slog.String("qid", dash(rec.QueueID)),
		slog.String("client", policy.AddrText(f.Client.Addr)),
		slog.String("ptr", f.Client.Name.String()),
		slog.String("iprev", f.Client.Iprev.String()),
		slog.String("helo", f.Greeting.Name.String()),
		slog.String("from", rec.Sender),
		slog.Int("rcpts", rec.Rcpts),
		slog.String("stage", rec.Stage.String()),
		slog.String("class", j.Class.String()),
		slog.String("device", j.Device.String()),
		slog.Float64("confidence", float64(int(j.Confidence*100))/100),
		slog.String("flag", j.Flag.String()),
		slog.String("mode", rec.Mode.String()),
		slog.String("verdict", rec.Verdict.String()),
		slog.String("action", rec.Action.String()),
		slog.String("exempt", rec.Exempt),
		slog.String("reason", rec.Reason),
		slog.String("signals", strings.Join(j.Strongest(names[:0]), ",")),
		slog.String("took", rec.Took.Round(time.Microsecond).String()),
		slog.String("end", rec.End.String()),
	)
}

// unjudged stands for no judgement. It is only read.
var unjudged policy.Judgement

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
