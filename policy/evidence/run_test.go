package evidence

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
)

// TestAtHand: what DNS has kept costs no goroutine and is there at once; it is counted
// like what was asked for, and what is not kept is asked for once.
func TestAtHand(t *testing.T) {
	w := newWorld(t, `
mail.example.org A 192.0.2.7
example.org MX 10 mail.example.org.
example.org TXT "v=spf1 ip4:192.0.2.7 -all"
half.example MX 10 mail.example.org.
half.example TXT "v=spf1 include:spf.half.example -all"
spf.half.example TXT "v=spf1 ip4:192.0.2.7 -all"
`, nil)
	c := clientOf("192.0.2.7", policy.IprevPass, "other.example.org")
	session := func(from string) *lookups {
		l := w.Start(c).(*lookups)
		l.Greeting(helo("mail.example.org"))
		l.Sender(policy.Envelope{From: policy.Seen(from)})
		return l
	}
	check := func(what string, f *policy.Facts) {
		t.Helper()
		if f.Confirmed != policy.IprevPass || f.Sending != policy.IprevPass || f.SPF != policy.SPFPass {
			t.Errorf("%s: %v %v %v", what, f.Confirmed, f.Sending, f.SPF)
		}
	}
	check("asked for", all(t, session("a@example.org"), c))
	asked := w.dns.Count("", "")

	l, f := session("b@example.org"), &policy.Facts{Client: c}
	if err := l.Await(ended, f); err != nil || l.ctx != nil {
		t.Errorf("%v; in the background: %v", err, l.ctx != nil)
	}
	check("at hand", f)
	if n := w.dns.Count("", ""); n != asked {
		t.Errorf("%d questions", n-asked)
	}
	for _, outcome := range []string{"helo pass", "sender pass", "spf pass"} {
		if n := w.meter.of(outcome); n != 2 {
			t.Errorf("%d times %s", n, outcome)
		}
	}

	if _, err := w.opts.DNS.TXT(context.Background(), "half.example"); err != nil {
		t.Fatal(err)
	}
	if l := session("a@half.example"); l.ctx == nil {
		t.Error("half of the answers are not all")
	} else {
		check("half at hand", all(t, l, c))
	}
	if n := w.meter.of("spf pass"); n != 3 {
		t.Errorf("%d times, the third included", n)
	}
}

// TestAtHandAmongMany: what a session finds at hand or later is about its own client and
// its own last HELO, whoever else asks the same and goes in the midst of it.
func TestAtHandAmongMany(t *testing.T) {
	w := newWorld(t, "mail.example.org A 192.0.2.7\nother.example.org A 192.0.2.8\n!drop slow.example.org\n", nil)
	hosts := map[string]string{"192.0.2.7": "mail.example.org", "192.0.2.8": "other.example.org"}
	others := map[string]string{"192.0.2.7": "other.example.org", "192.0.2.8": "mail.example.org"}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var sessions sync.WaitGroup
	for i := range 8 {
		sessions.Go(func() {
			for n := range 60 {
				for addr, own := range hosts {
					l, f := w.Start(clientOf(addr, policy.IprevPass, "x.example.net")), &policy.Facts{}
					if (i+n)%4 == 0 {
						l.Greeting(helo("slow.example.org"))
						l.Close()
						continue
					}
					want, name := policy.IprevPass, own
					if (i+n)%4 == 1 {
						want, name = policy.IprevFail, others[addr]
						l.Greeting(helo(own))
					}
					l.Greeting(helo(name))
					if err := l.Await(ctx, f); err != nil || f.Confirmed != want {
						t.Errorf("%s as %s: %v, %v", addr, name, f.Confirmed, err)
					}
					l.Close()
				}
			}
		})
	}
	sessions.Wait()
}

// hasty is a DNS that knows nothing of glances.
type hasty struct{ DNS }

func (hasty) Addrs(ctx context.Context, name string, family int) ([]netip.Addr, error) {
	if ctx.Err() != nil {
		return nil, &resolve.Error{Failure: resolve.Timeout}
	}
	return []netip.Addr{netip.MustParseAddr("192.0.2.7")}, nil
}

// TestAtHandOfAnotherDNS: that it has no answer for who does not wait says nothing.
func TestAtHandOfAnotherDNS(t *testing.T) {
	w := newWorld(t, "", func(o *Options) { o.DNS = hasty{} })
	c := clientOf("192.0.2.7", policy.IprevPass, "other.example.org")
	l := w.Start(c)
	l.Greeting(helo("mail.example.org"))
	if f := all(t, l, c); f.Confirmed != policy.IprevPass || w.meter.of("helo pass") != 1 || w.meter.of("helo temperror") != 0 {
		t.Errorf("%v, %v", f.Confirmed, w.meter.n)
	}
}

// broken is a DNS with a bug.
type broken struct{ DNS }

func (broken) Addrs(context.Context, string, int) ([]netip.Addr, error) { panic("dns") }

// TestSafety16PanicAtHand: it is the session's goroutine that would die of it.
func TestSafety16PanicAtHand(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, "", func(o *Options) { o.DNS, o.Log = broken{}, slog.New(slog.NewTextHandler(&log, nil)) })
	c := clientOf("192.0.2.7", policy.IprevPass, "other.example.org")
	for range 3 {
		l := w.Start(c)
		l.Greeting(helo("mail.example.org"))
		if f := all(t, l, c); f.Confirmed != policy.IprevUnknown {
			t.Error(f.Confirmed)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || w.meter.of("helo panic") != 3 {
		t.Errorf("%d lines, counted %v", n, w.meter.n)
	}
}

// TestLookupsAreSmall: each connection has them. The allocator has sizes of its own: those
// above are of 704 bytes.
func TestLookupsAreSmall(t *testing.T) {
	const header = 8 // that the allocator puts before it
	if n := unsafe.Sizeof(lookups{}) + header; n > 640 {
		t.Errorf("%d bytes", n)
	}
}
