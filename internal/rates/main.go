// Command rates measures the signals on recorded connections: for each signal
// and status the share of distinct connections by corpus, and how many the flag
// finds. The sources of measured rows in policy.Weights name its output. It
// reads connections.jsonl, or mails.jsonl (then the headers are judged too) or
// hostnames.tsv (then each name as a confirmed PTR), from a directory that the
// caller has; the recordings are not part of the project, and only aggregates
// leave it.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/internal/recording"
	"github.com/iot-milter/iot-milter/policy"
)

// record is one line of a recording.
type record = recording.Record

// set is a column of the table. A record can be in several.
type set struct {
	name string
	has  func(*record) bool
}

// sets are the columns for mail: corpora of one label and era.
var sets = []set{
	{"spam-2007", func(r *record) bool { return r.Label == "spam" && r.Corpus == "trec07p" }},
	{"spam-01-10", func(r *record) bool {
		return r.Label == "spam" && (r.Corpus == "spamassassin" || r.Corpus == "csdmc2010")
	}},
	{"spam-20-26", func(r *record) bool {
		return r.Label == "spam" && (strings.HasPrefix(r.Corpus, "list:") || r.Corpus == "phishing_pot" || r.Corpus == "glitchyzorua")
	}},
	{"ham-2007", func(r *record) bool { return r.Label == "ham" && strings.HasPrefix(r.Corpus, "trec07p") }},
	{"ham-l2", func(r *record) bool { return r.Label == "ham" && strings.HasSuffix(r.Corpus, "-l2") }},
	{"ham-but-l2", func(r *record) bool { return r.Label == "ham" && !strings.HasSuffix(r.Corpus, "-l2") }},
}

// names are the columns for host names, by label and by how independent the
// label is of anybody's patterns.
var names = []set{
	{"user-by-auth", func(r *record) bool { return r.Label == "enduser-line" && strings.HasPrefix(r.Corpus, "auth") }},
	{"user-by-rule", func(r *record) bool { return r.Label == "enduser-line" && !strings.HasPrefix(r.Corpus, "auth") }},
	{"static", func(r *record) bool { return r.Label == "static-business" }},
	{"hosting", func(r *record) bool { return r.Label == "hosting" }},
	{"mailserver", func(r *record) bool { return r.Label == "mailserver" && !strings.Contains(r.Corpus, "(generic") }},
	{"ms-generic", func(r *record) bool { return r.Label == "mailserver" && strings.Contains(r.Corpus, "(generic") }},
}

type counts [8]int

type table struct {
	sets  []set
	total counts
	rows  map[string]*counts
}

func (t *table) add(key string, in []bool) {
	row := t.rows[key]
	if row == nil {
		row = new(counts)
		t.rows[key] = row
	}
	for i, ok := range in {
		if ok {
			row[i]++
		}
	}
}

func main() {
	data := flag.String("data", "", "directory with the recordings")
	file := flag.String("file", "connections.jsonl", "which of them")
	dump := flag.Bool("dump", false, "print one line of findings a connection instead of the table")
	flag.Parse()
	if *data == "" {
		fmt.Fprintln(os.Stderr, "rates: no -data; hint: the recordings are not part of the project")
		os.Exit(2)
	}
	if err := run(filepath.Join(*data, *file), *dump, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rates:", err)
		os.Exit(1)
	}
}

func run(path string, dump bool, out io.Writer) error {
	w := bufio.NewWriter(out)
	defer w.Flush()

	t := &table{sets: sets, rows: make(map[string]*counts)}
	if filepath.Ext(path) == ".tsv" {
		t.sets = names
	}
	err := recording.Read(filepath.Dir(path), filepath.Base(path), func(r *record) {
		j := r.Judge()
		if dump {
			printLine(w, r, j)
			return
		}
		t.count(r, j)
	})
	if err == nil && !dump {
		t.print(w)
	}
	return err
}

func (t *table) count(r *record, j *policy.Judgement) {
	in := make([]bool, len(t.sets))
	for i := range t.sets {
		in[i] = t.sets[i].has(r)
		if in[i] {
			t.total[i]++
		}
	}
	list := j.Findings.List()
	for i := range list {
		f := &list[i]
		t.add(f.Signal.Name+" "+f.Status.String(), in)
	}
	t.add("~class "+j.Class.String(), in)
	if j.Flag != policy.FlagNo {
		t.add("~flag suspect or yes", in)
	}
	if j.Flag == policy.FlagYes {
		t.add("~flag yes", in)
	}
	if j.Flag != policy.FlagNo && j.Families[policy.FamilyLine] && j.Families[policy.FamilyClient] && !j.Independent {
		t.add("~flag, both families, no pardon", in)
	}
}

func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "%-32s", "distinct")
	for i := range t.sets {
		fmt.Fprintf(w, " %12s", t.sets[i].name)
	}
	fmt.Fprintf(w, "\n%-32s", "")
	for i := range t.sets {
		fmt.Fprintf(w, " %12d", t.total[i])
	}
	fmt.Fprintln(w)
	keys := make([]string, 0, len(t.rows))
	for key := range t.rows {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(w, "%-32s", strings.TrimPrefix(key, "~"))
		for i := range t.sets {
			n := t.rows[key][i]
			fmt.Fprintf(w, " %5d %5.2f%%", n, 100*float64(n)/float64(max(t.total[i], 1)))
		}
		fmt.Fprintln(w)
	}
}

func printLine(w io.Writer, r *record, j *policy.Judgement) {
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.4f", r.Corpus, r.Label, r.HostLabel, j.Class, j.Flag,
		j.P[policy.ClassAccess]+j.P[policy.ClassDevice])
	list := j.Findings.List()
	for i := range list {
		fmt.Fprintf(w, "\t%s:%s", list[i].Signal.Name, list[i].Status)
	}
	fmt.Fprintln(w)
}
