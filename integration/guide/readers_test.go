//go:build integration

package guide

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/document"
)

// blocks are those of one language in all documents, at least so many.
func blocks(t *testing.T, language string, least int) (all []document.Block) {
	t.Helper()
	pages, err := document.All(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		all = append(all, p.Of(language)...)
	}
	if len(all) < least {
		t.Fatalf("the documents show %d blocks of %s, and %d are wanted", len(all), language, least)
	}
	return all
}

// run returns what a program prints; its errors are those of the block.
func run(t *testing.T, b document.Block, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command("timeout", append([]string{"60", name}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %s: %v\n%s", b.Where(), name, err, out)
	}
	return string(out)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// cool makes a file look old: Postfix's programs wait two seconds for one that has just been written.
func cool(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// TestPostfixReads: what documents show for main.cf has parameters that Postfix knows, and values that it takes.
func TestPostfixReads(t *testing.T) {
	for _, b := range blocks(t, "cf", 3) {
		dir := t.TempDir()
		write(t, dir+"/main.cf", "compatibility_level = 3.6\n"+b.Text)
		cool(t, dir+"/main.cf")
		write(t, dir+"/master.cf", "smtp inet n - y - - smtpd\n")
		if out := run(t, b, "postconf", "-c", dir, "-n"); strings.Contains(out, "warning") || strings.Count(out, "\n") < 2 {
			t.Errorf("%s: postconf says\n%s", b.Where(), out)
		}
	}
}

// TestSendmailReads: what documents show for sendmail.mc becomes a filter in sendmail.cf.
func TestSendmailReads(t *testing.T) {
	cf := os.Getenv("SENDMAIL_ROOT") + "/usr/share/sendmail/cf/"
	for _, b := range blocks(t, "m4", 1) {
		mc := t.TempDir() + "/sendmail.mc"
		write(t, mc, "divert(-1)\ndivert(0)dnl\ninclude(`m4/cf.m4')dnl\nOSTYPE(`linux')dnl\n"+b.Text+"MAILER(`smtp')dnl\n")
		out, err := exec.Command("sh", "-c", `cd "$1" && m4 "-D_CF_DIR_=$1" "$2"`, "sh", cf, mc).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "\nXiot-milter, S=unix:/run/iot-milter/iot-milter.sock, T=C:2s;S:8s;R:8s;E:30s\n") ||
			!strings.Contains(string(out), "\nO InputMailFilters=iot-milter\n") {
			t.Errorf("%s: %v: m4 makes no filter of it\n%.300s", b.Where(), err, out)
		}
	}
}

// TestPrometheusReads: a configuration with our alerts, where the document has them put.
func TestPrometheusReads(t *testing.T) {
	alerts, err := os.ReadFile(filepath.Join(root, "packaging", "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, "/etc/prometheus/iot-milter.yml", string(alerts))
	for _, b := range blocks(t, "yaml", 1) {
		file := t.TempDir() + "/prometheus.yml"
		write(t, file, b.Text)
		run(t, b, filepath.Join(root, "build/promtool/promtool"), "check", "config", file)
	}
}
