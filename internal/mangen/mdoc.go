package main

import (
	"fmt"
	"regexp"
	"strings"
)

// width is the longest line of a page's source: mandoc's lint asks for less than 80.
const width = 78

var (
	link     = regexp.MustCompile(`\[([^][]+)\]\([^)]*\)`)
	code     = regexp.MustCompile("`([^`]+)`")
	flagWord = regexp.MustCompile(`^(--?[a-z][a-z-]*)([.,;:)]*)$`)
	sentence = regexp.MustCompile(`([.!?]["')]?) +`)
	systems  = regexp.MustCompile(`(Open|Free|Net)(BSD)`)                // mandoc wants macros there, which name releases
	symbols  = regexp.MustCompile(`[\x01"@/=_{}[\]]|\w:\w|[a-z]\.[a-z]`) // what stands in no word of a language
	foreign  = regexp.MustCompile(`[^\x00-\x7f]`)
)

// mdoc writes plain text as mdoc: its paragraphs, each sentence on a line of its own, flags
// as such, and nothing that would be taken for a request.
func mdoc(text string) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString(".Pp\n")
		}
		for _, s := range sentences(paragraph) {
			wrap(&b, s)
		}
	}
	return b.String()
}

// sentences cuts a paragraph where mdoc wants a new line: behind the end of a sentence.
func sentences(paragraph string) []string {
	text := strings.Join(strings.Fields(paragraph), " ")
	return strings.Split(sentence.ReplaceAllString(text, "$1\n"), "\n")
}

func wrap(b *strings.Builder, s string) {
	line := ""
	end := func() {
		if line != "" {
			b.WriteString(line + "\n")
		}
		line = ""
	}
	for _, word := range strings.Fields(s) {
		if m := flagWord.FindStringSubmatch(word); m != nil {
			end()
			b.WriteString(flagLine(m[1], m[2]))
			continue
		}
		word = escape(word)
		if line != "" && len(line)+1+len(word) > width {
			end()
		}
		if line == "" {
			line = guard(word)
		} else {
			line += " " + word
		}
	}
	end()
}

// flagLine is the macro of a flag, "--json", with the punctuation behind it.
func flagLine(flag, behind string) string {
	line := ".Fl " + strings.TrimPrefix(flag, "-")
	for _, r := range behind {
		line += " " + string(r)
	}
	return line + "\n"
}

// guard keeps a line from being read as a request.
func guard(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

// escape writes a word for roff. What stood in backquotes, which markdown turned into
// bold, keeps its escapes.
func escape(word string) string {
	whole := ""
	if symbols.MatchString(word) {
		whole = `\%` // groff would hyphenate it
	}
	word = strings.ReplaceAll(word, `\`, `\e`)
	word = systems.ReplaceAllString(word, "$1\\&$2")
	word = strings.NewReplacer(boldOn, `\fB`, boldOff, `\fP`, "iot-milter", `iot\-milter`, "…", "...", "·", `\(pc`, "’", "'").Replace(word)
	return whole + foreign.ReplaceAllStringFunc(word, func(s string) string { return fmt.Sprintf(`\[u%04X]`, []rune(s)[0]) })
}

const boldOn, boldOff = "\x01", "\x02"

// markdown turns inline Markdown into what mdoc understands: links become their text, code
// becomes bold.
func markdown(text string) string {
	text = link.ReplaceAllString(text, "$1")
	return code.ReplaceAllStringFunc(text, func(s string) string {
		words := strings.Fields(strings.Trim(s, "`"))
		for i := range words {
			words[i] = boldOn + words[i] + boldOff
		}
		return strings.Join(words, " ")
	})
}

// quoted is text as one argument of a macro.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\e`, `"`, `\(dq`).Replace(text) + `"`
}
