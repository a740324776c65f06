// Command ouigen writes the table of device makers' OUIs, policy/device/oui.tsv,
// from IEEE's registry of MA-L assignments (oui.txt, Debian's package ieee-data).
// go generate in policy/device calls it. It writes no OUI that the registry does
// not have, and fails when a maker of its list has none.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

func main() {
	in := flag.String("in", "/usr/share/ieee-data/oui.txt", "the registry")
	out := flag.String("out", "oui.tsv", "the table to write")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "ouigen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	f, err := os.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	rows := make([][]string, len(makers))
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		digits, name, ok := strings.Cut(lines.Text(), "(base 16)")
		if !ok {
			continue
		}
		if i := makerOf(name); i >= 0 {
			rows[i] = append(rows[i], strings.ToLower(strings.TrimSpace(digits)))
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	table, err := format(rows)
	if err != nil {
		return err
	}
	return os.WriteFile(out, table, 0o644)
}

// makerOf returns the index of the maker with that name in the registry, or -1. A
// maker's name is the beginning of the registry's, in whole words.
func makerOf(name string) int {
	name = plain(name)
	for i, m := range makers {
		for _, p := range strings.Split(m.names, "|") {
			if rest, ok := strings.CutPrefix(name, p); ok && (rest == "" || rest[0] == ' ') {
				return i
			}
		}
	}
	return -1
}

// plain folds case, commas, dots and runs of spaces: the registry writes one
// maker in several ways.
func plain(name string) string {
	name = strings.NewReplacer(",", " ", ".", " ", "\r", " ", "，", " ").Replace(strings.ToLower(name))
	return strings.Join(strings.Fields(name), " ")
}

func format(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Made by internal/ouigen from the IEEE MA-L registry; do not edit. Vendor, kind, OUIs of six digits.\n")
	var lines []string
	for i, m := range makers {
		if len(rows[i]) == 0 {
			return nil, fmt.Errorf("the registry has no maker %q", m.names)
		}
		if _, err := device.ParseKind(m.kind.String()); err != nil {
			return nil, err
		}
		slices.Sort(rows[i])
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s\n", m.vendor, m.kind, strings.Join(rows[i], "")))
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, ""))
	return b.Bytes(), nil
}
