package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/cli"
	"github.com/iot-milter/iot-milter/policy"
)

const root = "../.."

// page is the committed page of that name.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "packaging", "man", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPagesAreWhatIsWritten(t *testing.T) {
	for _, name := range pages {
		want, err := write(name, root)
		if err != nil {
			t.Error(err)
		}
		if got := page(t, name); got != string(want) {
			t.Errorf("packaging/man/%s is not what the program says; hint: make man", name)
		}
	}
}

// others are pages that ours refer to and that are not ours.
var others = []string{"sd_listen_fds 3", "sd_notify 3", "sd_watchdog_enabled 3"}

var (
	missing  = regexp.MustCompile(`STYLE: referenced manual not found: Xr (\S+ \d)`)
	ownPages = []string{"iot-milter 8", "iot-milter.toml 5", "iot-milter-signals 7"}
)

func TestPagesAreCleanAndFitATerminal(t *testing.T) {
	for _, name := range pages {
		path := filepath.Join(root, "packaging", "man", name)
		lint, err := exec.Command("mandoc", "-T", "lint", "-W", "all", path).Output()
		if len(lint) == 0 && err != nil {
			t.Fatalf("mandoc: %v; hint: .ci/setup test", err)
		}
		for line := range strings.Lines(string(lint)) {
			m := missing.FindStringSubmatch(line)
			if m == nil || !slices.Contains(slices.Concat(ownPages, others), m[1]) {
				t.Error(strings.TrimSpace(line))
			}
		}
		for line := range strings.Lines(shown(t, path)) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
	}
}

var overstruck = regexp.MustCompile(`.\x08`)

// shown is a page as a terminal of 80 columns shows it.
func shown(t *testing.T, path string) string {
	t.Helper()
	text, err := exec.Command("mandoc", "-T", "utf8", "-O", "width=80", path).Output()
	if err != nil {
		t.Fatalf("mandoc: %v; hint: .ci/setup test", err)
	}
	return overstruck.ReplaceAllString(string(text), "")
}

// called are the commands of the program by their path with the flags that they take, as
// cobra has them; those that are not to be seen are left out.
func called(c *cobra.Command, all map[string][]string) map[string][]string {
	for _, below := range c.Commands() {
		called(below, all)
		if _, path, _ := strings.Cut(below.CommandPath(), " "); below.Runnable() && !below.Hidden && !isGroup(below) {
			below.InitDefaultHelpFlag()
			var flags []string
			for _, line := range strings.Split(below.LocalFlags().FlagUsages(), "\n") {
				if m := regexp.MustCompile(`--([a-z-]+)`).FindStringSubmatch(line); m != nil && m[1] != "help" {
					flags = append(flags, m[1])
				}
			}
			all[path] = flags
		}
	}
	return all
}

var (
	commandItem = regexp.MustCompile(`(?ms)^\.It Xo\n\.Cm ([a-z -]+)\n(.*?)^\.Xc\n`)
	itemFlag    = regexp.MustCompile(`(?m)^\.(?:Op )?Fl (\S+)`)
	anyFlag     = regexp.MustCompile(`(?m)^\.(?:Op |It )?Fl (\S+)`)
	flagItem    = regexp.MustCompile(`(?m)^\.It Fl -?(\S+)`)
)

// TestCommandsAndFlags compares the page with cobra's tree: every command with its flags,
// each flag told somewhere, and nothing more.
func TestCommandsAndFlags(t *testing.T) {
	text := page(t, "iot-milter.8")
	want := called(cli.Root(cli.Build{}), map[string][]string{})
	got := map[string][]string{}
	for _, m := range commandItem.FindAllStringSubmatch(text, -1) {
		got[m[1]] = nil
		for _, f := range itemFlag.FindAllStringSubmatch(m[2], -1) {
			got[m[1]] = append(got[m[1]], longName(f[1]))
		}
	}
	known := map[string]bool{"help": true}
	for path, flags := range want {
		for _, f := range flags {
			known[f] = true
		}
		slices.Sort(flags)
		slices.Sort(got[path])
		if _, ok := got[path]; !ok || !slices.Equal(got[path], flags) {
			t.Errorf("%s: the page has the flags %q (command there: %t), the program %q", path, got[path], ok, flags)
		}
		delete(got, path)
	}
	for path := range got {
		t.Errorf("%s: the page has it, the program has not", path)
	}
	told := map[string]bool{"config": true} // stands behind -c
	for _, m := range flagItem.FindAllStringSubmatch(text, -1) {
		told[longName(m[1])] = true
	}
	for f := range known {
		if !told[f] && f != "help" {
			t.Errorf("--%s: nothing is said about it", f)
		}
	}
	for _, m := range anyFlag.FindAllStringSubmatch(text, -1) {
		if !known[longName(m[1])] {
			t.Errorf("%s: the page has this flag, the program has not", m[0])
		}
	}
}

// longName is the name of a flag as the page writes it: "c", "-json".
func longName(flag string) string {
	switch flag = strings.TrimPrefix(flag, "-"); flag {
	case "c":
		return "config"
	case "h":
		return "help"
	}
	return flag
}

var shownCommand = regexp.MustCompile(`(?m)^(?:\.Dl )?iot-milter (\S.*(?:\\e\n.*)*)`)

// TestExamplesOfCommands takes each command that the pages show: does cobra know it, and its
// flags?
func TestExamplesOfCommands(t *testing.T) {
	n := 0
	for _, name := range pages {
		for _, m := range shownCommand.FindAllStringSubmatch(page(t, name), -1) {
			n++
			line, _, _ := strings.Cut(strings.ReplaceAll(m[1], "\\e\n", " "), " >")
			c, rest, err := cli.Root(cli.Build{}).Find(strings.Fields(strings.ReplaceAll(line, `\(dq`, "")))
			if err == nil && c.HasParent() {
				err = c.ParseFlags(rest)
			}
			if err != nil || !c.HasParent() {
				t.Errorf("%s: iot-milter %s: %v", name, line, err)
			}
		}
	}
	if n < 8 {
		t.Errorf("%d commands are shown; are they found?", n)
	}
}

// keyOf is a key of the page with its value and what is said about it.
type keyOf struct{ key, table, value, about string }

var (
	tableHead = regexp.MustCompile(`(?m)^\.Ss (?:Table (\[\S+\])\\&|The top of the file)\n`)
	keyItem   = regexp.MustCompile(`(?ms)^\.It Ic (\S+) Li "= (.*?)"\n(.*?)(?:^\.It Ic |^\.El\n\.(?:Ss|Sh|Pp)|\z)`)
)

// keysOf reads the page of the configuration, apart from what wrote it.
func keysOf(t *testing.T) []keyOf {
	t.Helper()
	text := page(t, "iot-milter.toml.5")
	var all []keyOf
	heads := tableHead.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		end := strings.Index(text, "\n.Sh WHAT IS REFUSED")
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		table := ""
		if h[2] >= 0 {
			table = text[h[2]:h[3]]
		}
		for part := text[h[1]:end]; ; {
			m := keyItem.FindStringSubmatchIndex(part)
			if m == nil {
				break
			}
			value := strings.ReplaceAll(part[m[4]:m[5]], `\(dq`, `"`)
			all = append(all, keyOf{path(table) + part[m[2]:m[3]], table, value, part[m[6]:m[7]]})
			part = part[m[7]:]
		}
	}
	return all
}

func TestKeysAndDefaults(t *testing.T) {
	var names []string
	var file strings.Builder
	table := ""
	for _, k := range keysOf(t) {
		names = append(names, k.key)
		if k.table == "[[dnslist]]" { // none by default
			continue
		}
		if k.table != table {
			table = k.table
			file.WriteString(table + "\n")
		}
		fmt.Fprintf(&file, "%s = %s\n", k.key[strings.LastIndex(k.key, ".")+1:], k.value)
	}
	if !slices.Equal(names, conf.Keys()) {
		t.Errorf("the page has\n%q\nthe program has\n%q", names, conf.Keys())
	}
	cfg, _, err := conf.Parse("iot-milter.toml.5", []byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	if def := conf.Default(); !reflect.DeepEqual(*cfg, def) {
		t.Errorf("the page's values are\n%s\nthe defaults\n%s", conf.Effective(cfg), conf.Effective(&def))
	}
}

// elsewhere are keys whose range another place of the page gives: their table, or the key
// beside them.
var elsewhere = regexp.MustCompile(`^(prior\.|ramp\.(device|access)$|probe\.ports$)`)

func TestRangesAndWords(t *testing.T) {
	about := map[string]string{}
	for _, k := range keysOf(t) {
		about[k.key] = strings.Join(strings.Fields(strings.ReplaceAll(k.about, `\%`, "")), " ")
	}
	ranges := 0
	for _, r := range conf.Grammar() {
		text := about[r.Key]
		if least, greatest, ok := strings.Cut(r.Range, ".."); ok && !elsewhere.MatchString(r.Key) {
			ranges++
			of := regexp.MustCompile(`(^|\W)"?` + regexp.QuoteMeta(least) + `"?( \([^)]*\))? to "?` + regexp.QuoteMeta(greatest) + `(\W|$)`)
			if !of.MatchString(text) {
				t.Errorf("%s: its range, %s to %s, is not in %q", r.Key, least, greatest, text)
			}
		}
		for _, w := range r.Words {
			if !regexp.MustCompile(`(^|\W)` + w + `(\W|$)`).MatchString(text) {
				t.Errorf("%s: the word %s is not in %q", r.Key, w, text)
			}
		}
		if r.Need != strings.Contains(text, "must say it") {
			t.Errorf("%s: needed is %t, and the page says %q", r.Key, r.Need, text)
		}
	}
	if ranges < 20 {
		t.Errorf("%d ranges", ranges)
	}
}

var (
	namedKey = regexp.MustCompile(`(?m)^\.Ic (\S+)`)
	literal  = regexp.MustCompile(`(?ms)^\.Bd -literal -offset indent\n(.*?)^\.Ed\n`)
)

func TestNoOtherKeysAreNamed(t *testing.T) {
	known := map[string]bool{}
	for _, k := range conf.Keys() {
		known[k[strings.LastIndex(k, ".")+1:]] = true
	}
	for _, name := range []string{"iot-milter.8", "iot-milter.toml.5"} {
		for _, m := range namedKey.FindAllStringSubmatch(page(t, name), -1) {
			if !known[m[1]] {
				t.Errorf("%s names the key %s, which is not there", name, m[1])
			}
		}
	}
	examples := literal.FindAllStringSubmatch(page(t, "iot-milter.toml.5"), -1)
	for _, m := range examples {
		if _, warnings, err := conf.Parse("example", []byte(m[1])); err != nil || len(warnings) > 0 {
			t.Error(err, warnings)
		}
	}
	if len(examples) != 3 {
		t.Errorf("%d examples", len(examples))
	}
}

func TestSignalsAreListed(t *testing.T) {
	text := page(t, "iot-milter-signals.7")
	item := regexp.MustCompile(`(?ms)^\.It Ic (\S+) Pq (\S+)\n(.*?)(?:^\.It |^\.El)`)
	families := map[string]string{}
	for part := text; ; {
		m := item.FindStringSubmatchIndex(part)
		if m == nil {
			break
		}
		name := part[m[2]:m[3]]
		if families[name] != "" {
			t.Errorf("%s is there twice", name)
		}
		families[name] = part[m[4]:m[5]]
		if about := part[m[6]:m[7]]; !strings.Contains(about, "\n.Em Weight :\n") || !strings.Contains(about, "\n.Em Hit by mistake :\n") {
			t.Errorf("%s: its weight, or who is hit by mistake, is not said", name)
		}
		part = part[m[7]:]
	}
	names := map[string]bool{}
	for _, s := range policy.Signals {
		names[s.Name] = true
		if families[s.Name] != s.Family.String() {
			t.Errorf("%s: family %q, is %s", s.Name, families[s.Name], s.Family)
		}
		delete(families, s.Name)
	}
	for name := range families {
		t.Errorf("%s is in the page and no signal", name)
	}
	checkMentions(t, names)
}

// notSignals are words of the page that only look like signals.
var notSignals = []string{}

// checkMentions looks for names like those of signals that are none.
func checkMentions(t *testing.T, names map[string]bool) {
	t.Helper()
	beginnings := map[string]bool{}
	for name := range names {
		beginning, _, _ := strings.Cut(name, "-")
		beginnings[beginning] = true
	}
	plain := shown(t, filepath.Join(root, "packaging", "man", "iot-milter-signals.7"))
	for _, word := range regexp.MustCompile(`[a-z0-9]+-[a-z0-9-]+`).FindAllString(plain, -1) {
		beginning, _, _ := strings.Cut(word, "-")
		if beginnings[beginning] && !names[strings.TrimSuffix(word, "-")] && !slices.Contains(notSignals, word) {
			t.Errorf("%s is no signal", word)
		}
	}
}

func TestTextIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"One. Two":                 "One.\nTwo\n",
		".lan ends":                "\\&.lan ends\n",
		"a \\t tab":                "a \\et tab\n",
		"with --json, and":         "with\n.Fl -json ,\nand\n",
		"first\nhalf\n\nsecond…":   "first half\n.Pp\nsecond...\n",
		markdown("see [a](b) `c`"): "see a \\%\\fBc\\fP\n",
	} {
		if got := mdoc(text); got != want {
			t.Errorf("%q is\n%s\nwant\n%s", text, got, want)
		}
	}
	if bytes.Contains([]byte(quoted(`"a\b"`)), []byte(`\b`)) {
		t.Error(quoted(`"a\b"`))
	}
}
