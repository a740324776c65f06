package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// TestSafety20Answers: what comes from the daemon, attackers' text among it, cannot
// make a terminal do anything, as text or as JSON.
func TestSafety20Answers(t *testing.T) {
	evil := "a\x1b[2Jb\u009bc\u202ed\x7fe\U000e0041f\nü"
	if got := harmless(evil); strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("%q", got)
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
