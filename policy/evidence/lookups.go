package evidence

import (
	"context"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"

	"github.com/iot-milter/iot-milter/policy"
)

// lookups are those about one connection.
type lookups struct {
	collector *Collector
	client    policy.Client // as the MTA told it
	record    string        // what was known of the address …
	at        time.Time     // … when the connection began

	mu      sync.Mutex
	ctx     context.Context // of the look-ups, ends with the connection; nil before the first
	cancel  context.CancelFunc
	closed  bool
	found   policy.Found
	ownName policy.Text  // of an own look-up of the client's name …
	own     policy.Iprev // … and its result; unknown where there was none
	helo    string       // the last HELO that was asked about
	from    string       // the last sender that was asked about …
	domain  string       // … and its domain; "" when there is nothing to ask
	running int
	aside   int           // those of them about senders …
	address int           // … and about the address
	learnt  []fact        // of the address, and not kept yet
	blind   bool          // a look-up was not made, or whose network it is could not be known
	idle    chan struct{} // closed when nothing is running; nil where nobody waits
}

var _ policy.Lookups = (*lookups)(nil)

// finding is what one look-up found: take writes it down, under the lock.
type finding struct {
	outcome string         // for the metrics; "" where the source counts for itself
	take    func(*lookups) // nil when nothing is known
	fact    fact           // of the address, to be kept; none where its kind is 0
}

// run starts a look-up in the background, unless too many are under way: then it
// leaves what a failure that may pass leaves, ill, which is nil where that is
// nothing.
func (l *lookups) run(source string, look func(context.Context) finding, ill func()) {
	c := l.collector
	network := networkOf(l.client.Addr)
	if !c.enter(network) {
		c.opts.Meter.Busy(source)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.blind = true
		if ill != nil {
			ill()
		}
		return
	}
	l.background(source, look, func() { c.leave(network) })
}

// background is run for what takes no slot, or has one; then ended gives it back.
func (l *lookups) background(source string, look func(context.Context) finding, ended func()) {
	c := l.collector
	l.mu.Lock()
	l.count(source, +1)
	if l.ctx == nil {
		l.ctx, l.cancel = context.WithCancel(context.Background())
		if l.closed {
			l.cancel()
		}
	}
	ctx := l.ctx
	l.mu.Unlock()
	go func() {
		deepen()
		if ended != nil {
			defer ended()
		}
		began := c.opts.Now()
		f := l.guarded(ctx, source, look)
		if f.outcome != "" {
			c.opts.Meter.Lookup(source, f.outcome, c.opts.Now().Sub(began))
		}
		l.done(source, f)
	}()
}

// deepen has a goroutine's stack grow once, while nothing is on it, to what most look-ups
// need (8 KiB). It would grow by and by otherwise, each time at the deepest place, and a
// copy costs by the frames on it.
//
//go:noinline
func deepen() byte {
	var frame [6 << 10]byte
	return frame[zero]
}

var zero int // the compiler must not know which byte

// count is called with the lock held, when a look-up begins or has ended.
func (l *lookups) count(source string, n int) {
	l.running += n
	switch source {
	case "sender", "spf":
		l.aside += n
	case "iprev", "cymru", "list", "p0f", "shared":
		l.address += n
	}
}

// guarded is one look-up, bounded in time. A panic in it must not end the daemon.
func (l *lookups) guarded(ctx context.Context, source string, look func(context.Context) finding) (f finding) {
	defer func() {
		if p := recover(); p != nil {
			l.panicked(source, p)
			f = finding{outcome: "panic"}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, l.collector.opts.Longest)
	defer cancel()
	return look(ctx)
}

// panicked logs a panic. It is called where that was recovered.
func (l *lookups) panicked(source string, p any) {
	l.collector.panics.Do(func() {
		l.collector.opts.Log.Error("panic in a look-up", "source", source, "panic", p, "stack", string(debug.Stack()),
			"hint", "its fact stays unknown; more of it within a minute is counted only")
	})
}

func (l *lookups) done(source string, f finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.take != nil {
		f.take(l)
	}
	if source == "cymru" && f.take == nil && f.outcome != "none" {
		l.blind = true
	}
	l.count(source, -1)
	if f.fact.kind != 0 && l.collector.opts.Facts != nil {
		l.learnt = append(l.learnt, f.fact)
	}
	if l.address == 0 && len(l.learnt) > 0 {
		l.collector.opts.Facts.keep(l.client.Addr, l.learnt...)
		l.learnt = nil
	}
	if l.running == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// lacking takes the facts of the address that are in hand, and returns the others.
func (l *lookups) lacking(wanted []want) []want {
	k := l.collector.opts.Facts
	if k == nil {
		return wanted
	}
	lacking := wanted[:0]
	for _, w := range wanted {
		what := ""
		if w.zone != nil {
			what = w.zone.shown
		}
		if f, ok := factOf(l.record, w.kind, what, l.at); ok && l.recall(&f, w.zone) {
			l.collector.opts.Meter.Fact(factNames[w.kind], true)
		} else {
			lacking = append(lacking, w)
		}
	}
	return lacking
}

// recall takes a fact as if it had just been looked up, with the rows and lists of now.
func (l *lookups) recall(f *fact, z *zone) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch f.kind {
	case factIprev:
		var name policy.Text
		var result policy.Iprev
		if name, result, ok = parseIprev(f.body); ok {
			l.ownName, l.own = name, result
		}
	case factNetwork:
		var buf [maxOrigins]uint32
		var origins []uint32
		if origins, ok = parseNetwork(f.body, buf[:0]); len(origins) > 0 && ok {
			l.found.Network = l.network(origins)
		}
	case factList:
		var answers []netip.Addr
		if answers, ok = parseList(f.body); ok {
			if found := z.listings(answers); len(found) > 0 {
				l.list(found)
			}
		}
	case factP0f:
		var p policy.P0f
		if p, ok = parseP0f(f.body); ok {
			l.found.P0f = p
		}
	}
	return ok
}

// Greeting implements policy.Lookups. A HELO that repeats the confirmed name needs
// no look-up.
func (l *lookups) Greeting(g policy.Greeting) {
	host := hostOf(g.Name.String())
	l.mu.Lock()
	same := host == l.helo
	l.helo = host
	if !same {
		l.found.Confirmed = policy.IprevUnknown
	}
	if host != "" && host == l.confirmed() {
		l.found.Confirmed, same = policy.IprevPass, true
	}
	l.mu.Unlock()
	if same || host == "" || l.collector.opts.DNS == nil || !l.client.Addr.IsValid() {
		return
	}
	l.run("helo", func(ctx context.Context) finding { return l.confirm(ctx, host) }, func() { l.found.Confirmed = policy.IprevTempError })
}

// confirmed is the client's name, if the MTA or an own look-up has confirmed it. It is
// called with the lock held.
func (l *lookups) confirmed() string {
	switch {
	case l.client.Iprev == policy.IprevPass:
		return hostOf(l.client.Name.String())
	case l.own == policy.IprevPass:
		return hostOf(l.ownName.String())
	}
	return ""
}

// Sender implements policy.Lookups.
func (l *lookups) Sender(e policy.Envelope) {
	from, helo := e.From.String(), ""
	domain := hostOf(ascii(policy.DomainOf(from).String()))
	l.mu.Lock()
	same := from == l.from
	if !same {
		l.from, l.domain, l.found.Sending, l.found.SPF = from, domain, policy.IprevUnknown, policy.SPFUnknown
	}
	helo = l.helo
	l.mu.Unlock()
	if same || domain == "" || l.collector.opts.DNS == nil || !l.client.Addr.IsValid() {
		return
	}
	// A pardon that cannot be asked for is not denied.
	l.run("sender", func(ctx context.Context) finding { return l.sender(ctx, from, domain) }, func() { l.found.Sending = policy.IprevTempError })
	if l.collector.opts.SPF != nil {
		l.run("spf", func(ctx context.Context) finding { return l.spf(ctx, from, helo) }, nil)
	}
}

// Await implements policy.Lookups. The client chooses the sender, and with it name
// servers that never answer: that those are late is no trouble of ours but a failure
// that may pass, which is what they would end in.
func (l *lookups) Await(ctx context.Context, f *policy.Facts) error {
	waits := ctx.Err() == nil
	for {
		idle := l.look(f)
		if idle == nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			if waits && l.late(f) {
				return nil
			}
			return err
		}
		select {
		case <-idle:
		case <-ctx.Done():
		}
	}
}

// look fills in what is known. It returns nil when nothing is running, else what is
// closed then.
func (l *lookups) look(f *policy.Facts) (idle <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.Found = l.found
	if l.own != policy.IprevUnknown {
		f.Client.Name, f.Client.Iprev = l.ownName, l.own
	}
	if l.running == 0 {
		return nil
	}
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	return l.idle
}

// late notes that the sender's domain was waited for in vain, and reports whether
// nothing else was.
func (l *lookups) late(f *policy.Facts) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aside > 0 && l.domain != "" && f.Sending == policy.IprevUnknown {
		f.Sending = policy.IprevTempError
	}
	return l.running == l.aside
}

// Judged implements policy.Lookups: suspects may be probed, for the next decision
// about their address. One whose name or network is not known for want of an answer
// is not: either might forbid it.
func (l *lookups) Judged(f *policy.Facts, j *policy.Judgement) {
	p := l.collector.opts.Prober
	if p == nil || j.Flag == policy.FlagNo || !l.client.Addr.IsValid() {
		return
	}
	l.mu.Lock()
	blind := l.blind || l.running > l.aside
	l.mu.Unlock()
	if blind || !f.Client.Name.Known() && f.Client.Iprev != policy.IprevPermError {
		return
	}
	p.Suspect(f.Client.Addr, f.Client.Name.String(), f.Network.Kind, j.Class)
}

// Close implements policy.Lookups.
func (l *lookups) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.cancel != nil {
		l.cancel()
	}
}

// ascii is the domain as it stands in DNS: with SMTPUTF8 (RFC 6531) a client may
// write it in letters.
func ascii(domain string) string {
	if text, err := idna.Lookup.ToASCII(domain); err == nil {
		return text
	}
	return domain
}

// hostOf is name as a host name to look up, in lower case without the final dot; ""
// when it is none: an address, one label, or bytes that no host name has.
func hostOf(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if len(name) > 253 || !strings.Contains(name, ".") {
		return ""
	}
	if last := name[len(name)-1]; '0' <= last && last <= '9' { // no error for each name
		if _, err := netip.ParseAddr(name); err == nil {
			return ""
		}
	}
	for i := range len(name) {
		switch b := name[i]; {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', b == '-', b == '.', b == '_':
		default:
			return ""
		}
	}
	return name
}
