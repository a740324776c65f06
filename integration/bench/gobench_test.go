//go:build linux

package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

const someRuns = `goos: linux
pkg: github.com/iot-milter/iot-milter/policy
cpu: A Processor
BenchmarkJudge-2   	   83768	      1312 ns/op	       0 B/op	       0 allocs/op
BenchmarkJudge-2   	   83768	      1100 ns/op	       0 B/op	       0 allocs/op
BenchmarkVerdict/facts/device-2         	   10000	     10369 ns/op	    6212 B/op	       6 allocs/op
PASS
pkg: github.com/iot-milter/iot-milter/internal/daemon
BenchmarkSession/device 	     200	    721271 ns/op	  800000 cpu-ns/op	   30475 B/op	     181 allocs/op
`

func TestRuns(t *testing.T) {
	var r runs
	r.add([]byte(someRuns))
	if len(r.list) != 3 || r.cpu != "A Processor" {
		t.Fatalf("%d benchmarks, processor %q", len(r.list), r.cpu)
	}
	judge := r.one("policy Judge")
	if judge.least("ns/op") != 1100 || judge.median("ns/op") != 1206 || r.one("internal/daemon Session/device").least("cpu-ns/op") != 800000 {
		t.Errorf("%+v", judge)
	}
	if !math.IsNaN(r.one("policy Nothing").least("ns/op")) {
		t.Error("a benchmark that is not there has a figure")
	}
	var again runs
	again.add(r.text())
	if len(again.list) != 3 || again.config["date"] == "" || !slices.Equal(again.one("policy Judge").lines, judge.lines) {
		t.Errorf("what was written is not what was read:\n%s", r.text())
	}
}

func TestGrown(t *testing.T) {
	for change, want := range map[string]string{
		"":                         "",
		"6 allocs/op>7 allocs/op":  "policy Verdict/facts/device",
		"6 allocs/op>5 allocs/op":  "",
		"6212 B/op>6900 B/op":      "policy Verdict/facts/device",
		"6212 B/op>6700 B/op":      "", // what a table grew by
		"181 allocs/op>183 allocs": "", // the background's
		"181 allocs/op>186 allocs": "internal/daemon Session/device",
		"30475 B/op>40475 B/op":    "",
		"1100 ns/op>9000 ns/op":    "",
	} {
		var last, now runs
		last.add([]byte(someRuns))
		from, to, _ := strings.Cut(change, ">")
		if strings.HasSuffix(to, "allocs") {
			to += "/op"
		}
		now.add([]byte(strings.Replace(someRuns, from, to, 1)))
		if got := strings.Join(grown(&last, &now), " "); got != want {
			t.Errorf("%s: %q, want %q", change, got, want)
		}
	}
}

// TestChanges: benchstat's blocks, as it prints them.
func TestChanges(t *testing.T) {
	got, err := parseChanges([]byte(`goos: linux
pkg: github.com/iot-milter/iot-milter/policy
cpu: A Processor
,last,,now,,,
,sec/op,CI,sec/op,CI,vs base,P
Judge-2,1.43e-06,42%,2.0635000000000002e-06,142%,+44.30%,p=0.009 n=6
Template-2,2.2825e-07,5%,2.1005e-07,77%,~,p=0.065 n=6
geomean,5.713120863416063e-07,,6.583602167506793e-07,,+15.24%,

,last,,now,,,
,B/op,CI,B/op,CI,vs base,P
Judge-2,0,0%,0,0%,+9.99%,p=1.000 n=6
`))
	if err != nil || len(got) != 2 || got["policy Judge"] != "+44.30% (p=0.009 n=6)" || got["policy Template"] != "~" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestKibi(t *testing.T) {
	var rss, anon float64
	err := kibi(strings.NewReader("Name:\tx\nVmRSS:\t   2048 kB\nRssAnon:\t 512 kB\n"), map[string]*float64{"VmRSS:": &rss, "RssAnon:": &anon})
	if err != nil || rss != 2 || anon != 0.5 {
		t.Errorf("%v, %v, %v", rss, anon, err)
	}
	if kibi(strings.NewReader("VmRSS: 1 kB\n"), map[string]*float64{"Pss:": &rss}) == nil {
		t.Error("what is not there is no error")
	}
	if got := thousands(1_050_000); got != "1,050,000" {
		t.Error(got)
	}
}

// TestHosts: no address comes twice, and no network has more than a memory takes of one.
func TestHosts(t *testing.T) {
	seen := map[string]bool{}
	for i := range warmHosts {
		seen[host(i).String()] = true
	}
	if len(seen) != warmHosts {
		t.Errorf("%d hosts of %d", len(seen), warmHosts)
	}
}
