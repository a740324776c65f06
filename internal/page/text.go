package page

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"

	"github.com/iot-milter/iot-milter/internal/replay"
)

// liveStep is how often the script renews what is shown.
const liveStep = 5 * time.Second

// functions are those of the templates. What mail brought goes through "text".
var functions = template.FuncMap{
	"text": func(v any) string {
		switch s := v.(type) {
		case string:
			return replay.Harmless(s)
		case *string:
			if s == nil {
				return "unknown"
			}
			return replay.Harmless(*s)
		case []string:
			parts := make([]string, len(s))
			for i := range s {
				parts[i] = replay.Harmless(s[i])
			}
			return strings.Join(parts, ", ")
		}
		return fmt.Sprint(v)
	},
	// typed is what an admin typed, or what a link made him type, as the fields show it.
	"typed": func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) || r == '\n' || r == '\t' {
				return r
			}
			return -1
		}, s)
	},
	"time": func(v any) string {
		switch t := v.(type) {
		case time.Time:
			if t.IsZero() {
				return "never"
			}
			return t.UTC().Format("2006-01-02 15:04:05")
		case *time.Time:
			if t != nil {
				return t.UTC().Format("2006-01-02 15:04:05")
			}
		}
		return ""
	},
	"took": func(d time.Duration) string {
		if d == 0 {
			return "longer"
		}
		return "≤ " + d.String()
	},
	"seconds": func(n int) string { return (time.Duration(n) * time.Second).String() },
	"share":   func(p float64) string { return fmt.Sprintf("%.2f", p) },
	"weight":  func(w float64) string { return fmt.Sprintf("%+.1f", w) },
	"lines":   func(s string) string { return strings.ReplaceAll(s, "\n", "\n\t") },
}
