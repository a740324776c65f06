package evidence

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"blitiri.com.ar/go/spf"
	"golang.org/x/time/rate"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
)

// DNS answers questions; resolve.Resolver does. Errors are resolve's. Each question is
// first asked in a session's own goroutine with a resolve.Glance, whose context has ended:
// then it must not wait.
type DNS interface {
	// Addrs are the addresses of a name, of family 4 or 6.
	Addrs(ctx context.Context, name string, family int) ([]netip.Addr, error)
	// Names are the PTR names of an address.
	Names(ctx context.Context, addr netip.Addr) ([]string, error)
	// MX are a domain's mail servers.
	MX(ctx context.Context, domain string) ([]resolve.MX, error)
	// TXT are the texts of a name.
	TXT(ctx context.Context, name string) ([]string, error)
}

// SPFResolver is DNS as the library of SPF asks it; resolve.Net is one.
type SPFResolver = spf.DNSResolver

// Stacks tells of the TCP stack behind a connection; tcpinfo.Source does.
type Stacks interface {
	Stack(client, server netip.AddrPort) (policy.Stack, error)
	// Glance does not wait; where ok is false Stack may know more.
	Glance(client, server netip.AddrPort) (stack policy.Stack, ok bool)
}

// Networks tells whose network an address is in, without waiting; asn.Source does.
type Networks interface {
	Look(netip.Addr) (policy.Network, bool)
	// Of is the network that has these origins by Team Cymru's word.
	Of(origins []uint32) policy.Network
}

// Fingerprints tells of the system at an address; p0f.Client does.
type Fingerprints interface {
	Look(context.Context, netip.Addr) (policy.P0f, error)
}

// Prober looks at suspects' greetings and knows what it saw; probe.Prober does.
// Neither method waits.
type Prober interface {
	Known(netip.Addr) (policy.Banner, bool)
	Suspect(addr netip.Addr, ptr string, network policy.NetworkKind, class policy.Class)
}

// Meter is told what the collector counts. It must be safe for concurrent use.
type Meter interface {
	// Lookup is one answer of a source ("iprev", "helo", "sender", "spf", "list",
	// "cymru") to one connection.
	Lookup(source, outcome string, took time.Duration)
	// Busy is a look-up that was not made, since too many are under way.
	Busy(source string)
	// Fact is a fact of an address that was wanted, of one of FactKinds, and whether it was
	// in hand.
	Fact(kind string, hit bool)
	// ListUp is a list that has passed its self-test, or has not.
	ListUp(zone string, up bool)
}

type unmetered struct{}

func (unmetered) Lookup(string, string, time.Duration) {}
func (unmetered) Busy(string)                          {}
func (unmetered) Fact(string, bool)                    {}
func (unmetered) ListUp(string, bool)                  {}

// Options are the sources. A source that is nil is off; Log, Meter and Now may be
// missing, too.
type Options struct {
	DNS      DNS
	SPF      func(client netip.Addr) SPFResolver // DNS in the form of that library; nil is off
	Stacks   Stacks
	Networks Networks
	Cymru    bool // asks Team Cymru over DNS for the network that Networks does not know
	P0f      Fingerprints
	Prober   Prober
	Lists    []List
	Facts    *Facts // what earlier look-ups found; nil keeps nothing

	// Recorded says that clients are those of a recording: what it says of their
	// names stands, since names of then are not names of now. Look-ups that are too
	// many at once wait for their turn.
	Recorded bool

	// Most is how many look-ups may be under way at once, 1024 if 0, and for the
	// clients of one network an eighth of that, but 32 at least. What exceeds them is
	// not looked up.
	Most int
	// Patience is how long look-ups wait for what other hosts found, 5 ms if 0. A shared
	// memory that does well answers in a tenth of it.
	Patience time.Duration
	// Longest is how long one look-up may take, 5 s if 0. Whoever waits for it may
	// give up earlier.
	Longest time.Duration

	Log   *slog.Logger
	Meter Meter
	Now   func() time.Time
}

const (
	defaultMost     = 1024
	defaultPatience = 5 * time.Millisecond
	defaultLongest  = 5 * time.Second
)

// Collector implements policy.Evidence. It is safe for concurrent use.
type Collector struct {
	opts   Options
	slots  chan struct{} // one for each look-up under way
	shares shares
	lists  *lists
	panics rate.Sometimes
}

var _ policy.Evidence = (*Collector)(nil)

// New returns a Collector. Close ends what it started.
func New(o Options) *Collector {
	if o.Most == 0 {
		o.Most = defaultMost
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	if o.Longest == 0 {
		o.Longest = defaultLongest
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
	c := &Collector{opts: o, slots: make(chan struct{}, o.Most), panics: rate.Sometimes{Interval: time.Minute}}
	if o.DNS != nil && len(o.Lists) > 0 {
		c.lists = newLists(&c.opts)
	}
	return c
}

// Close ends the self-tests of lists. Look-ups under way end by themselves; the
// sources are the caller's to close, after them.
func (c *Collector) Close() {
	if c.lists != nil {
		c.lists.close()
	}
}

// Underway is how many look-ups are under way, at most Options.Most.
func (c *Collector) Underway() int { return len(c.slots) }

// Start implements policy.Evidence.
func (c *Collector) Start(client policy.Client) policy.Lookups {
	client.Addr = client.Addr.Unmap().WithZone("")
	l := &lookups{collector: c, client: client}
	if !client.Addr.IsValid() {
		return l
	}
	if n := c.opts.Networks; n != nil {
		l.found.Network, _ = n.Look(client.Addr)
	}
	l.found.Banner = l.banner()
	var coming <-chan struct{}
	if k := c.opts.Facts; k != nil {
		coming = k.memory.Coming(client.Addr)
		l.record, l.at = k.record(client.Addr)
	}
	l.begin(coming)
	return l
}

// begin takes what is known of the address, and starts what is asked of every client
// besides. What others may know is not asked before they could have said it.
func (l *lookups) begin(coming <-chan struct{}) {
	o := &l.collector.opts
	if o.Stacks != nil && l.client.Port != 0 && !l.glance() {
		l.run(question{source: "stack"}, nil)
	}
	var buf [8]want
	lacking := l.lacking(l.wants(buf[:0]))
	all := len(lacking) == 0 && (o.Prober == nil || l.found.Banner.Kind != device.None)
	if coming == nil || all {
		l.ask(lacking)
		return
	}
	later := slices.Clone(lacking) // buf stays on the stack
	l.background("shared", func(ctx context.Context) finding { return l.heard(ctx, coming, later) }, nil)
}

// heard takes what others found, and starts the look-ups of what they did not.
func (l *lookups) heard(ctx context.Context, coming <-chan struct{}, lacking []want) finding {
	late := time.NewTimer(l.collector.opts.Patience)
	defer late.Stop()
	select {
	case <-ctx.Done():
		return finding{}
	case <-late.C:
	case <-coming:
	}
	l.record, l.at = l.collector.opts.Facts.record(l.client.Addr)
	l.ask(l.lacking(lacking))
	return finding{take: func(l *lookups) { l.found.Banner = l.banner() }}
}

// banner is what a probe of the address saw.
func (l *lookups) banner() (b policy.Banner) {
	if p := l.collector.opts.Prober; p != nil {
		b, _ = p.Known(l.client.Addr)
	}
	return b
}

// want is a fact of the address that is to be had.
type want struct {
	kind factKind
	zone *zone // of a list's answer
}

// wants adds what is asked of every client's address.
func (l *lookups) wants(to []want) []want {
	o := &l.collector.opts
	if o.P0f != nil {
		to = append(to, want{kind: factP0f})
	}
	if o.DNS == nil {
		return to
	}
	if l.asksName() {
		to = append(to, want{kind: factIprev})
	}
	if o.Cymru && l.found.Network.ASN == 0 {
		to = append(to, want{kind: factNetwork})
	}
	if lists := l.collector.lists; lists != nil {
		for _, zone := range lists.zones {
			if zone.usable() {
				to = append(to, want{factList, zone})
			}
		}
	}
	return to
}

// ask starts look-ups.
func (l *lookups) ask(wanted []want) {
	for _, w := range wanted {
		if l.collector.opts.Facts != nil {
			l.collector.opts.Meter.Fact(factNames[w.kind], false)
		}
		switch w.kind {
		case factP0f:
			l.run(question{source: "p0f"}, nil)
		case factIprev:
			l.run(question{source: "iprev"}, func() { l.own = policy.IprevTempError })
		case factNetwork:
			l.run(question{source: "cymru"}, nil)
		case factList:
			l.run(question{source: "list", zone: w.zone}, nil)
		}
	}
}

// asksName reports whether the MTA's word on the client's name is to be checked: a
// confirmed name is, and so is that there is none. The rest may be a failure.
func (l *lookups) asksName() bool {
	switch l.client.Iprev {
	case policy.IprevUnknown:
		return true
	case policy.IprevFail, policy.IprevTempError:
		return !l.collector.opts.Recorded
	}
	return false
}

// glance is the look-up of the client's stack without a goroutine, which costs more than
// the kernel's answer: nobody else looks at l yet. It reports whether it was made.
func (l *lookups) glance() (made bool) {
	defer func() {
		if p := recover(); p != nil {
			l.panicked("stack", p)
			l.collector.opts.Meter.Lookup("stack", "panic", 0)
			made = true
		}
	}()
	s, made := l.collector.opts.Stacks.Glance(l.remote(), l.client.Server)
	if made {
		l.found.Stack = s
	}
	return made
}

func (l *lookups) remote() netip.AddrPort { return netip.AddrPortFrom(l.client.Addr, l.client.Port) }

func (l *lookups) stack() finding {
	s, err := l.collector.opts.Stacks.Stack(l.remote(), l.client.Server)
	if err != nil {
		return finding{}
	}
	return finding{take: func(l *lookups) { l.found.Stack = s }}
}

func (l *lookups) p0f(ctx context.Context) finding {
	p, err := l.collector.opts.P0f.Look(ctx, l.client.Addr)
	if err != nil {
		return finding{}
	}
	f := finding{take: func(l *lookups) { l.found.P0f = p }}
	if p.Known {
		f.fact = fact{kind: factP0f, body: p0fBody(&p), life: p0fMatch}
		if p.OS == "" {
			f.fact.life = p0fPart
		}
	}
	return f
}
