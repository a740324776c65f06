package plumbing

import (
	"strings"
)

// service is an entry of master.cf (master(5)).
type service struct {
	name, kind, command string
	line                int
	chroot              bool
	privileged          bool // runs as root when it opens the milter's socket
	options             map[string]option
}

// option is an -o of an entry.
type option struct {
	value string
	line  int
}

// word is a word of a file, with where it stands.
type word struct {
	text string
	line int
}

// parseMaster reads master.cf. Entries that are too short are passed over: Postfix
// does not start with them.
func parseMaster(text string, chroot bool) (all []service) {
	for _, words := range entries(text) {
		if len(words) < 8 {
			continue
		}
		s := service{name: words[0].text, kind: words[1].text, line: words[0].line,
			privileged: words[3].text == "n", chroot: words[4].text == "y" || words[4].text == "-" && chroot,
			command: words[7].text, options: map[string]option{}}
		s.readOptions(words[8:])
		all = append(all, s)
	}
	return all
}

func (s *service) readOptions(words []word) {
	for i := 0; i < len(words); i++ {
		rest, ok := strings.CutPrefix(words[i].text, "-o")
		if !ok {
			continue
		}
		line := words[i].line
		if rest == "" {
			if i++; i == len(words) {
				return
			}
			rest = words[i].text
		}
		rest = strings.TrimSuffix(strings.TrimPrefix(rest, "{"), "}")
		name, value, _ := strings.Cut(rest, "=")
		s.options[strings.TrimSpace(name)] = option{strings.TrimSpace(value), line}
	}
}

// entries splits master.cf into the words of its logical lines: a line that begins
// with white space goes on with the one before, comments in between or not.
func entries(text string) (all [][]word) {
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		words := split(line, " \t")
		if strings.ContainsAny(line[:1], " \t") {
			if len(all) == 0 {
				continue
			}
		} else {
			all = append(all, nil)
		}
		for _, w := range words {
			all[len(all)-1] = append(all[len(all)-1], word{w, i + 1})
		}
	}
	return all
}

// split cuts text at the separators outside braces (Postfix's mystrtokq).
func split(text, separators string) (all []string) {
	depth, begin := 0, -1
	for i, c := range text {
		switch {
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case depth == 0 && strings.ContainsRune(separators, c):
			if begin >= 0 {
				all = append(all, text[begin:i])
			}
			begin = -1
			continue
		}
		if begin < 0 {
			begin = i
		}
	}
	if begin >= 0 {
		all = append(all, text[begin:])
	}
	return all
}
