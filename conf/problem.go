package conf

import (
	"cmp"
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a configuration. It is the admin's to
// mend and never temporary.
type Problem struct {
	File string // as given to Load or Parse
	Line int    // from 1; 0 when the problem is the file's as a whole
	Col  int    // in characters, from 1
	Key  string // dotted name of the key, an index from 0 in lists; "" when none is meant
	What string // what is wrong
	Hint string // what to write instead; "" when that is plain

	cause error
}

// Error returns "file:line:col: key: what; hint: …" without the parts that are empty.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	if p.Key != "" {
		b.WriteString(": " + p.Key)
	}
	b.WriteString(": " + p.What)
	if p.Hint != "" {
		b.WriteString("; hint: " + p.Hint)
	}
	return b.String()
}

// Unwrap returns what the operating system said, if that was the problem.
func (p Problem) Unwrap() error { return p.cause }

// Errors are all problems of one configuration, sorted by position. It is the
// only error type of Load and Parse.
type Errors []Problem

// Error returns one line a problem.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems one by one.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, p := range e {
		out[i] = p
	}
	return out
}

// Warning is something that is allowed and yet probably not what was meant.
type Warning Problem

// String returns the same form as a Problem's.
func (w Warning) String() string { return Problem(w).Error() }

func byPosition(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Key, b.Key))
}

// valueError is what a parser of one value says; who calls it knows the place.
type valueError struct{ what, hint string }

func (e *valueError) Error() string { return e.what + "; hint: " + e.hint }

func badf(hint, format string, args ...any) *valueError {
	return &valueError{what: fmt.Sprintf(format, args...), hint: hint}
}

// nearest returns the word that was probably meant by s, or "". Two slips are
// forgiven, one in words of up to four letters: beyond that a guess misleads.
func nearest(s string, words []string) string {
	s = strings.ToLower(s)
	best, least := "", 3
	if len(s) <= 4 {
		least = 2
	}
	if len(s) > 64 { // no key is as long, and the cost is quadratic
		return ""
	}
	for _, w := range words {
		if d := distance(s, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, change or swap with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

// oneOf is the hint for a word that is not in the list.
func oneOf(s string, words []string) string {
	if w := nearest(s, words); w != "" {
		return fmt.Sprintf("did you mean %q?", w)
	}
	return "one of " + strings.Join(words, ", ")
}
