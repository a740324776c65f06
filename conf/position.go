package conf

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// The TOML library tells the position of keys only through errors of
// UnmarshalTOML, of a repeated table only the last, and of an array's elements
// none. So the source, which the library has already found well-formed, is
// walked once more for positions alone. What the walk does not understand has
// no position; it decides nothing else.

// mark is where a key and its value stand, in bytes from the start.
type mark struct{ key, value int }

// marks maps the dotted name of each key, table, entry and element to its
// place: "limit[0].rate", "exempt.networks[2]".
type marks map[string]mark

func findMarks(src string) marks {
	p := walker{src: src, at: marks{}, entries: map[string]int{}}
	table := ""
	for p.blank(); p.i < len(src); p.blank() {
		start := p.i
		if src[p.i] == '[' {
			table = p.header()
		} else {
			p.pair(table)
		}
		if p.i == start { // not TOML after all
			break
		}
	}
	return p.at
}

// join appends a key to a dotted name; a key that is no plain word is quoted.
func join(path, key string) string {
	key = toml.Key{key}.String()
	if path == "" {
		return key
	}
	return path + "." + key
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

type walker struct {
	src     string
	i       int
	at      marks
	entries map[string]int // how many [[name]] were seen
}

type keyPart struct {
	name string
	at   int
}

func (p *walker) peek() byte {
	if p.i < len(p.src) {
		return p.src[p.i]
	}
	return 0
}

// blank skips white space, line ends and comments.
func (p *walker) blank() {
	for p.i < len(p.src) {
		switch p.src[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		case '#':
			p.to("\n")
		default:
			return
		}
	}
}

// to goes to the next of the given bytes, or to the end.
func (p *walker) to(stop string) {
	if n := strings.IndexAny(p.src[p.i:], stop); n >= 0 {
		p.i += n
	} else {
		p.i = len(p.src)
	}
}

// header reads [a.b] or [[a.b]] and returns the name of the table.
func (p *walker) header() string {
	p.i++
	list := p.peek() == '['
	if list {
		p.i++
	}
	path := ""
	parts := p.key()
	for n, part := range parts {
		path = join(path, part.name)
		p.note(path, part.at, part.at)
		if list && n == len(parts)-1 {
			p.entries[path]++
		}
		if seen := p.entries[path]; seen > 0 {
			path = element(path, seen-1)
			p.note(path, part.at, part.at)
		}
	}
	for p.peek() == ']' {
		p.i++
	}
	return path
}

// note keeps the first place of a name: that is where it was defined.
func (p *walker) note(path string, key, value int) {
	if _, ok := p.at[path]; !ok {
		p.at[path] = mark{key, value}
	}
}

func (p *walker) key() []keyPart {
	var parts []keyPart
	for {
		p.blank()
		start := p.i
		if c := p.peek(); c == '"' || c == '\'' {
			p.text()
			parts = append(parts, keyPart{unquote(p.src[start:p.i]), start})
		} else {
			p.to(" \t\r\n.=]")
			parts = append(parts, keyPart{p.src[start:p.i], start})
		}
		p.blank()
		if p.peek() != '.' {
			return parts
		}
		p.i++
	}
}

// unquote leaves the escapes of a quoted key to the library.
func unquote(s string) string {
	var v struct{ K string }
	if _, err := toml.Decode("K="+s, &v); err != nil {
		return s
	}
	return v.K
}

func (p *walker) pair(path string) {
	parts := p.key()
	if p.peek() != '=' {
		p.i = len(p.src)
		return
	}
	p.i++
	p.blank()
	for n, part := range parts {
		path = join(path, part.name)
		if n == len(parts)-1 {
			p.note(path, part.at, p.i)
		} else {
			p.note(path, part.at, part.at)
		}
	}
	p.value(path)
}

func (p *walker) value(path string) {
	switch p.peek() {
	case '"', '\'':
		p.text()
	case '[':
		p.i++
		for n := 0; p.more(']'); n++ {
			p.note(element(path, n), p.i, p.i)
			p.value(element(path, n))
		}
	case '{':
		p.i++
		for p.more('}') {
			p.pair(path)
		}
	default:
		p.to(",]}#\r\n")
	}
}

// more goes to the next element of an array or inline table, or past its end.
func (p *walker) more(end byte) bool {
	p.blank()
	if p.peek() == ',' {
		p.i++
		p.blank()
	}
	switch p.peek() {
	case end:
		p.i++
		return false
	case 0, ',', ']', '}':
		p.i = len(p.src)
		return false
	}
	return true
}

// text goes past a string in any of the four quotations.
func (p *walker) text() {
	quote := p.src[p.i : p.i+1]
	long := strings.HasPrefix(p.src[p.i:], strings.Repeat(quote, 3))
	if long {
		quote = strings.Repeat(quote, 3)
	}
	p.i += len(quote)
	for p.i < len(p.src) && !strings.HasPrefix(p.src[p.i:], quote) {
		if quote[0] == '"' && p.src[p.i] == '\\' {
			p.i++
		}
		p.i++
	}
	p.i = min(p.i+len(quote), len(p.src))
	// Up to two quotes may stand before the closing three: """a""""".
	for n := 0; long && n < 2 && p.peek() == quote[0]; n++ {
		p.i++
	}
}

// lineCol turns an offset into a line and a column in characters, from 1.
// starts are the offsets at which lines begin.
func lineCol(src string, starts []int, offset int) (line, col int) {
	offset = max(0, min(offset, len(src)))
	line = sort.SearchInts(starts, offset+1)
	return line, utf8.RuneCountInString(src[starts[line-1]:offset]) + 1
}

func lineStarts(src string) []int {
	starts := []int{0}
	for i := range len(src) {
		if src[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}
