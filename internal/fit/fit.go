package main

import (
	"math"

	"github.com/iot-milter/iot-milter/internal/recording"
	"github.com/iot-milter/iot-milter/policy"
)

// nats is a deciban in units of the natural logarithm.
const nats = math.Ln10 / 10

const (
	ridge   = 0.25  // precision of the prior of each row, in nats⁻²: a standard deviation of 9 decibans
	pseudo  = 10000 // connections that all sample weights add up to
	sweeps  = 200
	settled = 1e-6
)

// sample is all recorded connections, or mails, with the same findings and the
// same label.
type sample struct {
	rows   []int // of specs, those that were found
	spam   bool
	weight float64
}

// tableOf is a row each of specs.
type tableOf [numSpecs]policy.PerClass

const numSpecs = 80

// rowsOf finds the specs of a judgement's findings.
func rowsOf(j *policy.Judgement, take func(i, row int)) {
	list := j.Findings.List()
	for i := range list {
		if row, ok := specIndex[key{list[i].Signal.Name, list[i].Status}]; ok {
			take(i, row)
		}
	}
}

type key struct {
	signal string
	status policy.Status
}

var specIndex = func() map[key]int {
	index := make(map[key]int, len(specs))
	for i := range specs {
		index[key{specs[i].signal, specs[i].status}] = i
	}
	return index
}()

// fitAccess finds the access column by penalised logistic regression of "spam
// from a line" on all rows at once, with the other columns as they are in t: the
// model is the posterior of policy at the default prior, without the caps of
// groups, which bind only where the answer is certain anyway. Rows that are fixed
// and rows of which free says no keep what t has.
func fitAccess(t *tableOf, samples []sample, free func(row int) bool) {
	scale := weightScale(samples)
	sums := make([]float64, len(samples)) // Σ access weights, nats
	byRow := make([][]int, len(specs))
	for i := range samples {
		for _, r := range samples[i].rows {
			sums[i] += t[r][policy.ClassAccess] * nats
			byRow[r] = append(byRow[r], i)
		}
	}
	for range sweeps {
		moved := 0.0
		offsets := offsetsOf(t, samples)
		for r := range specs {
			if specs[r].fixed || !free(r) || len(byRow[r]) == 0 {
				continue
			}
			w := t[r][policy.ClassAccess] * nats
			grad, curve := -ridge*w, ridge
			for _, i := range byRow[r] {
				p := 1 / (1 + math.Exp(-sums[i]-offsets[i]))
				y := 0.0
				if samples[i].spam {
					y = 1
				}
				grad += samples[i].weight * scale * (y - p)
				curve += samples[i].weight * scale * p * (1 - p)
			}
			next := min(max(w+max(min(grad/curve, 1), -1), specs[r].least*nats), specs[r].most*nats)
			for _, i := range byRow[r] {
				sums[i] += next - w
			}
			t.setAccess(r, next/nats)
			moved = max(moved, math.Abs(next-w))
		}
		if moved < settled {
			break
		}
	}
}

// setAccess sets a row's access column and what follows from it.
func (t *tableOf) setAccess(r int, decibans float64) {
	s := &specs[r]
	t[r][policy.ClassAccess] = decibans
	t[r][policy.ClassDevice] = decibans + s.device
	if s.share != 0 {
		t[r][policy.ClassHosting] = s.share * decibans
		t[r][policy.ClassBusiness] = s.share * decibans
	}
}

// offsetsOf is, per sample, the log odds of access or device at the prior when
// the access column is left out.
func offsetsOf(t *tableOf, samples []sample) []float64 {
	prior := &recording.Prior
	offsets := make([]float64, len(samples))
	for i := range samples {
		var hosting, business, device float64
		for _, r := range samples[i].rows {
			hosting += t[r][policy.ClassHosting]
			business += t[r][policy.ClassBusiness]
			device += t[r][policy.ClassDevice] - t[r][policy.ClassAccess]
		}
		pro := prior[policy.ClassAccess] + prior[policy.ClassDevice]*math.Exp(device*nats)
		against := prior[policy.ClassMailserver] + prior[policy.ClassHosting]*math.Exp(hosting*nats) +
			prior[policy.ClassBusiness]*math.Exp(business*nats)
		offsets[i] = math.Log(pro / against)
	}
	return offsets
}

func weightScale(samples []sample) float64 {
	total := 0.0
	for i := range samples {
		total += samples[i].weight
	}
	return pseudo / total
}

// fitNames sets the hosting and business columns of the rows about names: the
// smoothed ratio of their rates among names of that label and of mail servers.
func fitNames(t *tableOf, names []labelled) {
	var total [numLabels]float64
	var found [numSpecs][numLabels]float64
	for i := range names {
		total[names[i].label]++
		for _, r := range names[i].rows {
			found[r][names[i].label]++
		}
	}
	rate := func(r int, l nameLabel) float64 { return (found[r][l] + 0.5) / (total[l] + 1) }
	for r := range specs {
		if !specs[r].names {
			continue
		}
		t[r][policy.ClassHosting] = bound(10 * math.Log10(rate(r, nameHosting)/rate(r, nameServer)))
		t[r][policy.ClassBusiness] = bound(10 * math.Log10(rate(r, nameBusiness)/rate(r, nameServer)))
	}
}

// mostNames bounds what a name says of hosting and business, in decibans: few
// names are labelled.
const mostNames = 20

func bound(decibans float64) float64 { return min(max(decibans, -mostNames/2), mostNames) }

// nameLabel is what somebody else says of a host name.
type nameLabel int

const (
	nameServer nameLabel = iota
	nameHosting
	nameBusiness
	numLabels
)

type labelled struct {
	rows  []int
	label nameLabel
}

// start is the table before anything is fitted.
func start() *tableOf {
	t := new(tableOf)
	for r := range specs {
		s := &specs[r]
		if s.fixed {
			t.setAccess(r, s.most)
		} else {
			t.setAccess(r, 0)
		}
		if s.share == 0 {
			t[r][policy.ClassHosting], t[r][policy.ClassBusiness] = s.hosting, s.business
		}
	}
	return t
}
