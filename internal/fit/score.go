package main

import (
	"hash/fnv"
	"strings"

	"github.com/iot-milter/iot-milter/internal/recording"
	"github.com/iot-milter/iot-milter/policy"
)

const folds = 10

// foldOf puts a group of records into a fold, the same at every run.
func foldOf(group string) int {
	h := fnv.New32a()
	h.Write([]byte(group))
	return int(h.Sum32()>>8) % folds
}

// scored is what a table says of each pattern.
type scored struct {
	suspicion []float64 // P(device) + P(access)
	flagged   []bool
	class     []policy.Class
	families  []bool // line and client both
}

// score weighs every pattern with the table, by policy's own arithmetic, caps
// included.
func (d *data) score(t *tableOf) *scored {
	var rows [numSpecs]policy.Weight
	for i := range specs {
		rows[i] = policy.Weight{Signal: specs[i].signal, Status: specs[i].status, Decibans: t[i], Measured: !specs[i].unmeasured}
	}
	s := &scored{make([]float64, len(d.patterns)), make([]bool, len(d.patterns)), make([]policy.Class, len(d.patterns)), make([]bool, len(d.patterns))}
	for i, j := range d.patterns {
		rowsOf(j, func(f, row int) { j.Findings.List()[f].Weight = &rows[row] })
		j.Weigh(&recording.Prior, recording.Limit)
		s.suspicion[i] = j.P[policy.ClassAccess] + j.P[policy.ClassDevice]
		s.flagged[i] = j.Flag != policy.FlagNo
		s.class[i] = j.Class
		s.families[i] = bothFamilies(j)
	}
	return s
}

// cross scores every unit by a table that was fitted without its group, where the
// groups are spread over folds.
func (d *data) cross(group func(*unit) string) scorer {
	var out [folds]*scored
	for f := range folds {
		out[f] = d.score(d.fit(func(u *unit) bool { return foldOf(group(u)) != f }))
	}
	return func(u *unit) *scored { return out[foldOf(group(u))] }
}

// without scores every unit by a table that was fitted without its group.
func (d *data) without(group func(*unit) string) scorer {
	out := make(map[string]*scored)
	for i := range d.connections {
		g := group(&d.connections[i])
		if out[g] == nil {
			out[g] = d.score(d.fit(func(u *unit) bool { return group(u) != g }))
		}
	}
	return func(u *unit) *scored { return out[group(u)] }
}

func byNetwork(u *unit) string      { return u.net }
func byOrganisation(u *unit) string { return u.org }

// byCorpus puts a corpus and its -l2 together, and all lists.
func byCorpus(u *unit) string {
	if strings.HasPrefix(u.Corpus, "list:") {
		return "lists"
	}
	return strings.TrimSuffix(u.Corpus, "-l2")
}

// byEra is the time of the mail.
func byEra(u *unit) string {
	switch {
	case u.Year <= 2004:
		return "2001-04"
	case u.Year <= 2008:
		return "2005-08"
	case u.Year <= 2012:
		return "2009-12"
	}
	return "2019-26"
}
