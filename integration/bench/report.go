//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// part is one of the things that are measured; run may be called once.
type part struct {
	name, title string
	run         func(ctx context.Context, o options) (result, error)
}

// result is what a part has to say.
type result struct {
	notes   []string // paragraphs above the tables
	tables  []table
	targets []target
}

type table struct {
	caption string
	head    []string
	rows    [][]string // cells are ready text
}

// target is a limit that was set before anything was measured. A missed one is printed
// as missed, and fails the run with -strict only.
type target struct {
	what       string
	got, limit float64
	unit       string
	atLeast    bool // otherwise at most
}

// met is false for what is no number: nothing was measured then.
func (t target) met() bool {
	if math.IsNaN(t.got) {
		return false
	}
	if t.atLeast {
		return t.got >= t.limit
	}
	return t.got <= t.limit
}

// measured is the result of a part, and how it came about.
type measured struct {
	part
	result
	how string
}

func figure(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func (t target) row(part string) []string {
	bound, verdict := "≤", "met"
	if t.atLeast {
		bound = "≥"
	}
	if !t.met() {
		verdict = "**missed**"
	}
	unit := ""
	if t.unit != "" {
		unit = " " + t.unit
	}
	return []string{part, t.what, bound + " " + figure(t.limit) + unit, figure(t.got) + unit, verdict}
}

// targetTable has a row for each target of what was measured.
func targetTable(all []measured) table {
	t := table{head: []string{"part", "target", "limit", "measured", ""}}
	for _, m := range all {
		for _, one := range m.targets {
			t.rows = append(t.rows, one.row(m.name))
		}
	}
	return t
}

// missed are the targets that were not met.
func missed(all []measured) (list []string) {
	for _, row := range targetTable(all).rows {
		if row[4] != "met" {
			list = append(list, row[0]+": "+row[1]+": "+row[3]+", the limit is "+row[2])
		}
	}
	return list
}

// text writes the table in aligned columns.
func (t table) text(w io.Writer) error {
	if t.caption != "" {
		fmt.Fprintln(w, t.caption)
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

// markdown is the table as documents have it.
func (t table) markdown() string {
	var b strings.Builder
	if t.caption != "" {
		b.WriteString(t.caption + "\n\n")
	}
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.head)
	line(slices.Repeat([]string{"---"}, len(t.head)))
	for _, row := range t.rows {
		cells := slices.Clone(row)
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
		}
		line(cells)
	}
	return b.String()
}

// text writes what a part says for a terminal.
func (m measured) text(w io.Writer) error {
	fmt.Fprintf(w, "\n== %s: %s\n", m.name, m.title)
	for _, n := range m.notes {
		fmt.Fprintln(w, n)
	}
	for _, t := range m.tables {
		fmt.Fprintln(w)
		if err := t.text(w); err != nil {
			return err
		}
	}
	return nil
}

// markdown is the block of a part in the document.
func (m measured) markdown() string {
	blocks := append([]string{m.how + "\n"}, m.notes...)
	for i := range blocks[1:] {
		blocks[i+1] += "\n"
	}
	for _, t := range m.tables {
		blocks = append(blocks, t.markdown())
	}
	return strings.Join(blocks, "\n")
}
