package layouttest

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// TestSafety21PrivacyPage: docs/privacy.md lists each field of a decision and each table
// that is stored, and no other.
func TestSafety21PrivacyPage(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	var stored []string
	for f := range reflect.TypeFor[policy.Decision]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		stored = append(stored, name)
	}
	for table := range state.NumTables {
		stored = append(stored, table.String())
	}
	var listed []string
	for row := range strings.Lines(string(text)) {
		first, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		if !strings.HasPrefix(row, "|") || strings.ContainsAny(first, "/.") || strings.Contains(row, "`allow.json`") {
			continue
		}
		for _, name := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(first, -1) {
			listed = append(listed, name[1])
		}
	}
	forms := []string{"full", "domain", "hash", "none", "secret"} // rows of other tables
	for _, name := range stored {
		if !slices.Contains(listed, name) {
			t.Errorf("%s is stored and not on the page", name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(stored, name) && !slices.Contains(forms, name) {
			t.Errorf("%s is on the page and not stored", name)
		}
	}
}
