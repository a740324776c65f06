package layouttest

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/internal/document"
	"github.com/iot-milter/iot-milter/policy"
)

// update writes what is measured and what the examples print into the pages of
// signals, for who has fitted the weights anew:
//
//	go test ./internal/layouttest -run Signals -update
var update = flag.Bool("update", false, "rewrite docs/signals")

// sections are those of each signal's page, in order.
var sections = []string{"Name", "Description", "Evidence", "Who is hit by mistake", "Configuration", "Example"}

var (
	measured = regexp.MustCompile(`(?m)^Measured:\n\n(?:- .*\n)+`)
	heading  = regexp.MustCompile(`(?m)^## (.+)\n\n(\S)`)
	console  = regexp.MustCompile("(?ms)^```console\n\\$ (.*?[^\\\\])\n(.*?)^```$")
)

func signalPage(name string) string { return filepath.Join(root, "docs", "signals", name+".md") }

func TestSignalsHavePages(t *testing.T) {
	paths, err := filepath.Glob(signalPage("*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		if !slices.ContainsFunc(policy.Signals, func(s policy.Signal) bool { return s.Name == name }) {
			t.Errorf("%s: there is no such signal", path)
		}
	}
	config := lookups(t)
	for _, s := range policy.Signals {
		path := signalPage(s.Name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("the signal %s has no page: %v", s.Name, err)
			continue
		}
		checkPage(t, s.Name, document.Parse(path, data), config)
	}
}

func checkPage(t *testing.T, name string, p document.Page, config string) {
	t.Helper()
	if !strings.HasPrefix(p.Text, "# "+name+"\n") || !strings.Contains(p.Text, "\n`"+name+"`\n") {
		t.Errorf("%s: the page does not name the signal in its title and under Name", p.Path)
	}
	var got []string
	for _, m := range heading.FindAllStringSubmatch(p.Text, -1) {
		got = append(got, m[1])
	}
	if !slices.Equal(got, sections) {
		t.Errorf("%s: sections %q, want %q, none empty", p.Path, got, sections)
	}
	want := p.Text
	if measured.MatchString(want) {
		want = measured.ReplaceAllLiteralString(want, "Measured:\n\n"+sources(name))
	}
	if *update {
		want = console.ReplaceAllStringFunc(want, func(block string) string {
			m := console.FindStringSubmatch(block)
			out, err := printed(m[1], config)
			if err != nil {
				t.Errorf("%s: %v", p.Path, err)
			}
			return "```console\n$ " + m[1] + "\n" + trimLines(out) + "\n```"
		})
		if err := os.WriteFile(p.Path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != p.Text || !measured.MatchString(p.Text) {
		t.Errorf("%s: under Measured stands not what policy.Weights has; run: go test ./internal/layouttest -run Signals -update", p.Path)
	}
	shown := p.Of("console")
	if len(shown) == 0 {
		shown = p.Of("text")
	}
	if !slices.ContainsFunc(shown, func(b document.Block) bool { return strings.Count(b.Text, name) >= min(2, len(p.Of("console"))+1) }) {
		t.Errorf("%s: no example shows the signal", p.Path)
	}
}

// sources are the rows of Weights for a signal, in Markdown.
func sources(name string) string {
	var b strings.Builder
	for _, w := range policy.Weights {
		if w.Signal == name {
			b.WriteString("- `" + w.Status.String() + "`: " + strings.TrimSpace(w.Source) + "\n")
		}
	}
	if b.Len() == 0 {
		return "- nothing: the signal has no weight.\n"
	}
	return b.String()
}
