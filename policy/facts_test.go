package policy_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/racetest"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
	"github.com/iot-milter/iot-milter/policy/state"
)

const factsZone = `
80.2.0.192.in-addr.arpa 86400 PTR mail.example.org.
mail.example.org 86400 A 192.0.2.80
7.113.0.203.in-addr.arpa 86400 PTR cpe-203-0-113-7.dyn.isp.example.
cpe-203-0-113-7.dyn.isp.example 86400 A 203.0.113.7
80.2.0.192.origin.asn.cymru.com 86400 TXT "64496 | 192.0.2.0/24 | ZZ | arin | 2001-01-01"
7.113.0.203.origin.asn.cymru.com 86400 TXT "64497 | 203.0.113.0/24 | ZZ | arin | 2001-01-01"
2.0.0.127.list.example A 127.0.0.2
7.113.0.203.list.example 86400 A 127.0.0.10
`

// remembering is a decider whose evidence comes from a real DNS server, and stays.
func remembering(t testing.TB) (*decider.Decider, *dnstest.Server) {
	t.Helper()
	server, err := dnstest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if err := server.Set(factsZone); err != nil {
		t.Fatal(err)
	}
	r, err := resolve.New(resolve.Options{Servers: []netip.AddrPort{server.Addr()}, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	memory, err := state.New(state.Options{Entries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	c := evidence.New(evidence.Options{
		DNS: r, Cymru: true, Lists: []evidence.List{{Zone: "list.example", Kind: policy.ListAccess}},
		Facts: evidence.NewFacts(memory, time.Now),
	})
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.Settle(ctx)
	s := defaults()
	s.Evidence, s.Patient, s.Deadline = c, true, 5*time.Second
	d := quietly(t, s)
	for _, one := range known { // once with look-ups
		upToRcpt(d, one.client, one.helo)
	}
	s = defaults()
	s.Evidence = c
	d.Swap(s)
	return d, server
}

// known are clients of whom the MTA tells the address alone.
var known = map[string]struct {
	client policy.Client
	helo   string
	class  policy.Class
}{
	"mailserver": {client(func(c *policy.Client) { server(c); c.Name, c.Iprev = policy.Text{}, policy.IprevUnknown }), serverName, policy.ClassMailserver},
	"device":     {client(func(c *policy.Client) { c.Name, c.Iprev = policy.Text{}, policy.IprevUnknown }), "DiskStation", policy.ClassDevice},
}

// upToRcpt plays a connection up to its first recipient.
func upToRcpt(d *decider.Decider, c policy.Client, name string) policy.Verdict {
	k := d.Open(c)
	k.Greeting(helo(name))
	k.Sender(sender(""))
	v := k.Recipient(background, "u@example.test")
	k.End(policy.EndAbort)
	k.Close()
	return v
}

// TestVerdictFromFacts pins what the verdict on a client costs all of whose facts are in
// hand, from CONNECT to RCPT: no question is asked, and what is allocated is the case,
// the look-ups with their context, the message's id and parsed names.
func TestVerdictFromFacts(t *testing.T) {
	d, server := remembering(t)
	asked := server.Count("", "")
	for name, one := range known {
		n := testing.AllocsPerRun(200, func() { upToRcpt(d, one.client, one.helo) })
		t.Logf("%s: %v allocations", name, n)
		if n > 9 && !racetest.Enabled {
			t.Errorf("%s: %v allocations, at most 9", name, n)
		}
	}
	if n := server.Count("", "") - asked; n > 0 {
		t.Errorf("%d questions", n)
	}
}

// TestNamesAreParsedAlike: in whatever order the names come and change, and whether or
// not one is the other, each says what it says alone.
func TestNamesAreParsedAlike(t *testing.T) {
	addr := netip.MustParseAddr("203.0.113.7")
	texts := []policy.Text{
		{}, policy.Seen(""), policy.Seen("mx1.example.org"), policy.Seen("MX1.example.org"), policy.Seen("mx1.example.org."),
		policy.Seen("cpe-203-0-113-7.dyn.isp.example"), policy.Seen("DiskStation"), policy.Seen("[203.0.113.7]"), policy.Seen("a b"),
	}
	alone := func(text policy.Text) (n device.Name) {
		if name, ok := text.Get(); ok {
			n = device.Parse(name, addr)
		}
		return n
	}
	f := policy.Facts{Client: policy.Client{Addr: addr}}
	for _, ptr := range texts {
		for _, helo := range texts {
			f.Client.Name, f.Greeting.Name = ptr, helo
			f.ParseClient()
			f.ParseGreeting()
			if f.PTR != alone(ptr) || f.HELO != alone(helo) {
				t.Errorf("%q and %q:\n%+v\n%+v", ptr, helo, f.PTR, f.HELO)
			}
			f.Client.Name = helo // an own look-up came after the greeting
			f.ParseClient()
			if f.PTR != alone(helo) {
				t.Errorf("%q anew: %+v", helo, f.PTR)
			}
		}
	}
}

// BenchmarkVerdict is that, beside the same without any look-up.
func BenchmarkVerdict(b *testing.B) {
	d, _ := remembering(b)
	for _, name := range []string{"mailserver", "device"} {
		one := known[name]
		b.Run("facts/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				upToRcpt(d, one.client, one.helo)
			}
		})
		b.Run("told/"+name, func(b *testing.B) {
			d := quietly(b, defaults())
			b.ReportAllocs()
			for b.Loop() {
				upToRcpt(d, clients[name].client, one.helo)
			}
		})
	}
}
