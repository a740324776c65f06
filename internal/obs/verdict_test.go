package obs_test

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/internal/racetest"
	"github.com/iot-milter/iot-milter/policy"
)

var counted = obs.NewMetrics("test")

// hidden is a handler of which nothing but that is known.
type hidden struct{ slog.Handler }

// stamp is the time of a line.
var stamp = regexp.MustCompile(`^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) `)

// differ returns a record's line, and the one that slog's handler writes of it; both
// without their times.
func differ(t *testing.T, r *policy.Record) (own, slogs string) {
	t.Helper()
	var b bytes.Buffer
	log := obs.NewLog(&b, false, slog.LevelInfo)
	for i, h := range []slog.Handler{log.Handler(), hidden{log.Handler()}} {
		b.Reset()
		(&obs.Recorder{Log: slog.New(h), Metrics: counted}).Record(r)
		line := b.String()
		if !stamp.MatchString(line) {
			t.Errorf("no time: %q", line)
		}
		if line = stamp.ReplaceAllString(line, ""); i == 0 {
			own = line
		} else {
			slogs = line
		}
	}
	return own, slogs
}

// TestVerdictLineIsSlogs, whatever is in it.
func TestVerdictLineIsSlogs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "DiskStation", "a b", "a=b", `"quoted\"`, `back\slash`, "new\nline\r\t", "\x00\x1b[31m\x7f", "é", "é\u2028\u202e", "\u009b2J",
		"bad \xff\xc3( utf8", "\xff", "\ufffd", "\u00a0", "\ufeff", "😀", "=", "~", "!", strings.Repeat("x", 255)}
	text := func() string { return texts[r.IntN(len(texts))] }
	addrs := []netip.Addr{{}, netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("::ffff:192.0.2.1"),
		netip.MustParseAddr("fe80::1%a b")}
	var judged policy.Judgement
	f := policy.Facts{Client: policy.Client{Addr: addrs[1], Name: policy.Seen("cpe-203-0-113-7.dyn.isp.example"), Iprev: policy.IprevPass},
		Greeting: policy.Greeting{Name: policy.Seen("DiskStation")}}
	f.ParseClient()
	f.ParseGreeting()
	judged.Judge(&f, policy.StageRcpt, &policy.PerClass{0, 0.6, 0.05, 0.05, 0.25, 0.05}, policy.Thresholds{Device: 0.9, Access: 0.95})
	if len(judged.Findings.List()) < 2 {
		t.Fatalf("%+v", judged)
	}
	for range 3000 {
		rec := hostile(text())
		c := &rec.Facts.Client
		c.Session, c.MTA, c.Addr, c.Iprev = text(), text(), addrs[r.IntN(len(addrs))], policy.Iprev(r.IntN(5))
		rec.ID, rec.QueueID, rec.Sender = text(), text(), text()
		rec.Exempt, rec.Reason = []string{policy.ExemptNone, policy.ExemptNetwork}[r.IntN(2)], []string{"", policy.ReasonFailOpen}[r.IntN(2)]
		rec.Rcpts, rec.Stage, rec.Mode = r.IntN(2000), policy.Stage(r.IntN(11)), policy.Mode(r.IntN(3))
		rec.Verdict, rec.Action, rec.End = policy.Action(r.IntN(6)), policy.Action(r.IntN(6)), policy.End(r.IntN(5))
		rec.Took = time.Duration(r.Int64N([]int64{1, 1e3, 1e6, 1e9, 1e13}[r.IntN(5)]))
		if r.IntN(2) == 0 {
			judged.Confidence = float64(r.IntN(1001)) / 1000
			rec.Judgement = &judged
		}
		if own, slogs := differ(t, rec); own != slogs {
			t.Fatalf("\n got %s\nwant %s", own, slogs)
		}
	}
}

func FuzzVerdictLine(f *testing.F) {
	for _, text := range []string{"DiskStation", "é\u2028\u2029 \xff", "a\x00b=\"\\\n", "<&>\x7f\u0085\u00a0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := hostile(text)
		r.ID, r.QueueID, r.Sender, r.Facts.Client.Session, r.Facts.Client.MTA = text, text, text, text, text
		if own, slogs := differ(t, r); own != slogs {
			t.Errorf("\n got %s\nwant %s", own, slogs)
		}
	})
}

// TestVerdictLineHasTheTime of now, in the log's form.
func TestVerdictLineHasTheTime(t *testing.T) {
	for range 50 {
		before := time.Now().Truncate(time.Millisecond)
		got, _, _ := strings.Cut(strings.TrimPrefix(line(false, hostile("x")), "time="), " ")
		if at, err := time.Parse("2006-01-02T15:04:05.000Z07:00", got); err != nil || at.Before(before) || at.After(time.Now()) {
			t.Fatalf("%s, %v", got, err)
		}
		time.Sleep(700 * time.Microsecond)
	}
}

// TestVerdictLineOfALevel is not written above it.
func TestVerdictLineOfALevel(t *testing.T) {
	var b bytes.Buffer
	(&obs.Recorder{Log: obs.NewLog(&b, false, slog.LevelWarn), Metrics: obs.NewMetrics("test")}).Record(hostile("x"))
	if b.Len() > 0 {
		t.Error(b.String())
	}
}

// TestVerdictLineAllocates nothing.
func TestVerdictLineAllocates(t *testing.T) {
	if racetest.Enabled {
		t.Skip("the race detector empties pools")
	}
	rec := obs.Recorder{Log: obs.NewLog(discard{}, false, slog.LevelInfo), Metrics: obs.NewMetrics("test")}
	r := hostile("mx1.example.org")
	if n := testing.AllocsPerRun(100, func() { rec.Record(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
