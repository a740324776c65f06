package layouttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/iot-milter/iot-milter"

// root is the module's folder, where each package of the module is listed from.
const root = "../.."

// pkg is what go list says of a package.
type pkg struct {
	ImportPath, Name, Doc, Dir string
	GoFiles                    []string
	Imports                    []string // direct ones, of files that are no tests
	Standard                   bool
}

// path is the package's folder in the module, "" for the root.
func (p *pkg) path() string { return own(p.ImportPath) }

// own cuts the module from an import path of ours.
func own(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func isOwn(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// isStandard tells the standard library by its first element, which has no dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// covers reports whether path is one of the patterns, or is below one of those
// that end in "/...".
func covers(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		folder, below := strings.CutSuffix(p, "/...")
		return path == folder || below && strings.HasPrefix(path, folder+"/")
	})
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Dir,GoFiles,Imports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// impure are the parts of the standard library that reach outside the process,
// or that make a judgement depend on more than its facts.
var impure = []string{"net", "net/http/...", "net/smtp", "os/...", "log/...", "syscall", "math/rand/...", "crypto/rand",
	"sync/...", "runtime/...", "io/ioutil", "plugin", "unsafe", "regexp/..."}

// layers say what a package may import of ours, of other modules, and what not
// of the standard library. What is not named in a layer is free.
var layers = []struct {
	of    []string
	own   []string // allowed
	libs  []string // allowed; nil is all
	noStd []string
	why   string
}{
	{[]string{"policy"}, []string{"policy/device"}, []string{}, impure,
		"policy is pure: no network, no clock, no goroutine, no logger, so that run, explain and tests judge alike; no regexp on the hot path"},
	{[]string{"policy/device"}, []string{}, []string{"golang.org/x/net/publicsuffix"}, impure,
		"policy/device is knowledge about names and is as pure as policy"},
	{[]string{"policy/decider/..."}, []string{"policy", "policy/device", "policy/state/...", "policy/evidence/..."}, []string{},
		[]string{"net", "net/http/...", "os/...", "log", "syscall"},
		"policy/decider is the one path from facts to verdict; what it needs from outside comes in by its Options"},
	{[]string{"policy/state/..."}, []string{"policy", "policy/device", "policy/state/..."}, nil, nil,
		"policy/state counts and remembers; what that means is policy's"},
	{[]string{"policy/evidence/..."}, []string{"policy", "policy/device", "policy/evidence/..."}, nil, nil,
		"policy/evidence gathers facts; what they mean is policy's"},
	{[]string{"milter"}, []string{"policy"}, nil, []string{"net/http/...", "os/exec"},
		"milter is the protocol edge: it is given a Decider, and knows neither configuration nor evidence"},
	{[]string{"milter/mtascript"}, []string{}, []string{}, nil,
		"the scripted MTA is a second opinion on the protocol: it shares no code with what it tests"},
	{[]string{"conf"}, []string{"policy", "policy/device"}, []string{"github.com/BurntSushi/toml"}, []string{"net/http/...", "os/exec"},
		"conf knows the closed vocabularies and no more; internal/daemon translates it for the parts"},
	{[]string{"internal/admin", "internal/obs", "internal/event", "internal/history", "internal/page/..."},
		[]string{"milter", "policy", "policy/device", "policy/evidence", "internal/event", "internal/history", "internal/admin", "internal/replay", "internal/page/markup"}, nil, nil,
		"what an admin sees is fed by the parts, never by the configuration"},
}

func TestImportsPointDownward(t *testing.T) {
	for _, p := range packages(t) {
		for _, l := range layers {
			if !covers(l.of, p.path()) {
				continue
			}
			for _, i := range p.Imports {
				switch {
				case isOwn(i):
					if !covers(l.own, own(i)) {
						t.Errorf("%s imports %s; it may not: %s", p.path(), own(i), l.why)
					}
				case isStandard(i):
					if covers(l.noStd, i) {
						t.Errorf("%s imports %s; it may not: %s", p.path(), i, l.why)
					}
				case l.libs != nil && !covers(l.libs, i):
					t.Errorf("%s imports %s; it may not: %s", p.path(), i, l.why)
				}
			}
		}
	}
}

// homes say which packages alone may import something.
var homes = []struct {
	what string
	by   []string
	why  string
}{
	{"github.com/emersion/go-milter/...", []string{"milter", "integration/bench/noop"}, "its traps are contained in one package, and none of its types leaves it"},
	{"github.com/miekg/dns/...", []string{"policy/evidence/resolve/..."}, "the library is near its archive: one package owns it"},
	{"codeberg.org/miekg/dns/...", []string{"policy/evidence/resolve/..."}, "one package owns DNS messages"},
	{"github.com/mdlayher/netlink/...", []string{"policy/evidence/tcpinfo"}, "one package talks to the kernel"},
	{"github.com/oschwald/maxminddb-golang/...", []string{"policy/evidence/asn"}, "one package reads databases of networks"},
	{"github.com/redis/go-redis/...", []string{"policy/state/remote"}, "one package talks to a shared store"},
	{"go.etcd.io/bbolt", []string{"policy/state/disk"}, "one package keeps the file"},
	{"blitiri.com.ar/go/spf", []string{"policy/evidence"}, "the sender's domain is one question among others"},
	{"github.com/hashicorp/golang-lru/v2/expirable", nil, "it starts a goroutine that nobody can stop; entries carry their own time"},
	{"github.com/BurntSushi/toml", []string{"conf", "internal/cli"}, "TOML is read in conf; check --json prints conf's own text as JSON"},
	{"github.com/spf13/...", []string{"internal/cli", "internal/mangen"}, "the command line is one package, and the manual describes it"},
	{"github.com/coreos/go-systemd/...", []string{"internal/daemon"}, "only the daemon knows what started it"},
	{"github.com/prometheus/...", []string{"internal/obs", "internal/admin"}, "other packages declare the small Meter that they feed"},
	{"github.com/go-analyze/charts/...", []string{"internal/page"}, "charts are documents of the page"},
	{"maragu.dev/gomponents/...", []string{"internal/page/markup"}, "texts that mail brought get into a page through markup alone, which makes them harmless"},
	{"html/template", nil, "what it calls by name makes the linker keep all methods of the program, 10 MB: internal/page/markup makes pages"},
	{"text/template", []string{"internal/mangen", "integration/..."}, "what it calls by name makes the linker keep all methods of the program, 10 MB"},
	{"github.com/alexedwards/...", []string{"internal/page"}, "sessions and passwords are the page's"},
	{"github.com/chromedp/...", nil, "tests only: it drives a browser"},
	{"github.com/emersion/go-smtp/...", []string{"integration/..."}, "it is a mail sink for tests and not part of the daemon"},
	{"github.com/emersion/go-imap/...", nil, "tests only: it reads a mailbox"},
	{"golang.org/x/tools/...", nil, "tests only"},
	{"github.com/yuin/goldmark/...", []string{"internal/document"}, "documents are read for tests, in one package"},
	{"mvdan.cc/sh/...", nil, "tests only: it parses what documents tell a shell"},
	{module + "/internal/document", nil, "tests only: the product reads no documents"},
	{module + "/internal/plumbing", []string{"internal/cli", "integration/..."}, "it asks postconf: the daemon starts no program"},
	{"os/exec", []string{"internal/plumbing", "internal/mounttest", "integration/..."}, "the product runs no program but postconf, to read Postfix's configuration"},
	{module + "/internal/...", []string{"", "internal/..."}, "only main and other parts of internal put the daemon together"},
	{module + "/conf", []string{"", "internal/...", "integration/..."}, "parts are given Options, not the configuration"},
	{module + "/integration/...", []string{"integration/..."}, "what serves the tests is not part of the daemon"},
	{module + "/milter/mtascript", []string{"integration/..."}, "the scripted MTA serves tests and benches only"},
}

func TestLibrariesStayAtHome(t *testing.T) {
	for _, p := range packages(t) {
		for _, h := range homes {
			if covers(h.by, p.path()) || covers([]string{h.what}, p.ImportPath) {
				continue
			}
			for _, i := range p.Imports {
				if covers([]string{h.what}, i) {
					t.Errorf("%q imports %s; only %q may: %s", p.path(), i, h.by, h.why)
				}
			}
		}
	}
}

func TestRulesNameWhatExists(t *testing.T) {
	paths := map[string]bool{"policy/evidence": true} // to come
	for _, p := range packages(t) {
		paths[p.path()] = true
	}
	for _, l := range layers {
		for _, of := range l.of {
			if !paths[strings.TrimSuffix(of, "/...")] {
				t.Errorf("a rule is about %s, which is no package: was it renamed?", of)
			}
		}
	}
}
