//go:build integration

package guide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The places that the package uses.
const (
	program  = "/usr/bin/iot-milter"
	settings = "/etc/iot-milter/iot-milter.toml"
	state    = "/var/lib/iot-milter" // StateDirectory= of the unit
	units    = "/usr/lib/systemd/system"
)

// systemd plays systemd and apt for the page's commands: it lays the package's files, opens the sockets of its units
// and starts the daemon with them.
type systemd struct {
	t       *testing.T
	who     *syscall.Credential
	sockets []*os.File
	paths   []string // theirs
	daemon  *exec.Cmd
	done    chan error
	log     bytes.Buffer
}

// serve answers the scripts of testdata/bin until the test ends.
func (s *systemd) serve() {
	for _, name := range []string{"request", "answer"} {
		if err := errors.Join(os.MkdirAll("/run/test", 0o755), syscall.Mkfifo("/run/test/"+name, 0o600)); err != nil {
			s.t.Fatal(err)
		}
	}
	requests, err := os.OpenFile("/run/test/request", os.O_RDWR, 0) // open for writing, too: it never ends
	if err != nil {
		s.t.Fatal(err)
	}
	answers, err := os.OpenFile("/run/test/answer", os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(requests); lines.Scan(); {
			answer, err := s.do(lines.Text())
			if err != nil {
				answer = "error " + strings.ReplaceAll(err.Error(), "\n", "; ")
			}
			fmt.Fprintln(answers, answer)
		}
	}()
}

func (s *systemd) do(request string) (string, error) {
	switch {
	case strings.HasPrefix(request, "apt install "):
		if err := s.install(); err != nil {
			return "", err
		}
		return "ok", s.start()
	}
	switch request {
	case "systemctl is-active iot-milter":
		if s.daemon == nil {
			return "inactive", nil
		}
		return "active", nil
	case "systemctl stop iot-milter": // by PropagatesStopTo= with its sockets, or the next connection would start it again
		return "ok", s.remove()
	case "systemctl start iot-milter": // with the sockets that it wants
		if err := s.listen(); err != nil {
			return "", err
		}
		return "ok", s.start()
	}
	return "", fmt.Errorf("the test cannot do: %s", request)
}

// install lays what the package brings.
func (s *systemd) install() error {
	for _, args := range [][]string{{"systemd-sysusers", "sysusers.conf"}, {"systemd-tmpfiles", "--create", "tmpfiles.conf"}} {
		file, err := filepath.Abs(filepath.Join(root, "packaging", "systemd", args[len(args)-1]))
		if err != nil {
			return err
		}
		args[len(args)-1] = file
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%q: %s", args, out)
		}
	}
	account, err := user.Lookup("iot-milter")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	s.who = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := errors.Join(os.MkdirAll(state, 0o750), os.Chown(state, uid, gid)); err != nil {
		return err
	}
	for _, files := range [][]string{{"0755", os.Getenv("IOT_MILTER"), program}, {"0644", filepath.Join(root, "conf", "iot-milter.toml"), settings}} {
		if out, err := exec.Command("install", "-D", "-m", files[0], files[1], files[2]).CombinedOutput(); err != nil {
			return fmt.Errorf("install %s: %s", files[2], out)
		}
	}
	return s.listen()
}

// listen lays the package's units and opens the sockets among them, with their owners and modes.
func (s *systemd) listen() error {
	if err := errors.Join(os.MkdirAll(units, 0o755), os.MkdirAll("/run/systemd/system", 0o755)); err != nil { // the second: systemd runs
		return err
	}
	paths, _ := filepath.Glob(filepath.Join(root, "packaging", "systemd", "*.s*"))
	for _, path := range paths {
		unit, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(units, filepath.Base(path)), unit, 0o644); err != nil {
			return err
		}
		set := map[string][]string{}
		for _, m := range regexp.MustCompile(`(?m)^(\w+)=(.*)$`).FindAllStringSubmatch(string(unit), -1) {
			set[m[1]] = append(set[m[1]], m[2])
		}
		for _, socket := range set["ListenStream"] {
			f, err := listenAt(socket)
			if err = errors.Join(err, own(socket, set)); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			s.sockets, s.paths = append(s.sockets, f), append(s.paths, socket)
		}
	}
	if len(s.sockets) == 0 {
		return errors.New("packaging/systemd has no sockets")
	}
	return nil
}

func listenAt(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	return l.File()
}

// own gives a socket to whom its unit says.
func own(socket string, set map[string][]string) error {
	uid, gid := 0, 0
	if u, err := user.Lookup(last(set["SocketUser"])); err == nil {
		uid, _ = strconv.Atoi(u.Uid)
	}
	if g, err := user.LookupGroup(last(set["SocketGroup"])); err == nil {
		gid, _ = strconv.Atoi(g.Gid)
	}
	mode, err := strconv.ParseUint(last(set["SocketMode"]), 8, 32)
	return errors.Join(err, os.Chown(socket, uid, gid), os.Chmod(socket, os.FileMode(mode)))
}

// last is the value of a setting that is given once, or "".
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// start returns when the daemon says that it is ready.
func (s *systemd) start() error {
	const notified = "/run/test/notify.sock"
	if err := os.MkdirAll(filepath.Dir(notified), 0o755); err != nil {
		return err
	}
	_ = os.Remove(notified)
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notified, Net: "unixgram"})
	if err != nil {
		return err
	}
	if err := os.Chmod(notified, 0o666); err != nil {
		return err
	}
	// LISTEN_PID must be the daemon's own: sh becomes the daemon.
	s.daemon = exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", program, "run")
	s.daemon.Env = append(os.Environ(), "NOTIFY_SOCKET="+notified, fmt.Sprintf("LISTEN_FDS=%d", len(s.sockets)))
	s.daemon.ExtraFiles = s.sockets
	s.daemon.SysProcAttr = &syscall.SysProcAttr{Credential: s.who}
	s.daemon.Stdout, s.daemon.Stderr = &s.log, &s.log
	if err := s.daemon.Start(); err != nil {
		return err
	}
	s.done = make(chan error, 1)
	go func() { s.done <- s.daemon.Wait(); notify.Close() }()
	buf := make([]byte, 4096)
	for {
		if err := notify.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return fmt.Errorf("the daemon ended at its start: %s", s.log.String())
		}
		n, err := notify.Read(buf)
		if err != nil {
			return fmt.Errorf("the daemon does not say READY=1: %s", s.log.String())
		}
		if strings.Contains(string(buf[:n]), "READY=1") {
			_ = notify.SetReadDeadline(time.Time{})
			go func() {
				for err := error(nil); err == nil; { // as a supervisor does
					_, err = notify.Read(make([]byte, 4096))
				}
			}()
			return nil
		}
	}
}

// remove ends the daemon and its sockets.
func (s *systemd) remove() error {
	err := s.stop()
	for _, f := range s.sockets {
		err = errors.Join(err, f.Close())
	}
	for _, path := range s.paths {
		err = errors.Join(err, os.Remove(path))
	}
	s.sockets, s.paths = nil, nil
	return err
}

func (s *systemd) stop() error {
	if s.daemon == nil {
		return nil
	}
	err := s.daemon.Process.Signal(syscall.SIGTERM)
	if err == nil {
		err = <-s.done
	}
	s.daemon = nil
	return err
}
