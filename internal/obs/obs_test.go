package obs_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/policy"
)

// keys is the order of the contract, after the log's own time and level.
const keys = "msg id session mta qid client ptr iprev helo from rcpts stage class device confidence flag mode verdict action exempt reason signals took end"

type tables struct{}

func (tables) Sizes() (int, int, int64) { return 3, 4, 5 }

func (tables) Tables(yield func(string, int, int64)) { yield("hosts", 6, 7) }

// hostile is a record whose every text is an attacker's.
func hostile(evil string) *policy.Record {
	f := &policy.Facts{
		Client: policy.Client{Session: "s1", MTA: "mx.example.test", Addr: netip.MustParseAddr("203.0.113.7"),
			Name: policy.Seen(evil), Iprev: policy.IprevFail},
		Greeting: policy.Greeting{Name: policy.Seen(evil)},
		Envelope: policy.Envelope{From: policy.Seen(evil)},
	}
	return &policy.Record{ID: "s1.1", Facts: f, Rcpts: 1, Stage: policy.StageEOM, Mode: policy.ModeTag, Took: 1234567, End: policy.EndEOM}
}

func line(json bool, r *policy.Record) string {
	var b bytes.Buffer
	rec := obs.Recorder{Log: obs.NewLog(&b, json, slog.LevelInfo), Metrics: obs.NewMetrics("test")}
	rec.Record(r)
	return b.String()
}

func TestVerdictLineHasTheContractsKeysInOrder(t *testing.T) {
	got := line(false, hostile("mx1.example.org"))
	var found []string
	for _, m := range regexp.MustCompile(`(?:^| )([a-z]+)=`).FindAllStringSubmatch(got, -1) {
		found = append(found, m[1])
	}
	if want := append([]string{"time", "level"}, strings.Fields(keys)...); !slices.Equal(found, want) {
		t.Errorf("keys\n got %v\nwant %v", found, want)
	}
	for _, want := range []string{" msg=verdict id=s1.1 ", " qid=- ", ` device="" `, " took=1.235ms end=eom\n", " iprev=fail ", " class=unknown "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

func TestSafety20LogCannotBeForged(t *testing.T) {
	for _, evil := range []string{
		"x action=accept", "x\nmsg=verdict id=forged", "x\" class=\"mailserver", "x\x00\x1b[2J\x7f", "\xff\xfe", "x\u2028y\u202e", "\u009b2J", "=", "", "a\tb",
	} {
		text := line(false, hostile(evil))
		if strings.Count(text, "\n") != 1 ||
			regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f]`).MatchString(text) {
			t.Errorf("%q gives %q", evil, text)
		}
		if unquoted := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllString(text, "Q"); strings.Count(unquoted, " action=") != 1 ||
			strings.Count(unquoted, " class=") != 1 || strings.Count(unquoted, " id=") != 1 {
			t.Errorf("%q forges a key: %q", evil, text)
		}
		var object map[string]any
		doc := line(true, hostile(evil))
		if regexp.MustCompile(`[\x7f-\x{9f}\x{2028}\x{202e}]`).MatchString(doc + text) {
			t.Errorf("%q reaches the terminal: %q %q", evil, doc, text)
		}
		if err := json.Unmarshal([]byte(doc), &object); err != nil || object["action"] != "accept" || strings.Count(doc, "\n") != 1 {
			t.Errorf("%q gives %q: %v", evil, doc, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	m := obs.NewMetrics("1.2.3")
	m.WatchTables(tables{})
	for _, e := range milter.Events {
		m.Event(e)
	}
	m.Sessions(2)
	m.FailOpen("panic")
	m.NamesSuspended(true)
	m.ClientHidden(true)
	m.LimitedBystander()
	m.Loaded(time.Unix(11, 0))
	m.Reload(false, time.Unix(12, 0))
	m.Built("networks", time.Unix(13, 0))
	m.Built("suffixes", time.Time{})
	m.StoreUp(true)
	m.StoreLoaded(8, 2*time.Second)
	m.StoreFlushed(9)
	m.StoreLost(10)
	rec := obs.Recorder{Log: slog.New(slog.DiscardHandler), Metrics: m}
	rec.Record(hostile("x"))
	exempt := hostile("x")
	exempt.Exempt, exempt.Reason = policy.ExemptRelay, policy.ReasonKept
	rec.Record(exempt) // counted where it was judged, not here
	exempt.Exempt, exempt.Reason = policy.ExemptNetwork, ""
	rec.Record(exempt)
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, s := range f.Metric {
			got[f.GetName()] += s.GetCounter().GetValue() + s.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"iot_milter_events_total": float64(len(milter.Events)), "iot_milter_sessions": 2, "iot_milter_fail_open_total": 1,
		"iot_milter_names_suspended": 1, "iot_milter_client_hidden": 1, "iot_milter_limited_bystander_total": 1,
		"iot_milter_reloads_total": 1, "iot_milter_config_ok": 0, "iot_milter_config_loaded_timestamp_seconds": 11,
		"iot_milter_data_built_timestamp_seconds": 13, "iot_milter_decisions_total": 1, "iot_milter_exempt_total": 1,
		"iot_milter_defer_entries": 3, "iot_milter_limit_entries": 4, "iot_milter_evictions_total": 5, "iot_milter_build_info": 1,
		"iot_milter_table_entries": 6, "iot_milter_table_lost_total": 7, "iot_milter_store_up": 1, "iot_milter_store_loaded_entries": 8,
		"iot_milter_store_load_seconds": 2, "iot_milter_store_flushed_total": 9, "iot_milter_store_lost_total": 10,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

// stuck is a log that nobody reads.
type stuck struct{ release chan struct{} }

func (s stuck) Write(p []byte) (int, error) { <-s.release; return len(p), nil }

func TestALogThatNobodyReadsDoesNotWait(t *testing.T) {
	var dropped atomic.Int64
	s := stuck{make(chan struct{})}
	lines := obs.NewLines(s, func(n int) { dropped.Add(int64(n)) })
	log := obs.NewLog(lines, false, slog.LevelInfo)
	for range 30_000 {
		log.Info("line")
	}
	close(s.release)
	if err := lines.Close(); err != nil {
		t.Error(err)
	}
	if dropped.Load() == 0 {
		t.Error("30,000 lines fit into 8,192 places")
	}
}

func TestLinesAreWrittenAtClose(t *testing.T) {
	var b bytes.Buffer
	lines := obs.NewLines(&b, func(int) {})
	log := obs.NewLog(lines, false, slog.LevelInfo)
	for range 1000 {
		log.Info("line")
	}
	if err := lines.Close(); err != nil || strings.Count(b.String(), "msg=line\n") != 1000 {
		t.Errorf("%v, %d lines", err, strings.Count(b.String(), "\n"))
	}
}

func BenchmarkVerdictLine(b *testing.B) {
	rec := obs.Recorder{Log: obs.NewLog(discard{}, false, slog.LevelInfo), Metrics: obs.NewMetrics("test")}
	r := hostile("mx1.example.org")
	r.Took = time.Millisecond
	b.ReportAllocs()
	for b.Loop() {
		rec.Record(r)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestServersDown: a source that a reload replaced takes back what it said, and
// leaves what the new one says.
func TestServersDown(t *testing.T) {
	m := obs.NewMetrics("test")
	m.WatchTables(tables{})
	a, b := netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("192.0.2.2:53")
	old, next := m.Source("dns"), m.Source("dns")
	old.ServerDown(a, true)
	next.ServerDown(a, true)
	next.ServerDown(a, true)
	next.ServerDown(b, false)
	old.ServerDown(a, false)
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "iot_milter_dns_servers_down" && f.GetMetric()[0].GetGauge().GetValue() != 1 {
			t.Errorf("%v", f)
		}
	}
}

// TestMetricsAreBoundOnce: of many who count what was not counted before, each counts.
func TestMetricsAreBoundOnce(t *testing.T) {
	m := obs.NewMetrics("test")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 1000 {
				m.Lookup("dns", []string{"answer", "nxdomain", "nodata"}[(i+j)%3], time.Millisecond)
			}
		})
	}
	all.Wait()
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted, timed := 0.0, uint64(0)
	for _, f := range families {
		for _, s := range f.Metric {
			switch f.GetName() {
			case "iot_milter_lookups_total":
				counted += s.GetCounter().GetValue()
			case "iot_milter_lookup_seconds":
				timed += s.GetHistogram().GetSampleCount()
			}
		}
	}
	if counted != 8000 || timed != 8000 {
		t.Errorf("%v counted, %d timed", counted, timed)
	}
}
