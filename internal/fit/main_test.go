package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy"
)

// recordings writes a small directory of recordings: thirty lines that send spam,
// thirty servers that do not.
func recordings(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var conns, names strings.Builder
	names.WriteString("hostname\tlabel\tsource\tip\n")
	for i := range 30 {
		n := string(rune('0'+i/10)) + string(rune('0'+i%10))
		conns.WriteString(`{"corpus":"trec07p","label":"spam","n":1,"years":[2007],"client_ip":"203.` + n + `.113.7","client_name":"cpe-203-` + n +
			`-113-7.dyn.isp.example","name_state":"verified","helo":"pc","mx":"mx.example.net"}` + "\n")
		conns.WriteString(`{"corpus":"list:a","label":"ham","n":2,"years":[2022],"client_ip":"198.` + n + `.100.1","client_name":"mx` + n +
			`.example.org","name_state":"verified","helo":"mx` + n + `.example.org","mx":"mx.example.net"}` + "\n")
		names.WriteString("mx" + n + ".example.org\tmailserver\tham-border\t198." + n + ".100.1\n")
		names.WriteString("203-" + n + "-113-7.static.isp.example\tstatic-business\tx\t203." + n + ".113.7\n")
	}
	mails := `{"corpus":"trec07p","label":"spam","year":2007,"client_ip":"203.0.113.7","name_state":"none","helo":"pc","mx":"mx.example.net","headers":[["Subject","x"]]}` + "\n"
	for name, text := range map[string]string{"connections.jsonl": conns.String(), "mails.jsonl": mails, "hostnames.tsv": names.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFit(t *testing.T) {
	d, err := load(recordings(t))
	if err != nil {
		t.Fatal(err)
	}
	table := d.fit(everything)
	weight := func(signal string, s policy.Status) float64 {
		return table[specIndex[key{signal, s}]][policy.ClassAccess]
	}
	if a, s := weight("ptr-access", policy.StatusFail), weight("ptr-server", policy.StatusPass); a <= 0 || s >= 0 {
		t.Errorf("ptr-access %v, ptr-server %v", a, s)
	}
	score := d.score(table)
	for i := range d.connections {
		if u := &d.connections[i]; score.flagged[u.pattern] != u.Spam() {
			t.Fatalf("%s: flagged %v at %.3f", u.Label, score.flagged[u.pattern], score.suspicion[u.pattern])
		}
	}
	if len(check(table)) == 0 {
		t.Error("a table of other data passes for the committed one")
	}
}

func TestRun(t *testing.T) {
	dir, docs := recordings(t), t.TempDir()
	var out bytes.Buffer
	if err := run(&options{dir: dir, date: "2026-01-01"}, &out); err != nil || !strings.Contains(out.String(), "var Weights = []Weight{") {
		t.Errorf("%v: %s", err, &out)
	}
	if err := run(&options{dir: dir, docs: docs}, &out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"accuracy.md", curveFile} {
		if text, err := os.ReadFile(filepath.Join(docs, name)); err != nil || strings.Contains(string(text), "isp.example") {
			t.Errorf("%s: %v, or it names a host", name, err)
		}
	}
	if err := run(&options{dir: docs}, &out); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("without recordings: %v", err)
	}
}

// TestSpecsAreTheTable: a row that nobody fits, or a fitted one that was left out,
// is a mistake of the committed table.
func TestSpecsAreTheTable(t *testing.T) {
	if len(specs) > numSpecs {
		t.Fatalf("%d rows, %d fit", len(specs), numSpecs)
	}
	if len(policy.Weights) != len(specs) {
		t.Errorf("%d rows, %d specs", len(policy.Weights), len(specs))
	}
	for i, w := range policy.Weights {
		s := &specs[i]
		if w.Signal != s.signal || w.Status != s.status || w.Measured == s.unmeasured {
			t.Errorf("row %d is %s %v, want %s %v", i, w.Signal, w.Status, s.signal, s.status)
		}
		if a := w.Decibans[policy.ClassAccess]; !s.fixed && (a < s.least || a > s.most+0.05) {
			t.Errorf("%s: %.1f is out of its bounds", w.Signal, a)
		}
	}
}

func TestWilson(t *testing.T) {
	low, high := rate{4, 8402}.wilson()
	if math.Abs(low-0.00019) > 0.00002 || math.Abs(high-0.00122) > 0.00002 {
		t.Errorf("%.5f to %.5f", low, high)
	}
	if low, high := (rate{0, 10}).wilson(); low != 0 || math.Abs(high-0.2775) > 0.001 {
		t.Errorf("%.4f to %.4f", low, high)
	}
}

func TestShapes(t *testing.T) {
	for name, want := range map[string]bool{
		"host-192-0-2-1.isp.example": true, "p12345.isp.example": true, "1.2.pool.isp.example": true, "h1.a2-3.isp.example": true,
		"a1.b2.c.isp.example.com": true, "adsl7.isp.example": true, "mail.example.org": false, "mx1.example.org": false,
	} {
		if shapes.MatchString(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
