package conf

import (
	"sort"
	"strings"
)

// Place is where a setting goes into the text of a configuration.
type Place struct {
	Line   int    // from 1: what begins there is replaced; 0 is the end of the text
	Below  bool   // the setting is new, and stands below Line
	Inline bool   // it is within the braces of an inline table
	Text   string // the setting, with its table's header where there is none
}

// Where tells where key = value goes, in a table or with "" at the top level, so that
// the text stays well-formed: a table or key that is there must not come a second time.
func Where(src, table, key, value string) Place {
	src = strings.TrimPrefix(src, "\uFEFF")
	at, starts := findMarks(src), lineStarts(src)
	line := func(offset int) int { return sort.SearchInts(starts, offset+1) }
	text := key + " = " + value
	if m, ok := at[strings.TrimPrefix(table+"."+key, ".")]; ok {
		p := Place{Line: line(m.key), Text: text}
		// As it is written there, dotted or not.
		before := src[starts[p.Line-1]:m.value]
		p.Inline = strings.ContainsAny(before, "{,")
		if !p.Inline {
			p.Text = strings.TrimLeft(before, " \t") + value
		}
		return p
	}
	m, defined := at[table]
	switch {
	case table == "":
		return Place{Line: line(firstHeader(src, at)) - 1, Below: true, Text: text}
	case !defined:
		return Place{Text: "[" + table + "]\n" + text}
	case isHeader(src, m.key):
		return Place{Line: line(m.key), Below: true, Text: text}
	case src[m.value] == '{':
		return Place{Line: line(m.key), Inline: true, Text: text}
	}
	// A table of dotted keys takes no header beside them.
	return Place{Line: line(m.key), Below: true, Text: table + "." + text}
}

// isHeader reports whether a name at offset i is that of a [table].
func isHeader(src string, i int) bool {
	begin := strings.LastIndexByte(src[:i], '\n') + 1
	return strings.TrimSpace(src[begin:i]) == "["
}

// firstHeader is where the top level ends.
func firstHeader(src string, at marks) int {
	first := len(src)
	for _, m := range at {
		begin := strings.LastIndexByte(src[:m.key], '\n') + 1
		if strings.HasPrefix(strings.TrimLeft(src[begin:m.key], " \t"), "[") {
			first = min(first, begin)
		}
	}
	return first
}
