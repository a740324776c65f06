package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
)

// client is a host that sends mail. What it is and says follows from its number.
type client struct {
	n    int
	addr netip.Addr
	kind policy.Class
}

const (
	perNetwork = 10      // clients of one /24: assumed
	firstNew   = 1 << 20 // numbers from here on were never seen before
)

// kinds has a class for each hundredth of the connections, as [prior] has them.
var kinds = func() (list [100]policy.Class) {
	p, n := conf.Default().Prior, 0
	for _, k := range []struct {
		class policy.Class
		share float64
	}{{policy.ClassMailserver, p.Mailserver}, {policy.ClassHosting, p.Hosting}, {policy.ClassBusiness, p.Business},
		{policy.ClassAccess, p.Access}, {policy.ClassDevice, p.Device}} {
		for range int(k.share*100 + .5) {
			list[n] = k.class
			n++
		}
	}
	return list
}()

// clientOf is the nth client. Its address is in 240.0.0.0/4, which is nobody's (RFC 1112, section 4),
// and has room for all; networks that follow each other are apart.
func clientOf(n int) client {
	const networks = 1 << 20 // /24s
	network := uint32(n/perNetwork) * 0x9e375 % networks
	return client{n: n, kind: kinds[n*61%100],
		addr: netip.AddrFrom4([4]byte{240 | byte(network>>16), byte(network >> 8), byte(network), byte(n%perNetwork*25 + 1)})}
}

// numberOf is the number in a host's name, -1 where there is none.
func numberOf(name string) int {
	_, domain, _ := strings.Cut(name, ".")
	label, _, _ := strings.Cut(domain, ".")
	n, err := strconv.Atoi(strings.TrimLeft(label, "cfv"))
	if err != nil {
		return -1
	}
	return n
}

// names are what DNS has for the client and what it greets with.
func (c client) names() (ptr, helo, domain string) {
	dashed := strings.ReplaceAll(c.addr.String(), ".", "-")
	switch c.kind {
	case policy.ClassMailserver:
		name := fmt.Sprintf("mail.c%d.example.net", c.n)
		return name, name, fmt.Sprintf("c%d.example.net", c.n)
	case policy.ClassHosting:
		return "vps-" + dashed + ".hosting.example", fmt.Sprintf("web.v%d.example.org", c.n), fmt.Sprintf("v%d.example.org", c.n)
	case policy.ClassBusiness:
		return "static-" + dashed + ".business.isp.example", fmt.Sprintf("mail.f%d.example.org", c.n), fmt.Sprintf("f%d.example.org", c.n)
	case policy.ClassDevice:
		return "cpe-" + dashed + ".dyn.isp.example", "DiskStation", fmt.Sprintf("c%d.example.com", c.n%5000)
	}
	return "cpe-" + dashed + ".dyn.isp.example", "user-pc", fmt.Sprintf("c%d.example.com", c.n%5000)
}

// traffic chooses who connects. It is for one goroutine.
type traffic struct {
	r     *rand.Rand
	known *rand.Zipf
	fresh float64 // share of connections from addresses that no host has seen
	next  int     // number of the next such
}

func newTraffic(o *options, fresh float64) *traffic {
	r := rand.New(rand.NewPCG(1, uint64(o.from)))
	return &traffic{r: r, known: rand.NewZipf(r, o.zipf, 1, uint64(o.known-1)), fresh: fresh, next: firstNew + o.from}
}

func (t *traffic) client() client {
	if t.r.Float64() < t.fresh {
		t.next++
		return clientOf(t.next)
	}
	return clientOf(int(t.known.Uint64()))
}

// mail fills in the header of a client's message: those of suspects have some hundred templates.
func (c client) mail(h *policy.Headers) {
	h.Reset("")
	field := func(name, value string) { h.Add([]byte(name), []byte(value)) }
	field("From", "A <a@example.org>")
	field("To", "u@example.test")
	field("Subject", "minutes of "+words[c.n%len(words)])
	field("Date", "Sun, 22 Nov 2026 20:00:00 +0000")
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8")
	if c.n%2 == 0 {
		field("Reply-To", "a@example.org")
	}
	field("X-Mailer", "Mailer "+words[c.n/7%len(words)])
	field("Message-ID", fmt.Sprintf("<%d@example.org>", c.n))
	for range 11 {
		field("Received", "from a.example.org by b.example.org")
	}
}

var words = strings.Fields("autumn bridge candle desert engine forest garden harbour island jacket kitchen ladder market needle orange pepper quarry river saddle tunnel")

// zones are the DNS lists that can be asked, as in the sample configuration but for their names.
var zones = []evidence.List{
	{Zone: "one.lists.example", Kind: policy.ListAccess, Weight: policy.ListWeight(policy.ListAccess, 5, "simulated")},
	{Zone: "two.lists.example", Kind: policy.ListProxy, Weight: policy.ListWeight(policy.ListProxy, 5, "simulated")},
}

// dns answers in place of a resolver and counts the questions, each of them: the daemon's own resolver keeps
// answers, and sends fewer.
type dns struct {
	delay time.Duration
	asked atomic.Int64
}

var errNone = &resolve.Error{Failure: resolve.NXDomain}

func (d *dns) answer(ctx context.Context) error {
	d.asked.Add(1)
	if d.delay == 0 {
		return nil
	}
	t := time.NewTimer(d.delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return &resolve.Error{Failure: resolve.Timeout, Err: ctx.Err()}
	}
}

// Addrs implements evidence.DNS: lists have some of the consumers' lines, and names what their number says.
func (d *dns) Addrs(ctx context.Context, name string, family int) ([]netip.Addr, error) {
	if err := d.answer(ctx); err != nil {
		return nil, err
	}
	if reversed, ok := strings.CutSuffix(name, ".lists.example"); ok {
		octets := strings.Split(reversed, ".")
		if octets[3] == "127" && octets[0] == "2" || octets[3] != "127" && octets[0] > "5" {
			return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 10})}, nil
		}
		return nil, errNone
	}
	if n := numberOf(name); n >= 0 && family == 4 && !strings.HasSuffix(name, ".example.com") {
		return []netip.Addr{clientOf(n).addr}, nil
	}
	return nil, errNone
}

// Names implements evidence.DNS.
func (d *dns) Names(ctx context.Context, _ netip.Addr) ([]string, error) {
	if err := d.answer(ctx); err != nil {
		return nil, err
	}
	return nil, errNone
}

// MX implements evidence.DNS.
func (d *dns) MX(ctx context.Context, domain string) ([]resolve.MX, error) {
	if err := d.answer(ctx); err != nil {
		return nil, err
	}
	return []resolve.MX{{Host: "mx." + domain}}, nil
}

// TXT implements evidence.DNS.
func (d *dns) TXT(ctx context.Context, _ string) ([]string, error) {
	if err := d.answer(ctx); err != nil {
		return nil, err
	}
	return []string{"v=spf1 -all"}, nil
}

func (d *dns) spf(netip.Addr) evidence.SPFResolver { return spfNames{d} }

// spfNames is dns as the library of SPF asks it.
type spfNames struct{ *dns }

func (s spfNames) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return s.TXT(ctx, name)
}

func (s spfNames) LookupMX(context.Context, string) ([]*net.MX, error) { return nil, errNone }

func (s spfNames) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) { return nil, errNone }

func (s spfNames) LookupAddr(context.Context, string) ([]string, error) { return nil, errNone }
