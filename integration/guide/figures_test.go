//go:build integration

package guide

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSpamAssassinFigures: docs/comparison.md quotes the statistics that SpamAssassin ships.
func TestSpamAssassinFigures(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "comparison.md"))
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile("/usr/share/spamassassin/STATISTICS-set1.txt")
	if err != nil {
		t.Fatal(err)
	}
	scores, err := os.ReadFile("/usr/share/spamassassin/50_scores.cf")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([A-Z_]+)`[^|]*\\| ([\\d.]+) % \\| ([\\d.]+) % \\| ([\\d.]+) \\|$").FindAllStringSubmatch(string(page), -1)
	if len(rows) != 4 {
		t.Fatalf("%d rules are quoted", len(rows))
	}
	for _, r := range rows {
		stat := regexp.MustCompile(`(?m)^ *[\d.]+ +([\d.]+) +([\d.]+) .* ` + r[1] + `$`).FindSubmatch(shipped)
		score := regexp.MustCompile(`(?m)^score ` + r[1] + ` \S+ \S+ \S+ ([\d.]+)`).FindSubmatch(scores)
		if stat == nil || score == nil {
			t.Errorf("SpamAssassin says nothing of %s", r[1])
			continue
		}
		for i, said := range r[2:] {
			is := string(append(stat[1:3:3], score[1])[i])
			if rounded(is, said) != said {
				t.Errorf("%s: the page says %s, and SpamAssassin %s", r[1], said, is)
			}
		}
	}
}

// rounded is a number with as many places as another has.
func rounded(number, like string) string {
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return err.Error()
	}
	_, places, _ := strings.Cut(like, ".")
	return fmt.Sprintf("%.*f", len(places), f)
}
