package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// page collects accuracy.md.
type page struct {
	strings.Builder
	d                   *data
	net, org, corp, era scorer
}

func (p *page) f(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// table writes a Markdown table.
func (p *page) table(head []string, rows [][]string) {
	p.f("\n| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, r := range rows {
		p.f("| %s |\n", strings.Join(r, " | "))
	}
	p.f("\n")
}

// curveFile is the picture's name below docs/.
const curveFile = "accuracy.svg"

// accuracy measures everything and writes the page and the curve into dir.
func (d *data) accuracy(dir string) error {
	p := &page{d: d, net: d.cross(byNetwork), org: d.cross(byOrganisation), corp: d.without(byCorpus), era: d.without(byEra)}
	p.f("%s", intro)
	p.headline()
	p.splits()
	p.corpora()
	p.ways()
	p.curve()
	p.baselines()
	p.reliability()
	p.names()
	p.banners()
	p.mistakes()
	p.f("%s", outro)
	points := []line{
		{"all but -l2", "#1f77b4", roc(d.connections, p.net, func(u *unit) bool { return u.set == hamPlain })},
		{"people's own servers (-l2)", "#d62728", roc(d.connections, p.net, func(u *unit) bool { return u.set == hamL2 })},
		{"2007 only, both", "#2ca02c", roc(d.connections, p.net, ham2007)},
	}
	if err := os.WriteFile(filepath.Join(dir, curveFile), []byte(svg(points)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "accuracy.md"), []byte(p.String()), 0o644)
}

func ham2007(u *unit) bool { return !u.Spam() && strings.HasPrefix(u.Corpus, "trec07p") }

// who are the rows of most tables.
var who = []struct {
	name string
	in   func(*unit) bool
}{
	{"spam of 2007 (trec07p)", func(u *unit) bool { return u.set == spam07 }},
	{"spam of 2001 to 2010 (spamassassin, csdmc2010)", func(u *unit) bool { return u.set == spamOld }},
	{"spam of 2019 to 2026 through large providers: not targeted", func(u *unit) bool { return u.set == spamNew }},
	{"legitimate, all but -l2", func(u *unit) bool { return u.set == hamPlain }},
	{"legitimate, people's own servers (-l2)", func(u *unit) bool { return u.set == hamL2 }},
	{"legitimate of 2007 only, -l2 included", ham2007},
}

// measure counts the flagged of the units that in says yes to.
func measure(units []unit, in, flagged func(*unit) bool) (r rate) {
	for i := range units {
		if u := &units[i]; in(u) {
			r.add(flagged(u))
		}
	}
	return r
}

func (s scorer) flagged(u *unit) bool { return s(u).flagged[u.pattern] }

func (p *page) headline() {
	p.f("## Detection and false positives\n\nFlag Yes or Suspect at the default thresholds, weights fitted without the client's network " +
		"(ten folds over /16 of IPv4 and /32 of IPv6), 95 %% intervals of Wilson. Distinct connections: client, name and HELO. " +
		"\"With the header\" is the sample of mails for which the header is recorded, judged at the end of message; of many mails through one connection the first counts.\n")
	first := firstOfConnection(p.d.mails)
	var rows [][]string
	for _, w := range who {
		rows = append(rows, []string{
			w.name, measure(p.d.connections, w.in, p.net.flagged).String(),
			measure(p.d.connections, w.in, func(u *unit) bool { return p.d.refusable(p.net, u) }).String(),
			measure(first, w.in, p.net.flagged).String(), measure(p.d.mails, w.in, p.net.flagged).String(),
		})
	}
	p.table([]string{"", "connections flagged", "… that could be refused", "connections, with the header", "mails, with the header"}, rows)
	p.f("\"Could be refused\" is flagged with measured evidence of the line and of the client both, and no name of its own. " +
		"The sample of spam mails of 2007 has many through a few rented servers with proper names: the share of mails is lower than that of connections.\n\n")
}

// firstOfConnection leaves one mail of each connection.
func firstOfConnection(mails []unit) (out []unit) {
	seen := make(map[string]bool)
	for i := range mails {
		u := &mails[i]
		k := strings.Join([]string{u.Corpus, u.Label, u.ClientIP, u.ClientName, u.HELO}, "\n")
		if !seen[k] {
			seen[k] = true
			out = append(out, *u)
		}
	}
	return out
}

func (p *page) splits() {
	p.f("## Splits\n\nThe same connections, judged by weights fitted on other networks, on other organisations (registered domain of the client's name, " +
		"else its network), on other corpora, on other years. The first two flatter: the same spam program runs in many networks. " +
		"Without the spam of 2007 the fit has 1,005 spam connections to learn from.\n")
	var rows [][]string
	for _, w := range who {
		row := []string{w.name}
		for _, s := range []scorer{p.net, p.org, p.corp, p.era} {
			row = append(row, measure(p.d.connections, w.in, s.flagged).String())
		}
		rows = append(rows, row)
	}
	p.table([]string{"", "other networks", "other organisations", "other corpora", "other years"}, rows)
}

func (p *page) corpora() {
	p.f("## By corpus and year\n\nConnections by the year of their first mail, folds over networks.\n")
	found := make(map[string]*rate)
	for i := range p.d.connections {
		u := &p.d.connections[i]
		corpus := u.Corpus
		if strings.HasPrefix(corpus, "list:") {
			corpus = "lists"
		}
		k := fmt.Sprintf("%s | %s | %d", u.Label, corpus, u.Year)
		if found[k] == nil {
			found[k] = new(rate)
		}
		found[k].add(p.net.flagged(u))
	}
	var rows [][]string
	for k, r := range found {
		rows = append(rows, []string{k, r.String()})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	p.table([]string{"label", "corpus", "year", "flagged"}, rows)
}

// ways counts three ways: connections, mails, organisations.
func (p *page) ways() {
	p.f("## Three ways to count\n\nPer connection, per mail (each connection by its number of mails), per organisation (flagged if one of its connections is).\n")
	var rows [][]string
	for _, w := range who {
		var mails rate
		orgs := make(map[string]bool)
		for i := range p.d.connections {
			u := &p.d.connections[i]
			if !w.in(u) {
				continue
			}
			hit := p.net.flagged(u)
			orgs[u.org] = orgs[u.org] || hit
			mails.of += u.Mails
			if hit {
				mails.hit += u.Mails
			}
		}
		var org rate
		for _, hit := range orgs {
			org.add(hit)
		}
		rows = append(rows, []string{w.name, measure(p.d.connections, w.in, p.net.flagged).String(), mails.String(), org.String()})
	}
	p.table([]string{"", "connections", "mails", "organisations"}, rows)
}
