package conf

import (
	"slices"
	"strings"
	"testing"
)

// TestWhere puts a setting where Where says, which must load and hold it.
func TestWhere(t *testing.T) {
	for _, c := range []struct {
		name, src, table, key, value string
		want                         Place
	}{
		{"empty", "", "exempt", "ports", "[25]", Place{Text: "[exempt]\nports = [25]"}},
		{"another table", "mode = \"tag\"\n[dns]\n", "exempt", "ports", "[25]", Place{Text: "[exempt]\nports = [25]"}},
		{"table", "# of\n[exempt] # who\nauthenticated = true\n", "exempt", "ports", "[25]", Place{Line: 2, Below: true, Text: "ports = [25]"}},
		{"key", "[exempt]\n  ports  = [465]\n", "exempt", "ports", "[25]", Place{Line: 2, Text: "ports  = [25]"}},
		{"dotted", "exempt.ports = [465]\n", "exempt", "ports", "[25]", Place{Line: 1, Text: "exempt.ports = [25]"}},
		{"dotted table", "exempt.authenticated = true\n", "exempt", "ports", "[25]", Place{Line: 1, Below: true, Text: "exempt.ports = [25]"}},
		{"inline", "exempt = { ports = [465] }\n", "exempt", "ports", "[25]", Place{Line: 1, Inline: true, Text: "ports = [25]"}},
		{"inline, new", "exempt = { authenticated = true }\n", "exempt", "ports", "[25]", Place{Line: 1, Inline: true, Text: "ports = [25]"}},
		{"top", "# say\nmode = \"tag\"\n\n[dns]\n", "", "listen", `["inet:8899@localhost"]`,
			Place{Line: 3, Below: true, Text: `listen = ["inet:8899@localhost"]`}},
		{"top key", "\uFEFFlisten = [\n  \"fd:systemd\",\n]\n", "", "listen", `["inet:8899@localhost"]`,
			Place{Line: 1, Text: `listen = ["inet:8899@localhost"]`}},
		{"the sample", string(Sample), "exempt", "networks", `["192.0.2.0/24"]`, Place{Line: sampleLine(t), Text: `networks = ["192.0.2.0/24"]`}},
	} {
		if got := Where(c.src, c.table, c.key, c.value); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if c.want.Inline || strings.Contains(c.src, "[\n") {
			continue // for an editor
		}
		if _, _, err := Parse(c.name, []byte(apply(c.src, c.want))); err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, apply(c.src, c.want))
		}
	}
}

// apply puts a setting of one line into its place.
func apply(src string, p Place) string {
	lines := strings.SplitAfter(src, "\n")
	switch {
	case p.Line == 0 && !p.Below:
		return src + p.Text + "\n"
	case p.Below:
		return strings.Join(slices.Insert(lines, p.Line, p.Text+"\n"), "")
	}
	lines[p.Line-1] = p.Text + "\n"
	return strings.Join(lines, "")
}

func sampleLine(t *testing.T) int {
	t.Helper()
	lines := strings.Split(string(Sample), "\n")
	n := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "networks =") })
	if n < 0 {
		t.Fatal("the sample has no networks")
	}
	return n + 1
}
