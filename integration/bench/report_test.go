//go:build linux

package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		t    target
		want bool
	}{
		{target{got: 0.90, limit: 0.90}, true},
		{target{got: 0.91, limit: 0.90}, false},
		{target{got: 2.5, limit: 2.5, atLeast: true}, true},
		{target{got: 2.4, limit: 2.5, atLeast: true}, false},
		{target{got: math.NaN(), limit: 1}, false},
		{target{got: math.NaN(), limit: 1, atLeast: true}, false},
	} {
		if c.t.met() != c.want {
			t.Errorf("%+v", c.t)
		}
	}
	all := []measured{{part: part{name: "x"}, result: result{targets: []target{
		{what: "fine", got: 1, limit: 2}, {what: "CPU", got: 3.456, limit: 2, unit: "ms"}}}}}
	if got := missed(all); len(got) != 1 || got[0] != "x: CPU: 3.46 ms, the limit is ≤ 2.00 ms" {
		t.Errorf("%q", got)
	}
}

func TestTableText(t *testing.T) {
	var b strings.Builder
	if err := (table{caption: "of two", head: []string{"a", "µs"}, rows: [][]string{{"long one", "1"}, {"b", "2"}}}).text(&b); err != nil {
		t.Fatal(err)
	}
	if want := "of two\na         µs\nlong one  1\nb         2\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestMarkdown(t *testing.T) {
	m := measured{how: "Then.", result: result{notes: []string{"One.", "Two."},
		tables: []table{{head: []string{"a", "b"}, rows: [][]string{{"x|y", "1"}}}, {caption: "Large", head: []string{"c"}}}}}
	want := "Then.\n\nOne.\n\nTwo.\n\n| a | b |\n| --- | --- |\n| x\\|y | 1 |\n\nLarge\n\n| c |\n| --- |\n"
	if got := m.markdown(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWritePage(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("docs", 0o700); err != nil {
		t.Fatal(err)
	}
	page := "# Page\n\n<!-- make bench: targets -->\n\n| part | target | limit | measured |  |\n| --- | --- | --- | --- | --- |\n" +
		"| b | kept | ≤ 1.00 | 0.50 | met |\n| a | goes | ≤ 1.00 | 0.50 | met |\n| gone | renamed | ≤ 1.00 | 0.50 | met |\n\n<!-- end -->\n" +
		"<!-- make bench: machine -->\n<!-- end -->\n\n## A\n\n<!-- make bench: a -->\nold\n<!-- end -->\n\n<!-- make bench: b -->\nstays\n<!-- end -->\nlast\n"
	write := func() { // the document of the repository, as writePage finds it
		if err := os.WriteFile(filepath.FromSlash(reportPage), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	order := []part{{name: "a"}, {name: "b"}}
	all := []measured{{part: order[0], how: "Now.", result: result{targets: []target{{what: "new", got: 2, limit: 1}}}}}
	for range 2 { // the second time changes nothing
		if err := writePage(all, order); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(reportPage)
		if err != nil {
			t.Fatal(err)
		}
		got := string(data)
		for _, want := range []string{
			"# Page\n\n<!-- make bench: targets -->\n\n| part | target | limit | measured |  |\n| --- | --- | --- | --- | --- |\n" +
				"| a | new | ≤ 1.00 | 2.00 | **missed** |\n| b | kept | ≤ 1.00 | 0.50 | met |\n\n<!-- end -->\n",
			"<!-- make bench: a -->\n\nNow.\n\n<!-- end -->\n", "<!-- make bench: b -->\nstays\n<!-- end -->\nlast\n", "| Go | "} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	}
	for _, broken := range []string{"<!-- make bench: a -->\n", "<!-- end -->"} {
		page = strings.ReplaceAll(page, broken, "")
		write()
		if err := writePage(all, order); err == nil {
			t.Errorf("without %q it is written", broken)
		}
	}
}

func TestChoose(t *testing.T) {
	got, err := choose("memory,postfix")
	if err != nil || len(got) != 2 || got[0].name != "postfix" || got[1].name != "memory" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := choose("postfix,"); err == nil {
		t.Error("a part without a name")
	}
}
