//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// nobody is who the daemon runs as: it needs no rights, and its folder is its own
// as that of a service is.
const nobody = 65534

// daemon is one iot-milter. Each case has its own, with a fresh state folder,
// so that no case sees what another one learned.
type daemon struct {
	t    *testing.T
	dir  string
	base []string
	cmd  *exec.Cmd
	done chan error
	life *net.UnixConn // where the daemon tells how it is
	log  logBuffer

	ending bool // SIGTERM was sent

	prefix []string   // a program that starts the daemon, given its command
	stderr *os.File   // where its log goes instead of log
	handed []*os.File // sockets that systemd would hand over
}

// logBuffer keeps what the daemon says over all its lives in one case.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newDaemon prepares one that listens on these sockets.
func newDaemon(t *testing.T, sockets ...string) *daemon {
	dir, err := os.MkdirTemp("/srv", "daemon")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Mkdir(dir+"/state", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, dir + "/state"} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range sockets {
		sockets[i] = fmt.Sprintf("%q", "unix:"+s)
	}
	return &daemon{t: t, dir: dir, base: []string{
		"listen = [" + strings.Join(sockets, ", ") + "]",
		`socket_mode = "0666"`,
		fmt.Sprintf("state_dir = %q", dir+"/state"),
		`admin.listen = ""`,
		fmt.Sprintf("admin.control = %q", dir+"/control.sock"),
	}}
}

// configure writes the configuration: a line of the case replaces the base's
// line with the same key.
func (d *daemon) configure(overrides string) {
	d.t.Helper()
	text := strings.Join(override(d.base, overrides), "\n")
	if err := os.WriteFile(d.dir+"/iot-milter.toml", []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// override is base without the lines whose key is in text, and then text.
func override(base []string, text string) (lines []string) {
	set := map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		set[key(line)] = true
	}
	for _, line := range base {
		if !set[key(line)] {
			lines = append(lines, line)
		}
	}
	return append(lines, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
}

func key(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return strings.TrimSpace(name)
}

// start returns when the daemon says READY=1 to its supervisor.
func (d *daemon) start() {
	d.t.Helper()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: d.dir + "/notify.sock", Net: "unixgram"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.life = notify
	_ = os.Chmod(d.dir+"/notify.sock", 0o666)
	command := append(slices.Clone(d.prefix), program, "run", "-c", d.dir+"/iot-milter.toml")
	if d.handed != nil { // LISTEN_PID must be the daemon's own: sh becomes the daemon
		command = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh"}, command...)
	}
	d.cmd = exec.Command(command[0], command[1:]...)
	d.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+d.dir+"/notify.sock", fmt.Sprintf("LISTEN_FDS=%d", len(d.handed)))
	d.cmd.ExtraFiles = d.handed
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if len(d.prefix) > 0 && d.prefix[0] == "unshare" {
		d.cmd.SysProcAttr = nil // a new network is root's to make
	}
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if d.stderr != nil {
		d.cmd.Stdout, d.cmd.Stderr = d.stderr, d.stderr
	}
	d.ending = false
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan error) { done <- cmd.Wait() }(d.cmd, d.done)
	d.awaitReady(notify)
}

func (d *daemon) awaitReady(notify *net.UnixConn) {
	d.t.Helper()
	buf := make([]byte, 4096)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		_ = notify.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := notify.Read(buf); err == nil && strings.Contains(string(buf[:n]), "READY=1") {
			_ = notify.SetReadDeadline(time.Time{})
			go func() { _, _ = io.Copy(io.Discard, notify) }() // as a supervisor does
			return
		}
		select {
		case err := <-d.done:
			d.cmd = nil
			_ = d.life.Close()
			d.t.Fatalf("the daemon does not start: %v\n%s", err, d.log.String())
		default:
		}
	}
	d.t.Fatalf("the daemon does not say READY=1\n%s", d.log.String())
}

func (d *daemon) signal(s syscall.Signal) {
	// A second SIGTERM may well mean: at once.
	if d.cmd == nil || s == syscall.SIGTERM && d.ending {
		return
	}
	d.ending = s == syscall.SIGTERM
	_ = d.cmd.Process.Signal(s)
}

// stop sends a signal and waits. Only a SIGKILL excuses another exit than 0.
func (d *daemon) stop(s syscall.Signal) {
	d.t.Helper()
	if d.cmd == nil {
		return
	}
	d.signal(s)
	select {
	case err := <-d.done:
		if err != nil && s != syscall.SIGKILL {
			d.t.Errorf("the daemon ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		d.t.Errorf("the daemon does not end after %v", s)
		_ = d.cmd.Process.Kill()
		<-d.done
	}
	d.cmd = nil
	_ = d.life.Close()
	_ = os.Remove(d.dir + "/notify.sock")
}

// verdicts waits for n verdict lines and returns all there are.
func (d *daemon) verdicts(n int) []string {
	var lines []string
	for range 100 {
		lines = lines[:0]
		for _, line := range strings.Split(d.log.String(), "\n") {
			if strings.Contains(line, "msg=verdict") {
				lines = append(lines, line)
			}
		}
		if len(lines) >= n {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	return lines
}

// says waits until the log of this life and of earlier ones has the regexp.
func (d *daemon) says(pattern string) error {
	re, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return err
	}
	for range 300 {
		if re.MatchString(d.log.String()) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the daemon does not say %q", pattern)
}

// reload sends SIGHUP and waits until the daemon has said something about it.
func (d *daemon) reload() {
	d.t.Helper()
	before := len(d.log.String())
	d.signal(syscall.SIGHUP)
	for range 100 {
		if len(d.log.String()) > before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	d.t.Errorf("the daemon says nothing about SIGHUP")
}
