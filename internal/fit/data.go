package main

import (
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/internal/recording"
	"github.com/iot-milter/iot-milter/policy"
)

// set is whom a rate is about.
type set int

// The sets. Legitimate mail is kept apart by era and by how hard it is: -l2 are
// people's own servers of 2002 to 2010.
const (
	spam07   set = iota // trec07p
	spamOld             // spamassassin, csdmc2010: 2001 to 2010
	spamNew             // passed a large provider or list server in 2019 to 2026
	hamPlain            // all but -l2
	hamL2               // -l2
	numSets
)

func setOf(r *recording.Record) set {
	switch {
	case r.Spam() && r.Corpus == "trec07p":
		return spam07
	case r.Spam() && (r.Corpus == "spamassassin" || r.Corpus == "csdmc2010"):
		return spamOld
	case r.Spam():
		return spamNew
	case r.L2():
		return hamL2
	}
	return hamPlain
}

// unit is one record as the fit sees it.
type unit struct {
	*recording.Record
	set     set
	rows    []int
	pattern int  // of data.patterns
	mail    bool // with headers
	org     string
	net     string
}

// data is everything that is read.
type data struct {
	connections []unit
	mails       []unit
	names       []unit
	patterns    []*policy.Judgement // one judgement for each set of findings
	banners     []banner
}

func load(dir string) (*data, error) {
	d := new(data)
	index := make(map[string]int)
	for _, part := range []struct {
		file string
		into *[]unit
	}{{recording.Connections, &d.connections}, {recording.Mails, &d.mails}, {recording.Hostnames, &d.names}} {
		err := recording.Read(dir, part.file, func(r *recording.Record) {
			if r.Label == "label" {
				return
			}
			*part.into = append(*part.into, d.unit(r, index))
		})
		if err != nil {
			return nil, err
		}
	}
	var err error
	d.banners, err = readBanners(dir)
	return d, err
}

// unit judges the record and finds its pattern.
func (d *data) unit(r *recording.Record, index map[string]int) unit {
	j := r.Judge()
	u := unit{Record: r, set: setOf(r), org: r.Organisation(), net: r.Network(), mail: r.Headers != nil}
	var name strings.Builder
	list := j.Findings.List()
	for i := range list {
		name.WriteString(list[i].Signal.Name + " " + list[i].Status.String() + " " + list[i].Family.String() + "\n")
	}
	if j.Independent {
		name.WriteString("independent")
	}
	rowsOf(j, func(_, row int) { u.rows = append(u.rows, row) })
	p, ok := index[name.String()]
	if !ok {
		p = len(d.patterns)
		index[name.String()] = p
		d.patterns = append(d.patterns, j)
	}
	u.pattern = p
	r.Headers = nil
	return u
}

// shares of the sets in a fit. The default prior says 30 % devices and lines; a
// weighted share of spam above it moves the threshold of Suspect towards more
// detection, up to where calibration and the false positives of accuracy.md
// still hold. Every fourth legitimate sample is people's own servers (-l2): they
// are the hard case, and 2,066 connections against 8,402. Mails are a stratified
// sample with few bots in it, so they get a larger share.
var (
	shares     = [numSets]float64{spam07: 0.46, spamOld: 0.04, hamPlain: 0.52, hamL2: 0.18}
	mailShares = [numSets]float64{spam07: 0.50, spamOld: 0.08, hamPlain: 0.52, hamL2: 0.18}
)

// mostOrg is the largest share of its set that one organisation may have.
const mostOrg = 0.02

// samples makes weighted samples of the units that keep says yes to: each set has
// its share, and no organisation more than mostOrg of it.
func samples(units []unit, keep func(*unit) bool) []sample {
	var count [numSets]map[string]int
	var total [numSets]float64
	for s := range count {
		count[s] = make(map[string]int)
	}
	for i := range units {
		if u := &units[i]; keep(u) {
			count[u.set][u.org]++
			total[u.set]++
		}
	}
	damp := func(u *unit) float64 { return min(1, mostOrg*total[u.set]/float64(count[u.set][u.org])) }
	var weights [numSets]float64
	for i := range units {
		if u := &units[i]; keep(u) {
			weights[u.set] += damp(u)
		}
	}
	share := shares
	if units[0].mail {
		share = mailShares
	}
	share = rescaled(share, &total)
	type cell struct {
		pattern int
		spam    bool
	}
	index := make(map[cell]int)
	var out []sample
	for i := range units {
		u := &units[i]
		if !keep(u) || share[u.set] == 0 {
			continue
		}
		c := cell{u.pattern, u.Spam()}
		at, ok := index[c]
		if !ok {
			at = len(out)
			index[c] = at
			out = append(out, sample{rows: u.rows, spam: c.spam})
		}
		out[at].weight += share[u.set] * damp(u) / weights[u.set]
	}
	return out
}

// rescaled gives the share of a set without units to the others of its label.
func rescaled(share [numSets]float64, total *[numSets]float64) [numSets]float64 {
	for _, label := range [][]set{{spam07, spamOld}, {hamPlain, hamL2}} {
		want, have := 0.0, 0.0
		for _, s := range label {
			want += share[s]
			if total[s] > 0 {
				have += share[s]
			}
		}
		for _, s := range label {
			if have > 0 {
				share[s] *= want / have
			}
		}
	}
	return share
}

// labels are the names whose label says what kind of host it is.
func labels(units []unit, keep func(*unit) bool) []labelled {
	var out []labelled
	for i := range units {
		u := &units[i]
		l := slices.Index([]string{"mailserver", "hosting", "static-business"}, u.Label)
		if l >= 0 && keep(u) {
			out = append(out, labelled{u.rows, nameLabel(l)})
		}
	}
	return out
}

// fit makes a table from the units that keep says yes to.
func (d *data) fit(keep func(*unit) bool) *tableOf {
	t := start()
	fitNames(t, labels(d.names, keep))
	fitAccess(t, samples(d.connections, keep), func(r int) bool { return !isMessage(r) })
	fitAccess(t, samples(d.mails, keep), isMessage)
	round(t)
	return t
}

func isMessage(row int) bool { return strings.HasPrefix(specs[row].signal, "msg-") }

// round leaves tenths of a deciban, as the table is written.
func round(t *tableOf) {
	for r := range t {
		for c := range t[r] {
			t[r][c] = float64(int(t[r][c]*10+1000.5)-1000) / 10
		}
	}
}
