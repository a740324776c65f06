package evidence

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
)

// List is one rule about the answers of a DNS list (RFC 5782). Several may share a
// zone: it is asked once.
type List struct {
	Zone   string
	Codes  []policy.Codes // none: every answer but the errors
	Kind   policy.ListKind
	Weight *policy.Weight
}

func (l *List) counts(answer netip.Addr) bool {
	if len(l.Codes) == 0 {
		return true
	}
	for _, c := range l.Codes {
		if c.Contains(answer) {
			return true
		}
	}
	return false
}

var (
	listAnswers = netip.MustParsePrefix("127.0.0.0/8")
	// listErrors say that the question was not answered: a public resolver, too many
	// questions, a typing error (Spamhaus; others do the same). Never a listing.
	listErrors = netip.MustParsePrefix("127.255.255.0/24")
	// dnswlBlocked is DNSWL's.
	dnswlBlocked = netip.MustParseAddr("127.0.0.255")
)

var (
	errBlocked = errors.New("the list refuses to answer: a public or blocked resolver, or too many questions")
	errParked  = errors.New("the answers are no list's: does the zone still exist?")
	errBlind   = errors.New("the test address 127.0.0.2 is not listed")
	errAll     = errors.New("the address 127.0.0.1, which no list may have, is listed")
)

const (
	maxListFailures = 10            // in a row, before a zone is switched off
	retestAfter     = 6 * time.Hour // of a zone that answered wrongly
	retestSoon      = 5 * time.Minute
)

// zone is a list's domain and whether it can be trusted now.
type zone struct {
	name  string
	shown string // in findings and logs, without a customer's key
	rules []List

	up       atomic.Bool
	off      chan time.Duration // told when a working zone is switched off, and for how long
	why      atomic.Pointer[string]
	failures atomic.Int32 // temporary ones, in a row
}

func (z *zone) usable() bool { return z.up.Load() }

// lists are all zones; each has a goroutine that tests it.
type lists struct {
	opts  *Options
	zones []*zone
	stop  context.CancelFunc
	first sync.WaitGroup // of each zone's first test
	ended sync.WaitGroup
}

func newLists(o *Options) *lists {
	l := &lists{opts: o}
	byName := map[string]*zone{}
	for _, rule := range o.Lists {
		z := byName[rule.Zone]
		if z == nil {
			shown, _ := policy.WithoutKey(rule.Zone)
			z = &zone{name: rule.Zone, shown: shown, off: make(chan time.Duration, 1)}
			byName[rule.Zone] = z
			l.zones = append(l.zones, z)
		}
		z.rules = append(z.rules, rule)
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	for _, z := range l.zones {
		l.first.Add(1)
		l.ended.Go(func() { l.watch(ctx, z) })
	}
	return l
}

func (l *lists) close() {
	l.stop()
	l.ended.Wait()
}

// Settle waits until each list has been tested once, or ctx ends: before that none
// is asked.
func (c *Collector) Settle(ctx context.Context) {
	if c.lists == nil {
		return
	}
	done := make(chan struct{})
	go func() { c.lists.first.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Lists says of each DNS list whether it is used.
func (c *Collector) Lists() map[string]string {
	states := make(map[string]string)
	if c.lists == nil {
		return states
	}
	for _, z := range c.lists.zones {
		states[z.shown] = "off: not tested yet"
		if z.usable() {
			states[z.shown] = "ok"
		} else if why := z.why.Load(); why != nil {
			states[z.shown] = "off: " + *why
		}
	}
	return states
}

// told is an error without the name that was asked for, which may hold a key.
func told(err error) string {
	if f := resolve.FailureOf(err); f != 0 {
		return "dns: " + f.String()
	}
	return err.Error()
}

// watch tests a zone until it can be trusted, and again after each failure.
func (l *lists) watch(ctx context.Context, z *zone) {
	soon := retestSoon
	tested := sync.OnceFunc(l.first.Done)
	defer tested()
	for {
		err := l.test(ctx, z)
		wait := retestAfter
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			z.failures.Store(0)
			l.turn(z, true, nil)
			soon, wait = retestSoon, 0
		case resolve.IsTemporary(err): // DNS is ill, which tells nothing about the list
			wait, soon = soon, min(2*soon, retestAfter)
			l.turn(z, false, err)
		default:
			l.turn(z, false, err)
		}
		tested()
		if !l.rest(ctx, z, wait) {
			return
		}
	}
}

// rest waits until the zone is to be tested again: until somebody switches it off,
// if it works, and then so long as was asked for, a tenth more or less. It reports
// whether there is anything left to do.
func (l *lists) rest(ctx context.Context, z *zone, wait time.Duration) bool {
	if wait == 0 {
		select {
		case <-ctx.Done():
			return false
		case wait = <-z.off:
		}
	}
	t := time.NewTimer(wait*9/10 + rand.N(wait/5+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// turn switches a zone on or off, and says so.
func (l *lists) turn(z *zone, up bool, why error) {
	was := z.up.Swap(up)
	if why != nil {
		text := told(why)
		z.why.Store(&text)
	}
	if was && !up {
		wait := retestAfter
		if resolve.IsTemporary(why) {
			wait = retestSoon
		}
		select {
		case z.off <- wait:
		default:
		}
	}
	switch {
	case up && !was:
		l.opts.Log.Info("list", "zone", z.shown, "used", true)
	case !up:
		l.opts.Log.Warn("list", "zone", z.shown, "used", false, "err", told(why), "hint", "mail is judged without it; it is tested again later")
	}
	l.opts.Meter.ListUp(z.shown, up)
}

// test is the self-test of RFC 5782, section 5: 127.0.0.2 is listed, 127.0.0.1 is
// not.
func (l *lists) test(ctx context.Context, z *zone) error {
	listed, err := l.ask(ctx, z, netip.AddrFrom4([4]byte{127, 0, 0, 2}))
	if err != nil {
		return err
	}
	if len(listed) == 0 {
		return errBlind
	}
	if listed, err = l.ask(ctx, z, netip.AddrFrom4([4]byte{127, 0, 0, 1})); err != nil {
		return err
	}
	if len(listed) > 0 {
		return errAll
	}
	return nil
}

// ask returns a zone's answers about an address, none when it is not listed.
func (l *lists) ask(ctx context.Context, z *zone, addr netip.Addr) ([]netip.Addr, error) {
	answers, err := l.opts.DNS.Addrs(ctx, reversed(addr)+"."+z.name, 4)
	if resolve.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, a := range answers {
		switch {
		case !listAnswers.Contains(a):
			return nil, errParked
		case listErrors.Contains(a) || a == dnswlBlocked:
			return nil, errBlocked
		}
	}
	return answers, nil
}

// listed asks one zone about the client. A zone that answers wrongly, or not at all
// ten times in a row, is switched off.
func (l *lookups) listed(ctx context.Context, z *zone) finding {
	lists := l.collector.lists
	ctx, life := resolve.WithLife(ctx)
	answers, err := lists.ask(ctx, z, l.client.Addr)
	switch {
	case err != nil && !resolve.IsTemporary(err):
		lists.turn(z, false, err)
		return finding{outcome: "invalid"}
	case err != nil:
		if ctx.Err() == nil && !unasked(err) && z.failures.Add(1) == maxListFailures {
			lists.turn(z, false, err)
		}
		return finding{outcome: "temperror"}
	}
	z.failures.Store(0)
	f := finding{outcome: "none", fact: fact{kind: factList, what: z.shown, body: listBody(answers), life: max(life.Left(), shortest)}}
	if found := z.listings(answers); len(found) > 0 {
		f.outcome, f.take = "found", func(l *lookups) { l.list(found) }
	}
	return f
}

// list adds listings, which are its own from then on; to others in a new slice, for the old
// one may be read without the lock.
func (l *lookups) list(found []policy.Listing) {
	if l.found.Listings == nil {
		l.found.Listings = found
		return
	}
	l.found.Listings = append(append([]policy.Listing(nil), l.found.Listings...), found...)
}

// unasked reports whether the failure is none of the list's: it was not asked.
func unasked(err error) bool {
	return resolve.FailureOf(err) == resolve.Busy || errors.Is(err, resolve.ErrDown)
}

func (z *zone) listings(answers []netip.Addr) (found []policy.Listing) {
	for i := range z.rules {
		rule := &z.rules[i]
		for _, a := range answers {
			if rule.counts(a) {
				found = append(found, policy.Listing{Zone: z.shown, Code: a, Kind: rule.Kind, Weight: rule.Weight})
				break
			}
		}
	}
	return found
}
