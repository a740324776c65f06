package device

import (
	"bufio"
	"bytes"
	_ "embed" // the table of makers
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf8"
)

// The table is made from the registry that Debian's package ieee-data has: the
// source of every row is the IEEE MA-L registry (Registration Authority, "oui.txt").
//
//go:generate go run ../../internal/ouigen -in /usr/share/ieee-data/oui.txt -out oui.tsv
//go:embed oui.tsv
var ouiTSV []byte

// Makers says who made a network interface, by the first three bytes of its MAC
// address (OUI). It is immutable and safe for concurrent use. The whole registry
// takes 0.8 MB without a pointer, which costs the garbage collector nothing.
type Makers struct {
	ouis  []uint32 // sorted; the lowest byte is the Kind
	at    []uint32 // where in names the vendor of each begins
	names string   // the length in a byte, then the name
}

var builtinMakers = parseTable(ouiTSV)

// makersBuilder collects the rows of a Makers; of two with one OUI the later counts.
type makersBuilder struct {
	rows  []makerRow
	names []byte
	at    map[string]uint32
}

// newMakersBuilder has room for so many OUIs: growing would leave more garbage
// than the table weighs.
func newMakersBuilder(ouis int) *makersBuilder {
	return &makersBuilder{
		rows: make([]makerRow, 0, ouis), names: make([]byte, 0, 16*ouis), at: make(map[string]uint32, ouis/2),
	}
}

type makerRow struct{ oui, name uint32 }

func (b *makersBuilder) add(oui [3]byte, vendor []byte, kind Kind) {
	vendor = vendor[:min(len(vendor), 255)]
	at, ok := b.at[string(vendor)]
	if !ok {
		at = uint32(len(b.names))
		b.names = append(append(b.names, byte(len(vendor))), vendor...)
		b.at[string(vendor)] = at
	}
	b.rows = append(b.rows, makerRow{ouiNumber(oui)<<8 | uint32(kind), at})
}

func (b *makersBuilder) makers() *Makers {
	slices.SortStableFunc(b.rows, func(x, y makerRow) int { return int(x.oui>>8) - int(y.oui>>8) })
	m := &Makers{
		ouis: make([]uint32, 0, len(b.rows)), at: make([]uint32, 0, len(b.rows)),
		names: string(b.names),
	}
	for i, r := range b.rows {
		if i+1 < len(b.rows) && b.rows[i+1].oui>>8 == r.oui>>8 {
			continue
		}
		m.ouis, m.at = append(m.ouis, r.oui), append(m.at, r.name)
	}
	return m
}

func ouiNumber(oui [3]byte) uint32 { return uint32(oui[0])<<16 | uint32(oui[1])<<8 | uint32(oui[2]) }

func parseTable(tsv []byte) *Makers {
	b := newMakersBuilder(len(tsv) / 6)
	if err := b.table(tsv); err != nil {
		panic("oui.tsv: " + err.Error())
	}
	return b.makers()
}

// table adds the lines of oui.tsv: vendor, kind, and the OUIs in hexadecimal digits.
func (b *makersBuilder) table(tsv []byte) error {
	for line := range bytes.Lines(tsv) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		f := bytes.Split(line, []byte("\t"))
		if len(f) != 3 || len(f[2])%6 != 0 {
			return fmt.Errorf("%.40q is no row", line)
		}
		kind, err := ParseKind(string(f[1]))
		if err != nil {
			return err
		}
		for i := 0; i < len(f[2]); i += 6 {
			var oui [3]byte
			if _, err := hex.Decode(oui[:], f[2][i:i+6]); err != nil {
				return err
			}
			b.add(oui, f[0], kind)
		}
	}
	return nil
}

// OUI returns the maker of devices that an OUI belongs to, by the built-in table;
// ok is false for any other. Makers of network cards and computers are not in it.
func OUI(mac [3]byte) (vendor string, kind Kind, ok bool) { return builtinMakers.OUI(mac) }

// OUI returns who mac is registered to. The kind is what he makes when he makes
// mostly one kind of device, Other when several; None is a maker whose interfaces
// say nothing about the machine around them.
func (m *Makers) OUI(mac [3]byte) (vendor string, kind Kind, ok bool) {
	oui := ouiNumber(mac)
	i, ok := slices.BinarySearchFunc(m.ouis, oui, func(row, oui uint32) int { return int(row>>8) - int(oui) })
	if !ok {
		return "", None, false
	}
	at := m.at[i]
	end := at + 1 + uint32(m.names[at])
	return m.names[at+1 : end], Kind(m.ouis[i] & 0xff), true
}

// Len returns the number of OUIs.
func (m *Makers) Len() int { return len(m.ouis) }

// What is read of a registry at most: the one of 2022 has 32,527 OUIs in 195,000
// lines.
const (
	maxOUI      = 1 << 18
	maxOUILines = 1 << 22
)

// ParseMakers reads the whole registry in the form of IEEE's oui.txt and adds the
// built-in table's vendors and kinds. Makers that the table does not know have the
// name that the registry has, and no kind. OUIs that the registry keeps secret or
// gives away in parts are left out: it does not know the maker. Errors in the text
// are RowErrors. It is slow (30 ms), for start and reload.
func ParseMakers(r io.Reader) (*Makers, error) {
	b := newMakersBuilder(40_000)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<10)
	n := 0
	for lines.Scan() {
		n++
		oui, name, err := registryLine(lines.Bytes())
		switch {
		case err != nil:
			return nil, rowError(n, err)
		case n > maxOUILines || len(b.rows) >= maxOUI:
			return nil, &RowError{n, fmt.Sprintf("more than %d lines or %d makers", maxOUILines, maxOUI), rightFile}
		case len(name) > 0 && string(name) != "Private" && string(name) != "IEEE Registration Authority":
			b.add(oui, name, None)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, &RowError{n + 1, "a line longer than 16 KiB", rightFile}
	case err != nil:
		return nil, err
	case len(b.rows) == 0:
		return nil, &RowError{max(n, 1), "no OUI in the whole file", rightFile}
	}
	if err := b.table(ouiTSV); err != nil {
		return nil, err
	}
	return b.makers(), nil
}

const rightFile = "oui.txt of IEEE or of Debian's package ieee-data is the right file"

// registryLine parses "001122     (base 16)<tab><tab>Organization"; other lines
// have no name.
func registryLine(line []byte) (oui [3]byte, name []byte, err error) {
	digits, rest, ok := bytes.Cut(line, []byte("(base 16)"))
	if !ok {
		return oui, nil, nil
	}
	digits, rest = bytes.TrimSpace(digits), bytes.TrimSpace(rest)
	if len(digits) != 6 {
		return oui, nil, hint(rightFile, "%.20q is no OUI of six digits", digits)
	}
	if _, err := hex.Decode(oui[:], digits); err != nil {
		return oui, nil, hint(rightFile, "%.20q is no OUI of six digits", digits)
	}
	if !utf8.Valid(rest) || bytes.ContainsFunc(rest, unicode.IsControl) {
		return oui, nil, hint("fetch the file anew", "the maker of %s is no text", digits)
	}
	return oui, clip(rest, maxMaker), nil
}

// maxMaker bounds a maker's name, in bytes: the longest of 2022 has 93.
const maxMaker = 128

func clip(s []byte, n int) []byte {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
