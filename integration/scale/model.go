package main

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// What is assumed. All of it stands in docs/scale.md, where readers put in their own.
const (
	perDay      = 1e9                          // connections of 100 hosts
	manyHosts   = 100                          // that bring them
	perHost     = perDay / manyHosts / 86400.0 // connections a second, on average
	peakFactor  = 3                            // of the busiest minutes over the day's average
	sessionTime = 5                            // s, from CONNECT to QUIT
	mostBusy    = .6                           // of the store's one thread
	daemonCost  = 600                          // µs of a whole session with one message, the protocol included; the test has it from docs/performance.md
	mtaCost     = 2600                         // µs of Postfix for the same, from there too
	lookupTime  = .05                          // s that a question to DNS takes
	glanceCost  = 2.3                          // µs of the question to the kernel
	coreHour    = .04                          // price of a core for an hour, in any money
	poolSize    = 16                           // connections to the store, of a host at most (policy/state/remote)
	smtpLimit   = 100                          // Postfix: default_process_limit
	judgedLimit = 4000                         // iot-milter: limits.sessions
	lookupLimit = 1024                         // iot-milter: limits.lookups
	filesLimit  = 65536                        // LimitNOFILE of its unit
)

// size is a site of so many MX hosts.
type size struct {
	hosts int
	day   float64 // connections
}

func (s size) average() float64 { return s.day / 86400 }
func (s size) peak() float64    { return s.average() * peakFactor }

var sizes = []size{{1, perDay / manyHosts}, {10, 10 * perDay / manyHosts}, {manyHosts, perDay}}

// cores are those of the store's processor that the connections of the busiest minutes take.
func (s size) cores(micros float64) float64 { return s.peak() * micros / 1e6 }

// stores is how many it takes, where each is one thread that is to be busy no more than mostBusy.
func (s size) stores(micros float64) int { return max(1, int(math.Ceil(s.cores(micros)/mostBusy))) }

func number(v float64) string {
	switch {
	case v >= 1e6 && v == math.Trunc(v/1e6)*1e6 || v >= 1e7:
		return grouped(math.Round(v/1e5)/10) + " M"
	case v >= 100:
		return grouped(math.Round(v))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= .1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func grouped(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}

func mib(bytes float64) string { return number(bytes/(1<<20)) + " MiB" }
func gib(bytes float64) string { return number(bytes/(1<<30)) + " GiB" }
func percent(v float64) string {
	if v > 0 && v < .001 {
		return "< 0.1 %"
	}
	return strconv.FormatFloat(100*v, 'f', 1, 64) + " %"
}
func ms(v float64) string { return number(v) + " ms" }

// sizing is what sites of three sizes need, by what was measured.
func (f *figures) sizing() table {
	t := table{head: []string{"", "is"}}
	for _, s := range sizes {
		t.head = append(t.head, fmt.Sprintf("%d MX", s.hosts))
	}
	row := func(what, how string, of func(size) string) {
		cells := []string{what, how}
		for _, s := range sizes {
			cells = append(cells, of(s))
		}
		t.rows = append(t.rows, cells)
	}
	row("connections a day", "assumed", func(s size) string { return number(s.day) })
	row("connections/s, on average and at the peak", "computed", func(s size) string { return number(s.average()) + " / " + number(s.peak()) })
	row("a host's at the peak", "computed", func(s size) string { return number(s.peak() / float64(s.hosts)) })
	row("a host's open sessions at the peak", "computed", func(s size) string { return number(s.peak() / float64(s.hosts) * sessionTime) })
	row("a host's cores for iot-milter at the peak", "computed", func(s size) string { return number(s.peak() / float64(s.hosts) * daemonCost / 1e6) })
	row("… for Postfix", "computed", func(s size) string { return number(s.peak() / float64(s.hosts) * mtaCost / 1e6) })
	row("of iot-milter's for the question to the kernel", "computed", func(s size) string { return number(s.peak() / float64(s.hosts) * glanceCost / 1e6) })
	row("DNS questions/s at the peak, of all hosts, lists / none", "computed", func(s size) string {
		return number(s.peak()*f.Enforce.Mix.Questions) + " / " + number(s.peak()*f.Tag.Mix.Questions)
	})
	row("… of a host", "computed", func(s size) string {
		return number(s.peak()/float64(s.hosts)*f.Enforce.Mix.Questions) + " / " + number(s.peak()/float64(s.hosts)*f.Tag.Mix.Questions)
	})
	row("requests/s to the store at the peak, enforce / tag", "computed", func(s size) string {
		return number(s.peak()*f.Enforce.Mix.Requests) + " / " + number(s.peak()*f.Tag.Mix.Requests)
	})
	row("its traffic, in and out, enforce", "computed", func(s size) string {
		return number(s.peak()*f.Enforce.Mix.In*8/1e6) + " / " + number(s.peak()*f.Enforce.Mix.Out*8/1e6) + " Mbit/s"
	})
	row("its cores, enforce / tag", "computed", func(s size) string {
		return number(s.cores(f.Enforce.Mix.Micros)) + " / " + number(s.cores(f.Tag.Mix.Micros))
	})
	row("**stores**, enforce / tag", "computed", func(s size) string {
		return fmt.Sprintf("%d / %d", s.stores(f.Enforce.Mix.Micros), s.stores(f.Tag.Mix.Micros))
	})
	row("connections to stores, at most", "computed", func(s size) string { return number(float64(s.hosts * poolSize)) })
	return t
}

// memory is what a store needs to remember so many hosts, and what the facts of the latest need besides.
func (f *figures) memory() table {
	t := table{head: []string{"hosts", "history", "facts of a tenth of them", "together", "is"}}
	last := f.Store[len(f.Store)-1]
	for _, hosts := range []float64{1e6, 1e7, 1e8} {
		history, facts := hosts*last.PerHost, hosts/10*f.Facts
		t.rows = append(t.rows, []string{number(hosts), gib(history), gib(facts), gib(history + facts), "computed"})
	}
	return t
}

// cost is that of a million messages, in processor time and in money.
func (f *figures) cost() table {
	t := table{head: []string{"of a million messages", "CPU-seconds", fmt.Sprintf("at %v a core-hour", coreHour), "is"}}
	row := func(what string, micros float64, how string) {
		t.rows = append(t.rows, []string{what, number(micros), strconv.FormatFloat(micros/3600*coreHour, 'f', 4, 64), how})
	}
	row("iot-milter", daemonCost, "computed")
	row("the store, mode enforce with two lists", f.Enforce.Mix.Micros, "measured")
	row("the store, out of the box", f.Tag.Mix.Micros, "measured")
	row("both, mode enforce", daemonCost+f.Enforce.Mix.Micros, "computed")
	row("beside them: Postfix itself", mtaCost, "measured")
	return t
}

// limits are those of one host in the order in which they are met, by connections a second.
func (f *figures) limits() table {
	limits := []struct {
		what string
		rate float64
	}{
		{fmt.Sprintf("Postfix: `default_process_limit`, %d", smtpLimit), smtpLimit / float64(sessionTime)},
		{fmt.Sprintf("iot-milter: `limits.sessions`, %d", judgedLimit), judgedLimit / float64(sessionTime)},
		{"one core for Postfix and iot-milter", 1e6 / (mtaCost + daemonCost)},
		{"one core for iot-milter alone", 1e6 / daemonCost},
		{fmt.Sprintf("iot-milter: `limits.lookups`, %d, two DNS lists", lookupLimit), lookupLimit / (lookupTime * f.Enforce.Mix.Questions)},
		{fmt.Sprintf("iot-milter: `limits.lookups`, %d, none", lookupLimit), lookupLimit / (lookupTime * f.Tag.Mix.Questions)},
		{"one store for this host alone, enforce", mostBusy * 1e6 / f.Enforce.Mix.Micros},
		{"one store for this host alone, tag", mostBusy * 1e6 / f.Tag.Mix.Micros},
		{"files: `LimitNOFILE=65536` of the unit, one a session", filesLimit / float64(sessionTime)},
		{"one core for the question to the kernel alone", 1e6 / glanceCost},
	}
	sort.SliceStable(limits, func(i, j int) bool { return limits[i].rate < limits[j].rate })
	t := table{head: []string{"limit", "connections/s of a host"}}
	for _, l := range limits {
		t.rows = append(t.rows, []string{l.what, number(l.rate)})
	}
	return t
}
