package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// group is who sends: what is reported line by line.
type group uint8

const (
	groupThing group = iota
	groupPC
	groupServer
	groupNewsletter
	groupApp
	groupOffice
	groupUnnamed
	groupHome
	groupSloppy
	groupPrinter
	groupFleet
	numGroups
)

var groupWords = [numGroups]string{"things", "PCs", "mail servers", "newsletters", "hosted applications",
	"offices on static lines", "servers without PTR", "self-hosters on access lines", "sloppy servers",
	"LAN printers", "NAS fleet"}

func (g group) String() string { return groupWords[g] }

// bad reports whether the group's mail is the burst's.
func (g group) bad() bool { return g <= groupPC }

// iprev is what the MTA finds in reverse DNS.
type iprev uint8

const (
	nameNone iprev = iota
	nameUnconfirmed
	nameConfirmed
)

// host is an SMTP client. What it is, it is in every session.
type host struct {
	group    group
	network  uint32 // the first three octets
	last     byte
	name     string // PTR
	iprev    iprev
	kind     string // how it was made, for the report of who escapes
	helo     string
	resolves bool // the HELO name resolves to the host
	domain   string
	sends    bool // the domain's MX or A names the host
	habitual bool // it wrote on earlier days
	regular  int  // index of the recipients' domain it writes to mostly
	program  int  // what writes a legitimate one's mail
}

// mail is one message of an event.
type mail struct {
	template int // of the burst
	seed     uint64
	rcpt     string
	from     string
}

// event is one SMTP session at a time, and the first in a chain of retries.
type event struct {
	at    time.Time
	host  *host
	phase phase
	mails []mail
}

// phase is which part of the scene an event belongs to.
type phase uint8

const (
	phaseHistory phase = iota
	phaseDay
	phaseFirst
	phaseSecond
)

// size is how large the scene is.
type size struct {
	messages  int // of one burst
	addresses int
	networks  int
	legit     int
	fleet     int
	templates int
	bursts    int
	days      int // of history
}

// whole is the scene of the report of 2014.
func whole() size {
	return size{messages: 100_000, addresses: 45_000, networks: 12_000, legit: 100_000, fleet: 300, templates: 40, bursts: 2, days: 4}
}

// by scales the numbers alike, those of the templates too: as many messages of each
// as before come from as many networks.
func (s size) by(scale float64) size {
	n := func(of int) int { return max(1, int(float64(of)*scale+0.5)) }
	s.messages, s.addresses, s.networks, s.legit = n(s.messages), n(s.addresses), n(s.networks), n(s.legit)
	s.fleet, s.templates = n(s.fleet), max(2, n(s.templates))
	return s
}

const (
	most      = 10 // messages of one address
	burstTime = time.Hour
	between   = 8 * time.Hour
)

// The day begins at 9; the first burst is at 10.
var (
	morning    = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	firstBurst = morning.Add(time.Hour)
)

// scene is all that happens, in the order of time.
type scene struct {
	size      size
	seed      uint64
	retryBots float64
	vary      bool // headers of one template differ, and messages have bodies
	templates []template
	world     *world
	events    []event
}

// compose makes the scene: the same for the same seed.
func compose(s size, seed uint64, lines float64) *scene {
	sc := &scene{size: s, seed: seed, world: newWorld(seed, s.networks)}
	sc.templates = newTemplates(sc.rand(1), s.templates+(s.bursts-1)*s.templates/2)
	for i := range s.bursts {
		sc.burst(i)
	}
	sc.legitimate(lines)
	slices.SortStableFunc(sc.events, func(a, b event) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	return sc
}

// rand is a stream of its own for each part, so that a change of one part leaves
// the others as they are.
func (sc *scene) rand(part uint64) *rand.Rand { return rand.New(rand.NewPCG(sc.seed, part)) }

// burst adds the n-th one. Half of its templates are new.
func (sc *scene) burst(n int) {
	r := sc.rand(100 + uint64(n))
	bots := sc.world.bots(r, sc.size.addresses)
	begin := firstBurst.Add(time.Duration(n) * between)
	oldest := n * sc.size.templates / 2
	for _, h := range spread(r, bots, sc.size.messages) {
		t := oldest + r.IntN(sc.size.templates)
		sc.events = append(sc.events, event{
			at: begin.Add(time.Duration(r.Int64N(int64(burstTime)))), host: h, phase: phaseFirst + phase(min(n, 1)),
			mails: []mail{{template: t, seed: r.Uint64(), rcpt: recipient(r, r.IntN(len(domains))), from: sc.templates[t].sender(r)}},
		})
	}
}

// spread gives each host one message and the rest by chance, none more than ten.
func spread(r *rand.Rand, hosts []*host, messages int) []*host {
	to := slices.Clone(hosts)
	count := make([]int, len(hosts))
	for len(to) < messages {
		if i := r.IntN(len(hosts)); count[i] < most-1 {
			count[i]++
			to = append(to, hosts[i])
		}
	}
	return to
}

// client is the host as the MTA tells of it.
func (h *host) client(c *mtascript.Client, macros map[string]string) {
	addr := h.addr()
	c.Addr, c.Host = addr, "["+addr+"]"
	macros["{client_resolve}"], macros["{client_name}"], macros["{client_ptr}"] = "FAIL", "unknown", "unknown"
	switch h.iprev {
	case nameConfirmed:
		c.Host = h.name
		macros["{client_resolve}"], macros["{client_name}"], macros["{client_ptr}"] = "OK", h.name, h.name
	case nameUnconfirmed:
		macros["{client_ptr}"] = h.name
	}
	macros["_"] = c.Host + " [" + addr + "]"
}
