package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

const (
	workers    = 2
	waiting    = 64              // clients that wait for their turn
	grace      = 2 * time.Second // that Close lets a probe that is under way go on
	maxContact = 200
)

// Options says who asks. Source and Contact have no default; the zero value of
// each other field is its default.
type Options struct {
	// Source is the address of this machine that connections come from. It should
	// be no MX's and send no mail. It decides the family: clients of the other
	// one are not probed.
	Source netip.Addr
	// Contact is shown to who is probed: the address of a page, http(s)://, or a
	// mail address.
	Contact string
	// Ports are those that are asked, in this order; nil is DefaultPorts.
	Ports []uint16
	// Never are networks that are not probed: the admin's own and those of who
	// opted out.
	Never []netip.Prefix
	// Before is the prober that this one takes the place of, which New closes: what it
	// did counts, and what it knows is known.
	Before *Prober
	Book   Book // nil keeps nothing
	Log    *slog.Logger
	Meter  Meter
	Now    func() time.Time

	// Only tests can set these: clients on the loopback interface, whose services
	// are on any ports and are waited for less long.
	loopback bool
	services map[uint16]*protocol
	patience patience
}

// Book keeps what probes saw for a day, since addresses of lines change hands;
// evidence.Facts is one. It is called from many goroutines and must not wait.
type Book interface {
	// Banner returns what the probe of an address saw, a banner without a kind where that
	// was no device; ok is false where there was none.
	Banner(addr netip.Addr) (b policy.Banner, ok bool)
	KeepBanner(addr netip.Addr, b policy.Banner)
	ForgetBanner(addr netip.Addr)
}

type blank struct{}

func (blank) Banner(netip.Addr) (policy.Banner, bool) { return policy.Banner{}, false }
func (blank) KeepBanner(netip.Addr, policy.Banner)    {}
func (blank) ForgetBanner(netip.Addr)                 {}

// Meter counts. It is called from many goroutines and must not wait.
type Meter interface {
	// Probe is called once for each client that Suspect was given, but for those
	// that waited when it was closed; outcome is one of Outcomes, and took is zero
	// where there was no probe.
	Probe(outcome string, took time.Duration)
}

type unmetered struct{}

func (unmetered) Probe(string, time.Duration) {}

// Prober probes clients, with two goroutines of its own. Its methods may be called
// from many goroutines, and but for Close none waits for the network.
type Prober struct {
	o      Options
	places []place
	never  []netip.Prefix
	own    []netip.Prefix // addresses of this machine
	agent  string

	ctx     context.Context // of all connections
	cut     context.CancelFunc
	working sync.WaitGroup
	queue   chan netip.Addr // is sent to only under mu

	mu      sync.Mutex
	closed  bool
	rate    rate
	trouble error // of the last probe, if it was ours
}

// New returns a Prober that is ready; Close ends it.
func New(o Options) (*Prober, error) {
	if err := checkSource(o.Source, o.loopback); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	contact, err := checkContact(o.Contact)
	if err != nil {
		return nil, fmt.Errorf("contact: %w", err)
	}
	p := &Prober{agent: "iot-milter (+" + contact + ")", queue: make(chan netip.Addr, waiting)}
	if p.places, err = places(o.Ports, o.services); err != nil {
		return nil, err
	}
	for _, n := range o.Never {
		if !n.IsValid() {
			return nil, errors.New("an exempt network is none")
		}
		p.never = append(p.never, unmap(n))
	}
	if o.Book == nil {
		o.Book = blank{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Meter == nil {
		o.Meter = unmetered{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.patience == (patience{}) {
		o.patience = usual
	}
	p.o, p.own = o, ownAddresses()
	if o.Before != nil {
		p.follow(o.Before)
	}
	p.ctx, p.cut = context.WithCancel(context.Background())
	for range workers {
		p.working.Go(p.work)
	}
	return p, nil
}

// follow takes over who was probed in the last hour.
func (p *Prober) follow(old *Prober) {
	p.o.Before = nil
	old.Close()
	old.mu.Lock()
	defer old.mu.Unlock()
	for _, l := range old.rate.lines {
		if !l.waiting {
			p.rate.lines = append(p.rate.lines, l)
		}
	}
}

// checkSource binds a socket to the address: only this machine's can be, and no
// packet leaves it.
func checkSource(addr netip.Addr, loopback bool) error {
	switch {
	case !addr.IsValid():
		return errors.New("none is set; hint: an address of this machine that is no MX and sends no mail")
	case addr.Is4In6():
		return fmt.Errorf("%s is an IPv4 address in IPv6 form; hint: %s", addr, addr.Unmap())
	case !public(addr) && (!loopback || !addr.IsLoopback()):
		return fmt.Errorf("%s is no public address; hint: behind NAT those who are probed see another address, "+
			"which may be the mail server's: give the probe one of its own", addr)
	}
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		return fmt.Errorf("%s is not to be had: %w; hint: it must be configured on an interface of this machine", addr, err)
	}
	return c.Close()
}

// checkContact returns the contact as a URI, which RFC 9511 wants. It stands in a
// comment of a header field, so it may hold nothing that ends one.
func checkContact(s string) (string, error) {
	const hint = "; hint: a page, https://example.org/probe, or a mail address, that tells who you are"
	if s == "" {
		return "", errors.New("none is set" + hint)
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || strings.IndexByte(`()\"<>`, c) >= 0 {
			return "", fmt.Errorf("%q must not be in it"+hint, c)
		}
	}
	if !strings.Contains(s, ":") {
		s = "mailto:" + s
	}
	u, err := url.Parse(s)
	switch {
	case len(s) > maxContact:
		return "", fmt.Errorf("more than %d characters"+hint, maxContact)
	case err != nil:
		return "", fmt.Errorf("%w"+hint, err)
	case (u.Scheme == "https" || u.Scheme == "http") && u.Host != "":
		return s, nil
	}
	local, domain, _ := strings.Cut(u.Opaque, "@")
	if u.Scheme != "mailto" || local == "" || domain == "" {
		return "", fmt.Errorf("%q is neither a page nor a mail address"+hint, s)
	}
	return s, nil
}

// unmap makes a prefix of IPv4 addresses in IPv6 form one of IPv4.
func unmap(n netip.Prefix) netip.Prefix {
	if n.Addr().Is4In6() && n.Bits() >= 96 {
		return netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
	}
	return n
}

// ownAddresses are this machine's as far as they can be had: where the system
// does not tell, the source is left.
func ownAddresses() (all []netip.Prefix) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
		}
	}
	return all
}

// Suspect has the client probed, soon, if the rules allow it. The caller has judged
// the client: class is its verdict's, and only access and device are probed; kind
// is of its network; ptr its PTR name, confirmed or not, "" where there is none. A
// caller whose look-up of the name failed does not call: the name might opt out.
// Suspect never waits.
func (p *Prober) Suspect(addr netip.Addr, ptr string, kind policy.NetworkKind, class policy.Class) {
	addr = addr.Unmap()
	if why := p.admit(addr, ptr, kind, class); why != "" {
		p.o.Meter.Probe(why, 0)
	}
}

func (p *Prober) admit(addr netip.Addr, ptr string, kind policy.NetworkKind, class policy.Class) string {
	why := p.refused(addr, ptr, kind, class)
	_, probed := p.o.Book.Banner(addr)
	if why == optedOut {
		p.o.Book.ForgetBanner(addr) // who opts out is forgotten, too
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now()
	switch {
	case why != "":
		return why
	case p.closed || len(p.queue) == cap(p.queue):
		return busy
	case probed:
		return known
	}
	if !p.rate.take(network(addr), now) {
		return rated
	}
	p.queue <- addr
	return ""
}

// Known returns what a probe of the address saw within a day, unless it may not be
// probed any more; ok says that it was a device. It is hearsay: about the address, never
// about a connection from it.
func (p *Prober) Known(addr netip.Addr) (policy.Banner, bool) {
	addr = addr.Unmap()
	b, ok := p.o.Book.Banner(addr)
	if !ok || b.Kind == device.None || contain(p.never, addr) {
		return policy.Banner{}, false
	}
	return b, true
}

// State says how it is doing, in one line for people.
func (p *Prober) State() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate.forget(p.o.Now())
	s := fmt.Sprintf("from %s: %d of %d probes in the last hour, %d waiting",
		p.o.Source, len(p.rate.lines), PerHour, len(p.queue))
	if p.trouble != nil {
		s += "; the last failed: " + clean(p.trouble.Error())
	}
	return s
}

// Close drops who waits, gives what is under way two seconds, and returns when it
// has ended. It may be called again.
func (p *Prober) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.queue)
	}
	p.mu.Unlock()
	timer := time.AfterFunc(grace, p.cut)
	defer timer.Stop()
	p.working.Wait()
	p.cut()
}

func (p *Prober) work() {
	for addr := range p.queue {
		if p.begin(addr) {
			p.probe(addr)
		}
	}
}

// begin starts the hour of the client's network, unless the daemon ends.
func (p *Prober) begin(addr netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.rate.begin(network(addr), p.o.Now())
	return true
}

func (p *Prober) probe(addr netip.Addr) {
	begun := p.o.Now()
	v := p.visit(addr)
	took := p.o.Now().Sub(begun)

	p.mu.Lock()
	p.trouble = v.trouble
	p.mu.Unlock()
	if v.outcome() != failed {
		p.o.Book.KeepBanner(addr, v.banner)
	}

	args := []any{
		"client", policy.AddrText(addr),
		"ports", strings.Join(v.ports, ","),
		"outcome", v.outcome(),
		"device", v.banner.Kind.String(),
		"vendor", v.banner.Vendor,
		"place", v.banner.Place,
		"took", took.Round(time.Millisecond).String(),
	}
	if v.trouble != nil {
		args = append(args, "error", v.trouble.Error())
	}
	// A warning, so that no usual level hides what was sent to whom.
	p.o.Log.Warn("probe", args...)
	p.o.Meter.Probe(v.outcome(), took)
}
