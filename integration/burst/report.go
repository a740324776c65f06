package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// The requirements.
const (
	mustStop    = 0.95
	mayDefer    = 0.001
	mustDeclare = 100 // messages of a template until it is a campaign
)

// result is what a configuration did, in shares and numbers.
type result struct {
	Name     string  `json:"name"`
	What     string  `json:"what"`
	Tagged   float64 `json:"burst_tagged"`
	Deferred float64 `json:"burst_deferred"`
	Refused  float64 `json:"burst_refused"`
	Stopped  float64 `json:"burst_stopped"`
	First    float64 `json:"first_burst_stopped"`
	Second   float64 `json:"second_burst_stopped"`
	Things   float64 `json:"things_stopped"`
	PCs      float64 `json:"pcs_stopped"`

	LegitRefused  int     `json:"legit_refused"`
	LegitDeferred int     `json:"legit_deferred"`
	DeferredShare float64 `json:"legit_deferred_share"`
	LegitLost     int     `json:"legit_never_accepted"`
	LegitFlagged  int     `json:"legit_flagged"`
	FleetRefused  int     `json:"fleet_refused"`
	FleetDeferred int     `json:"fleet_deferred"`

	DeclaredFirst  int `json:"declared_first"`
	DeclaredMedian int `json:"declared_median"`
	DeclaredLast   int `json:"declared_last"`
	NeverDeclared  int `json:"never_declared"`
	LegitDeclared  int `json:"declared_by_legit"`
	Trouble        int `json:"own_trouble"`

	Groups map[string]*count `json:"groups"`
	tally  *tally
}

// results is a whole run.
type results struct {
	Seed      uint64    `json:"seed"`
	Messages  int       `json:"burst_messages"`
	Addresses int       `json:"burst_addresses"`
	Networks  int       `json:"burst_networks"`
	Legit     int       `json:"legit_messages"`
	Judged    string    `json:"judged"`
	Failed    []string  `json:"failed"`
	Results   []*result `json:"results"`
	explain   bool
}

func part(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// conclude makes the results of the tallies.
func conclude(o *options, sc *scene, chosen []configuration, tallies []*tally, trouble []int) *results {
	rs := &results{Seed: o.seed, Messages: sc.size.messages, Addresses: sc.size.addresses, Networks: sc.size.networks,
		Legit: tallies[0].legit(phaseDay).Sent, Judged: o.judge, Failed: []string{}, explain: o.explain}
	for i, t := range tallies {
		r := resultOf(&chosen[i], t, &sc.size)
		r.Trouble = trouble[i]
		rs.Results = append(rs.Results, r)
		if r.Name == o.judge {
			rs.Failed = append(rs.Failed, r.failed()...)
		}
	}
	return rs
}

func resultOf(c *configuration, t *tally, s *size) *result {
	b, l := t.burst(0), t.legit(phaseDay)
	first, second := t.burst(phaseFirst), t.burst(phaseSecond)
	r := &result{
		Name: c.name, What: c.what, tally: t,
		Tagged: part(b.Yes+b.Suspect, b.Sent), Deferred: part(b.Deferred, b.Sent), Refused: part(b.Refused, b.Sent),
		Stopped: part(b.stopped(), b.Sent), First: part(first.stopped(), first.Sent), Second: part(second.stopped(), second.Sent),
		LegitRefused: l.Refused, LegitDeferred: l.Deferred, DeferredShare: part(l.Deferred, l.Sent), LegitLost: l.stopped(),
		LegitFlagged: l.Yes + l.Suspect, LegitDeclared: t.innocent, Groups: map[string]*count{},
	}
	for g := range group(numGroups) {
		sum := t.counts[g][phaseDay]
		sum.add(&t.counts[g][phaseFirst])
		sum.add(&t.counts[g][phaseSecond])
		r.Groups[g.String()] = &sum
	}
	things, pcs := r.Groups[groupThing.String()], r.Groups[groupPC.String()]
	r.Things, r.PCs = part(things.stopped(), things.Sent), part(pcs.stopped(), pcs.Sent)
	fleet := r.Groups[groupFleet.String()]
	r.FleetRefused, r.FleetDeferred = fleet.Refused, fleet.Deferred
	r.DeclaredFirst, r.DeclaredMedian, r.DeclaredLast, r.NeverDeclared = t.declared(s)
	return r
}

// failed are the requirements that the result does not meet.
func (r *result) failed() (list []string) {
	check := func(holds bool, format string, args ...any) {
		if !holds {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	check(r.LegitRefused == 0, "%d legitimate messages are refused, %d of them the fleet's", r.LegitRefused, r.FleetRefused)
	check(r.LegitLost == r.LegitRefused, "%d legitimate messages are never accepted", r.LegitLost)
	check(r.DeferredShare <= mayDefer, "%.2f %% of legitimate messages are deferred", 100*r.DeferredShare)
	check(r.Stopped >= mustStop, "%.1f %% of the burst are stopped", 100*r.Stopped)
	check(r.DeclaredLast <= mustDeclare && r.NeverDeclared == 0 && r.DeclaredFirst > 0,
		"a template is declared after %d of its messages, %d never", r.DeclaredLast, r.NeverDeclared)
	return list
}

func (rs *results) printJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(rs)
}

func (rs *results) print(w io.Writer) {
	fmt.Fprintf(w, "each burst: %d messages within an hour, %d addresses, %d networks; legitimate messages of the day: %d; seed %d\n\n",
		rs.Messages, rs.Addresses, rs.Networks, rs.Legit, rs.Seed)
	fmt.Fprintf(w, "%-15s %7s %8s %7s %7s %7s %7s %7s %7s | %7s %8s %7s %6s %6s %6s | %s\n", "", "tagged", "deferred", "refused", "stopped",
		"1st", "2nd", "things", "PCs", "refused", "deferred", "%", "lost", "fleet", "fleet", "campaign declared after")
	fmt.Fprintf(w, "%-15s %7s %8s %7s %7s %7s %7s %7s %7s | %7s %8s %7s %6s %6s %6s | %s\n", "configuration", "%", "%", "%", "%", "%", "%", "%", "%",
		"legit", "legit", "", "legit", "refu.", "defer.", "first median last never legit")
	for _, r := range rs.Results {
		fmt.Fprintf(w, "%-15s %7.1f %8.1f %7.1f %7.1f %7.1f %7.1f %7.1f %7.1f | %7d %8d %7.3f %6d %6d %6d | %5d %6d %4d %5d %5d",
			r.Name, 100*r.Tagged, 100*r.Deferred, 100*r.Refused, 100*r.Stopped, 100*r.First, 100*r.Second, 100*r.Things, 100*r.PCs,
			r.LegitRefused, r.LegitDeferred, 100*r.DeferredShare, r.LegitLost, r.FleetRefused, r.FleetDeferred,
			r.DeclaredFirst, r.DeclaredMedian, r.DeclaredLast, r.NeverDeclared, r.LegitDeclared)
		if r.Trouble > 0 {
			fmt.Fprintf(w, "  (%d passed unjudged)", r.Trouble)
		}
		fmt.Fprintln(w)
	}
	for _, r := range rs.Results {
		if rs.explain && r.Name == rs.Judged {
			r.explain(w)
		}
	}
}

// explain says who was hit and who escaped.
func (r *result) explain(w io.Writer) {
	fmt.Fprintf(w, "\n%s, by group:\n%-30s %8s %8s %8s %8s %8s %8s %8s\n", r.Name, "", "sent", "yes", "suspect", "deferred", "campaign", "refused", "accepted")
	for g := range group(numGroups) {
		c := r.Groups[g.String()]
		fmt.Fprintf(w, "%-30s %8d %8d %8d %8d %8d %8d %8d\n", g, c.Sent, c.Yes, c.Suspect, c.Deferred, c.Campaign, c.Refused, c.Accepted)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.tally.fleet)) {
		c := r.tally.fleet[kind]
		fmt.Fprintf(w, "%-30s %8d %8d %8d %8d %8d %8d %8d\n", "  fleet, "+kind, c.Sent, c.Yes, c.Suspect, c.Deferred, c.Campaign, c.Refused, c.Accepted)
	}
	history := r.tally.legit(phaseHistory)
	fmt.Fprintf(w, "%-30s %8d %8d %8d %8d %8d %8d %8d\n", "legitimate, days before", history.Sent, history.Yes, history.Suspect,
		history.Deferred, history.Campaign, history.Refused, history.Accepted)
	fmt.Fprintln(w, "\nbursts by class: sent, accepted")
	for _, class := range slices.Sorted(maps.Keys(r.tally.classes)) {
		c := r.tally.classes[class]
		fmt.Fprintf(w, "%-12s %8d %8d\n", class, c.Sent, c.Accepted)
	}
	type row struct {
		escape
		n int
	}
	var rows []row
	sum, early := 0, 0
	for e, n := range r.tally.escaped {
		rows = append(rows, row{e, n})
		sum += n
		if e.first {
			early += n
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.kind, b.kind), cmp.Compare(a.class, b.class))
	})
	fmt.Fprintf(w, "\n%d messages of the bursts are accepted, %d before their template was declared; the most by class, name / greeting:\n", sum, early)
	for _, e := range rows[:min(len(rows), 25)] {
		when := "after"
		if e.first {
			when = "before"
		}
		fmt.Fprintf(w, "%8d %-10s %s, %s\n", e.n, e.class, e.kind, when)
	}
	fmt.Fprintln(w, "\nthe first burst by minute: accepted of sent")
	for i := range 12 {
		var c count
		for j := range 5 {
			c.add(&r.tally.minutes[0][5*i+j])
		}
		fmt.Fprintf(w, "  %02d-%02d %d of %d\n", 5*i, 5*i+5, c.Accepted, c.Sent)
	}
}
