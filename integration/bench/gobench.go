//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// suite is a package's Go benchmarks that matter.
type suite struct{ pkg, match string }

var suites = []suite{
	{"integration/bench", "^BenchmarkCalibration$"},
	{"policy/device", "^BenchmarkParse$"},
	{"policy", "^Benchmark(Judge|Headers|AppendJSON)$"},
	{"policy", "^BenchmarkVerdict$/^facts$"},
	{"policy", "^BenchmarkMessage$"},
	{"policy/state", "^Benchmark(Facts|Take|Available)$"},
	{"policy/state", "^BenchmarkHost$"},
	{"policy/state", "^BenchmarkVisit$/^small$"},
	{"policy/evidence", "^BenchmarkKnownClient$"},
	{"policy/evidence/resolve", "^BenchmarkCached$"},
	{"internal/obs", "^BenchmarkVerdictLine$"},
	{"internal/admin", "^BenchmarkTop$"},
	{"internal/history", "^BenchmarkAdd$"},
	{"internal/daemon", "^Benchmark(Record|Session)$"},
}

const (
	// benchstat is no part of the product: it stays out of its module.
	benchstat = "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da"
	recorded  = "integration/bench/recorded/"
	goRounds  = 8
)

// measureGo runs the Go benchmarks round by round, so that a slow minute of the machine
// is one run of each and not all runs of one, and compares them with the recorded ones.
func measureGo(ctx context.Context, o options) (result, error) {
	rounds, long := goRounds, "60ms"
	if o.quick {
		rounds, long = 1, "10ms"
	}
	var now runs
	for range rounds {
		for _, s := range suites {
			out, err := o.goBench(ctx, s, "-test.benchtime="+long)
			if err != nil {
				return result{}, err
			}
			now.add(out)
		}
	}
	var last runs
	text, err := os.ReadFile(recorded + "go.txt")
	if err == nil {
		last.add(text)
	}
	if o.record && !o.quick {
		if err := os.WriteFile(recorded+"go.txt", now.text(), 0o644); err != nil {
			return result{}, err
		}
	}
	r := result{notes: []string{fmt.Sprintf("Least and median of %d runs; of allocations the least. Processor: %s.", rounds, now.cpu)}}
	changes := map[string]string{}
	switch {
	case err != nil:
		r.notes = append(r.notes, "Nothing was recorded before.")
	case !o.quick:
		if changes, err = benchstatOf(ctx, o, &last, &now); err != nil {
			r.notes = append(r.notes, fmt.Sprintf("benchstat could not be run, so no change is called significant: %v.", err))
		}
		fallthrough
	default:
		r.notes = append(r.notes, comparison(&last, &now))
		if list := grown(&last, &now); len(list) > 0 && !o.quick { // in short runs what comes first weighs
			r.notes = append(r.notes, "More is allocated by "+strings.Join(list, ", ")+".")
		}
	}
	r.tables = []table{goTable(&last, &now, changes)}
	r.targets = goTargets(&last, &now, o.quick)
	return r, nil
}

// goBench runs a suite once and returns what it prints.
func (o *options) goBench(ctx context.Context, s suite, args ...string) ([]byte, error) {
	bin, err := o.testBinary(ctx, s.pkg)
	if err != nil {
		return nil, err
	}
	args = append([]string{"-test.run=^$", "-test.benchmem", "-test.timeout=5m", "-test.bench=" + s.match}, args...)
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = s.pkg
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte("\nBenchmark")) {
		return nil, fmt.Errorf("%s in %s: %v\n%s%s", s.match, s.pkg, err, out, stderr.Bytes())
	}
	return out, nil
}

// testBinary builds a package's tests, once for all parts.
func (o *options) testBinary(ctx context.Context, pkg string) (string, error) {
	bin, err := filepath.Abs(filepath.Join(o.dir, "..", strings.ReplaceAll(pkg, "/", "-")+".test"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", bin, "./"+pkg).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the tests of %s: %w\n%s", pkg, err, out)
	}
	return bin, nil
}

// benchstatOf has benchstat compare two sets of runs: the change of each benchmark's
// median, "~" where it is likely noise.
func benchstatOf(ctx context.Context, o options, last, now *runs) (map[string]string, error) {
	args := []string{"run", benchstat, "-format", "csv"}
	for name, r := range map[string]*runs{"last": last, "now": now} {
		path := filepath.Join(o.dir, name+".txt")
		if err := os.WriteFile(path, r.text(), 0o644); err != nil {
			return nil, err
		}
		args = append(args, name+"="+path)
	}
	args = append(args[:4], sorted(args[4:])...) // the first is what the other is compared with
	cmd := exec.CommandContext(ctx, "go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return parseChanges(out)
}

// parseChanges reads benchstat's CSV: blocks for each package and unit, of which those of
// time count.
func parseChanges(out []byte) (map[string]string, error) {
	r := csv.NewReader(bytes.NewReader(out))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	changes := map[string]string{}
	pkg, time := "", false
	for _, row := range rows {
		switch {
		case len(row) == 1:
			if p, ok := strings.CutPrefix(row[0], "pkg: "); ok {
				pkg = ownPackage(p)
			}
		case len(row) > 6 && row[0] == "":
			time = row[1] == "sec/op" || time && row[1] == "last"
		case len(row) > 6 && time && row[0] != "geomean":
			change := row[5]
			if change != "~" && change != "" {
				change += " (" + row[6] + ")"
			}
			changes[pkg+" "+plainName(row[0])] = change
		}
	}
	return changes, nil
}

// comparison says how much two sets of runs can be compared.
func comparison(last, now *runs) string {
	then, today := last.one("integration/bench Calibration"), now.one("integration/bench Calibration")
	if then == nil || today == nil {
		return "The recorded runs have no calibration."
	}
	text := fmt.Sprintf("A fixed piece of arithmetic took %.0f ns when the last results were recorded (%s) and %.0f ns now: "+
		"a change of time below that ratio, %.2f, is the machine's.", then.least("ns/op"), last.config["date"], today.least("ns/op"),
		today.least("ns/op")/then.least("ns/op"))
	if last.cpu != now.cpu {
		text += fmt.Sprintf(" They are of another processor, %s: times are no comparison, allocations are.", last.cpu)
	}
	return text
}

// goHead is what stands above recorded results, in the form of Go benchmarks.
func goHead() string {
	return fmt.Sprintf("date: %s\ngo: %s\ncommit: %s\n", time.Now().UTC().Format(time.DateOnly), runtime.Version(),
		said("git", "describe", "--always", "--dirty", "--exclude=*"))
}
