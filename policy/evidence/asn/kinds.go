package asn

import (
	_ "embed" // the table of kinds
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/iot-milter/iot-milter/policy"
)

//go:embed kinds.tsv
var kindsTSV string

// holder is a row of the built-in table.
type holder struct {
	kind policy.NetworkKind
	name string
}

// builtin reads the table at its first use; a test checks each row.
var builtin = sync.OnceValue(func() map[uint32]holder {
	rows := make(map[uint32]holder, strings.Count(kindsTSV, "\n"))
	for line := range strings.Lines(kindsTSV) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			continue // a comment
		}
		n, ok := number(f[0])
		kind, err := policy.ParseNetworkKind(f[1])
		if ok && err == nil {
			rows[n] = holder{kind, f[2]}
		}
	}
	return rows
})

// KindOf returns what the autonomous system is known for, by the built-in table:
// see the package's comment for what that means.
func KindOf(asn uint32) policy.NetworkKind { return builtin()[asn].kind }

// MaxKinds bounds the admin's rows: there are some 120,000 autonomous systems.
const MaxKinds = 200_000

// ReadKinds reads an admin's rows: a first line with the names of the columns, asn
// kind source, then a row a line, with tabs between. Empty lines and lines that
// begin with # are comments. A row takes the place of the built-in one; the kind
// "unknown" takes it away. All wrong lines are in the error.
func ReadKinds(data []byte) (map[uint32]policy.NetworkKind, error) {
	var kinds map[uint32]policy.NetworkKind
	var wrong []error
	n, begun := 0, false
	for line := range strings.SplitSeq(string(data), "\n") {
		n++
		line = strings.TrimSuffix(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		if n > MaxKinds {
			return nil, fmt.Errorf("line %d: more rows than %d", n, MaxKinds)
		}
		if !begun {
			begun = true
			if line != "asn\tkind\tsource" {
				wrong = append(wrong, fmt.Errorf("line %d: the first line is %q; hint: the names of the columns with tabs between: asn kind source", n, line))
			}
			continue
		}
		asn, kind, err := readKind(line)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		if kinds == nil {
			kinds = make(map[uint32]policy.NetworkKind)
		}
		kinds[asn] = kind
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	return kinds, nil
}

func readKind(line string) (asn uint32, kind policy.NetworkKind, err error) {
	f := strings.Split(line, "\t")
	switch {
	case !utf8.ValidString(line):
		return 0, 0, errors.New("is not UTF-8; hint: save the file as UTF-8")
	case len(f) != 3:
		return 0, 0, fmt.Errorf("%d columns, want 3; hint: with tabs between: asn kind source", len(f))
	case strings.TrimSpace(f[2]) == "":
		return 0, 0, errors.New("no source; hint: where the fact is from, for who reads it in a year")
	}
	asn, ok := number(f[0])
	if !ok || asn == 0 {
		return 0, 0, fmt.Errorf("%q is no autonomous system; hint: a number as 64496, or AS64496", f[0])
	}
	if f[1] == "unknown" {
		return asn, policy.NetworkUnknown, nil
	}
	kind, err = policy.ParseNetworkKind(f[1])
	if err != nil || kind == policy.NetworkUnknown {
		return 0, 0, fmt.Errorf("%q is no kind; hint: access, mobile, hosting, business, education, or unknown", f[1])
	}
	return asn, kind, nil
}
