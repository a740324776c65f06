package device

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Rows are rows that an admin adds to the built-in tables. The zero value has
// none.
type Rows struct {
	Words    []Word
	Domains  []Domain
	Suffixes []Suffix
	Hosts    []Host
}

// RowFiles are the names of the files that Rows.Read understands.
var RowFiles = []string{"domains.tsv", "hosts.tsv", "suffixes.tsv", "words.tsv"}

// RowError is one wrong line of a file.
type RowError struct {
	Line int // from 1
	What string
	Hint string // "" when what to write is plain
}

func (e *RowError) Error() string {
	s := strconv.Itoa(e.Line) + ": " + e.What
	if e.Hint != "" {
		s += "; hint: " + e.Hint
	}
	return s
}

// MaxRows bounds one file, in rows: the built-in tables have two thousand.
const MaxRows = 100_000

// columns are the first lines of the files.
var columns = map[string][]string{
	"words.tsv":    {"word", "match", "traits", "source"},
	"domains.tsv":  {"domain", "traits", "source"},
	"suffixes.tsv": {"suffix", "kind", "vendor", "source"},
	"hosts.tsv":    {"stem", "hex", "kind", "vendor", "source"},
}

// Read adds the rows of a file, whose name is one of RowFiles: a first line with
// the names of the columns, then a row a line, the columns separated by tabs.
// Empty lines and lines that begin with # are comments. It returns every wrong
// line; then r is not to be used.
func (r *Rows) Read(name string, data []byte) (wrong []*RowError) {
	heading := columns[name]
	if heading == nil {
		return []*RowError{{1, "is no table", "one of " + strings.Join(RowFiles, ", ")}}
	}
	n, begun := 0, false
	for line := range strings.SplitSeq(string(data), "\n") {
		n++
		line = strings.TrimSuffix(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		var err error
		switch {
		case n > MaxRows:
			return append(wrong, &RowError{n, "more rows than " + strconv.Itoa(MaxRows), ""})
		case !utf8.ValidString(line):
			err = hint("save the file as UTF-8", "is not UTF-8")
		case !begun:
			begun = true
			if !slices.Equal(f, heading) {
				err = hint("the names of the columns with tabs between: "+strings.Join(heading, " "), "the first line is %q", line)
			}
		case len(f) != len(heading):
			err = hint("with tabs between: "+strings.Join(heading, " "), "%d columns, want %d", len(f), len(heading))
		case strings.TrimSpace(f[len(f)-1]) == "":
			err = hint("where the fact is from, for who reads it in a year", "no source")
		default:
			err = r.add(name, f)
		}
		if err != nil {
			wrong = append(wrong, rowError(n, err))
		}
	}
	return wrong
}

// hinted is an error and what to write instead.
type hinted struct{ what, hint string }

func (h *hinted) Error() string { return h.what }

func hint(hint, format string, args ...any) error {
	return &hinted{fmt.Sprintf(format, args...), hint}
}

func rowError(line int, err error) *RowError {
	if h := (*hinted)(nil); errors.As(err, &h) {
		return &RowError{line, h.what, h.hint}
	}
	return &RowError{line, err.Error(), ""}
}

func (r *Rows) add(name string, f []string) (err error) {
	switch name {
	case "words.tsv":
		w := Word{Text: f[0], Source: f[3]}
		if w.Match, err = parseMatch(f[1]); err == nil {
			w.Traits, err = parseTraits(f[2])
		}
		r.Words = append(r.Words, w)
		return errors.Join(err, checkWord(w.Text))
	case "domains.tsv":
		d := Domain{Name: f[0], Source: f[2]}
		d.Traits, err = parseTraits(f[1])
		r.Domains = append(r.Domains, d)
		return errors.Join(err, checkName(d.Name))
	case "suffixes.tsv":
		s := Suffix{Suffix: f[0], Vendor: f[2], Source: f[3]}
		s.Kind, err = parseKind(f[1])
		r.Suffixes = append(r.Suffixes, s)
		if strings.Count(s.Suffix, ".") > 1 {
			err = errors.Join(err, hint("the last label, or the last two", "%q has more than two labels", s.Suffix))
		}
		return errors.Join(err, checkName(s.Suffix))
	default:
		h := Host{Stem: f[0], Vendor: f[3], Source: f[4]}
		if h.Hex, err = strconv.Atoi(f[1]); err != nil || h.Hex < 0 || h.Hex > 16 {
			err = hint("how many hexadecimal digits follow the stem, 0 to 16", "hex is %q", f[1])
		}
		kind, kindErr := parseKind(f[2])
		if h.Kind = kind; kindErr == nil && kind == None {
			kindErr = hint(strings.Join(Kinds[1:], " "), "a host of no kind")
		}
		r.Hosts = append(r.Hosts, h)
		return errors.Join(err, kindErr, checkName(h.Stem))
	}
}

func parseKind(s string) (Kind, error) {
	k, err := ParseKind(s)
	if err != nil {
		return None, hint(strings.Join(Kinds[1:], " "), "%s", err)
	}
	return k, nil
}

// The words of files for Match and Traits.
var (
	matchWords = []string{"whole", "begin", "end", "inside"} // in the order of the constants
	traitWords = map[string]Traits{
		"access": Access, "server": Server, "business": Business, "hosting": Hosting, "provider": Provider, "weak": Weak,
	}
)

func parseMatch(s string) (Match, error) {
	if i := slices.Index(matchWords, s); i >= 0 {
		return Match(i), nil
	}
	return 0, hint(strings.Join(matchWords, ", "), "match is %q", s)
}

func parseTraits(s string) (all Traits, err error) {
	for word := range strings.SplitSeq(s, ",") {
		t, ok := traitWords[strings.TrimSpace(word)]
		if !ok {
			return 0, hint("access, server, business, hosting, provider; weak besides", "%q is no trait", word)
		}
		all |= t
	}
	if all == Weak {
		return 0, hint("weak, and what the word tells weakly: weak,server", "weak alone tells nothing")
	}
	return all, nil
}

func checkWord(s string) error {
	for i := range len(s) {
		if !isLetter(s[i]) {
			return hint("words are runs of letters: digits, hyphens and dots separate them", "%q is not a word of a to z", s)
		}
	}
	if len(s) < 2 || len(s) > 63 {
		return hint("2 to 63 letters", "%q is too short or too long", s)
	}
	return nil
}

func checkName(s string) error {
	if len(s) > maxName || !isHost(s) {
		return hint("labels of a to z, 0 to 9, hyphen and underscore, dots between", "%q is no name in lower case", s)
	}
	return nil
}

// Extend returns a table of the built-in rows and r's. A domain, suffix or host
// of r takes the place of the built-in one; what words say adds.
func Extend(r *Rows) *Table {
	return NewTable(
		slices.Concat(Words, r.Words),
		slices.Concat(providers(), Domains, r.Domains),
		slices.Concat(Suffixes, r.Suffixes),
		slices.Concat(Hosts, r.Hosts))
}
