//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// counted are the benchmarks whose instructions are counted, with the length of the
// shorter run; the longer one is three times that.
var counted = []struct {
	suite
	n int
}{
	{suite{"policy/device", "^BenchmarkParse$/^mx1"}, 5000},
	{suite{"policy/device", "^BenchmarkParse$/^cpe"}, 5000},
	{suite{"policy", "^BenchmarkJudge$"}, 5000},
	{suite{"policy", "^BenchmarkVerdict$/^facts$/^mailserver$"}, 2000},
	{suite{"policy", "^BenchmarkVerdict$/^facts$/^device$"}, 2000},
	{suite{"internal/daemon", "^BenchmarkRecord$"}, 1000},
	{suite{"internal/daemon", "^BenchmarkSession$/^nothing$"}, 200},
	{suite{"internal/daemon", "^BenchmarkSession$/^mailserver$"}, 200},
	{suite{"internal/daemon", "^BenchmarkSession$/^device$"}, 200},
}

const instructionUnit = "instructions/op"

// measureInstructions counts the instructions of an operation, in user space: the
// difference of two runs of different lengths, so that what comes before and after does
// not count. They are about the same on any machine of that architecture, however busy it is.
func measureInstructions(ctx context.Context, o options) (result, error) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return result{}, fmt.Errorf("%w; hint: apt-get install valgrind, or -parts without this one", err)
	}
	list := counted
	if o.quick {
		list = list[:1]
	}
	var now, last runs
	for _, c := range list {
		line, err := o.instructions(ctx, c.suite, c.n)
		if err != nil {
			return result{}, err
		}
		now.add(line)
	}
	if text, err := os.ReadFile(recorded + "instructions.txt"); err == nil {
		last.add(text)
	}
	if o.record && !o.quick {
		if err := os.WriteFile(recorded+"instructions.txt", now.text(), 0o644); err != nil {
			return result{}, err
		}
	}
	t := table{head: []string{"operation", "instructions", "recorded", "ratio"}}
	for _, b := range now.list {
		n, was := b.least(instructionUnit), last.one(b.key()).least(instructionUnit)
		ratio := "–"
		if !math.IsNaN(was) {
			ratio = fmt.Sprintf("%.3f", n/was)
		}
		t.rows = append(t.rows, []string{b.key(), number(n), number(was), ratio})
	}
	return result{
		notes: []string{"Instructions in user space, counted by valgrind; a session's are those of this program's client, too. They repeat within a hundredth, sessions within some. " +
			"The kernel's part is not in them."},
		tables: []table{t},
	}, nil
}

var refs = regexp.MustCompile(`I +refs: +([0-9,]+)`)

// instructions returns a line of results.
func (o *options) instructions(ctx context.Context, s suite, n int) ([]byte, error) {
	var counts [2]float64
	var name string
	for i, length := range []int{n, 3 * n} {
		out, err := o.valgrind(ctx, s, length)
		if err != nil {
			return nil, err
		}
		m := refs.FindSubmatch(out)
		if m == nil {
			return nil, fmt.Errorf("%s in %s: valgrind counts nothing:\n%s", s.match, s.pkg, out)
		}
		counts[i], _ = strconv.ParseFloat(strings.ReplaceAll(string(m[1]), ",", ""), 64)
		var r runs
		if r.add(out); len(r.list) != 1 {
			return nil, fmt.Errorf("%s in %s is not one benchmark:\n%s", s.match, s.pkg, out)
		}
		name = r.list[0].name
	}
	return fmt.Appendf(nil, "pkg: %s%s\nBenchmark%s %d %.0f %s\n", modulePath, s.pkg, name, 2*n, (counts[1]-counts[0])/float64(2*n), instructionUnit), nil
}

// valgrind runs a benchmark so many times. Its tool callgrind, which follows calls, gives
// up where goroutines change their stacks; cachegrind counts the same instructions. With
// one processor, without preemption and collection, two runs are nearly alike.
func (o *options) valgrind(ctx context.Context, s suite, times int) ([]byte, error) {
	bin, err := o.testBinary(ctx, s.pkg)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "valgrind", "--tool=cachegrind", "--cache-sim=no",
		"--cachegrind-out-file=/dev/null", bin,
		"-test.run=^$", "-test.timeout=5m", "-test.bench="+s.match, fmt.Sprintf("-test.benchtime=%dx", times))
	cmd.Dir = s.pkg
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1", "GOGC=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w\n%s", s.match, s.pkg, err, out)
	}
	return out, nil
}
