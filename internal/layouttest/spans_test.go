package layouttest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/conf"
)

// keyOf matches a key as the text of documents names it: `[exempt] networks`, with or without a value.
var keyOf = regexp.MustCompile(`^\[\[?([a-z.]+)\]\]? ([a-z_]+)`)

// TestDocsSpansNameWhatExists: commands and keys within the text of documents are those that there are.
func TestDocsSpansNameWhatExists(t *testing.T) {
	known := sampleKeys(t)
	commands, keys := 0, 0
	for _, p := range pages(t) {
		for _, span := range p.Spans {
			if strings.HasPrefix(span, "sudo iot-milter ") || strings.HasPrefix(span, "iot-milter ") {
				commands++
				checkMention(t, p.Path, span)
			}
			if m := keyOf.FindStringSubmatch(span); m != nil && below(p.Path) != "CHANGELOG.md" { // which tells of the past, too
				keys++
				if !slices.Contains(known, m[1]+"."+m[2]) {
					t.Errorf("%s: `%s`: there is no such key", p.Path, span)
				}
			}
		}
	}
	if commands < 50 || keys < 100 {
		t.Errorf("only %d commands and %d keys were found", commands, keys)
	}
}

// checkMention wants a command to exist with its flags. What it needs beside them may be left out in a text.
func checkMention(t *testing.T, where, span string) {
	t.Helper()
	for _, words := range calls(t, where, strings.NewReplacer("…", "x", "|", "x", "[", "", "]", "").Replace(span)) {
		checkFlags(t, where, words)
	}
}

// sampleKeys are the keys of the annotated sample, which has all, with their tables.
func sampleKeys(t *testing.T) (all []string) {
	t.Helper()
	table := ""
	for line := range strings.Lines(string(conf.Sample)) {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "# "), "#")
		if m := regexp.MustCompile(`^\[\[?([a-z._-]+)\]\]?\s*$`).FindStringSubmatch(line); m != nil {
			table = m[1]
		} else if m := regexp.MustCompile(`^([a-z_]+) = `).FindStringSubmatch(line); m != nil {
			all = append(all, table+"."+m[1])
		}
	}
	return all
}
