package obs

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/iot-milter/iot-milter/policy"
)

// Recorder writes the verdict line of a decision and counts it. It implements
// policy.Recorder and is safe for concurrent use.
type Recorder struct {
	Log     *slog.Logger
	Metrics *Metrics
}

// Record implements policy.Recorder. The keys and their order are the contract's.
func (r *Recorder) Record(rec *policy.Record) {
	r.Metrics.record(rec)
	if !r.Log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	if text, ok := r.Log.Handler().(*textLog); ok {
		text.verdict(rec)
		return
	}
	j := rec.Judgement
	if j == nil {
		j = &unjudged
	}
	f := rec.Facts
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
		slog.Float64("confidence", hundredths(j.Confidence)),
		slog.String("flag", j.Flag.String()),
		slog.String("mode", rec.Mode.String()),
		slog.String("verdict", rec.Verdict.String()),
		slog.String("action", rec.Action.String()),
		slog.String("exempt", rec.Exempt),
		slog.String("reason", rec.Reason),
		slog.String("signals", strings.Join(j.Strongest(make([]string, 0, maxSignals)), ",")),
		slog.String("took", rec.Took.Round(time.Microsecond).String()),
		slog.String("end", rec.End.String()),
	)
}

// maxSignals are named in a verdict line.
const maxSignals = 8

// unjudged stands for no judgement. It is only read.
var unjudged policy.Judgement

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func hundredths(confidence float64) float64 { return float64(int(confidence*100)) / 100 }

// textLog is slog's handler of text lines, past which verdict lines are written: slog
// takes six times as long for one, and there is one for each message. (A test holds the
// two equal.)
type textLog struct {
	*slog.TextHandler
	w    io.Writer
	room sync.Pool // of *[]byte
}

func newTextLog(w io.Writer, o *slog.HandlerOptions) *textLog {
	return &textLog{TextHandler: slog.NewTextHandler(w, o), w: w, room: sync.Pool{New: func() any { return new([]byte) }}}
}

func (l *textLog) verdict(rec *policy.Record) {
	room := l.room.Get().(*[]byte)
	defer l.room.Put(room)
	*room = appendVerdict((*room)[:0], rec, time.Now())
	l.w.Write(*room) // nobody can be told that a log is lost; Lines counts what is
}

func appendVerdict(to []byte, rec *policy.Record, now time.Time) []byte {
	j := rec.Judgement
	if j == nil {
		j = &unjudged
	}
	f := rec.Facts
	l := logLine(append(appendMillis(append(to, "time="...), now), " level=INFO msg=verdict"...))
	l.text("id", rec.ID)
	l.text("session", f.Client.Session)
	l.text("mta", f.Client.MTA)
	l.text("qid", dash(rec.QueueID))
	if addr := f.Client.Addr; addr.IsValid() && addr.Zone() == "" {
		l = addr.AppendTo(append(l, " client="...))
	} else {
		l.text("client", policy.AddrText(addr))
	}
	l.text("ptr", f.Client.Name.String())
	l.text("iprev", f.Client.Iprev.String())
	l.text("helo", f.Greeting.Name.String())
	l.text("from", rec.Sender)
	l = strconv.AppendInt(append(l, " rcpts="...), int64(rec.Rcpts), 10)
	l.text("stage", rec.Stage.String())
	l.text("class", j.Class.String())
	l.text("device", j.Device.String())
	l = strconv.AppendFloat(append(l, " confidence="...), hundredths(j.Confidence), 'g', -1, 64)
	l.text("flag", j.Flag.String())
	l.text("mode", rec.Mode.String())
	l.text("verdict", rec.Verdict.String())
	l.text("action", rec.Action.String())
	l.text("exempt", rec.Exempt)
	l.text("reason", rec.Reason)
	l.words("signals", j)
	l = policy.AppendTook(append(l, " took="...), rec.Took)
	l.text("end", rec.End.String())
	return append(l, '\n')
}

// logLine is a line of keys and values.
type logLine []byte

func (l *logLine) text(key, value string) {
	b := append(append(append(*l, ' '), key...), '=')
	if bare(value) {
		*l = append(b, value...)
		return
	}
	if value = harmless(value); value == "" || strings.ContainsFunc(value, quotes) {
		*l = strconv.AppendQuote(b, value)
		return
	}
	*l = append(b, value...)
}

// words are the names of the strongest signals.
func (l *logLine) words(key string, j *policy.Judgement) {
	var room [maxSignals]string
	names := j.Strongest(room[:0])
	if len(names) == 0 {
		l.text(key, "")
		return
	}
	b := append(append(append(*l, ' '), key...), '=')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, name...)
	}
	*l = b
}

// bare reports whether nothing in the text is to be quoted or replaced, at a glance: text
// that is not ASCII may be neither.
func bare(s string) bool {
	for i := range len(s) {
		if !bareBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

var bareBytes = func() (is [256]bool) {
	for c := byte('!'); c <= '~'; c++ {
		is[c] = c != '"' && c != '='
	}
	return is
}()

// quotes reports whether a text with this in it is quoted.
func quotes(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == utf8.RuneError }

// appendMillis appends the time as slog does, to the millisecond. RFC3339 is quick, and
// has no place for them.
func appendMillis(b []byte, t time.Time) []byte {
	at := len(b) + len("2006-01-02T15:04:05")
	b = append(t.AppendFormat(b, time.RFC3339), ".000"...)
	copy(b[at+len(".000"):], b[at:]) // the zone
	ms := t.Nanosecond() / int(time.Millisecond)
	b[at], b[at+1], b[at+2], b[at+3] = '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10)
	return b
}
