package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// mxName is the receiving MTA, domains are those that it receives for.
const mxName = "mx.example.test"

var domains = func() []string {
	list := make([]string, 20)
	for i := range list {
		list[i] = fmt.Sprintf("d%d.example.test", i)
	}
	return list
}()

func recipient(r *rand.Rand, domain int) string {
	return words[r.IntN(len(words))] + "@" + domains[domain]
}

// kindOfLegit is a population: which share of all legitimate mail is its, and how
// many messages each of its hosts sends.
type kindOfLegit struct {
	group   group
	share   float64 // of all legitimate mail
	each    int     // messages of one host, on average
	session int     // messages of one session
	make    func(w *world, r *rand.Rand, i int) *host
}

// population are those who write. Among legitimate mail of 2002 to 2026, and in
// SpamAssassin's mass-check, 0.7 % comes from names that look dynamic, 1.3 % from
// hosts without a name, 0.3 % greets with one word; lines scales the first.
func population(lines float64) []kindOfLegit {
	return []kindOfLegit{
		{groupNewsletter, 0.20, 2500, 10, newsletter},
		{groupApp, 0.03, 5, 1, application},
		{groupOffice, 0.02, 2, 1, office},
		{groupUnnamed, 0.01, 3, 1, unnamed},
		{groupHome, 0.007 * lines, 2, 1, home},
		{groupSloppy, 0.0045, 2, 1, sloppy},
		{groupPrinter, 0.005, 20, 1, printer},
		{groupServer, 0.7205, 20, 1, server},
	}
}

const (
	habitual = 0.8 // of the senders wrote on earlier days
	faithful = 0.8 // of their mail goes to the domain that it always goes to
)

// legitimate adds all mail that is wanted: three days and more before, and the day.
func (sc *scene) legitimate(lines float64) {
	left := sc.size.legit - sc.size.fleet
	for i, k := range population(lines) {
		r := sc.rand(200 + uint64(i))
		n := int(float64(sc.size.legit) * k.share)
		if k.group == groupServer {
			n = left
		}
		left -= n
		hosts := make([]*host, max(1, n/k.each))
		for j := range hosts {
			hosts[j] = k.make(sc.world, r, j)
			hosts[j].group, hosts[j].regular = k.group, r.IntN(len(domains))
			hosts[j].habitual = r.Float64() < habitual
			if k.group != groupServer && k.group != groupNewsletter {
				sc.remember(r, hosts[j])
			}
		}
		for n > 0 {
			session := min(k.session, n)
			h := hosts[r.IntN(len(hosts))]
			sc.events = append(sc.events, event{at: sc.sometime(r), host: h, phase: phaseDay, mails: h.mails(r, session)})
			n -= session
		}
	}
	sc.fleet()
}

// remember adds what a host that wrote before wrote then.
func (sc *scene) remember(r *rand.Rand, h *host) {
	if !h.habitual {
		return
	}
	for day := range sc.size.days {
		at := morning.AddDate(0, 0, day-sc.size.days).Add(time.Duration(r.Int64N(int64(10 * time.Hour))))
		m := h.mails(r, 1)
		m[0].rcpt = recipient(r, h.regular)
		sc.events = append(sc.events, event{at: at, host: h, phase: phaseHistory, mails: m})
	}
}

// sometime of the day: eight tenths within the bursts' hours.
func (sc *scene) sometime(r *rand.Rand) time.Time {
	if r.IntN(10) < 8 {
		burst := time.Duration(r.IntN(sc.size.bursts))
		return firstBurst.Add(burst*between + time.Duration(r.Int64N(int64(burstTime))))
	}
	return morning.Add(time.Duration(r.Int64N(int64(between + 2*burstTime))))
}

func (h *host) mails(r *rand.Rand, n int) []mail {
	list := make([]mail, n)
	for i := range list {
		to := h.regular
		if h.group != groupPrinter && r.Float64() >= faithful {
			to = r.IntN(len(domains))
		}
		list[i] = mail{seed: r.Uint64(), rcpt: recipient(r, to), from: words[r.IntN(len(words))] + "@" + h.domain}
		if h.group == groupNewsletter {
			list[i] = mail{seed: r.Uint64(), rcpt: recipient(r, r.IntN(len(domains))), from: fmt.Sprintf("bounce-%d@%s", r.Uint32(), h.domain)}
		}
	}
	return list
}

// serverAt is the i-th host of a kind among the servers.
func (w *world) serverAt(kind, i int) *host {
	return &host{network: uint32(198<<16 | 18<<8 | (kind*16 + i/250)), last: byte(1 + i%250), resolves: true, sends: true}
}

func server(w *world, r *rand.Rand, i int) *host {
	// 198.18.0.0 to 198.18.127.255 and on: servers stand a few to a network.
	h := &host{network: uint32(198<<16|19<<8) + uint32(i/40)%256, last: byte(1 + i%40), resolves: true, sends: i%3 == 0}
	if i/40 >= 256 {
		h.last += 100
	}
	h.domain = fmt.Sprintf("corp%d.example.org", i)
	h.name, h.iprev = "mail."+h.domain, nameConfirmed
	if i%4 == 0 {
		h.name = fmt.Sprintf("out-%d.%s", i%7, h.domain)
	}
	h.helo, h.program = h.name, i%len(programs)
	return h
}

func newsletter(w *world, r *rand.Rand, i int) *host {
	h := w.serverAt(0, i)
	h.domain = fmt.Sprintf("news%d.example.org", i)
	h.name, h.iprev = fmt.Sprintf("mta%d.%s", i, h.domain), nameConfirmed
	h.helo, h.program = h.name, programBulk
	return h
}

// application is a rented machine that writes by itself: half of them under the
// name that their provider gave them.
func application(w *world, r *rand.Rand, i int) *host {
	h := w.serverAt(1, i)
	h.domain = fmt.Sprintf("app%d.example.org", i)
	h.name, h.iprev = fmt.Sprintf("vps-%d-%d.dc1.example.net", h.last, byte(h.network)), nameConfirmed
	h.helo, h.program = "www."+h.domain, programPHP
	if i%2 == 0 {
		h.helo = h.name
	}
	return h
}

// online is a host on a line of a provider of the burst's: in the same networks.
func (w *world) online(r *rand.Rand) (*host, *network) {
	n := &w.networks[r.IntN(len(w.networks))]
	return w.place(r, n, &host{iprev: nameConfirmed, resolves: true, sends: true, program: r.IntN(len(programs))}), n
}

func office(w *world, r *rand.Rand, i int) *host {
	h, n := w.online(r)
	h.domain = fmt.Sprintf("office%d.example.org", i)
	h.name = h.named(r, "static-A-B-C-D.ispN.example.net", n.provider.id)
	h.helo = "mail." + h.domain
	return h
}

func unnamed(w *world, r *rand.Rand, i int) *host {
	h, _ := w.online(r)
	h.domain, h.iprev = fmt.Sprintf("shop%d.example.org", i), nameNone
	h.helo = "mail." + h.domain
	return h
}

// home is somebody with a server at home. Most have a name of their own that
// resolves to them, some greet with the line's name, and a few with one that does
// not resolve.
func home(w *world, r *rand.Rand, i int) *host {
	h, n := w.online(r)
	h.domain = fmt.Sprintf("home%d.example.org", i)
	h.name = h.named(r, "cpe-A-B-C-D.dyn.ispN.example.net", n.provider.id)
	h.helo = "mail." + h.domain
	switch i % 20 {
	case 0, 1, 2, 3:
		h.helo = h.name
	case 4:
		h.resolves = false
	case 5:
		h.helo = "localhost.localdomain"
	}
	return h
}

// sloppy are servers that greet with one word or as localhost; one in nine has no
// PTR name besides, as in 0.05 % of legitimate mail.
func sloppy(w *world, r *rand.Rand, i int) *host {
	h := w.serverAt(2, i)
	h.network += uint32(i) % 200 // each in a network of its own
	h.domain = fmt.Sprintf("old%d.example.org", i)
	h.name, h.iprev, h.resolves, h.program = "mail."+h.domain, nameConfirmed, false, i%len(programs)
	h.helo = fmt.Sprintf("EXCHANGE%02d", i%100)
	switch {
	case i%9 == 0:
		h.name, h.iprev = "", nameNone
	case i%3 == 0:
		h.helo = "localhost.localdomain"
	}
	return h
}

func printer(w *world, r *rand.Rand, i int) *host {
	return &host{
		network: uint32(192<<16 | 168<<8 | 1), last: byte(10 + i%200), domain: domains[0],
		helo: fmt.Sprintf("BRN30055C%06X", i), program: programScan,
	}
}

// fleet are boxes of one maker at customers' offices and homes. They greet by their
// maker's name and mail the same alert to the same administrator within ten
// minutes, each day.
func (sc *scene) fleet() {
	r := sc.rand(300)
	admin := "alerts@" + domains[3]
	for i := range sc.size.fleet {
		h, n := sc.world.online(r)
		h.group, h.helo, h.resolves, h.program = groupFleet, "DiskStation", false, programNAS
		h.domain = fmt.Sprintf("customer%d.example.org", i)
		h.sends = false
		switch {
		case i%10 < 5:
			h.kind, h.name = "static line", h.named(r, "static-A-B-C-D.ispN.example.net", n.provider.id)
		case i%10 < 8:
			h.kind, h.name = "access line", h.named(r, "cpe-A-B-C-D.dyn.ispN.example.net", n.provider.id)
		default:
			h.kind, h.iprev = "no name", nameNone
		}
		offset := 20*time.Minute + time.Duration(r.Int64N(int64(10*time.Minute)))
		for day := -sc.size.days; day <= 0; day++ {
			phase := phaseHistory
			if day == 0 {
				phase = phaseDay
			}
			sc.events = append(sc.events, event{
				at: firstBurst.AddDate(0, 0, day).Add(offset), host: h, phase: phase,
				mails: []mail{{seed: r.Uint64(), rcpt: admin, from: "nas@" + h.domain}},
			})
		}
	}
}
