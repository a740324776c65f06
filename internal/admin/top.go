package admin

import (
	"cmp"
	"net/netip"
	"sort"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// Snapshot is the answer of /v1/top.
type Snapshot struct {
	Time  time.Time `json:"time"`
	Since time.Time `json:"since"` // the daemon's start
	Mode  string    `json:"mode"`

	Decisions Counts `json:"decisions"` // since the start
	Minute    Counts `json:"minute"`    // within the last minute

	Networks  []Network  `json:"networks"`  // by suspects of the last hour
	ASNs      []ASN      `json:"asns"`      // likewise, where they are known
	Campaigns []Campaign `json:"campaigns"` // that are on
	Tables    []Table    `json:"tables"`

	Sources      map[string]string `json:"sources"` // how each source of evidence is
	ClientHidden bool              `json:"client_hidden"`
}

// Counts are numbers of decisions: on messages and on refused recipients. What was
// zero is left out of the maps.
type Counts struct {
	Decisions int64            `json:"decisions"`
	Exempt    int64            `json:"exempt"`    // of them not judged
	FailOpen  int64            `json:"fail_open"` // … for own trouble
	Suspects  int64            `json:"suspects"`  // of the judged ones those with flag suspect or yes
	Class     map[string]int64 `json:"class"`
	Action    map[string]int64 `json:"action"`
	Device    map[string]int64 `json:"device"`
}

// Network is a /24 or /48 and what came from it within the last hour.
type Network struct {
	Network  netip.Prefix `json:"network"`
	Suspects int64        `json:"suspects"` // decisions with flag suspect or yes
	Flagged  int64        `json:"flagged"`  // of them with flag yes
	Last     time.Time    `json:"last"`
}

// ASN is an autonomous system and what came from it within the last hour.
type ASN struct {
	ASN      uint32    `json:"asn"`
	Name     string    `json:"name"` // of its holder
	Suspects int64     `json:"suspects"`
	Flagged  int64     `json:"flagged"`
	Last     time.Time `json:"last"`
}

// Campaign is one template that comes from many networks.
type Campaign struct {
	ID       string    `json:"id"`
	Networks int       `json:"networks"`
	Messages int64     `json:"messages"`
	Since    time.Time `json:"since"`
	Last     time.Time `json:"last"`
}

// Table is how full a table of the memory is.
type Table struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
	Lost    int64  `json:"lost"` // forgotten or turned away for want of room
}

const (
	maxNetworks = 2048 // of which suspects are counted: some 400 KiB
	maxASNs     = 512
	dayMinutes  = 24 * 60 // of which decisions are counted: some 340 KiB
	slotTime    = 10 * 60
	hourSlots   = 6
	minute      = 60 // slots of a second
)

// Top counts decisions for those who watch the daemon. It implements
// policy.Recorder in front of another one, and is safe for concurrent use. Beside
// its first decision from a suspects' network it allocates nothing.
type Top struct {
	next  policy.Recorder
	now   func() time.Time
	since time.Time

	mu       sync.Mutex
	total    tally
	seconds  [minute]slot
	minutes  [dayMinutes]slot
	networks *simplelru.LRU[netip.Prefix, *suspects]
	asns     *simplelru.LRU[uint32, *suspects]
}

// tally counts decisions.
type tally struct {
	decisions, exempt, failOpen, suspects int64

	class  [policy.ClassDevice + 1]int64
	action [policy.ActionReject + 1]int64
	device [device.Other + 1]int64
}

// slot counts those of one second or minute.
type slot struct {
	at int64 // which one, since 1970
	tally
}

// of returns the slot of a second or minute in a ring of them.
func of(ring []slot, at int64) *tally {
	s := &ring[uint64(at)%uint64(len(ring))]
	if s.at != at {
		*s = slot{at: at}
	}
	return &s.tally
}

// suspects counts those of a network in slots of ten minutes.
type suspects struct {
	slot    int64 // number of the newest one, in slots since 1970
	all     [hourSlots]uint32
	flagged [hourSlots]uint32
	last    int64  // unix
	name    string // of an autonomous system's holder
}

// NewTop returns a Top that hands decisions on to next.
func NewTop(next policy.Recorder, now func() time.Time) *Top {
	t := &Top{next: next, now: now, since: now()}
	t.networks, _ = simplelru.NewLRU[netip.Prefix, *suspects](maxNetworks, nil) // fails for sizes below one alone
	t.asns, _ = simplelru.NewLRU[uint32, *suspects](maxASNs, nil)
	return t
}

// Record implements policy.Recorder.
func (t *Top) Record(r *policy.Record) {
	t.next.Record(r)
	now := t.now().Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.add(r)
	of(t.seconds[:], now).add(r)
	of(t.minutes[:], now/minute).add(r)
	if j := r.Judgement; r.Exempt == policy.ExemptNone && j != nil && j.Flag != policy.FlagNo {
		t.suspect(r.Facts, j.Flag, now)
	}
}

func (c *tally) add(r *policy.Record) {
	c.decisions++
	if int(r.Action) < len(c.action) {
		c.action[r.Action]++
	}
	j := r.Judgement
	switch {
	case r.Exempt != policy.ExemptNone:
		c.exempt++
		return
	case r.Reason == policy.ReasonFailOpen:
		c.failOpen++
		return
	case j == nil:
		c.class[policy.ClassUnknown]++
		return
	}
	if j.Flag != policy.FlagNo {
		c.suspects++
	}
	if int(j.Class) < len(c.class) {
		c.class[j.Class]++
	}
	if int(j.Device) < len(c.device) {
		c.device[j.Device]++
	}
}

func (t *Top) suspect(f *policy.Facts, flag policy.Flag, now int64) {
	if network, ok := networkOf(f.Client.Addr); ok {
		counted(t.networks, network).add(flag, now)
	}
	if as := &f.Found.Network; as.ASN != 0 {
		n := counted(t.asns, as.ASN)
		n.add(flag, now)
		n.name = as.Name
	}
}

func counted[K comparable](in *simplelru.LRU[K, *suspects], key K) *suspects {
	n, ok := in.Get(key)
	if !ok {
		n = new(suspects)
		in.Add(key, n)
	}
	return n
}

func (n *suspects) add(flag policy.Flag, now int64) {
	n.turn(now / slotTime)
	i := n.slot % hourSlots
	n.all[i]++
	if flag == policy.FlagYes {
		n.flagged[i]++
	}
	n.last = now
}

// within is what the last hour had.
func (n *suspects) within(now int64) (all, flagged int64, last time.Time) {
	n.turn(now / slotTime)
	for i := range n.all {
		all += int64(n.all[i])
		flagged += int64(n.flagged[i])
	}
	return all, flagged, time.Unix(n.last, 0).UTC()
}

// networkOf is who is counted as one: a /24 or /48.
func networkOf(addr netip.Addr) (netip.Prefix, bool) {
	bits := 48
	if addr = addr.Unmap(); addr.Is4() {
		bits = 24
	}
	p, err := addr.WithZone("").Prefix(bits)
	return p, err == nil && p.IsValid()
}

// turn empties the slots between the newest one and now. A clock that was set back
// begins anew.
func (n *suspects) turn(now int64) {
	if now < n.slot || now-n.slot >= hourSlots {
		n.all, n.flagged, n.slot = [hourSlots]uint32{}, [hourSlots]uint32{}, now
		return
	}
	for n.slot < now {
		n.slot++
		n.all[n.slot%hourSlots], n.flagged[n.slot%hourSlots] = 0, 0
	}
}

// Fill writes its part of a snapshot, with at most so many networks and as many
// autonomous systems.
func (t *Top) Fill(s *Snapshot, networks int) {
	at := t.now()
	now := at.Unix()
	t.mu.Lock()
	total := t.total
	var last tally
	for i := range t.seconds {
		if c := &t.seconds[i]; now-c.at < minute && c.at <= now {
			last.sum(&c.tally)
		}
	}
	s.Networks = make([]Network, 0, networks)
	for _, p := range t.networks.Keys() {
		n, _ := t.networks.Peek(p)
		if all, flagged, last := n.within(now); all > 0 {
			s.Networks = append(s.Networks, Network{p, all, flagged, last})
		}
	}
	s.ASNs = make([]ASN, 0, networks)
	for _, asn := range t.asns.Keys() {
		n, _ := t.asns.Peek(asn)
		if all, flagged, last := n.within(now); all > 0 {
			s.ASNs = append(s.ASNs, ASN{asn, n.name, all, flagged, last})
		}
	}
	t.mu.Unlock()
	// slices.SortFunc is quicker, and makes the program 20 KiB larger for each type.
	sort.Slice(s.Networks, func(i, j int) bool {
		a, b := &s.Networks[i], &s.Networks[j]
		return cmp.Or(cmp.Compare(b.Suspects, a.Suspects), a.Network.Compare(b.Network)) < 0
	})
	sort.Slice(s.ASNs, func(i, j int) bool {
		a, b := &s.ASNs[i], &s.ASNs[j]
		return cmp.Or(cmp.Compare(b.Suspects, a.Suspects), cmp.Compare(a.ASN, b.ASN)) < 0
	})
	s.Networks = s.Networks[:min(networks, len(s.Networks))]
	s.ASNs = s.ASNs[:min(networks, len(s.ASNs))]
	s.Time, s.Since = at.UTC(), t.since.UTC()
	s.Decisions, s.Minute = total.counts(), last.counts()
}

// Rates are counts of decisions over time.
type Rates struct {
	Since  time.Time // when the first step begins
	Step   time.Duration
	Counts []Counts // of each step, the last one's under way
}

// Rates returns those of the last n steps, at most a day in all. A step is a number of
// whole minutes, and begins at a multiple of it.
func (t *Top) Rates(step time.Duration, n int) Rates {
	minutes := max(int64(step/time.Minute), 1)
	last := t.now().Unix() / minute
	first := (last/minutes - int64(n) + 1) * minutes
	sums := make([]tally, n)
	t.mu.Lock()
	for i := range t.minutes {
		if s := &t.minutes[i]; s.at >= first && s.at <= last && last-s.at < dayMinutes {
			sums[(s.at-first)/minutes].sum(&s.tally)
		}
	}
	t.mu.Unlock()
	r := Rates{Since: time.Unix(first*minute, 0).UTC(), Step: time.Duration(minutes) * time.Minute, Counts: make([]Counts, n)}
	for i := range sums {
		r.Counts[i] = sums[i].counts()
	}
	return r
}

// Forget drops what was counted of networks that the prefix touches.
func (t *Top) Forget(p netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.networks.Keys() {
		if n.Overlaps(p) {
			t.networks.Remove(n)
		}
	}
}

func (c *tally) sum(o *tally) {
	c.decisions += o.decisions
	c.exempt += o.exempt
	c.failOpen += o.failOpen
	c.suspects += o.suspects
	for i, n := range o.class {
		c.class[i] += n
	}
	for i, n := range o.action {
		c.action[i] += n
	}
	for i, n := range o.device {
		c.device[i] += n
	}
}

func (c *tally) counts() Counts {
	to := Counts{
		Decisions: c.decisions, Exempt: c.exempt, FailOpen: c.failOpen, Suspects: c.suspects,
		Class: map[string]int64{}, Action: map[string]int64{}, Device: map[string]int64{},
	}
	for i, n := range c.class {
		put(to.Class, policy.Class(i).String(), n)
	}
	for i, n := range c.action {
		put(to.Action, policy.Action(i).String(), n)
	}
	for i, n := range c.device {
		put(to.Device, device.Kind(i).String(), n)
	}
	return to
}

func put(to map[string]int64, word string, n int64) {
	if n != 0 && word != "" {
		to[word] = n
	}
}
