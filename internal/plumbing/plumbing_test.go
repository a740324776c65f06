package plumbing

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/iot-milter/iot-milter/conf"
)

var update = flag.Bool("update", false, "write what is printed into the cases")

// TestCases reads testdata/NN-name.txtar: a configuration of an MTA (main.cf and master.cf, or
// sendmail.mc and sendmail.cf) and of the daemon, and what mta-config prints for them.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := openDir(t)
	mta := "sendmail"
	for _, f := range archive.Files {
		if f.Name == "main.cf" {
			mta = "postfix"
			needPostfix(t)
		}
		text := strings.ReplaceAll(string(f.Data), "$DIR", dir)
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Minute) // Postfix's programs wait two seconds for a main.cf that has just been written
	_ = os.Chtimes(filepath.Join(dir, "main.cf"), old, old)
	config, _, err := conf.Load(filepath.Join(dir, "iot-milter.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Config: config, ConfigFile: dir + "/iot-milter.toml", MTA: dir, Root: dir}
	for i, f := range archive.Files {
		var out bytes.Buffer
		switch f.Name {
		case "lines":
			r, err := Advise(mta, o)
			if err != nil {
				t.Fatal(err)
			}
			r.WriteLines(&out)
		case "findings":
			r, err := Verify(mta, o)
			if err != nil {
				t.Fatal(err)
			}
			r.WriteFindings(&out)
		default:
			continue
		}
		got := strings.ReplaceAll(out.String(), dir, "$DIR")
		got = regexp.MustCompile(`(?m)^(# for postfix|postfix) [0-9][^,]*,`).ReplaceAllString(got, "$1 $$VERSION,")
		if *update {
			archive.Files[i].Data = []byte(got)
		} else if got != string(f.Data) {
			t.Errorf("%s: printed is\n%s\nand wanted\n%s", f.Name, got, f.Data)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// openDir is a folder that every user may enter.
func openDir(t *testing.T) string {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func needPostfix(t *testing.T) {
	if _, err := exec.LookPath("postconf"); err != nil && os.Getenv("CI") == "" {
		t.Skip("Postfix is not installed:", err)
	}
}

// TestDocsShowTheLines: what the documents tell to write is what is printed on Debian.
func TestDocsShowTheLines(t *testing.T) {
	needPostfix(t)
	dir := openDir(t)
	for name, text := range map[string]string{
		"main.cf":     "compatibility_level = 3.6\nqueue_directory = /var/spool/postfix\nmynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\n", // Debian's own
		"master.cf":   "smtp inet n - y - - smtpd\n",
		"sendmail.mc": "OSTYPE(`debian')dnl\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for mta, listen := range map[string]string{
		"postfix":  `listen = ["unix:/var/spool/postfix/iot-milter/iot-milter.sock"]`, // as in the README
		"sendmail": "",
	} {
		config, _, err := conf.Parse("", []byte(listen))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Advise(mta, Options{Config: config, MTA: dir, Root: dir})
		if err != nil || len(r.Lines) != 1 {
			t.Fatalf("%s: %+v, %v", mta, r, err)
		}
		for _, page := range []string{"../../README.md", "../../docs/mta.md"} {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), "\n"+r.Lines[0].Line+"\n") {
				t.Errorf("%s does not show what is printed:\n%s", page, r.Lines[0].Line)
			}
		}
	}
}

// TestChecksAreInTheDocs: each check that is printed is in the table of docs/mta.md.
func TestChecksAreInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/mta.md")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("*.go")
	checks := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.add\((?:Error|Warning|severity|n\.severity|m\.severity), "([a-z-]+)"`).FindAllSubmatch(text, -1) {
			checks[string(m[1])] = true
		}
	}
	if len(checks) < 20 {
		t.Errorf("only %d checks were found in the source", len(checks))
	}
	for check := range checks {
		if !bytes.Contains(page, []byte("`"+check+"`")) {
			t.Errorf("docs/mta.md does not name the check %s", check)
		}
	}
}
