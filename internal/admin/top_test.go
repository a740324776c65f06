package admin_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// nobody takes decisions.
type nobody struct{}

func (nobody) Record(*policy.Record) {}

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func newTop() (*admin.Top, *clock) {
	c := &clock{at: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)}
	return admin.NewTop(nobody{}, c.now), c
}

// decision is a device's at the address.
func decision(addr string, flag policy.Flag) *policy.Record {
	return &policy.Record{
		Facts: &policy.Facts{Client: policy.Client{Addr: netip.MustParseAddr(addr)}}, Action: policy.ActionTag,
		Judgement: &policy.Judgement{Class: policy.ClassDevice, Device: device.NAS, Flag: flag},
	}
}

func TestTopCounts(t *testing.T) {
	top, c := newTop()
	top.Record(decision("203.0.113.7", policy.FlagYes))
	top.Record(decision("::ffff:203.0.113.200", policy.FlagSuspect))
	top.Record(decision("2001:db8:1:2::3", policy.FlagSuspect))
	top.Record(decision("198.51.100.1", policy.FlagNo))
	exempt := decision("192.0.2.1", policy.FlagYes)
	exempt.Exempt = policy.ExemptAllowed
	top.Record(exempt)
	top.Record(&policy.Record{Facts: new(policy.Facts), Reason: policy.ReasonFailOpen})
	snapshot := func() (s admin.Snapshot) { top.Fill(&s, 10); return s }
	counts := func(c admin.Counts) string { b, _ := json.Marshal(c); return string(b) }
	s := snapshot()
	want := `{"decisions":6,"exempt":1,"fail_open":1,"suspects":3,"class":{"device":4},"action":{"accept":1,"tag":5},"device":{"nas":4}}`
	if got := counts(s.Decisions); got != want {
		t.Errorf("since the start %s", got)
	}
	if got := counts(s.Minute); got != want {
		t.Errorf("last minute %s", got)
	}
	if len(s.Networks) != 2 || s.Networks[0].Network.String() != "203.0.113.0/24" || s.Networks[0].Suspects != 2 ||
		s.Networks[0].Flagged != 1 || s.Networks[1].Network.String() != "2001:db8:1::/48" {
		t.Errorf("networks %v", s.Networks)
	}
	c.add(59 * time.Second)
	if s := snapshot(); s.Minute.Decisions != 6 {
		t.Errorf("after 59 s: %d", s.Minute.Decisions)
	}
	c.add(2 * time.Second)
	if s := snapshot(); s.Minute.Decisions != 0 || s.Decisions.Decisions != 6 || len(s.Networks) != 2 {
		t.Errorf("after a minute: %+v", s)
	}
	c.add(30 * time.Minute)
	top.Record(decision("203.0.113.9", policy.FlagSuspect))
	if n := snapshot().Networks[0]; n.Suspects != 3 {
		t.Errorf("within the hour: %+v", n)
	}
	c.add(30 * time.Minute)
	if s := snapshot(); len(s.Networks) != 1 || s.Networks[0].Suspects != 1 {
		t.Errorf("after an hour: %v", s.Networks)
	}
	top.Forget(netip.MustParsePrefix("203.0.113.9/32"))
	if s := snapshot(); len(s.Networks) != 0 {
		t.Errorf("forgotten: %v", s.Networks)
	}
}

func TestTopRates(t *testing.T) {
	top, c := newTop()
	at := decision("203.0.113.7", policy.FlagYes)
	at.Facts.Found.Network = policy.Network{ASN: 64500, Name: "an ISP"}
	top.Record(at)
	c.add(5 * time.Minute)
	top.Record(at)
	r := top.Rates(2*time.Minute, 30)
	if len(r.Counts) != 30 || r.Counts[29].Class["device"] != 1 || r.Counts[27].Device["nas"] != 1 || r.Counts[28].Decisions != 0 {
		t.Errorf("%+v", r.Counts[25:])
	}
	if want := time.Date(2026, 11, 22, 19, 6, 0, 0, time.UTC); !r.Since.Equal(want) {
		t.Errorf("since %v", r.Since)
	}
	var s admin.Snapshot
	top.Fill(&s, 10)
	if len(s.ASNs) != 1 || s.ASNs[0].ASN != 64500 || s.ASNs[0].Suspects != 2 || s.ASNs[0].Name != "an ISP" {
		t.Errorf("%+v", s.ASNs)
	}
	c.add(24 * time.Hour)
	if r := top.Rates(time.Hour, 24); r.Counts[0].Decisions != 0 || r.Counts[23].Decisions != 0 {
		t.Errorf("after a day %+v", r.Counts)
	}
}

// A clock that is set back, or to before 1970, counts on.
func TestTopWithAWrongClock(t *testing.T) {
	top, c := newTop()
	top.Record(decision("203.0.113.7", policy.FlagYes))
	c.add(-100 * 365 * 24 * time.Hour)
	top.Record(decision("203.0.113.7", policy.FlagYes))
	var s admin.Snapshot
	top.Fill(&s, 10)
	if s.Decisions.Decisions != 2 || s.Minute.Decisions != 1 || s.Networks[0].Suspects != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTopIsBounded(t *testing.T) {
	top, _ := newTop()
	often := decision("203.0.113.7", policy.FlagYes)
	for i := range 10_000 {
		top.Record(decision(fmt.Sprintf("10.%d.%d.1", i/256, i%256), policy.FlagYes))
		if i%100 == 0 {
			top.Record(often)
		}
	}
	var s admin.Snapshot
	top.Fill(&s, 20)
	if len(s.Networks) != 20 || s.Networks[0].Network.String() != "203.0.113.0/24" || s.Networks[0].Suspects != 100 {
		t.Errorf("%v", s.Networks)
	}
	top.Fill(&s, 1_000_000)
	if len(s.Networks) != 2048 {
		t.Errorf("%d networks are kept", len(s.Networks))
	}
	if n := testing.AllocsPerRun(100, func() { top.Record(often) }); n != 0 {
		t.Errorf("%v allocations a decision", n)
	}
}

func TestTopByMany(t *testing.T) {
	top, _ := newTop()
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			for range 1000 {
				top.Record(decision(fmt.Sprintf("203.0.%d.7", i), policy.FlagYes))
			}
		})
	}
	for range 20 {
		var s admin.Snapshot
		top.Fill(&s, 10)
	}
	wait.Wait()
	var s admin.Snapshot
	top.Fill(&s, 10)
	if s.Decisions.Decisions != 4000 || len(s.Networks) != 4 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkTop(b *testing.B) {
	top := admin.NewTop(nobody{}, time.Now)
	d := decision("203.0.113.7", policy.FlagYes)
	b.ReportAllocs()
	for b.Loop() {
		top.Record(d)
	}
}
