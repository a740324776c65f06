package layouttest

import (
	"encoding/json"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"mvdan.cc/sh/v3/syntax"

	"github.com/iot-milter/iot-milter/internal/cli"
	"github.com/iot-milter/iot-milter/internal/document"
	"github.com/iot-milter/iot-milter/policy"
)

// kinds are the languages that a block of a document may have, and who checks it: nothing is shown that no test has
// read. A check here is done by this test; those without one have a test of their own.
var kinds = map[string]struct {
	by    string
	check func(*testing.T, document.Block)
}{
	"toml":     {by: "TestDocsConfigurationsLoad"},
	"console":  {by: "TestDocsExamplesRun"},
	"tsv":      {by: "TestDocsTablesLoad"},
	"cf":       {by: "integration/guide: postconf reads it"},
	"m4":       {by: "integration/guide: m4 makes a sendmail.cf of it"},
	"yaml":     {by: "integration/guide: promtool reads it"},
	"sh":       {check: checkShell},
	"json":     {check: checkJSON},
	"go":       {check: checkGo},
	"text":     {check: checkText},
	"sieve":    {check: checkShipped},
	"procmail": {check: checkShipped},
	"spam":     {check: checkShipped},
	"conf":     {check: checkShipped},
	"lua":      {check: checkShipped},
}

// unfenced pages show blocks without a fence, for the reason given.
var unfenced = map[string]string{
	"docs/probe.md": "bytes on the wire: policy/evidence/probe compares them with what is sent, and what a site serves beside it is RFC 9511's example",
}

func TestDocsBlocksAreChecked(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.Blocks {
			if !b.Fenced {
				if unfenced[below(p.Path)] == "" {
					t.Errorf("%s: a block without a fence: no test reads it", b.Where())
				}
				continue
			}
			k, ok := kinds[b.Language]
			switch {
			case !ok:
				t.Errorf("%s: no test reads blocks of %q", b.Where(), b.Language)
			case k.check != nil:
				k.check(t, b)
			}
		}
	}
}

// below is a path below the root.
func below(path string) string { return strings.TrimPrefix(filepath.ToSlash(path), root+"/") }

// checkShell parses a block as bash does, and compares each call of iot-milter with its commands and flags.
func checkShell(t *testing.T, b document.Block) {
	t.Helper()
	for _, words := range calls(t, b.Where(), b.Text) {
		checkCall(t, b.Where(), words)
	}
}

// calls are the simple commands of a script, as words; what is no plain word stands as "…".
func calls(t *testing.T, where, script string) (all [][]string) {
	t.Helper()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), where)
	if err != nil {
		t.Errorf("%v", err)
		return nil
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok {
			return true
		}
		var words []string
		for _, w := range call.Args {
			words = append(words, plainWord(w))
		}
		if len(words) > 0 {
			all = append(all, words)
		}
		return true
	})
	return all
}

// plainWord is a word without its quotes.
func plainWord(w *syntax.Word) string {
	var s strings.Builder
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			s.WriteString(part.Value)
		case *syntax.SglQuoted:
			s.WriteString(part.Value)
		case *syntax.DblQuoted:
			s.WriteString(plainWord(&syntax.Word{Parts: part.Parts}))
		default:
			s.WriteString("…")
		}
	}
	return s.String()
}

// privileged are words that may stand before a command: sudo, sudo -u USER, timeout 10.
var privileged = regexp.MustCompile(`^(?:sudo (?:-u \S+ )?)?(?:timeout \S+ )?`)

func checkCall(t *testing.T, where string, words []string) {
	t.Helper()
	command := checkFlags(t, where, words)
	if command == nil {
		return
	}
	if err := command.ValidateArgs(command.Flags().Args()); err != nil {
		t.Errorf("%s: %q: %v", where, words, err)
	}
	if !command.Runnable() {
		t.Errorf("%s: %q is no command by itself", where, words)
	}
}

// checkFlags wants a call of iot-milter to name a command and flags that there are. It returns nil for other programs
// and where nothing further is to be looked at.
func checkFlags(t *testing.T, where string, words []string) *cobra.Command {
	t.Helper()
	line := privileged.ReplaceAllString(strings.Join(words, " ")+" ", "")
	skip := len(words) - len(strings.Fields(line))
	if skip < 0 || skip >= len(words) || words[skip] != "iot-milter" {
		return nil
	}
	command, rest, err := cli.Root(cli.Build{}).Find(words[skip+1:])
	if err == nil {
		command.InitDefaultHelpFlag()
		err = command.ParseFlags(rest)
	}
	if err != nil {
		t.Errorf("%s: %q: %v", where, words, err)
		return nil
	}
	if help, _ := command.Flags().GetBool("help"); help {
		return nil
	}
	return command
}

// checkJSON reads lines of JSON; a member may stand without its braces.
func checkJSON(t *testing.T, b document.Block) {
	t.Helper()
	for line := range strings.Lines(b.Text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, `"`) {
			line = "{" + strings.TrimSuffix(line, ",") + "}"
		}
		if !json.Valid([]byte(line)) {
			t.Errorf("%s: no JSON: %s", b.Where(), line)
		}
	}
}

// checkGo wants what gofmt would write; a statement, declaration or element may stand alone.
func checkGo(t *testing.T, b document.Block) {
	t.Helper()
	text := b.Text
	if strings.HasPrefix(text, "{") { // an element of a table
		text = "var _ = []any{\n" + text + "}\n"
		if _, err := format.Source([]byte(text)); err != nil {
			t.Errorf("%s: %v", b.Where(), err)
		}
		return
	}
	if got, err := format.Source([]byte(text)); err != nil || string(got) != text {
		t.Errorf("%s: not what gofmt writes: %v\n%s", b.Where(), err, got)
	}
}

// examples are blocks of text that nothing here can make, by what is in their first line, and why they are right.
var examples = []struct{ page, first, why string }{
	{"docs/how-it-works.md", "SMTP client", "the diagram"},
	{"docs/evidence.md", "origin.asn.cymru.com TXT", "Team Cymru's answer, whose form policy/evidence/asn reads in its tests"},
	{"docs/probe.md", "msg=probe", "a line of another kind, whose keys policy/evidence/probe writes"},
	{"docs/control.md", "$ iot-milter", "shows a running daemon: integration/guide asks one, and compares the lines"},
}

// checkText wants a block of text to be of a form that a test knows: a header, a verdict line, the layout of the
// sources, or one of the examples.
func checkText(t *testing.T, b document.Block) {
	t.Helper()
	first, _, _ := strings.Cut(b.Text, "\n")
	switch {
	case shownHeader.MatchString(b.Text), strings.Contains(b.Text, "msg=verdict"): // tests of their own
	case strings.Contains(first, "wiring"):
		checkLayout(t, b)
	case strings.HasPrefix(first, "signals="):
		checkSignals(t, b)
	case !slices.ContainsFunc(examples, func(e struct{ page, first, why string }) bool {
		return below(b.Page) == e.page && strings.Contains(first, e.first)
	}) && guideOutput(b) == "":
		t.Errorf("%s: text that no test knows: %s", b.Where(), first)
	}
	if command, ok := strings.CutPrefix(first, "$ "); ok {
		checkShell(t, document.Block{Page: b.Page, Line: b.Line, Text: command})
	}
}

// checkSignals wants the words of a header's list to be signals.
func checkSignals(t *testing.T, b document.Block) {
	t.Helper()
	for _, name := range strings.Split(strings.TrimSpace(strings.TrimPrefix(b.Text, "signals=")), ",") {
		if !slices.ContainsFunc(policy.Signals, func(s policy.Signal) bool { return s.Name == name }) {
			t.Errorf("%s: there is no signal %s", b.Where(), name)
		}
	}
}

// checkLayout wants each path of a list of the sources to exist.
func checkLayout(t *testing.T, b document.Block) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^(\S+)`).FindAllString(b.Text, -1) {
		if _, err := os.Stat(filepath.Join(root, m)); err != nil {
			t.Errorf("%s: %s does not exist", b.Where(), m)
		}
	}
}

// checkShipped wants a block for another program to stand word for word in a file of packaging/, where that program
// reads it in a test.
func checkShipped(t *testing.T, b document.Block) {
	t.Helper()
	found := false
	err := filepath.WalkDir(filepath.Join(root, "packaging"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || found {
			return err
		}
		data, err := os.ReadFile(path)
		found = strings.Contains(string(data), strings.TrimSpace(b.Text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Errorf("%s: a block of %s that is no part of a file in packaging/, and so read by no test", b.Where(), b.Language)
	}
}

// guideOutput is the page whose commands integration/guide runs, if the block is of it: it compares what they print.
func guideOutput(b document.Block) string {
	if below(b.Page) == "docs/first-ten-minutes.md" {
		return b.Page
	}
	return ""
}
