package decider

import (
	"context"
	"log/slog"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// recorded keeps the last decision in words.
type recorded struct{ last policy.Decision }

func (r *recorded) Record(rec *policy.Record) { r.last = rec.Decision() }

// limiting is a Decider that limits suspects.
func limiting(t *testing.T) (*Decider, *recorded) {
	t.Helper()
	memory, err := state.New(state.Options{Entries: 1000, Hosts: 1000})
	if err != nil {
		t.Fatal(err)
	}
	r := new(recorded)
	return New(Options{Recorder: r, Meter: new(told), Log: slog.New(slog.DiscardHandler), Now: time.Now, State: memory}, &Settings{
		Rules: policy.Rules{
			Mode: policy.ModeEnforce, EnforceAt: policy.StageRcpt, Hostname: "mx.example.test",
			Prior:      policy.PerClass{policy.ClassMailserver: 0.6, policy.ClassHosting: 0.05, policy.ClassBusiness: 0.05, policy.ClassAccess: 0.25, policy.ClassDevice: 0.05},
			Thresholds: policy.Thresholds{Device: 0.9, Access: 0.95}, Device: policy.ActionLimit, Access: policy.ActionLimit,
		},
		Limits: []Limit{{Name: "few", Classes: []policy.Class{policy.ClassAccess, policy.ClassDevice}, Keys: []LimitKey{KeyPrefix}, Rate: state.Rate{Count: 2, Per: time.Hour}}},
	}), r
}

func clientOf(session string) policy.Client {
	return policy.Client{Session: session, MTA: "mx.example.test", Addr: netip.MustParseAddr("203.0.113.7"), At: time.Unix(1_800_000_000, 0),
		Name: policy.Seen("cpe-203-0-113-7.dyn.isp.example"), Iprev: policy.IprevPass}
}

// play is a session of one message whose every part is set.
func play(c *decision) {
	h := new(policy.Headers)
	h.Add([]byte("From"), []byte("A <a@example.org>"))
	c.Greeting(policy.Greeting{Name: policy.Seen("DiskStation")})
	c.Greeting(policy.Greeting{Name: policy.Seen("DiskStation2")})
	c.Sender(policy.Envelope{From: policy.Seen("a@example.org")})
	for range 4 {
		c.Recipient(context.Background(), "u@example.test")
	}
	c.Message(context.Background(), "4F2A1", h)
}

// TestClosedLeavesNothing of a connection to the one that has its memory next.
func TestClosedLeavesNothing(t *testing.T) {
	d, r := limiting(t)
	c := d.Open(clientOf("s1")).(*decision)
	play(c)
	c.End(policy.EndEOM)
	if r.last.Class != "access" || len(r.last.Limits) == 0 {
		t.Fatalf("%+v", r.last)
	}
	play(c) // a message stays open
	c.Close()
	if len(c.limits.draws)+len(c.limits.of)+len(c.limits.used) > 0 {
		t.Errorf("%+v", c.limits)
	}
	c.limits = limits{}
	if !reflect.DeepEqual(c, new(decision)) {
		t.Errorf("%+v", c)
	}
}

// TestBrokenIsNotUsedAgain: nobody knows what own trouble left.
func TestBrokenIsNotUsedAgain(t *testing.T) {
	d, _ := limiting(t)
	c := d.Open(clientOf("s1")).(*decision)
	play(c)
	c.Fail("panic")
	c.End(policy.EndEOM)
	c.Close()
	for range 10 {
		if d.Open(clientOf("s2")).(*decision) == c {
			t.Error("used again")
		}
	}
}

// TestClosedTwice gives nobody's memory away.
func TestClosedTwice(t *testing.T) {
	d, _ := limiting(t)
	c := d.Open(clientOf("s1"))
	c.Close()
	c.Close()
	if a, b := d.Open(clientOf("s2")).(*decision), d.Open(clientOf("s3")).(*decision); a == b {
		t.Error("one decision for two connections")
	}
}
