//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStatistics(t *testing.T) {
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Error("odd:", got)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Error("even:", got)
	}
	if got := ratios([]float64{1, 4}, []float64{2, 2}); got[0] != 0.5 || got[1] != 2 {
		t.Error("ratios:", got)
	}
	if got := spread("%.1f", []float64{1, 2, 4}); got != "2.0 (1.0–4.0)" {
		t.Error("spread:", got)
	}
}

func TestClientsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for n := range memoryClients {
		c := client(n)
		if seen[c.Addr] || strings.Contains(c.Addr, ":") != (c.Family == '6') {
			t.Fatalf("client %d: %+v", n, c)
		}
		seen[c.Addr] = true
	}
	if len(headers()) != 20 {
		t.Errorf("%d header fields", len(headers()))
	}
}

func TestReadLogCountsAndFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "maillog")
	if err := os.WriteFile(path, []byte("a status=sent (x)\nb status=sent\n"+
		"cleanup: warning: file system clock is 1 seconds ahead of local clock\nc stat"), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := &postfix{log: log}
	if err := p.readLog(); err != nil || p.sent != 2 {
		t.Fatalf("%d sent, %v", p.sent, err)
	}
	w, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.WriteString("us=sent\nsmtpd: warning: milter unix:x: can't read\n"); err != nil {
		t.Fatal(err)
	}
	if err := p.readLog(); err == nil || p.sent != 3 {
		t.Errorf("%d sent, %v", p.sent, err)
	}
}

func TestFlat(t *testing.T) {
	samples := func(last int) (all []sample) {
		for i := range 60 {
			s := sample{sessions: i, values: [4]int{50_000, 20, 12, 4000}}
			if i >= 40 {
				s.values[1] += last
			}
			all = append(all, s)
		}
		return all
	}
	if report, err := flat(samples(5)); err != nil || !strings.Contains(report, "goroutines: median 20 of the middle third, 25 of the last") {
		t.Errorf("%v\n%s", err, report)
	}
	if _, err := flat(samples(20)); err == nil {
		t.Error("what doubles is flat")
	}
}
