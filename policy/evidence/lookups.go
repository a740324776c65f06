package evidence

import (
	"context"
	"net/netip"
	"strings"
	"sync"

	"github.com/iot-milter/iot-milter/policy"
)

// lookups are those about one connection.
type lookups struct {
	collector *Collector
	ctx       context.Context // ends with the connection
	cancel    context.CancelFunc
	client    policy.Client // as the MTA told it
	domain    string        // the last sender's that was asked about

	mu      sync.Mutex
	found   policy.Found
	ownName policy.Text  // of an own look-up of the client's name …
	own     policy.Iprev // … and its result; unknown where there was none
	helo    string       // the last HELO that was asked about
	from    string       // the last sender that was asked about
	running int
	idle    chan struct{} // closed when nothing is running; nil where nobody waits
}

var _ policy.Lookups = (*lookups)(nil)

// finding is what one look-up found: take writes it down, under the lock.
type finding struct {
	outcome string         // for the metrics; "" where the source counts for itself
	take    func(*lookups) // nil when nothing is known
}

// run starts a look-up in the background, and reports false where too many are
// under way.
func (l *lookups) run(source string, look func(context.Context) finding) bool {
	c := l.collector
	select {
	case c.slots <- struct{}{}:
	default:
		c.opts.Meter.Busy(source)
		return false
	}
	l.mu.Lock()
	l.running++
	l.mu.Unlock()
	go func() {
		defer func() { <-c.slots }()
		began := c.opts.Now()
		f := l.guarded(source, look)
		if f.outcome != "" {
			c.opts.Meter.Lookup(source, f.outcome, c.opts.Now().Sub(began))
		}
		l.done(f)
	}()
	return true
}

// guarded is one look-up, bounded in time. A panic in it must not end the daemon.
func (l *lookups) guarded(source string, look func(context.Context) finding) (f finding) {
	defer func() {
		if p := recover(); p != nil {
			l.collector.opts.Log.Error("panic in a look-up", "source", source, "panic", p)
			f = finding{outcome: "panic"}
		}
	}()
	ctx, cancel := context.WithTimeout(l.ctx, l.collector.opts.Longest)
	defer cancel()
	return look(ctx)
}

func (l *lookups) done(f finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.take != nil {
		f.take(l)
	}
	l.running--
	if l.running == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
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
	if host != "" && l.client.Iprev == policy.IprevPass && host == hostOf(l.client.Name.String()) {
		l.found.Confirmed, same = policy.IprevPass, true
	}
	l.mu.Unlock()
	if same || host == "" || l.collector.opts.DNS == nil || !l.client.Addr.IsValid() {
		return
	}
	l.run("helo", func(ctx context.Context) finding { return l.confirm(ctx, host) })
}

// Sender implements policy.Lookups.
func (l *lookups) Sender(e policy.Envelope) {
	from, helo := e.From.String(), ""
	domain := hostOf(policy.DomainOf(from).String())
	l.mu.Lock()
	same := from == l.from
	if !same {
		l.from, l.found.Sending, l.found.SPF = from, policy.IprevUnknown, policy.SPFUnknown
	}
	helo = l.helo
	l.mu.Unlock()
	if same || domain == "" || l.collector.opts.DNS == nil || !l.client.Addr.IsValid() {
		return
	}
	if !l.run("sender", func(ctx context.Context) finding { return l.sender(ctx, from, domain) }) {
		// A pardon that cannot be asked for is not denied.
		l.mu.Lock()
		l.found.Sending = policy.IprevTempError
		l.mu.Unlock()
	}
	if l.collector.opts.SPF != nil {
		l.run("spf", func(ctx context.Context) finding { return l.spf(ctx, from, helo) })
	}
}

// Await implements policy.Lookups.
func (l *lookups) Await(ctx context.Context, f *policy.Facts) error {
	for {
		idle := l.look(f)
		if idle == nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
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

// Judged implements policy.Lookups: suspects may be probed, for the next decision
// about their address.
func (l *lookups) Judged(f *policy.Facts, j *policy.Judgement) {
	p := l.collector.opts.Prober
	if p == nil || j.Flag == policy.FlagNo || !l.client.Addr.IsValid() {
		return
	}
	p.Suspect(f.Client.Addr, f.Client.Name.String(), f.Network.Kind, j.Class)
}

// Close implements policy.Lookups.
func (l *lookups) Close() { l.cancel() }

// hostOf is name as a host name to look up, in lower case without the final dot; ""
// when it is none: an address, one label, or bytes that no host name has.
func hostOf(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if len(name) > 253 || !strings.Contains(name, ".") {
		return ""
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return ""
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
