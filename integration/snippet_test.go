//go:build integration

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/internal/document"
)

// installed is where the package puts what packaging/ has for other programs.
const installed = "/usr/share/iot-milter"

// cover lays a copy of a folder over it, for this test alone: what docs/mailbox.md
// installs into /etc is installed, and the machine does not see it.
func cover(t *testing.T, dir string) {
	t.Helper()
	copied := "/srv/cover" + dir
	if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("cp %s: %s", dir, out)
	}
	if err := unix.Mount(copied, dir, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		_ = os.RemoveAll(copied)
	})
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

// documented are the sh blocks of a section of docs/mailbox.md.
func documented(t *testing.T, section string) (blocks []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/mailbox.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("docs/mailbox.md has no section %s", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for _, b := range document.Parse("docs/mailbox.md", []byte(text)).Blocks {
		if b.Language == "sh" {
			blocks = append(blocks, b.Text)
		}
	}
	return blocks
}

// aroundCommands make up for what the namespaces lack. Root needs no sudo; there is no
// systemd, and Dovecot reloads as its unit would make it, which takes a moment.
const aroundCommands = `sudo() { "$@"; }
systemctl() { [ "$*" != "reload dovecot" ] || { doveadm reload; sleep 2; }; }
`

// placed is a text with the package's folder replaced by a copy that anybody may read.
func placed(t *testing.T, text string) string {
	t.Helper()
	const copied = "/srv/packaging"
	if _, err := os.Stat(copied); err != nil {
		if out, err := exec.Command("cp", "-r", "../packaging", copied).CombinedOutput(); err != nil {
			t.Fatalf("cp: %s", out)
		}
		if out, err := exec.Command("chmod", "-R", "a+rX", copied).CombinedOutput(); err != nil {
			t.Fatalf("chmod: %s", out)
		}
	}
	return strings.ReplaceAll(text, installed, copied)
}

// run runs commands as an admin, or as a user whose home that is, would type them, and
// returns what they print.
func run(t *testing.T, home, commands string) string {
	t.Helper()
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", aroundCommands+placed(t, commands))
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.Dir = home
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", commands, err, out)
	}
	return string(out)
}
