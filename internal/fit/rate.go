package main

import (
	"fmt"
	"math"
	"strconv"
)

// rate is how many of how many.
type rate struct{ hit, of int }

func (r *rate) add(hit bool) {
	r.of++
	if hit {
		r.hit++
	}
}

func (r rate) share() float64 { return float64(r.hit) / float64(max(r.of, 1)) }

// wilson is the 95 % interval of Wilson (1927): unlike the normal one it holds
// for rates near nought.
func (r rate) wilson() (low, high float64) {
	const z = 1.96
	n, p := float64(max(r.of, 1)), r.share()
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(middle-half, 0), min(middle+half, 1)
}

// String is the cell of a table: percent, interval, counts.
func (r rate) String() string {
	if r.of == 0 {
		return "–"
	}
	low, high := r.wilson()
	return fmt.Sprintf("%s (%s–%s; %s of %s)", percent(r.share()), percent(low), percent(high), thousands(r.hit), thousands(r.of))
}

func percent(x float64) string {
	if x < 0.0995 {
		return fmt.Sprintf("%.2f %%", 100*x)
	}
	return fmt.Sprintf("%.1f %%", 100*x)
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
