package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/iot-milter/iot-milter/internal/admin"
)

// TestSafety20Answers: what comes from the daemon, attackers' text among it, cannot
// make a terminal do anything, as text or as JSON.
func TestSafety20Answers(t *testing.T) {
	evil := "a\x1b[2Jb\u009bc\u202ed\x7fe\U000e0041f\nü"
	if got := harmless(evil); strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("%q", got)
	}
	var shown strings.Builder
	printHost(&shown, &admin.Host{Facts: []admin.Fact{{Kind: evil, List: evil, Text: evil, Left: 60}}})
	if strings.ContainsFunc(shown.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) || strings.Count(shown.String(), "\n") != 3 {
		t.Errorf("%q", &shown)
	}
	text, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	got := escaped(text)
	if strings.ContainsFunc(string(got), func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("%q", got)
	}
	var back string
	if err := json.Unmarshal(got, &back); err != nil || back != evil {
		t.Errorf("%q, %v", back, err)
	}
}
