package layouttest

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/cli"
	"github.com/iot-milter/iot-milter/internal/document"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy"
)

// pages are the documents that users read: those of the root and of docs/.
func pages(t *testing.T) []document.Page {
	t.Helper()
	all, err := document.All(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// onePage is a document by its path below the root.
func onePage(t *testing.T, path string) document.Page {
	t.Helper()
	all, err := document.Read(root, path)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestDocsConfigurationsLoad(t *testing.T) {
	n := 0
	for _, p := range pages(t) {
		for _, b := range p.Of("toml") {
			n++
			_, warnings, err := conf.Parse(b.Where(), []byte(b.Text))
			if err != nil {
				t.Errorf("%s: %v", b.Where(), err)
			}
			for _, w := range warnings {
				t.Errorf("%s: the example gives a warning: %s", b.Where(), w)
			}
		}
	}
	if n == 0 {
		t.Error("no configuration is shown")
	}
}

// TestDocsExamplesRun runs each "$ iot-milter …" of a console block and compares
// what it prints.
func TestDocsExamplesRun(t *testing.T) {
	all := pages(t)
	config := lookups(t)
	t.Chdir(root)
	explained := 0
	for _, p := range all {
		for _, b := range p.Of("console") {
			for _, example := range strings.Split("\n"+b.Text, "\n$ ")[1:] {
				if strings.HasPrefix(example, "iot-milter explain ") {
					explained++
				}
				runExample(t, b.Where(), example, config)
			}
		}
	}
	if explained < 2 {
		t.Errorf("%d examples of explain, at least 2 are wanted", explained)
	}
}

func runExample(t *testing.T, where, example, config string) {
	t.Helper()
	command, want, _ := strings.Cut(strings.ReplaceAll(example, "\\\n", " "), "\n")
	out, err := printed(command, config)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	got, want := trimLines(out), trimLines(want)
	if strings.Contains(command, " | grep ") { // shows a line of findings, whose weight the next fit changes
		got, want = weight.ReplaceAllString(got, "±"), weight.ReplaceAllString(want, "±")
	}
	if got != want {
		t.Errorf("%s: $ %s\nprints\n%s\nand the document says\n%s", where, command, got, want)
	}
}

var (
	weight = regexp.MustCompile(`[+-]\d+\.\d`)
	input  = regexp.MustCompile(`^printf '([^']*)' \| `)
	filter = regexp.MustCompile(` \| grep '([^']*)'$`)
)

// printed runs a command of a document: iot-milter with arguments that have no
// blanks, after a printf and before a grep if there are any. The sample's path
// stands for config.
func printed(command, config string) (string, error) {
	stdin := ""
	if m := input.FindStringSubmatch(command); m != nil {
		command, stdin = command[len(m[0]):], strings.ReplaceAll(m[1], "\\n", "\n")
	}
	var lines *regexp.Regexp
	if m := filter.FindStringSubmatch(command); m != nil {
		command = strings.TrimSuffix(command, m[0])
		lines = regexp.MustCompile(m[1])
	}
	args := strings.Fields(command)
	if args[0] != "iot-milter" {
		return "", fmt.Errorf("%s: console blocks are run, and only iot-milter can be; use sh", args[0])
	}
	for i := range args {
		if args[i] = strings.Trim(args[i], `'"`); args[i] == sampleConfig {
			args[i] = config
		}
	}
	var out bytes.Buffer
	cli.Main(args[1:], cli.Build{Version: "0.1.0", Commit: "unknown"}, strings.NewReader(stdin), &out, &out)
	if lines == nil {
		return out.String(), nil
	}
	var kept strings.Builder
	for line := range strings.Lines(out.String()) {
		if lines.MatchString(strings.TrimSuffix(line, "\n")) {
			kept.WriteString(line)
		}
	}
	return kept.String(), nil
}

// trimLines takes the blanks off the ends of lines, where no reader sees them.
func trimLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	return strings.Join(lines, "\n")
}

var (
	shownHeader = regexp.MustCompile(`(?m)^ *X-IoT-Spam: .*(?:\n[ \t]+\S*=.*)*`)
	markWord    = regexp.MustCompile(`([a-z_]+)=[A-Za-z0-9._:,-]*`)
	logWord     = regexp.MustCompile(`([a-z]+)=(?:"(?:[^"\\]|\\.)*"|\S*)`)
)

func keys(re *regexp.Regexp, text string) string {
	var all []string
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return strings.Join(all, " ")
}

// judged is what the examples of the documents show: a NAS on a home line.
func judged(kind string) *policy.Judgement {
	f := policy.Facts{Client: policy.Client{
		Addr: netip.MustParseAddr("203.0.113.7"), Iprev: policy.IprevPass,
		Name: policy.Seen("cpe-203-0-113-7.dyn.isp.example"), MTA: "mx.example.org", At: time.Unix(0, 0),
	}, Greeting: policy.Greeting{Name: policy.Seen(kind)}}
	f.ParseClient()
	f.ParseGreeting()
	prior := conf.Default().Prior
	j := new(policy.Judgement)
	j.Judge(&f, policy.StageRcpt, &policy.PerClass{
		policy.ClassMailserver: prior.Mailserver, policy.ClassHosting: prior.Hosting, policy.ClassBusiness: prior.Business,
		policy.ClassAccess: prior.Access, policy.ClassDevice: prior.Device,
	}, policy.Thresholds{Device: 0.9, Access: 0.95})
	return j
}

// TestDocsHeadersAreOurs compares the keys of each header that a document shows
// with those that the program writes.
func TestDocsHeadersAreOurs(t *testing.T) {
	var forms []string
	for _, mark := range []string{
		judged("DiskStation").Mark(policy.ActionTag, "mx"), judged("mail.example.org").Mark(policy.ActionTag, "mx"),
		policy.ExemptMark("authenticated", "mx"), policy.FailOpenMark("mx"),
	} {
		forms = append(forms, keys(markWord, mark))
	}
	n := 0
	for _, p := range pages(t) {
		for _, b := range p.Of("text") {
			for _, header := range shownHeader.FindAllString(b.Text, -1) {
				n++
				if got := keys(markWord, header); !slices.Contains(forms, got) {
					t.Errorf("%s: keys %q; the program writes one of %q", b.Where(), got, forms)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no header is shown")
	}
}

func TestDocsLogLinesAreOurs(t *testing.T) {
	var out bytes.Buffer
	recorder := obs.Recorder{Log: obs.NewLog(&out, false, nil), Metrics: obs.NewMetrics("0.1.0")}
	recorder.Record(&policy.Record{Facts: new(policy.Facts), Judgement: judged("DiskStation")})
	want := keys(logWord, out.String())
	n := 0
	for _, p := range pages(t) {
		for _, b := range p.Of("text") {
			if !strings.Contains(b.Text, "msg=verdict") {
				continue
			}
			n++
			if got := keys(logWord, b.Text); got != want {
				t.Errorf("%s: keys\n%s\nand the program writes\n%s", b.Where(), got, want)
			}
		}
	}
	if n == 0 {
		t.Error("no verdict line is shown")
	}
}

var (
	makeWord = regexp.MustCompile("`make ([a-z]+)")
	target   = regexp.MustCompile(`(?m)^([a-z]+):`)
)

func TestDocsNameWhatExists(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	for _, p := range pages(t) {
		for _, m := range makeWord.FindAllStringSubmatch(p.Text, -1) {
			if !slices.Contains(targets, m[1]) {
				t.Errorf("%s: make %s is no target", p.Path, m[1])
			}
		}
	}
}

// TestDocsSignalsAreListed keeps the table of signals complete.
func TestDocsSignalsAreListed(t *testing.T) {
	path := filepath.Join(root, "docs", "how-it-works.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range policy.Signals {
		if !bytes.Contains(data, []byte("`"+s.Name+"`")) {
			t.Errorf("%s does not name the signal %s", path, s.Name)
		}
	}
}
