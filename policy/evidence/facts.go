package evidence

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// Memory keeps a record for each address; state.Memory and remote.Store do. No method
// waits for anything outside the process, and all are safe for concurrent use.
type Memory interface {
	// Facts returns the record of an address, "" where there is none that holds.
	Facts(addr netip.Addr, at time.Time) string
	// Coming is closed when others, who are being asked about an address, have answered:
	// then Facts may return more. Where it is nil Facts returns all, if called after it.
	Coming(addr netip.Addr) <-chan struct{}
	// KeepFacts keeps a record until a time, in place of the one that there was; none where
	// that time is now.
	KeepFacts(addr netip.Addr, record string, at, until time.Time)
}

// Facts are what look-ups found about addresses, kept beyond the connection in which
// they were found: names, networks, lists' answers, p0f's word, what a probe saw. Each
// has a time of its own. Failures that may pass are not among them, nor is anything
// about a connection (safety rule 7), nor a verdict. It is safe for concurrent use.
type Facts struct {
	memory Memory
	now    func() time.Time
	mu     sync.Mutex // of changes: a record is read, changed and kept
}

// NewFacts returns the facts in a memory.
func NewFacts(m Memory, now func() time.Time) *Facts { return &Facts{memory: m, now: now} }

// record returns what is kept of an address.
func (k *Facts) record(addr netip.Addr) (record string, at time.Time) {
	at = k.now()
	return k.memory.Facts(addr, at), at
}

// keep adds facts to those of an address, in place of those about the same. One without a
// life takes that one away.
func (k *Facts) keep(addr netip.Addr, learnt ...fact) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, at := k.record(addr)
	var buf [MaxRecord]byte
	record, life := append(buf[:0], recordVersion), time.Duration(0)
	add := func(f fact) {
		n := len(record)
		f.life = min(f.life, f.longest())
		if record = appendFact(record, &f, at); len(record) > n {
			life = max(life, f.life)
		}
	}
	for _, f := range learnt {
		add(f)
	}
	for f := range living(old, at) {
		if !about(learnt, &f) {
			add(f)
		}
	}
	k.memory.KeepFacts(addr, string(record), at, at.Add(life))
}

// about reports whether one of the facts is about the same as another.
func about(facts []fact, other *fact) bool {
	for i := range facts {
		if facts[i].kind == other.kind && facts[i].what == other.what {
			return true
		}
	}
	return false
}

// Banner implements probe.Book.
func (k *Facts) Banner(addr netip.Addr) (b policy.Banner, ok bool) {
	record, at := k.record(addr)
	f, ok := factOf(record, factBanner, "", at)
	if ok {
		b, ok = parseBanner(f.body)
	}
	return b, ok
}

// KeepBanner implements probe.Book.
func (k *Facts) KeepBanner(addr netip.Addr, b policy.Banner) {
	k.keep(addr, fact{kind: factBanner, body: bannerBody(&b), life: probeLife})
}

// ForgetBanner implements probe.Book.
func (k *Facts) ForgetBanner(addr netip.Addr) {
	if _, ok := k.Banner(addr); ok {
		k.keep(addr, fact{kind: factBanner})
	}
}

// Fact is one thing that is known of an address, for people.
type Fact struct {
	Kind string        // iprev, network, list, p0f or banner
	What string        // of several of a kind: the list's zone
	Text string        // an attacker's text may be in it
	Left time.Duration // that it holds
}

// List returns what is known of an address, in the order of the kinds.
func (k *Facts) List(addr netip.Addr) (all []Fact) {
	record, at := k.record(addr)
	for f := range living(record, at) {
		if text, ok := f.text(); ok {
			all = append(all, Fact{Kind: factNames[f.kind], What: f.what, Text: text, Left: f.life})
		}
	}
	slices.SortFunc(all, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(slices.Index(factNames[:], a.Kind), slices.Index(factNames[:], b.Kind)), cmp.Compare(a.What, b.What))
	})
	return all
}
