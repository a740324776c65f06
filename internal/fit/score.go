package main

import (
	"hash/fnv"

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
}

// score weighs every pattern with the table, by policy's own arithmetic, caps
// included.
func (d *data) score(t *tableOf) *scored {
	var rows [numSpecs]policy.Weight
	for i := range specs {
		rows[i] = policy.Weight{Signal: specs[i].signal, Status: specs[i].status, Decibans: t[i], Measured: !specs[i].unmeasured}
	}
	s := &scored{make([]float64, len(d.patterns)), make([]bool, len(d.patterns)), make([]policy.Class, len(d.patterns))}
	for i, j := range d.patterns {
		rowsOf(j, func(f, row int) { j.Findings.List()[f].Weight = &rows[row] })
		j.Weigh(&recording.Prior, recording.Limit)
		s.suspicion[i] = j.P[policy.ClassAccess] + j.P[policy.ClassDevice]
		s.flagged[i] = j.Flag != policy.FlagNo
		s.class[i] = j.Class
	}
	return s
}

// cross scores every unit by a table that was fitted without its group.
func (d *data) cross(group func(*unit) string) [folds]*scored {
	var out [folds]*scored
	for f := range folds {
		out[f] = d.score(d.fit(func(u *unit) bool { return foldOf(group(u)) != f }))
	}
	return out
}
