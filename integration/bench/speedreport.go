//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"slices"
)

func measureSpeed(ctx context.Context, o options) (result, error) {
	all, err := elsewhere(ctx, o)
	if err != nil {
		return result{}, err
	}
	return reportSpeed(all, o), nil
}

func reportSpeed(all []measuredSize, o options) result {
	r := result{notes: []string{
		fmt.Sprintf("%d sessions at once, a connection for each message. Shown is the median of the rounds; with ratios also the least and the greatest.", o.sessions),
		"warm: the same mail servers again and again, of whom all is known that is kept. cold: each connection is a new one's, with a name and a domain of its own that nobody has asked about; " +
			"it greets by another name than that of its address, so that is asked about. suspects: each connection is a new host's on a consumer's line, which is found to be one, and about which all is asked.",
		"iot-milter (mode tag), opendkim (verifying a good signature of 2,048 bits) and rspamd run as their packages configure them, with mail servers as clients that come again and again. The resolver is on this machine, " +
			"answers at once and is Postfix's, too, which asks for the client's name and its address; lists and the like do not exist there, so nobody waits for them. There is no Redis for rspamd, and nobody listens to syslog.",
	}}
	for _, m := range all {
		r.tables = append(r.tables, m.table())
	}
	if len(all) > 0 {
		r.targets = all[0].targets()
	}
	return r
}

// row is that of a filter; nil if it did not take part.
func (m *measuredSize) row(name string) *measuredRow {
	i := slices.IndexFunc(m.Rows, func(r measuredRow) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &m.Rows[i]
}

func (m *measuredSize) table() table {
	t := table{
		caption: fmt.Sprintf("%s: %d messages a round (suspects %d, rspamd %d), %d rounds.", m.Size, m.Messages, m.row(oursSuspects).Messages, m.row(rspamd).Messages, m.Rounds),
		head: []string{"filter", "messages/s", "wall ms a message", "wall to C plain", "wall to C with bits",
			"CPU µs a message", "CPU to C plain", "CPU to C with bits", "Postfix's CPU µs a message", "DNS questions a message"},
	}
	for _, r := range m.Rows {
		cells := []string{r.Name, figure(1000 / median(r.Wall)), fmt.Sprintf("%.2f", median(r.Wall))}
		for _, other := range []string{cPlain, cBits} {
			cells = append(cells, spread("%.2f", ratios(r.Wall, m.row(other).Wall)))
		}
		if r.Name == noFilter {
			cells = append(cells, "–", "–", "–")
		} else {
			cells = append(cells, fmt.Sprintf("%.0f", median(r.CPU)))
			for _, other := range []string{cPlain, cBits} {
				cells = append(cells, spread("%.2f", ratios(r.CPU, m.row(other).CPU)))
			}
		}
		t.rows = append(t.rows, append(cells, fmt.Sprintf("%.0f", median(r.MTA)), fmt.Sprintf("%.1f", median(r.Questions))))
	}
	return t
}

// targets are about the warm case.
func (m *measuredSize) targets() []target {
	mine := m.row(ours)
	ratio := func(of func(*measuredRow) []float64, other string) float64 {
		if m.row(other) == nil {
			return math.NaN()
		}
		return median(ratios(of(mine), of(m.row(other))))
	}
	wall := func(r *measuredRow) []float64 { return r.Wall }
	cpu := func(r *measuredRow) []float64 { return r.CPU }
	return []target{
		{what: "wall time to the plain C filter", got: ratio(wall, cPlain), limit: 0.90},
		{what: "wall time to the C filter with bits", got: ratio(wall, cBits), limit: 1.00},
		{what: "messages/s to rspamd's", got: 1 / ratio(wall, rspamd), limit: 2.5, atLeast: true},
		{what: "CPU a message to rspamd's", got: ratio(cpu, rspamd), limit: 0.10},
	}
}

// ratios pairs the rounds: what slowed the machine in one slowed both.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = a[i] / b[i]
	}
	return out
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s)%2 == 0 {
		return (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
	return s[len(s)/2]
}

func spread(format string, v []float64) string {
	return fmt.Sprintf(format+" ("+format+"–"+format+")", median(v), slices.Min(v), slices.Max(v))
}
