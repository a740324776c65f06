package layouttest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/internal/document"
)

// TestDocsLinksLeadSomewhere: each link to a file finds it, and each one to a section finds a heading.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	n := 0
	for _, p := range all {
		for _, l := range p.Links {
			n++
			target := p.Path
			if l.Target != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(p.Path), l.Target))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", p.Path, l.Target)
				continue
			}
			if l.Anchor == "" || !strings.HasSuffix(target, ".md") {
				continue
			}
			i := slices.IndexFunc(all, func(q document.Page) bool { return q.Path == target })
			if i < 0 || !all[i].Has(l.Anchor) {
				t.Errorf("%s: %s has no section #%s", p.Path, target, l.Anchor)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d links were found", n)
	}
}

// promised are documents that a user may expect to find.
var promised = []string{"first-ten-minutes", "how-it-works", "tradeoffs", "mta", "accuracy", "comparison", "monitoring", "cluster", "faq", "privacy",
	"mailbox", "hacking"}

// TestDocsAreFound: what is promised is there, and the README leads to each document of docs/.
func TestDocsAreFound(t *testing.T) {
	for _, name := range promised {
		if _, err := os.Stat(filepath.Join(root, "docs", name+".md")); err != nil {
			t.Errorf("docs/%s.md is missing", name)
		}
	}
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no documents", err)
	}
	for _, page := range []string{"README.md"} {
		links := onePage(t, page).Links
		for _, path := range paths {
			if !slices.ContainsFunc(links, func(l document.Link) bool { return l.Target == below(path) }) {
				t.Errorf("%s does not lead to %s", page, below(path))
			}
		}
	}
}

// TestQuestionsAreListed: the list at the top of docs/faq.md has each question.
func TestQuestionsAreListed(t *testing.T) {
	p := onePage(t, "docs/faq.md")
	for _, h := range p.Headings {
		if h.Level == 3 && !slices.Contains(p.Links, document.Link{Anchor: h.Anchor}) {
			t.Errorf("docs/faq.md: the list does not have: %s", h.Text)
		}
	}
}

// TestDocsAreReached: each page of a signal is linked from the table of signals.
func TestDocsAreReached(t *testing.T) {
	links := onePage(t, "docs/how-it-works.md").Links
	paths, err := filepath.Glob(filepath.Join(root, "docs", "signals", "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no pages of signals", err)
	}
	for _, path := range paths {
		if !slices.ContainsFunc(links, func(l document.Link) bool { return l.Target == "signals/"+filepath.Base(path) }) {
			t.Errorf("docs/how-it-works.md does not lead to %s", below(path))
		}
	}
}
