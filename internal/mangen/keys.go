package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// entry is a key of the sample with the comment above it.
type entry struct {
	name, value, comment string
	example              bool // it is commented out: the value is no default
}

// section is a table of the sample, "[class.device]" or "[[limit]]"; the name of the top of
// the file is "".
type section struct {
	name, comment string
	entries       []entry
	examples      []string // further entries of a list that is commented out, as they stand
}

// sample is the annotated configuration, cut into what it tells.
type sample struct {
	sections []*section
	told     map[string]bool
}

var (
	sampleTable = regexp.MustCompile(`^(#?)(\[+[a-z0-9_.]+\]+)$`)
	sampleKey   = regexp.MustCompile(`^(#?)([a-z0-9_]+) = (.+)$`)
)

// readSample reads the sample line by line: a comment belongs to what stands right below it.
func readSample(text string) *sample {
	s := &sample{told: map[string]bool{}}
	at := &section{}
	s.sections = append(s.sections, at)
	comment, further := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		table, key := sampleTable.FindStringSubmatch(line), sampleKey.FindStringSubmatch(line)
		switch {
		case table != nil && s.find(table[2]) != nil:
			further = true
			at = s.find(table[2])
			at.examples = append(at.examples, commented(comment)+table[2]+"\n")
		case table != nil:
			further = false
			at = &section{name: table[2], comment: comment}
			s.sections = append(s.sections, at)
		case key != nil && further:
			at.examples[len(at.examples)-1] += key[2] + " = " + key[3] + "\n"
		case key != nil:
			at.entries = append(at.entries, entry{key[2], key[3], comment, key[1] == "#"})
		case strings.HasPrefix(line, "# "):
			comment += strings.TrimPrefix(line, "# ") + "\n"
			continue
		}
		comment = ""
	}
	return s
}

// commented is a comment as it would stand in the file, in lines that a terminal has.
func commented(text string) string {
	var b strings.Builder
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 64 {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

func (s *sample) find(name string) *section {
	i := slices.IndexFunc(s.sections, func(x *section) bool { return x.name == name })
	if i < 0 {
		return nil
	}
	return s.sections[i]
}

func (s *sample) left() []string {
	var left []string
	for _, x := range s.sections {
		if !s.told[x.name] {
			left = append(left, "the table "+x.name)
		}
	}
	return left
}

// Table is the list of the keys of a table, below its name and what it is for; the name ""
// is the top of the file.
func (m *manual) Table(name string) (string, error) {
	x := m.sample.find(name)
	if x == nil {
		return "", fmt.Errorf("the sample has no table %q", name)
	}
	m.sample.told[name] = true
	var b strings.Builder
	if name != "" {
		fmt.Fprintf(&b, ".Ss Table %s\\&\n%s", name, mdoc(x.comment))
	}
	if x.entries[0].example {
		b.WriteString("The values below are examples.\n")
	}
	b.WriteString(".Bl -tag -width Ds\n")
	for _, e := range x.entries {
		fmt.Fprintf(&b, ".It Ic %s Li %s\n%s", e.name, quoted("= "+e.value), comment(e.comment))
		if m.needed[path(name)+e.name] {
			b.WriteString("Each entry must say it.\n")
		}
	}
	b.WriteString(".El\n")
	return b.String(), nil
}

// path is the beginning of the names that conf has for the keys of a table.
func path(table string) string {
	name := strings.Trim(table, "[]")
	switch {
	case name == "":
		return ""
	case strings.HasPrefix(table, "[["):
		return name + "[]."
	case strings.HasPrefix(name, "device."):
		return "device.KIND."
	}
	return name + "."
}

// Examples are further entries of a list of tables.
func (m *manual) Examples(name string) (string, error) {
	x := m.sample.find(name)
	if x == nil || len(x.examples) == 0 {
		return "", fmt.Errorf("the sample has no examples of %q", name)
	}
	text := strings.ReplaceAll(strings.Join(x.examples, "\n"), `\`, `\e`)
	return ".Bd -literal -offset indent\n" + text + ".Ed\n", nil
}

var listLine = regexp.MustCompile(`(?m)^  (\S+) +(.+)$`)

// comment is a comment of the sample as mdoc; lines that are set in, "  word  meaning", are
// a list.
func comment(text string) string {
	m := listLine.FindAllStringSubmatchIndex(text, -1)
	if m == nil {
		return mdoc(text)
	}
	var b strings.Builder
	b.WriteString(mdoc(text[:m[0][0]]) + ".Bl -tag -width Ds -compact\n")
	for _, at := range m {
		b.WriteString(".It Li " + quoted(text[at[2]:at[3]]) + "\n" + mdoc(text[at[4]:at[5]]))
	}
	b.WriteString(".El\n")
	if rest := strings.TrimSpace(text[m[len(m)-1][1]:]); rest != "" {
		b.WriteString(mdoc(rest))
	}
	return b.String()
}
