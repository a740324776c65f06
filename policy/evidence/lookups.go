package evidence

import (
	"context"
	"net/netip"
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
	blind   bool         // a look-up was not made, or whose network it is could not be known
	own     policy.Iprev // of an own look-up of the client's name; unknown where there was none
	ownName policy.Text  // … and what that found
	found   policy.Found
	helo    string // the last HELO that was asked about
	from    string // the last sender that was asked about …
	domain  string // … and its domain; "" when there is nothing to ask
	running int
	aside   int           // those of them about senders …
	address int           // … and about the address
	learnt  []fact        // of the address, and not kept yet
	idle    chan struct{} // closed when nothing is running; nil where nobody waits
}

var _ policy.Lookups = (*lookups)(nil)

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
		var buf [4]netip.Addr
		var answers []netip.Addr
		if answers, ok = parseList(f.body, buf[:0]); ok {
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
	l.run(question{source: "helo", name: host}, func() { l.found.Confirmed = policy.IprevTempError })
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
	l.run(question{source: "sender", from: from, name: domain}, func() { l.found.Sending = policy.IprevTempError })
	if l.collector.opts.SPF != nil {
		l.run(question{source: "spf", from: from, helo: helo}, nil)
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
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 || !strings.Contains(name, ".") {
		return ""
	}
	name = strings.ToLower(name)
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
