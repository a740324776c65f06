//go:build integration

package guide

import (
	"slices"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/internal/document"
)

// sources are lines of what look-ups found; none is asked here.
var sources = []string{"iprev", "network", "list list.example"}

// TestControlShows: what docs/control.md shows of a running daemon has the lines that the daemon's answers have, by
// their first column; the numbers are an example's.
func TestControlShows(t *testing.T) {
	w := besides(t)
	for range 2 {
		nas.sent(t, "250 ")
	}
	home.sent(t, "250 ")
	server.sent(t, "250 ")
	w.noted(4)
	pages, err := document.Read(root, "docs/control.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range pages[0].Of("text") {
		command, shown, ok := strings.Cut(strings.TrimPrefix(b.Text, "$ "), "\n")
		if !ok || !strings.HasPrefix(command, "iot-milter ") {
			continue
		}
		n++
		args := strings.Fields(strings.ReplaceAll(command, exampleID, w.lastFlagged()))[1:]
		printed := firsts(w.command(program, args...))
		for _, first := range firsts(shown) {
			if !slices.Contains(printed, first) && !slices.Contains(sources, first) && first != "..." {
				t.Errorf("%s: %s: no line begins with %q; there are %q", b.Where(), command, first, printed)
			}
		}
	}
	if n < 3 {
		t.Errorf("docs/control.md shows %d answers", n)
	}
}

// firsts are the first columns of lines. Of a headline it is the line, for its words are what is promised.
func firsts(text string) (all []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if columns := columns.Split(line, -1); strings.HasPrefix(line, "decisions ") || columns[len(columns)-1] == "last" || columns[0] == "signal" {
			all = append(all, strings.Join(columns, "  "))
		} else if word, _, ok := strings.Cut(columns[0], ","); ok && word == "iot-milter" {
			all = append(all, word)
		} else {
			all = append(all, columns[0])
		}
	}
	return all
}
