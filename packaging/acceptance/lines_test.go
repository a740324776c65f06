//go:build acceptance

package acceptance

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/internal/plumbing"
)

// config is the conffile of the package.
const config = "/etc/iot-milter/iot-milter.toml"

// advice is what mta-config says; nothing but --verify may find faults.
func (m *machine) advice(mta string, options ...string) plumbing.Report {
	m.t.Helper()
	out, err := m.try("iot-milter mta-config " + mta + " --json " + strings.Join(options, " "))
	var r plumbing.Report
	if json.Unmarshal([]byte(out), &r) != nil {
		m.t.Fatalf("mta-config %s: %v\n%s", mta, err, out)
	}
	return r
}

// follow does what mta-config says, line by line, as an admin would.
func (m *machine) follow(mta string) {
	m.t.Helper()
	for _, f := range m.advice(mta).Lines {
		m.t.Logf("%s:%d: %s", f.In, f.At, f.Line)
		switch {
		case f.In == plumbing.Shell:
			m.sh(f.Line)
		case strings.HasSuffix(f.In, "/main.cf"):
			m.sh("postconf -e '" + f.Line + "'")
		case f.In == config:
			m.configure(f.Line)
		default:
			m.edit(f)
		}
	}
}

// configure sets a key of iot-milter.toml, which the sample has: "key = value", below a line
// "[table]" if it is in one.
func (m *machine) configure(setting string) {
	m.t.Helper()
	table, key, _ := strings.Cut(setting, "\n")
	if key == "" {
		table, key = "", setting
	}
	name, _, _ := strings.Cut(key, " =")
	text, in := strings.Split(m.read(config), "\n"), ""
	for i, line := range text {
		if strings.HasPrefix(line, "[") {
			in = line
		}
		if in == table && strings.HasPrefix(line, name+" =") {
			text[i] = key
			m.write(config, strings.Join(text, "\n"))
			return
		}
	}
	m.t.Fatalf("%s has no %s %s", config, table, name)
}

// edit puts a line in place of a line of a file, or below it.
func (m *machine) edit(f plumbing.Fix) {
	m.t.Helper()
	text := strings.Split(strings.TrimSuffix(m.read(f.In), "\n"), "\n")
	switch {
	case f.At == 0:
		text = append(text, f.Line)
	case f.Below:
		text = slices.Insert(text, f.At, f.Line)
	default:
		text[f.At-1] = f.Line
	}
	m.write(f.In, strings.Join(text, "\n")+"\n")
}

// verified checks that mta-config --verify finds nothing, notes included, apart from the
// checks named.
func (m *machine) verified(mta string, known ...string) {
	m.t.Helper()
	for _, f := range m.advice(mta, "--verify").Findings {
		if !slices.Contains(known, f.Check) {
			m.t.Errorf("mta-config %s --verify: %s %s: %s: %s", mta, f.Severity, f.Check, f.Where, f.What)
		}
	}
}
