package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// point is a place on the curve: what a threshold finds.
type point struct{ threshold, ham, spam float64 }

// roc is the curve over all thresholds, from the highest. The spam is of 2007.
func roc(units []unit, s scorer, ham func(*unit) bool) []point {
	type one struct {
		p    float64
		spam bool
	}
	var all []one
	var spams, hams float64
	for i := range units {
		u := &units[i]
		switch {
		case u.set == spam07:
			spams++
		case ham(u):
			hams++
		default:
			continue
		}
		all = append(all, one{s(u).suspicion[u.pattern], u.set == spam07})
	}
	slices.SortFunc(all, func(a, b one) int {
		switch {
		case a.p > b.p:
			return -1
		case a.p < b.p:
			return 1
		}
		return 0
	})
	var points []point
	var at point
	for i, x := range all {
		if x.spam {
			at.spam += 1 / spams
		} else {
			at.ham += 1 / hams
		}
		if i+1 == len(all) || all[i+1].p != x.p {
			at.threshold = x.p
			points = append(points, at)
		}
	}
	return points
}

// at is the most spam that the curve finds with no more than that share of ham.
func at(points []point, ham float64) point {
	var best point
	for _, p := range points {
		if p.ham <= ham+1e-12 {
			best = p
		}
	}
	return best
}

// The picture: false positives on a logarithmic axis from 0.01 % to 100 %.
const (
	width, height = 640, 420
	left, top     = 60, 20
	plotW, plotH  = 550, 340
	lowest        = 1e-4
)

func px(ham float64) float64 {
	return left + plotW*(math.Log10(max(ham, lowest))-math.Log10(lowest))/-math.Log10(lowest)
}

func py(spam float64) float64 { return top + plotH*(1-spam) }

type line struct {
	name, colour string
	points       []point
}

// svg draws the curves. PBL is where the mass-check measured that list.
func svg(lines []line) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
<title>Share of spam connections of 2007 found, against the share of legitimate connections flagged</title>
<rect width="%d" height="%d" fill="white"/>
`, width, height, width, height)
	for _, x := range []struct {
		v float64
		s string
	}{{1e-4, "0.01 %"}, {2.6e-4, "0.026 %"}, {1e-3, "0.1 %"}, {1e-2, "1 %"}, {1e-1, "10 %"}, {1, "100 %"}} {
		fmt.Fprintf(&b, "<path d=\"M%.1f %dV%d\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			px(x.v), top, top+plotH, px(x.v), top+plotH+16, x.s)
	}
	for i := 0; i <= 10; i += 2 {
		y := py(float64(i) / 10)
		fmt.Fprintf(&b, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d %%</text>\n",
			left, y, left+plotW, left-6, y+4, 10*i)
	}
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">legitimate connections flagged (logarithmic)</text>\n", left+plotW/2, height-20)
	fmt.Fprintf(&b, "<text transform=\"translate(12 %d) rotate(-90)\" text-anchor=\"middle\">spam of 2007 found</text>\n", top+plotH/2)
	for i, l := range lines {
		fmt.Fprintf(&b, "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", path(l.points), l.colour)
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", left+plotW-230, top+plotH-60+16*i, l.colour, l.name)
	}
	fmt.Fprintf(&b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"#555\"/><text x=\"%.1f\" y=\"%.1f\">PBL, measured elsewhere</text>\n</svg>\n",
		px(2.6e-4), py(0.5898), px(2.6e-4)+8, py(0.5898)+16)
	return b.String()
}

// path is a staircase, as a threshold jumps from one set of findings to the next.
func path(points []point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%.1f %.1f", px(0), py(0))
	for _, p := range points {
		fmt.Fprintf(&b, "H%.1fV%.1f", px(p.ham), py(p.spam))
	}
	return b.String()
}
