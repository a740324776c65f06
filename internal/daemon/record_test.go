package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
)

// decided keeps the last decision.
type decided struct{ last policy.Record }

func (d *decided) Record(r *policy.Record) { d.last = *r }

// BenchmarkRecord is what the session of a decision does to have it logged, counted,
// shown and kept, by all the recorders in the order in which the daemon has them. What is
// done behind the mail path (writing, packing) is another goroutine's.
func BenchmarkRecord(b *testing.B) { benchmarkRecord(b, "") }

// BenchmarkRecordKeepsNothing is the same with history.days = 0.
func BenchmarkRecordKeepsNothing(b *testing.B) { benchmarkRecord(b, "[history]\ndays = 0\n") }

func benchmarkRecord(b *testing.B, history string) {
	dir := b.TempDir()
	c, _, err := conf.Parse("", fmt.Appendf(nil, "state_dir = %q\n[dns]\nenabled = false\n%s", dir, history))
	if err != nil {
		b.Fatal(err)
	}
	metrics := obs.NewMetrics("test")
	lines := obs.NewLines(io.Discard, metrics.LogDropped)
	defer lines.Close()
	log := obs.NewLog(lines, false, slog.LevelInfo)
	memory, err := openMemory(c, log, metrics)
	if err != nil {
		b.Fatal(err)
	}
	defer memory.close()
	e := openEvents(c, admin.NewTop(&obs.Recorder{Log: log, Metrics: metrics}, time.Now), memory.state(), log, metrics)
	defer e.close()

	var kept decided
	d := decider.New(decider.Options{Recorder: &kept, Meter: metrics, Log: log, Now: time.Now, State: memory.state()}, Settings(c))
	k := d.Open(policy.Client{
		Session: "k7m2x9q4t8ab", MTA: "mx.example.test", Addr: netip.MustParseAddr("203.0.113.7"), Port: 4000, At: time.Now(),
		Name: policy.Seen("cpe-203-0-113-7.dyn.isp.example"), Iprev: policy.IprevPass,
	})
	k.Greeting(policy.Greeting{Name: policy.Seen("DiskStation")})
	k.Sender(policy.Envelope{From: policy.Seen("a@example.org")})
	k.Recipient(context.Background(), "u@example.test")
	k.Message(context.Background(), "4F2A1", nil)
	k.End(policy.EndEOM)
	if j := kept.last.Judgement; j == nil || j.Class != policy.ClassDevice {
		b.Fatalf("%+v", j)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := kept.last
		e.addresses.Record(&r)
	}
}
