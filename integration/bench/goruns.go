//go:build linux

package main

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// runs are results of Go benchmarks, in the order in which they came first. The zero value
// is empty.
type runs struct {
	list   []*benchmark
	cpu    string
	config map[string]string // what else stands above results
}

// benchmark is all runs of one: its lines, and their figures by unit.
type benchmark struct {
	pkg, name string
	lines     []string
	figures   map[string][]float64
}

func (b *benchmark) key() string { return b.pkg + " " + b.name }

func (b *benchmark) least(unit string) float64 {
	if b == nil || len(b.figures[unit]) == 0 {
		return math.NaN()
	}
	return slices.Min(b.figures[unit])
}

func (b *benchmark) median(unit string) float64 {
	if b == nil || len(b.figures[unit]) == 0 {
		return math.NaN()
	}
	return median(b.figures[unit])
}

// one is the benchmark of that key, nil where there is none.
func (r *runs) one(key string) *benchmark {
	i := slices.IndexFunc(r.list, func(b *benchmark) bool { return b.key() == key })
	if i < 0 {
		return nil
	}
	return r.list[i]
}

const modulePath = "github.com/iot-milter/iot-milter/"

func ownPackage(path string) string { return strings.TrimPrefix(path, modulePath) }

// plainName is a benchmark's name without "Benchmark" and the number of processors.
func plainName(name string) string {
	name = strings.TrimPrefix(name, "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			return name[:i]
		}
	}
	return name
}

// add reads results as `go test -bench` prints them; what else is printed is passed over.
func (r *runs) add(text []byte) {
	pkg := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if key, value, ok := strings.Cut(line, ": "); ok && !strings.Contains(key, " ") {
			switch key {
			case "pkg":
				pkg = ownPackage(value)
			case "cpu":
				r.cpu = value
			case "date", "go", "commit":
				if r.config == nil {
					r.config = map[string]string{}
				}
				r.config[key] = value
			}
			continue
		}
		if f := strings.Fields(line); strings.HasPrefix(line, "Benchmark") && len(f) >= 4 && len(f)%2 == 0 {
			r.result(pkg, line, f)
		}
	}
}

func (r *runs) result(pkg, line string, fields []string) {
	b := r.one(pkg + " " + plainName(fields[0]))
	if b == nil {
		b = &benchmark{pkg: pkg, name: plainName(fields[0]), figures: map[string][]float64{}}
		r.list = append(r.list, b)
	}
	b.lines = append(b.lines, line)
	for i := 2; i < len(fields); i += 2 {
		if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
			b.figures[fields[i+1]] = append(b.figures[fields[i+1]], v)
		}
	}
}

// text is the runs in the form that benchstat reads.
func (r *runs) text() []byte {
	var b strings.Builder
	b.WriteString(goHead() + "goos: " + runtime.GOOS + "\ngoarch: " + runtime.GOARCH + "\n")
	if r.cpu != "" {
		b.WriteString("cpu: " + r.cpu + "\n")
	}
	pkg := ""
	for _, one := range r.list {
		if one.pkg != pkg {
			pkg = one.pkg
			b.WriteString("pkg: " + modulePath + pkg + "\n")
		}
		b.WriteString(strings.Join(one.lines, "\n") + "\n")
	}
	return []byte(b.String())
}

func goTable(last, now *runs, changes map[string]string) table {
	t := table{head: []string{"benchmark", "ns/op, least", "median", "recorded, least", "change of the median", "allocs/op", "B/op"}}
	for _, b := range now.list {
		then := last.one(b.key())
		t.rows = append(t.rows, []string{b.key(), number(b.least("ns/op")), number(b.median("ns/op")), number(then.least("ns/op")),
			orDash(changes[b.key()]), since(b, then, "allocs/op"), since(b, then, "B/op")})
	}
	return t
}

// since is a figure, and what it was where that differs.
func since(b, then *benchmark, unit string) string {
	now, was := b.least(unit), then.least(unit)
	if now == was || math.IsNaN(was) {
		return number(now)
	}
	return number(now) + " (was " + number(was) + ")"
}

func number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	if v == math.Trunc(v) {
		return fmt.Sprint(int64(v))
	}
	return figure(v)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// goTargets are the limits of single functions, by the least of their runs: what else the
// machine does can only add. Memory does not depend on the machine: what grew since it was
// recorded misses its target.
func goTargets(last, now *runs, quick bool) []target {
	var names []float64
	for _, b := range now.list {
		if b.pkg == "policy/device" {
			names = append(names, b.least("ns/op"))
		}
	}
	us := func(key string) float64 { return now.one(key).least("ns/op") / 1000 }
	list := []target{
		{what: "name parse, median of the names", got: median(names) / 1000, limit: 1.5, unit: "µs"},
		{what: "verdict from facts, mail server, from CONNECT to RCPT", got: us("policy Verdict/facts/mailserver"), limit: 5, unit: "µs"},
		{what: "verdict from facts, device", got: us("policy Verdict/facts/device"), limit: 5, unit: "µs"},
		{what: "cache hit, facts of an address", got: us("policy/state Facts/hit"), limit: 2, unit: "µs"},
		{what: "cache hit, one host of a million", got: us("policy/state Host/million"), limit: 2, unit: "µs"},
		{what: "cache hit, bucket of a limit", got: us("policy/state Take"), limit: 2, unit: "µs"},
	}
	if len(last.list) > 0 && !quick {
		list = append(list, target{what: "Go benchmarks that allocate more than was recorded", got: float64(len(grown(last, now)))})
	}
	return list
}

// grown are the benchmarks that allocate more often or more bytes than before. Two hundredths
// of their number are what a session's work in the background varies by; bytes do not count
// there, nor where not each operation allocates: they are what tables grew by. A tenth of the
// bytes is that, too, where each does: how often a table grew depends on how many operations
// the time had room for.
func grown(last, now *runs) []string {
	more := map[string]bool{}
	for _, b := range now.list {
		then := last.one(b.key())
		if b.least("allocs/op") > math.Floor(then.least("allocs/op")*1.02) {
			more[b.key()] = true
		}
		each := b.least("allocs/op") >= 1 && b.pkg != "internal/daemon"
		if each && b.least("B/op") > then.least("B/op")*1.1+8 {
			more[b.key()] = true
		}
	}
	return slices.Sorted(maps.Keys(more))
}
