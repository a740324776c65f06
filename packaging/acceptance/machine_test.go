//go:build acceptance

package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// commandTime is that of a command in a machine; apt-get install is the longest.
const commandTime = 3 * time.Minute

// machine is a fresh Debian in a container of its own, with a name server at 127.0.0.1.
type machine struct {
	t       *testing.T
	pkg     files
	systemd bool
	root    string // its file system, seen from here
	nspawn  *exec.Cmd
	groups  []string // its control groups
	leader  int      // its process 1
	network *os.File
	names   *dnstest.Server
	console string // file
}

// tell shows what a failed machine said.
func (m *machine) tell() {
	b, _ := os.ReadFile(m.console)
	m.t.Logf("console:\n%s", last(string(b), 2000))
	if m.systemd && m.leader > 0 {
		out, _ := m.try("journalctl -b --no-pager -n 120 -o short-precise")
		m.t.Logf("journal:\n%s", out)
	}
}

// last is the end of a text.
func last(s string, n int) string { return s[max(0, len(s)-n):] }

// try runs a shell script in the machine, as root, and returns what it printed.
func (m *machine) try(script string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	cmd := m.command(ctx, script)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("not at its end after %v", commandTime)
	}
	return string(out), err
}

// command is a shell script in the machine, to be started.
func (m *machine) command(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", "-t", strconv.Itoa(m.leader), "-a", "-r", "-w", "--", "sh", "-c", script)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}
	// No Pdeathsig: it comes when the thread that started the command ends, and inside ends threads.
	cmd.WaitDelay = 5 * time.Second // what a script leaves running may hold its output
	return cmd
}

// sh is try for a script that must succeed.
func (m *machine) sh(script string) string {
	m.t.Helper()
	out, err := m.try(script)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", script, err, last(out, 4000))
	}
	return out
}

// prints runs a script and compares what it printed, blanks at the ends aside.
func (m *machine) prints(want, script string) {
	m.t.Helper()
	if out, err := m.try(script); strings.TrimSpace(out) != want {
		m.t.Errorf("%s (%v) prints %q, want %q", script, err, strings.TrimSpace(out), want)
	}
}

// eventually waits until a script succeeds.
func (m *machine) eventually(within time.Duration, script string) string {
	m.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		out, err := m.try(script)
		if err == nil {
			return out
		}
		if time.Now().After(end) {
			m.t.Fatalf("%s: still %v after %v\n%s", script, err, within, last(out, 2000))
		}
	}
}

// install is apt-get install, from apt's archives alone, for names and for packages of ours.
func (m *machine) install(what string) string {
	m.t.Helper()
	out, err := m.tryInstall(what)
	if err != nil {
		m.t.Fatalf("apt-get install %s: %v\n%s", what, err, last(out, 6000))
	}
	return out
}

func (m *machine) tryInstall(what string) (string, error) {
	if filepath.IsAbs(what) { // with what it recommends, as users type it
		what = "/srv/" + filepath.Base(what)
	} else {
		what = "--no-install-recommends " + what
	}
	return m.try("apt-get -y --allow-downgrades -o Dpkg::Use-Pty=0 install " + what)
}

// read is a file of the machine. What lies in its /run or /tmp is not seen.
func (m *machine) read(path string) string {
	b, err := os.ReadFile(m.root + path)
	if err != nil {
		m.t.Helper()
		m.t.Fatal(err)
	}
	return string(b)
}

func (m *machine) write(path, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.root+path, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// copyIn puts a file into the machine's /srv.
func (m *machine) copyIn(path string) {
	m.t.Helper()
	from, err := os.Open(path)
	if err != nil {
		m.t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(m.root + "/srv/" + filepath.Base(path))
	if err != nil {
		m.t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := firstOf(err, to.Chmod(0o644), to.Close()); err != nil {
		m.t.Fatal(err)
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// pid is the daemon's, as the machine numbers it.
func (m *machine) pid() string {
	m.t.Helper()
	return strings.TrimSpace(m.sh("systemctl show -P MainPID iot-milter.service"))
}

// ours is the daemon's journal since it was booted.
func (m *machine) ours() string {
	return m.sh("journalctl -b --no-pager -o cat -u iot-milter.service -u iot-milter.socket")
}

// says checks that a text has all of some words.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("no word of %q in:\n%s", w, last(text, 3000))
		}
	}
}

// complaints are the lines of a log in which the daemon, or systemd of it, complains.
func complaints(log string) string {
	var b bytes.Buffer
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") ||
			strings.Contains(line, "Failed to start") || strings.Contains(line, "Failed with result") {
			b.WriteString(line)
		}
	}
	return b.String()
}
