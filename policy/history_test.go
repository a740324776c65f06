package policy_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
)

// TestHistoryThatComesLate: what becomes known of an address after CONNECT, such as from
// another host, counts; what the session itself shows does not.
func TestHistoryThatComesLate(t *testing.T) {
	memory, err := state.New(state.Options{Entries: 10})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWith(t, defaults(), nil, func(o *decider.Options) { o.State = memory })
	thing := state.Visit{At: began.Add(-time.Hour), Flag: policy.FlagYes, Class: policy.ClassDevice, Device: device.NAS}
	seen := func(d policy.Decision) bool {
		return slices.ContainsFunc(d.Signals, func(s policy.DecisionSignal) bool { return strings.HasPrefix(s.Name, "history-device") })
	}
	for _, known := range []bool{false, true} {
		c := client(nil)
		k := w.Open(c)
		if known {
			memory.Visit(c.Addr, thing)
		}
		for range 2 {
			k.Greeting(helo("DiskStation"))
			k.Sender(sender("a@example.com"))
			k.Recipient(context.Background(), "u@example.test")
			k.Message(context.Background(), "Q", plain())
			k.End(policy.EndEOM)
		}
		k.Close()
		for i, d := range w.taken() {
			if seen(d) != known {
				t.Errorf("message %d, known %v: %+v", i, known, d.Signals)
			}
		}
		memory.Forget(state.Network(c.Addr))
	}
}
