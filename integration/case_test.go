//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"golang.org/x/tools/txtar"
)

// client is who connects: name is the PTR name, "" for none, and iprev says
// whether the name is confirmed.
type client struct {
	addr, name, iprev string
}

// scenario is one case file; doc.go says what the fields mean.
type scenario struct {
	name     string
	on       []string
	chosen   bool // the case says itself where it is on
	needs    []string
	client   client
	host     string // what kind of machine the clients are, a key of hostKinds
	listener string
	anyOrder bool
	sections map[string]string
	stored   []string
}

var sectionNames = []string{"case", "config", "names", "dialogue", "stored", "verdict", "log", "queue"}

// loadScenarios reads all case files, in order.
func loadScenarios() ([]*scenario, error) {
	files, err := filepath.Glob("cases/*.txtar")
	if err != nil {
		return nil, err
	}
	var all []*scenario
	for _, f := range files {
		s, err := loadScenario(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func loadScenario(path string) (*scenario, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	archive := txtar.Parse(data)
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		return nil, fmt.Errorf("the case does not say what it is about")
	}
	s := &scenario{
		name:     strings.TrimSuffix(filepath.Base(path), ".txtar"),
		on:       []string{"postfix", "xclient", "sendmail"},
		sections: map[string]string{},
	}
	for _, f := range archive.Files {
		if err := s.section(f.Name, string(f.Data)); err != nil {
			return nil, err
		}
	}
	for _, line := range lines(s.sections["case"]) {
		if err := s.setting(line); err != nil {
			return nil, err
		}
	}
	if s.host != "" && !s.chosen {
		s.on = []string{"postfix", "sendmail"} // XCLIENT shows nothing of a machine
	}
	return s, nil
}

func (s *scenario) section(name, text string) error {
	first, _, _ := strings.Cut(name, " ")
	known := strings.HasSuffix(name, ".eml")
	for _, n := range sectionNames {
		known = known || n == first
	}
	if !known {
		return fmt.Errorf("no section is called %q", name)
	}
	if name == "stored" {
		s.stored = append(s.stored, text)
		return nil
	}
	if _, twice := s.sections[name]; twice {
		return fmt.Errorf("section %q stands there twice", name)
	}
	s.sections[name] = text
	return nil
}

func (s *scenario) setting(line string) error {
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch {
	case !ok:
		return fmt.Errorf("%q is no setting", line)
	case name == "on":
		s.on, s.chosen = strings.Fields(value), true
	case name == "needs":
		s.needs = strings.Fields(value)
	case name == "listener":
		s.listener = value
	case name == "host":
		if hostKinds[value] == nil {
			return fmt.Errorf("no kind of host is called %q", value)
		}
		s.host = value
	case name == "order" && value == "any":
		s.anyOrder = true
	case name == "client":
		c, err := parseClient(strings.Fields(value))
		s.client = c
		return err
	default:
		return fmt.Errorf("no setting is called %q", name)
	}
	return nil
}

func parseClient(w []string) (client, error) {
	if len(w) == 0 || len(w) > 3 {
		return client{}, fmt.Errorf("a client is ADDRESS [NAME [IPREV]]")
	}
	if _, err := netip.ParseAddr(w[0]); err != nil {
		return client{}, err
	}
	c := client{addr: w[0], iprev: "permerror"}
	if len(w) > 1 {
		c.name, c.iprev = w[1], "pass"
	}
	if len(w) > 2 {
		c.iprev = w[2]
	}
	return c, nil
}

// clients are all that the case's dialogue brings in.
func (s *scenario) clients() ([]client, error) {
	all := []client{s.client}
	for _, line := range lines(s.sections["dialogue"]) {
		w := strings.Fields(line)
		if len(w) > 1 && w[0] == "connect" {
			c, err := parseClient(w[1:])
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// only keeps what is meant for that MTA.
func only(m, text string) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(line, "@"); ok {
			name, after, _ := strings.Cut(rest, " ")
			if name != m {
				continue
			}
			line = after
		}
		out = append(out, line)
	}
	return strings.ReplaceAll(strings.Join(out, "\n"), "$HOST", hosts[m])
}

// hosts are the MTAs' own names, written $HOST in cases, as regexps.
var hosts = map[string]string{"postfix": `mx\.example\.test`, "sendmail": `sm\.example\.test`}

// lines are the non-empty lines that are no comments.
func lines(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			out = append(out, line)
		}
	}
	return out
}

// words splits "key=value" words; values in quotes may hold blanks.
func words(line string) map[string]string {
	out := map[string]string{}
	for _, w := range logWords(line) {
		out[w.key] = w.value
	}
	return out
}

// expand runs the template of a line or a message.
func expand(text string) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	t, err := template.New("").Funcs(template.FuncMap{
		"repeat": strings.Repeat,
		"headers": func(n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "X-Filler-%d: %d\n", i, i)
			}
			return strings.TrimSuffix(b.String(), "\n")
		},
		"lines": func(n int, line string) string {
			return strings.TrimSuffix(strings.Repeat(line+"\n", n), "\n")
		},
	}).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, nil)
	return b.String(), err
}

func scenarioNamed(t *testing.T, all []*scenario, name string) *scenario {
	t.Helper()
	for _, s := range all {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no case is called %s", name)
	return nil
}
