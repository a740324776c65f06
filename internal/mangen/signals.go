package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

// Groups are the groups of signals, in the order of their first signal.
func (m *manual) Groups() []string {
	var groups []string
	seen := map[policy.Group]bool{}
	for _, s := range policy.Signals {
		if !seen[s.Group] {
			seen[s.Group] = true
			groups = append(groups, s.Group.String())
		}
	}
	return groups
}

// Signals are the items of a group's signals.
func (m *manual) Signals(group string) (string, error) {
	var b strings.Builder
	for _, s := range policy.Signals {
		if s.Group.String() != group {
			continue
		}
		page, err := os.ReadFile(filepath.Join(m.signals, s.Name+".md"))
		if err != nil {
			return "", err
		}
		what, hit := part(string(page), "Description"), part(string(page), "Who is hit by mistake")
		if what == "" || hit == "" {
			return "", fmt.Errorf("docs/signals/%s.md lacks its description, or who is hit by mistake", s.Name)
		}
		what, _, _ = strings.Cut(what, "\n\n")
		fmt.Fprintf(&b, ".It Ic %s Pq %s\n%s", s.Name, s.Family, mdoc(markdown(what)))
		fmt.Fprintf(&b, ".br\n.Em Weight :\n%s", mdoc(weights(s.Name)))
		fmt.Fprintf(&b, ".br\n.Em Hit by mistake :\n%s", mdoc(markdown(short(hit))))
	}
	return b.String(), nil
}

// part is the text of a section of a page.
func part(page, heading string) string {
	_, text, _ := strings.Cut(page, "\n## "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return strings.TrimSpace(text)
}

var (
	bullet   = regexp.MustCompile(`(?m)^- `)
	fullStop = regexp.MustCompile(`\.(\s|$)`)
)

// short is the first sentence of a section, or of each point of its list.
func short(text string) string {
	text, _, _ = strings.Cut(text, "\n\n")
	var all []string
	for _, point := range bullet.Split(text, -1) {
		if point = strings.TrimSpace(point); point == "" {
			continue
		}
		if at := fullStop.FindStringIndex(point); at != nil {
			point = point[:at[0]+1]
		}
		all = append(all, point)
	}
	return strings.Join(all, " ")
}

// weights are what a signal's findings are worth, by status and class.
func weights(signal string) string {
	var all []string
	for i := range policy.Weights {
		w := &policy.Weights[i]
		if w.Signal != signal {
			continue
		}
		var classes []string
		for c := policy.ClassHosting; int(c) < len(w.Decibans); c++ {
			if w.Decibans[c] != 0 {
				classes = append(classes, fmt.Sprintf("%s %+.1f", c, w.Decibans[c]))
			}
		}
		how := ""
		if !w.Measured {
			how = " (assumed)"
		}
		all = append(all, w.Status.String()+": "+strings.Join(classes, ", ")+how)
	}
	switch {
	case len(all) > 0:
		return strings.Join(all, "; ") + "."
	case strings.HasPrefix(signal, "list-"):
		return "that of the entry in the configuration, at most 5."
	}
	return "none, it is noted only."
}
