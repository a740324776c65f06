//go:build acceptance

package acceptance

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const bootTime = 90 * time.Second

// boot starts a machine that is a copy of one of the roots: debian has systemd as process 1,
// postfix is debian after m.postfix(), in bare nothing runs. It ends with the test.
func boot(t *testing.T, root string) *machine {
	t.Helper()
	m := &machine{t: t, systemd: root != "bare"}
	var err error
	if m.pkg, err = packages(); err != nil {
		t.Fatal(err)
	}
	lower := filepath.Join(os.Getenv("ACCEPTANCE_ROOTS"), root)
	if root == "postfix" {
		lower = withPostfix(t) + ":" + filepath.Join(os.Getenv("ACCEPTANCE_ROOTS"), "debian")
	}
	m.overlay(lower)
	m.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 mx.example.org mx\n")
	m.write("/etc/hostname", "mx\n")
	m.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
	for _, path := range []string{m.pkg.deb, m.pkg.old, m.pkg.rpm, m.pkg.oldRPM} {
		m.copyIn(path)
	}
	t.Cleanup(func() {
		if t.Failed() {
			m.tell()
		}
		m.kill()
	})
	m.up()
	return m
}

// template is what m.postfix() adds to debian: most cases begin there, and it takes as long as all
// the rest of them.
var template struct {
	sync.Mutex
	added string
}

// withPostfix makes the template, once.
func withPostfix(t *testing.T) string {
	t.Helper()
	template.Lock()
	defer template.Unlock()
	if template.added != "" {
		return template.added
	}
	m := boot(t, "debian")
	m.postfix()
	m.down()
	// The namespaces' end takes the file system away, and leaves an empty folder.
	dir := filepath.Join(os.TempDir(), "acceptance-postfix")
	if err := firstOf(os.MkdirAll(dir, 0o755), unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", filepath.Dir(m.root)+"/upper", dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	template.added = dir + "/upper"
	return template.added
}

// overlay mounts a copy in memory of a root, which stays as it is.
func (m *machine) overlay(lower string) {
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
	m.console = dir + "/console"
}

// up runs systemd-nspawn and waits until it says that the machine is ready.
func (m *machine) up() {
	t := m.t
	t.Helper()
	socket := filepath.Dir(m.root) + "/notify"
	_ = os.Remove(socket)
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	console, err := os.OpenFile(m.console, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	args := []string{"-q", "-D", m.root, "--register=no", "--keep-unit", "--private-network", "--console=pipe", "--hostname=mx",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no"}
	if m.systemd {
		args = append(args, "--boot", "--notify-ready=yes")
	} else {
		args = append(args, "--as-pid2", "sleep", "infinity")
	}
	const enter = `while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done; shift; exec systemd-nspawn "$@"`
	m.nspawn = exec.Command("sh", slices.Concat([]string{"-c", enter, "sh"}, m.controlGroups(), []string{"--"}, args)...)
	m.nspawn.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	m.nspawn.Stdout, m.nspawn.Stderr = console, console
	m.nspawn.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := m.nspawn.Start(); err != nil {
		t.Fatal(err)
	}
	m.await(notify)
	m.connect()
}

// controlGroups makes groups for this machine alone, in each hierarchy that systemd uses: it takes
// for its own whatever it finds there.
func (m *machine) controlGroups() []string {
	m.t.Helper()
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		m.t.Fatal(err)
	}
	m.groups = nil
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // cgroups(7)
		mount := "/sys/fs/cgroup"
		switch {
		case f[1] == "name=systemd":
			mount += "/systemd"
		case f[0] != "0":
			continue
		case exists(mount + "/unified"):
			mount += "/unified"
		}
		dir := filepath.Join(mount, f[2], filepath.Base(filepath.Dir(m.root)))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			m.t.Fatal(err)
		}
		m.groups = append(m.groups, dir)
	}
	return m.groups
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// clearGroups takes the groups away, from the innermost. What was killed needs a moment to go.
func (m *machine) clearGroups() {
	for _, group := range m.groups {
		for end := time.Now().Add(5 * time.Second); exists(group) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			removeTree(group)
		}
	}
}

// removeTree removes folders that are empty but for folders.
func removeTree(group string) {
	var dirs []string
	_ = filepath.WalkDir(group, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	for _, dir := range slices.Backward(dirs) {
		_ = os.Remove(dir)
	}
}

// await reads what systemd-nspawn notifies.
func (m *machine) await(notify *net.UnixConn) {
	m.t.Helper()
	_ = notify.SetReadDeadline(time.Now().Add(bootTime))
	for ready := false; !ready || m.leader == 0; {
		b := make([]byte, 4096)
		n, err := notify.Read(b)
		if err != nil {
			m.t.Fatalf("the machine is not ready: %v", err)
		}
		for line := range strings.SplitSeq(string(b[:n]), "\n") {
			ready = ready || line == "READY=1"
			if pid, ok := strings.CutPrefix(line, "X_NSPAWN_LEADER_PID="); ok {
				m.leader, _ = strconv.Atoi(pid)
			}
		}
	}
}

// down switches the machine off as one should.
func (m *machine) down() {
	m.t.Helper()
	m.sh("systemctl poweroff")
	done := make(chan struct{})
	go func() { _ = m.nspawn.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(bootTime):
		m.t.Fatalf("not off after %v", bootTime)
	}
	m.leader = 0
	m.names.Close()
	_ = m.network.Close()
	m.clearGroups()
}

// kill ends the machine; it may be off.
func (m *machine) kill() {
	if m.leader == 0 {
		return
	}
	if m.names != nil {
		m.names.Close()
	}
	if m.network != nil {
		_ = m.network.Close()
	}
	_ = unix.Kill(m.leader, unix.SIGKILL) // the kernel ends the rest of it
	_ = m.nspawn.Process.Kill()
	_ = m.nspawn.Wait()
	m.clearGroups()
}
