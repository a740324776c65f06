package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

const page = "docs/scale.md"

// table is of ready text.
type table struct {
	head []string
	rows [][]string
}

func (t table) text(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	_ = tw.Flush()
	fmt.Fprintln(w)
}

func (t table) markdown() string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.head)
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	for _, row := range t.rows {
		line(row)
	}
	return b.String()
}

// block is a part of the page that is written.
type block struct {
	name  string
	table table
}

func (f *figures) blocks() []block {
	return []block{{"costs", f.costTable()}, {"rates", answerTable(f.Rates)}, {"slow", answerTable(f.Slow)}, {"outage", f.outageTable()},
		{"hosts", f.storeTable()}, {"sizing", f.sizing()}, {"memory", f.memory()}, {"limits", f.limits()}, {"cost", f.cost()}}
}

func (f *figures) costTable() table {
	t := table{head: []string{"of a connection with one message", "requests", "awaited by mail", "bytes in / out", "µs of the store's CPU", "DNS questions", "suspects"}}
	for _, s := range []struct {
		site  site
		costs costs
	}{{hardest, f.Enforce}, {outOfTheBox, f.Tag}} {
		for _, who := range []struct {
			name string
			c    connection
		}{{"known", s.costs.Known}, {"new", s.costs.New}, {"**mixed**", s.costs.Mix}} {
			c := who.c
			t.rows = append(t.rows, []string{s.site.name + ": " + who.name, number(c.Requests), number(c.Awaited), number(c.In) + " / " + number(c.Out),
				number(c.Micros), number(c.Questions), percent(c.Suspects)})
		}
	}
	return t
}

func answerTable(all []answers) table {
	t := table{head: []string{"the store's share of a core", "connections/s", "it used", "mail waited: p50 / p99 / longest", "late", "heard by RCPT", "dropped", "went alone", "connections", "the load was late, p99"}}
	for _, a := range all {
		t.rows = append(t.rows, []string{percent(a.Share), number(a.Rate), percent(a.Busy), number(a.P50) + " / " + number(a.P99) + " / " + ms(a.Longest),
			percent(a.Late), percent(a.Heard), percent(a.Dropped), fmt.Sprint(a.Alone), number(a.Connections), ms(a.Behind)})
	}
	return t
}

func (f *figures) outageTable() table {
	o := f.Outage
	back := "more than " + number(o.Seconds) + " s"
	if o.Back > 0 {
		back = number(o.Back) + " s"
	}
	return table{head: []string{"silent for", "connections/s", "longest wait of mail", "all used it again after", "lost it once more", "mail waited then, p99", "told / dropped", "the store in its busiest second"},
		rows: [][]string{{number(o.Silent) + " s", number(o.Rate), ms(o.Longest), back, fmt.Sprint(o.Again), ms(o.BackP99),
			grouped(float64(o.Told)) + " / " + grouped(float64(o.Dropped)), percent(o.BusyMost)}}}
}

func (f *figures) storeTable() table {
	t := table{head: []string{"hosts", "memory used", "resident", "bytes a host", "told a second", "µs of the store's CPU each"}}
	for _, s := range f.Store {
		t.rows = append(t.rows, []string{grouped(float64(s.Hosts)), mib(s.Used), mib(s.RSS), number(s.PerHost), number(s.PerSecond), number(s.VisitCost)})
	}
	return t
}

// readerNote says how a host fares with the large store.
func (f *figures) readerNote() string {
	r := f.Reader
	return fmt.Sprintf("A host that met %s of these clients by chance had the history of %s of them in time (p50 %s, p99 %s, 32 at once); it remembered %s of them itself, of %s at most, "+
		"and its process went from %s to %s. The facts of an address take %s bytes besides.\n",
		grouped(float64(r.Sessions)), percent(r.Known), ms(r.P50), ms(r.P99), grouped(float64(r.Entries)), grouped(float64(r.Room)), mib(r.Before), mib(r.After), number(f.Facts))
}

// markdown is the text of a block.
func (f *figures) markdown(b block) string {
	text := b.table.markdown()
	if b.name == "hosts" {
		text += "\n" + f.readerNote()
	}
	return text
}

const markEnd = "<!-- end -->"

func markBegin(name string) string { return "<!-- make scale: " + name + " -->\n" }

// between is the text with other content in a block.
func between(text, name, content string) (string, error) {
	before, rest, ok := strings.Cut(text, markBegin(name))
	inside, after, ok2 := strings.Cut(rest, markEnd)
	if !ok || !ok2 || strings.Contains(inside, "<!-- make scale: ") {
		return "", fmt.Errorf("%s has no %q … %q", page, markBegin(name), markEnd)
	}
	return before + markBegin(name) + "\n" + content + "\n" + markEnd + after, nil
}

// The figures themselves stand in the page, for the test.
const figuresBegin, figuresEnd = "<!-- figures ", " -->"

// kept are the figures of the page.
func kept(text string) (f figures, err error) {
	_, rest, ok := strings.Cut(text, figuresBegin)
	data, _, ok2 := strings.Cut(rest, figuresEnd)
	if !ok || !ok2 {
		return f, fmt.Errorf("%s has no figures", page)
	}
	return f, json.Unmarshal([]byte(data), &f)
}

func (f *figures) write() error {
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	text, err := f.into(string(b))
	if err != nil {
		return err
	}
	if text, err = between(text, "how", f.origin()+"\n"+figuresBegin+string(data)+figuresEnd+"\n"); err != nil {
		return err
	}
	return os.WriteFile(page, []byte(text), 0o644)
}

// rewrite writes the tables of the page from its own figures.
func rewrite() error {
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	f, err := kept(string(b))
	if err != nil {
		return err
	}
	text, err := f.into(string(b))
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(text), 0o644)
}

// into is the page with all tables.
func (f *figures) into(text string) (string, error) {
	for _, b := range f.blocks() {
		var err error
		if text, err = between(text, b.name, f.markdown(b)); err != nil {
			return "", err
		}
	}
	return text, nil
}

// origin says how each part was measured, those together that were measured in one run.
func (f *figures) origin() string {
	var b strings.Builder
	for i, p := range allParts {
		said := f.Measured[p.name]
		if i > 0 && said == f.Measured[allParts[i-1].name] {
			continue
		}
		names := p.name
		for _, next := range allParts[i+1:] {
			if f.Measured[next.name] != said {
				break
			}
			names += ", " + next.name
		}
		fmt.Fprintf(&b, "- %s: %s\n", names, said)
	}
	return b.String()
}

// how says when, where and by what it was measured.
func how() string {
	said := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).Output()
		if s := strings.TrimSpace(string(out)); err == nil && s != "" {
			return s
		}
		return "unknown"
	}
	version := strings.Join(strings.Fields(said(serverBinary(), "--version"))[:3], " ")
	command := strings.TrimSpace("go run ./integration/scale " + strings.Join(os.Args[1:], " "))
	return fmt.Sprintf("measured %s on commit %s by `%s`: %s, %d cores, Linux %s, Go %s, %s.", time.Now().UTC().Format(time.DateOnly),
		said("git", "describe", "--always", "--dirty", "--exclude=*"), command, processor(), runtime.NumCPU(), said("uname", "-r"),
		strings.TrimPrefix(runtime.Version(), "go"), version)
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if _, model, ok := strings.Cut(line, "model name\t: "); ok {
			return strings.TrimSpace(model)
		}
	}
	return "unknown"
}
