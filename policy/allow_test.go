package policy_test

import (
	"testing"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state/allow"
)

// TestAllowed: who is on the list is not judged, from the next connection on; a name
// counts only when it is confirmed, be it by the own look-up.
func TestAllowed(t *testing.T) {
	list, err := allow.Open("")
	if err != nil {
		t.Fatal(err)
	}
	found := &stub{}
	s := enforcing()
	w := newWorldWith(t, s, found, func(o *decider.Options) { o.Allow = list })
	refused := func() bool {
		rcpts, _ := talk(w, client(func(c *policy.Client) { c.Iprev = policy.IprevFail }), "DiskStation", plain(), "u@example.test")
		return rcpts[0].Refuses()
	}
	if !refused() {
		t.Fatal("a device is not refused")
	}
	if err := list.Add(allow.Entry{What: "isp.example", Added: began}); err != nil {
		t.Fatal(err)
	}
	if !refused() {
		t.Error("an unconfirmed name is allowed")
	}
	found.ptr, found.iprev = policy.Seen(lineName), policy.IprevPass
	w.taken()
	if refused() {
		t.Error("a name that the own look-up confirmed is refused")
	}
	if d := w.taken(); len(d) != 1 || d[0].Exempt != policy.ExemptAllowed || d[0].Action != "accept" {
		t.Errorf("%+v", d)
	}
	if _, err := list.Remove("isp.example"); err != nil {
		t.Fatal(err)
	}
	if !refused() {
		t.Error("it is still allowed")
	}
}
