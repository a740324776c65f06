package device

import (
	"bufio"
	"bytes"
	_ "embed" // the table of makers
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// The table is made from the registry that Debian's package ieee-data has: the
// source of every row is the IEEE MA-L registry (Registration Authority, "oui.txt").
//
//go:generate go run ../../internal/ouigen -in /usr/share/ieee-data/oui.txt -out oui.tsv
//go:embed oui.tsv
var ouiTSV []byte

// Makers says who made a network interface, by the first three bytes of its MAC
// address (OUI). It is immutable and safe for concurrent use.
type Makers struct {
	at map[[3]byte]Maker
}

// Maker is who an OUI is registered to. Kind is what he makes when he makes mostly
// one kind of device, Other when several; None is a maker whose interfaces say
// nothing about the machine around them.
type Maker struct {
	Vendor string
	Kind   Kind
}

var builtinMakers = parseTable(ouiTSV)

func parseTable(tsv []byte) *Makers {
	m := &Makers{at: make(map[[3]byte]Maker, len(tsv)/7)}
	lines := bufio.NewScanner(bytes.NewReader(tsv))
	lines.Buffer(nil, len(tsv)+1)
	for lines.Scan() {
		if err := m.line(lines.Bytes()); err != nil {
			panic("oui.tsv: " + err.Error())
		}
	}
	return m
}

// line adds a line of oui.tsv: vendor, kind, and the OUIs in hexadecimal digits.
func (m *Makers) line(line []byte) error {
	if len(line) == 0 || line[0] == '#' {
		return nil
	}
	f := bytes.Split(line, []byte("\t"))
	if len(f) != 3 || len(f[2])%6 != 0 {
		return fmt.Errorf("%.40q is no row", line)
	}
	kind, err := ParseKind(string(f[1]))
	if err != nil {
		return err
	}
	maker := Maker{string(f[0]), kind}
	for i := 0; i < len(f[2]); i += 6 {
		var oui [3]byte
		if _, err := hex.Decode(oui[:], f[2][i:i+6]); err != nil {
			return err
		}
		m.at[oui] = maker
	}
	return nil
}

// OUI returns the maker of devices that an OUI belongs to, by the built-in table;
// ok is false for any other. Makers of network cards and computers are not in it.
func OUI(mac [3]byte) (vendor string, kind Kind, ok bool) { return builtinMakers.OUI(mac) }

// OUI returns who mac is registered to.
func (m *Makers) OUI(mac [3]byte) (vendor string, kind Kind, ok bool) {
	maker, ok := m.at[mac]
	return maker.Vendor, maker.Kind, ok
}

// Len returns the number of OUIs.
func (m *Makers) Len() int { return len(m.at) }

// maxOUI is how many lines of a registry are read: ten times those of 2022.
const maxOUI = 4 << 20

// ParseMakers reads the whole registry in the form of IEEE's oui.txt and adds the
// built-in table's vendors and kinds. Makers that the table does not know have the
// name that the registry has, and no kind.
func ParseMakers(r io.Reader) (*Makers, error) {
	m := &Makers{at: make(map[[3]byte]Maker, 40_000)}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<10)
	for n := 1; lines.Scan(); n++ {
		if n > maxOUI {
			return nil, fmt.Errorf("has more than %d lines; hint: is it the right file?", maxOUI)
		}
		if oui, name, ok := registryLine(lines.Bytes()); ok {
			m.at[oui] = Maker{Vendor: name}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(m.at) == 0 {
		return nil, errors.New("holds no OUI; hint: oui.txt of IEEE or of Debian's package ieee-data")
	}
	for oui, maker := range builtinMakers.at {
		m.at[oui] = maker
	}
	return m, nil
}

// registryLine parses "001122     (base 16)<tab><tab>Organization".
func registryLine(line []byte) (oui [3]byte, name string, ok bool) {
	digits, rest, ok := bytes.Cut(line, []byte("(base 16)"))
	if !ok {
		return oui, "", false
	}
	digits = bytes.TrimSpace(digits)
	if len(digits) != 6 {
		return oui, "", false
	}
	if _, err := hex.Decode(oui[:], digits); err != nil {
		return oui, "", false
	}
	return oui, string(bytes.TrimSpace(rest)), true
}
