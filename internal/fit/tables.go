package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/internal/recording"
	"github.com/iot-milter/iot-milter/policy"
)

func (p *page) curve() {
	p.f("## The curve\n\n![spam found against legitimate connections flagged](%s)\n\nThe most spam of 2007 that one threshold finds with no more than "+
		"that share of legitimate connections flagged (folds over networks). For scale: the PBL, a list of a third party, was measured elsewhere at 59 %% "+
		"of spam and 0.026 %% of legitimate mail (SpamAssassin's mass-check).\n", curveFile)
	curves := [][]point{
		roc(p.d.connections, p.net, func(u *unit) bool { return u.set == hamPlain }),
		roc(p.d.connections, p.net, func(u *unit) bool { return u.set == hamL2 }),
		roc(p.d.connections, p.net, ham2007),
		roc(p.d.connections, p.net, func(u *unit) bool { return !u.Spam() }),
	}
	var rows [][]string
	for _, ham := range []float64{0.00026, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.02, 0.05} {
		row := []string{percent(ham)}
		for _, c := range curves {
			row = append(row, percent(at(c, ham).spam))
		}
		rows = append(rows, row)
	}
	p.table([]string{"legitimate flagged", "all but -l2", "-l2", "2007 only", "all"}, rows)
}

func (p *page) baselines() {
	p.f("## Against the simplest rules\n\nOn the same connections. A rule that needs a recorded name says nothing where none is recorded.\n")
	head := []string{"rule"}
	for _, w := range who {
		head = append(head, w.name)
	}
	var rows [][]string
	for _, b := range append([]baseline{flagBy(p.net)}, baselines...) {
		row := []string{b.name}
		for _, w := range who {
			row = append(row, percent(measure(p.d.connections, w.in, b.hit).share()))
		}
		rows = append(rows, row)
	}
	p.table(head, rows)
}

// reliability compares what is said with what holds: spam of 2007 is the line or
// device, legitimate mail is not, weighed to the default prior.
func (p *page) reliability() {
	bins, ece := calibration(p.d.connections, p.net)
	prior := recording.Prior[policy.ClassAccess] + recording.Prior[policy.ClassDevice]
	p.f("## Calibration\n\nP(access) + P(device) against what it was, folds over networks, at a prior of %.0f %% spam of 2007 and %.0f %% legitimate "+
		"mail of all years. Expected calibration error, 10 bins: **%.3f**. Spam from real mail servers counts as spam here, so low values are too low by its share. "+
		"No recording labels the device: the split between access and device is not calibrated.\n", 100*prior, 100*(1-prior), ece)
	var rows [][]string
	for i, b := range bins {
		if b.weight == 0 {
			continue
		}
		rows = append(rows, []string{fmt.Sprintf("%.1f–%.1f", float64(i)/10, float64(i+1)/10), percent(b.weight),
			fmt.Sprintf("%.3f", b.said/b.weight), fmt.Sprintf("%.3f", b.held/b.weight), thousands(b.n)})
	}
	p.table([]string{"said", "weight", "mean said", "share that held", "connections"}, rows)
}

type bin struct {
	weight, said, held float64
	n                  int
}

func calibration(units []unit, s scorer) (bins [10]bin, ece float64) {
	prior := recording.Prior[policy.ClassAccess] + recording.Prior[policy.ClassDevice]
	spams := measure(units, func(u *unit) bool { return u.set == spam07 }, s.flagged).of
	hams := measure(units, func(u *unit) bool { return !u.Spam() }, s.flagged).of
	for i := range units {
		u := &units[i]
		w, held := (1-prior)/float64(hams), 0.0
		if u.set == spam07 {
			w, held = prior/float64(spams), 1
		} else if u.Spam() {
			continue
		}
		x := s(u).suspicion[u.pattern]
		b := &bins[min(int(x*10), 9)]
		b.weight += w
		b.said += w * x
		b.held += w * held
		b.n++
	}
	for _, b := range bins {
		ece += math.Abs(b.said - b.held)
	}
	return bins, ece
}

func (p *page) names() {
	p.f("## Host names\n\nLabelled names, each judged as a confirmed PTR alone, by weights fitted on other networks. Labels by role are independent of any " +
		"pattern; labels by a list are some list's opinion.\n")
	classes := []policy.Class{policy.ClassMailserver, policy.ClassHosting, policy.ClassBusiness, policy.ClassAccess, policy.ClassDevice, policy.ClassUnknown}
	head := []string{"label", "names"}
	for _, c := range classes {
		head = append(head, c.String())
	}
	counts := make(map[string]map[policy.Class]int)
	total := make(map[string]int)
	for i := range p.d.names {
		u := &p.d.names[i]
		k := nameGroup(u)
		if k == "" {
			continue
		}
		if counts[k] == nil {
			counts[k] = make(map[policy.Class]int)
		}
		counts[k][p.net(u).class[u.pattern]]++
		total[k]++
	}
	var rows [][]string
	for k := range counts {
		row := []string{k, thousands(total[k])}
		for _, c := range classes {
			row = append(row, percent(float64(counts[k][c])/float64(total[k])))
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	p.table(head, rows)
}

// nameGroup is the label and where it is from; "" for labels that say nothing.
func nameGroup(u *unit) string {
	switch u.Label {
	case "enduser-line":
		if strings.HasPrefix(u.Corpus, "authenticated") {
			return "line of a user, by login"
		}
		return "line of a user, by a list"
	case "mailserver":
		if strings.Contains(u.Corpus, "(generic") {
			return "mail server by role, name looks generic"
		}
		return "mail server, by role"
	case "static-business":
		return "static line, by a list"
	case "hosting":
		return "hosting, by domain"
	}
	return ""
}

// mistakes lists legitimate connections that are flagged, by what was found.
func (p *page) mistakes() {
	p.f("## Legitimate connections that were flagged\n\nAll of them, by the findings that did it; no names of hosts. " +
		"Some of -l2 are spam that its list let through and its collection calls legitimate.\n")
	type cell struct{ plain, l2, mails int }
	found := make(map[string]*cell)
	for i := range p.d.connections {
		u := &p.d.connections[i]
		if u.Spam() || !p.net.flagged(u) {
			continue
		}
		var names []string
		for _, f := range p.d.patterns[u.pattern].Findings.List() {
			names = append(names, "`"+f.Signal.Name+"`")
		}
		k := strings.Join(names, " ")
		if found[k] == nil {
			found[k] = new(cell)
		}
		found[k].mails += u.Mails
		if u.set == hamL2 {
			found[k].l2++
		} else {
			found[k].plain++
		}
	}
	var rows [][]string
	for k, c := range found {
		rows = append(rows, []string{k, fmt.Sprint(c.plain), fmt.Sprint(c.l2), fmt.Sprint(c.mails), explain(k)})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(b[2]+a[0], a[2]+b[0]) })
	p.table([]string{"findings", "all but -l2", "-l2", "mails", "what it is"}, rows)
}

// explain says in words who is hit by such findings.
func explain(findings string) string {
	switch {
	case strings.Contains(findings, "helo-cpe"):
		return "a line's own name as HELO: a desktop program, or a server whose operator never named it"
	case strings.Contains(findings, "helo-single"):
		return "a server that calls itself by one word and has no name of its own in DNS"
	case strings.Contains(findings, "helo-address"):
		return "a relay or mail program that greets with an address in brackets, as the standard allows"
	case strings.Contains(findings, "helo-provider"):
		return "a host in the domain of its provider"
	case strings.Contains(findings, "helo-domain"):
		return "a server of one's own that greets with its domain"
	}
	return "several weak findings together"
}
