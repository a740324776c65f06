// Package obs is what an admin sees of the daemon: the log and the metrics. It
// implements the meters that other packages declare, and the recorder of
// decisions.
package obs

import (
	"io"
	"log/slog"
	"strings"
	"unicode"
)

// NewLog returns a logger that writes logfmt or, with json, JSON lines to w. What
// it is given is quoted where it could be taken for another key or line, and
// shows no character that a terminal obeys. A line is one Write, and w must be safe for
// concurrent use, as Lines is.
func NewLog(w io.Writer, json bool, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindString {
			a.Value = slog.StringValue(harmless(a.Value.String()))
		}
		return a
	}}
	if json {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(newTextLog(w, o))
}

// harmless replaces what the handlers leave as it is although a terminal obeys
// it or hides it: DEL, the C1 controls, marks of writing direction.
func harmless(s string) string {
	for i := range len(s) {
		if s[i] >= 0x7f {
			return strings.Map(func(r rune) rune {
				if r >= 0x7f && !unicode.IsPrint(r) {
					return unicode.ReplacementChar
				}
				return r
			}, s)
		}
	}
	return s
}
