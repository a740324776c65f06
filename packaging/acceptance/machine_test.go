//go:build acceptance

package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

const (
	bootTime    = 90 * time.Second
	commandTime = 3 * time.Minute // of a command in a machine; apt-get install is the longest
)

// machine is a fresh Debian in a container of its own, with a name server at 127.0.0.1.
type machine struct {
	t       *testing.T
	pkg     files
	root    string // its file system, seen from here
	leader  int    // its process 1
	network *os.File
	names   *dnstest.Server
	console string // file
}

// boot starts a machine that is a copy of one of the roots: debian has systemd as process 1,
// in bare nothing runs. It ends with the test.
func boot(t *testing.T, root string) *machine {
	t.Helper()
	m := &machine{t: t}
	var err error
	if m.pkg, err = packages(); err != nil {
		t.Fatal(err)
	}
	dir := m.overlay(filepath.Join(os.Getenv("ACCEPTANCE_ROOTS"), root))
	m.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 mx.example.org mx\n")
	m.write("/etc/hostname", "mx\n")
	m.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
	for _, path := range []string{m.pkg.deb, m.pkg.old, m.pkg.rpm, m.pkg.oldRPM} {
		m.copyIn(path)
	}
	how := []string{"--boot", "--notify-ready=yes"}
	if root != "debian" {
		how = []string{"--as-pid2", "sleep", "infinity"}
	}
	m.console = filepath.Join(dir, "console")
	m.start(append([]string{"-q", "-D", m.root, "--register=no", "--keep-unit", "--private-network", "--console=pipe", "--hostname=mx",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no"}, how...), filepath.Join(dir, "notify"))
	m.connect()
	return m
}

// overlay mounts a copy in memory of a root, which stays as it is.
func (m *machine) overlay(lower string) (dir string) {
	t := m.t
	t.Helper()
	dir, err := os.MkdirTemp("", "acceptance")
	if err != nil {
		t.Fatal(err)
	}
	mount := func(kind, path, data string) {
		if err := unix.Mount(kind, path, kind, 0, data); err != nil {
			t.Fatalf("mount %s %s: %v", kind, data, err)
		}
		t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	mount("tmpfs", dir, "mode=0755,size=1g")
	m.root = dir + "/root"
	for _, name := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount("overlay", m.root, fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, dir, dir))
	return dir
}

// start runs systemd-nspawn and waits until it says that the machine is ready.
func (m *machine) start(args []string, socket string) {
	t := m.t
	t.Helper()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	console, err := os.Create(m.console)
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	cmd := exec.Command("systemd-nspawn", args...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	cmd.Stdout, cmd.Stderr = console, console
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			m.tell()
		}
		if m.leader > 0 {
			_ = unix.Kill(m.leader, unix.SIGKILL) // the kernel ends the rest of it
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	_ = notify.SetReadDeadline(time.Now().Add(bootTime))
	for ready := false; !ready || m.leader == 0; {
		b := make([]byte, 4096)
		n, err := notify.Read(b)
		if err != nil {
			t.Fatalf("the machine is not ready: %v", err)
		}
		for line := range strings.SplitSeq(string(b[:n]), "\n") {
			ready = ready || line == "READY=1"
			if pid, ok := strings.CutPrefix(line, "X_NSPAWN_LEADER_PID="); ok {
				m.leader, _ = strconv.Atoi(pid)
			}
		}
	}
}

// tell shows what a failed machine said.
func (m *machine) tell() {
	b, _ := os.ReadFile(m.console)
	m.t.Logf("console:\n%s", last(string(b), 2000))
	if _, err := os.Stat(m.root + "/usr/bin/journalctl"); err == nil && m.leader > 0 {
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
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
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
	if filepath.IsAbs(what) {
		what = "/srv/" + filepath.Base(what)
	}
	return m.try("apt-get -y --no-install-recommends --allow-downgrades -o Dpkg::Use-Pty=0 install " + what)
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
