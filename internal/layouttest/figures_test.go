package layouttest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	row     = regexp.MustCompile(`(?m)^\| (.+?) \| (.*) \|$`)
	percent = regexp.MustCompile(`\d+\.\d+ %`)
)

// rowsOf are the rows of the tables in a section, by their first column.
func rowsOf(t *testing.T, path, section string) map[string][]string {
	t.Helper()
	text := read(t, path)
	_, text, found := strings.Cut(text, "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s has no section %s", path, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	rows := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		if figures := percent.FindAllString(m[2], -1); figures != nil {
			rows[m[1]] = figures
		}
	}
	return rows
}

// TestDocsFiguresAreMeasured: what the comparison says was measured is what `make accuracy` wrote, rule by rule.
func TestDocsFiguresAreMeasured(t *testing.T) {
	measured := rowsOf(t, "docs/accuracy.md", "Against the simplest rules")
	compared := rowsOf(t, "docs/comparison.md", "Measured, on the same recordings")
	if len(compared) < 3 {
		t.Fatalf("%d rules are compared", len(compared))
	}
	for rule, figures := range compared {
		m := measured[rule]
		if len(m) != 6 || !slices.Equal(figures, []string{m[0], m[3], m[4]}) { // its columns are three of the six
			t.Errorf("docs/comparison.md: %s: %q, and measured is %q", rule, figures, m)
		}
	}
}
