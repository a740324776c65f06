package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/policy"
)

// evilText has what makes terminals do something, begins lines, and hides.
const evilText = "a\x1b]0;x\x07\x1b[2Jb\u009bc\u202ed\x7fe\r\nverdict accept\tz"

// corrupt sets each text within v, of whatever type, to the attacker's.
func corrupt(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(evilText)
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.New(v.Type().Elem()))
			corrupt(v.Elem())
		}
	case reflect.Slice:
		if k := v.Type().Elem().Kind(); k == reflect.String || k == reflect.Struct {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			corrupt(v.Index(0))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				corrupt(v.Field(i))
			}
		}
	}
}

// TestSafety20Decisions: a decision whose every text is an attacker's forges neither a
// line nor a terminal's sequence, whichever command prints it.
func TestSafety20Decisions(t *testing.T) {
	var d policy.Decision
	corrupt(reflect.ValueOf(&d).Elem())
	line, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var list, one, tail, tailJSON, trace, trouble strings.Builder
	printPasts(&list, []policy.Decision{d})
	printPast(&one, &d)
	if err := printTail(&tail, &trouble, line, false); err != nil {
		t.Error(err)
	}
	if err := printTail(&tailJSON, &trouble, line, true); err != nil {
		t.Error(err)
	}
	if err := printTrace(&trace, &d, policy.Verdict{}); err != nil {
		t.Error(err)
	}
	for name, shown := range map[string]string{"history": list.String(), "history ID": one.String(), "tail": tail.String(), "tail --json": tailJSON.String(), "explain": trace.String()} {
		if strings.ContainsFunc(shown, func(r rune) bool { return r != '\n' && r != ' ' && !unicode.IsPrint(r) }) {
			t.Errorf("%s prints %q", name, shown)
		}
		if strings.Contains(shown, "\nverdict accept") || shown == "" {
			t.Errorf("%s lets a line be forged: %q", name, shown)
		}
	}
	if strings.Count(list.String(), "\n") != 2 || strings.Count(tail.String(), "\n") != 1 || strings.Count(tailJSON.String(), "\n") > 1 {
		t.Errorf("more lines than decisions: %q %q %q", list.String(), tail.String(), tailJSON.String())
	}
}

// TestSafety20Snapshot is the same for top and stats.
func TestSafety20Snapshot(t *testing.T) {
	var s admin.Snapshot
	corrupt(reflect.ValueOf(&s).Elem())
	s.Sources = map[string]string{evilText: evilText}
	s.Decisions.Class = map[string]int64{evilText: 1}
	var shown strings.Builder
	printTop(&shown, &s, "")
	for key := range numbers(&s) {
		shown.WriteString(key)
	}
	if strings.ContainsFunc(shown.String(), func(r rune) bool { return r != '\n' && r != ' ' && !unicode.IsPrint(r) }) || shown.Len() == 0 {
		t.Errorf("%q", shown.String())
	}
}
