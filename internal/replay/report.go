package replay

import (
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

const (
	maxHits     = 10_000 // clients with hits that are remembered
	maxDays     = 16     // days of one of them that are told apart
	maxExamples = 3      // of a class
	maxDamages  = 20     // that a report names

	regularMails = 5 // a regular correspondent sends so many …
	regularDays  = 3 // … on so many days
)

// Why a hit looks legitimate, besides the names of signals.
const (
	whyDomain  = "own-domain" // the sender's domain is the confirmed name's
	whyRegular = "regular"    // many mails on many days

	timeless = "timeless" // a limit or deferral that was not judged
)

// Report sums up what was judged, in memory that does not grow with it. It is
// for one goroutine.
type Report struct {
	Mode policy.Mode

	records, damaged, timed, back int
	undecidable                   map[string]int
	notes                         map[string]int
	damages                       []string // the first ones, "place: what"
	first, last                   time.Time

	facts   map[string]int
	signals []int // of policy.Signals: how often its facts were known

	class, kind, flag, exempt, changed map[string]int
	done, enforced                     map[string]int
	full, fullEnforced                 map[string]int // messages that met a limit without room, by its name

	// Finds says which signals look-ups can judge; nil when nothing is looked up.
	Finds func(signal string) bool

	hits     map[hitKey]*hit
	forgot   int // hits of clients beyond maxHits
	examples map[string][]example
}

type hitKey struct{ client, name, helo string }

// hit is a client whose mail was flagged.
type hit struct {
	key           hitKey
	mails         int
	days          []int64
	domain        string // of the first sender
	flag, enforce string
	why           []string
}

type example struct {
	place, client, name, helo, device, flag, signals string
}

// NewReport returns an empty report of a mode.
func NewReport(mode policy.Mode) *Report {
	r := &Report{Mode: mode, signals: make([]int, len(policy.Signals)), hits: make(map[hitKey]*hit), examples: make(map[string][]example)}
	for _, m := range []*map[string]int{&r.undecidable, &r.notes, &r.facts, &r.class, &r.kind, &r.flag, &r.exempt, &r.changed, &r.done, &r.enforced, &r.full, &r.fullEnforced} {
		*m = make(map[string]int)
	}
	return r
}

// Read is how many records could be read.
func (p *Report) Read() int { return p.records }

// Damaged is how many could not.
func (p *Report) Damaged() int { return p.damaged }

// AddDamage counts a record that could not be read.
func (p *Report) AddDamage(r *Record) {
	p.damaged++
	if len(p.damages) < maxDamages {
		p.damages = append(p.damages, r.Place+": "+r.Damage)
	}
}

// AddUndecidable counts a record whose client could not be found.
func (p *Report) AddUndecidable(r *Record) {
	p.records++
	p.undecidable[r.Undecidable]++
}

// Add counts a decision of the configured mode and the one that mode enforce
// would have made.
func (p *Report) Add(r *Record, d, enforced *policy.Decision) {
	p.records++
	p.time(r)
	p.known(r)
	if r.Note != "" {
		p.notes[r.Note]++
	}
	switch {
	case d.Exempt != "":
		p.exempt[d.Exempt]++
	case d.Class == policy.ClassUnknown.String():
		p.undecidable["no-evidence"]++
	default:
		p.class[d.Class]++
		p.flag[d.Flag]++
		p.done[outcome(r, d)]++
		p.enforced[outcome(r, enforced)]++
		addFull(p.full, d)
		addFull(p.fullEnforced, enforced)
		if d.Device != "" {
			p.kind[strings.TrimSpace(d.Device+" "+d.Vendor)]++
		}
		p.example(r, d)
		if d.Flag != policy.FlagNo.String() {
			p.hit(r, d, enforced)
		}
	}
	if r.Was != "" && r.Was != d.Flag {
		p.changed[r.Was+" > "+d.Flag]++
	}
}

// outcome is the action, or that a limit was not judged for want of a time.
func outcome(r *Record, d *policy.Decision) string {
	late := d.Verdict == policy.ActionLimit.String() || d.Verdict == policy.ActionDefer.String()
	if late && d.Mode == policy.ModeEnforce.String() && r.Client.At.IsZero() {
		return timeless
	}
	return d.Action
}

// addFull counts the limits that had no room for the message.
func addFull(counts map[string]int, d *policy.Decision) {
	for _, l := range d.Limits {
		if l.Full != nil && *l.Full {
			counts[l.Name]++
		}
	}
}

func (p *Report) time(r *Record) {
	at := r.Client.At
	if at.IsZero() {
		return
	}
	p.timed++
	if p.first.IsZero() || at.Before(p.first) {
		p.first = at
	}
	if at.Before(p.last.Add(-time.Hour)) {
		p.back++
	}
	if at.After(p.last) {
		p.last = at
	}
}

// known counts the facts, and the signals that could look at them.
func (p *Report) known(r *Record) {
	for _, f := range factRows {
		if f.known(r) {
			p.facts[f.name]++
		}
	}
	for i := range policy.Signals {
		if p.judgeable(&policy.Signals[i], r) {
			p.signals[i]++
		}
	}
}

// factRows are the facts that a recording can have.
var factRows = []struct {
	name  string
	known func(*Record) bool
}{
	{"address", func(r *Record) bool { return r.Client.Addr.IsValid() }},
	{"name", func(r *Record) bool { return r.Client.Iprev != policy.IprevUnknown }},
	{"greeting", func(r *Record) bool { return r.Greeting.Name.Known() }},
	{"sender", func(r *Record) bool { return r.Envelope.From.Known() }},
	{"header", func(r *Record) bool { return r.Headers != nil }},
	{"time", func(r *Record) bool { return !r.Client.At.IsZero() }},
}

// beyond are signals that look at more than their group's fact: recordings have
// one greeting and no recipients, and nothing is looked up.
var beyond = map[string]func(*Record) bool{
	"tls":            func(r *Record) bool { return r.Greeting.TLSVersion != "" },
	"helo-changed":   never,
	"helo-recipient": never,
	"sender-random":  func(r *Record) bool { return r.Envelope.From.Known() },
	"asn-access":     never,
	"asn-mobile":     never,
	"asn-hosting":    never,
	"asn-business":   never,
	"asn-education":  never,
	"sender-host":    never,
	"spf-pass":       never,
	"spf-open":       never,
	"stack-desktop":  never,
}

func never(*Record) bool { return false }

// judgeable reports whether the record has the facts that a signal looks at.
func (p *Report) judgeable(s *policy.Signal, r *Record) bool {
	if p.Finds != nil && p.Finds(s.Name) {
		return true
	}
	if known := beyond[s.Name]; known != nil {
		return known(r)
	}
	switch s.Group {
	case policy.GroupName:
		return r.Client.Iprev != policy.IprevUnknown
	case policy.GroupGreeting:
		return r.Greeting.Name.Known()
	case policy.GroupMessage:
		return r.Headers != nil
	case policy.GroupNetwork:
		return r.Client.Addr.IsValid()
	}
	return false // no recording has it
}

func (p *Report) example(r *Record, d *policy.Decision) {
	if len(p.examples[d.Class]) >= maxExamples {
		return
	}
	e := example{
		place: r.Place, client: d.Client, name: named(d), helo: "-", flag: d.Flag,
		device: strings.TrimSpace(d.Device + " " + d.Vendor), signals: strongest(d),
	}
	if d.HELO != nil {
		e.helo = *d.HELO
	}
	for _, seen := range p.examples[d.Class] {
		if seen.client == e.client || seen.name == e.name && seen.helo == e.helo {
			return
		}
	}
	p.examples[d.Class] = append(p.examples[d.Class], e)
}

// named is the PTR name with a word on what it is worth.
func named(d *policy.Decision) string {
	switch {
	case d.PTR == "" && d.Iprev == "":
		return "-"
	case d.PTR == "":
		return "(none)"
	case d.Iprev != policy.IprevPass.String():
		return "(" + d.PTR + ")"
	}
	return d.PTR
}

// strongest are the names of the three weightiest signals.
func strongest(d *policy.Decision) string {
	signals := slices.Clone(d.Signals)
	slices.SortStableFunc(signals, func(a, b policy.DecisionSignal) int {
		switch {
		case a.Weight > b.Weight:
			return -1
		case a.Weight < b.Weight:
			return 1
		}
		return 0
	})
	var names []string
	for _, s := range signals {
		if len(names) < 3 && s.Weight > 0 {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ",")
}

func (p *Report) hit(r *Record, d, enforced *policy.Decision) {
	key := hitKey{client: d.Client, name: d.PTR}
	if d.HELO != nil {
		key.helo = *d.HELO
	}
	h := p.hits[key]
	if h == nil {
		if len(p.hits) >= maxHits {
			p.forgot++
			return
		}
		h = &hit{key: key, flag: d.Flag, enforce: outcome(r, enforced)}
		h.key.name = named(d)
		p.hits[key] = h
	}
	h.mails++
	h.flag = worse(flagOrder, h.flag, d.Flag)
	h.enforce = worse(actionOrder, h.enforce, outcome(r, enforced))
	if at := r.Client.At; !at.IsZero() && len(h.days) < maxDays {
		if day := at.Unix() / 86400; !slices.Contains(h.days, day) {
			h.days = append(h.days, day)
		}
	}
	sender := domainOf(r.Envelope.From.String())
	if h.domain == "" {
		h.domain = sender
	}
	for _, s := range d.Signals {
		// A HELO that repeats the PTR is what bots have, too.
		if s.Status == policy.StatusPass.String() && s.Name != "helo-ptr" {
			h.because(s.Name)
		}
	}
	if d.Iprev == policy.IprevPass.String() && sameOrganisation(d.PTR, sender) {
		h.because(whyDomain)
	}
	if h.mails >= regularMails && len(h.days) >= regularDays {
		h.because(whyRegular)
	}
}

func (h *hit) because(why string) {
	if !slices.Contains(h.why, why) {
		h.why = append(h.why, why)
	}
}

// legitimate are the hits that look so, those with the most reasons and mails
// first.
func (p *Report) legitimate() []*hit {
	var all []*hit
	for _, h := range p.hits {
		if len(h.why) > 0 {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b *hit) int {
		for _, n := range []int{
			slices.Index(actionOrder, b.enforce) - slices.Index(actionOrder, a.enforce),
			len(b.why) - len(a.why), b.mails - a.mails, strings.Compare(a.key.client, b.key.client), strings.Compare(a.key.helo, b.key.helo),
		} {
			if n != 0 {
				return n
			}
		}
		return strings.Compare(a.key.name, b.key.name)
	})
	return all
}

func sameOrganisation(name, sender string) bool {
	if name == "" || sender == "" {
		return false
	}
	var none policy.Client
	a, b := device.Parse(name, none.Addr).Domain, device.Parse(sender, none.Addr).Domain
	return a != "" && a == b
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

var (
	flagOrder   = []string{"no", "suspect", "yes"}
	actionOrder = []string{"accept", "tag", timeless, "limit", "defer", "quarantine", "reject"}
)

func worse(order []string, a, b string) string {
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}
