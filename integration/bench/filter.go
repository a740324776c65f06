package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// filter is one running milter.
type filter struct {
	name   string
	socket string
	log    string
	cmd    *exec.Cmd
	exited chan error
}

// The exemptions are empty so that loopback mail is judged in full. DNS is off, or
// this program's own: a bench must not depend on, or bother, a resolver.
const daemonConfig = `listen = ["unix:%[2]s/iot-milter.sock"]
socket_mode = "0660"
socket_group = "postfix"
hostname = "mx.example.test"
state_dir = "%[2]s"

[admin]
listen = %[4]q
control = "%[2]s/control.sock"

[exempt]
networks = []
relays = []
`

// config is the daemon's configuration in its folder.
func (o *options) config(home string) []byte {
	mode, dns := "tag", "enabled = false"
	if o.wait {
		mode, dns = "enforce", fmt.Sprintf("servers = [%q]", o.dns)
	}
	text := fmt.Appendf(nil, "mode = %[1]q\n"+daemonConfig+"\n[dns]\n%[3]s\n", mode, home, dns, o.admin)
	if o.soak {
		text = append(text, soakConfig...)
	}
	return text
}

// binaries fails if a program that is to be measured is not there.
func binaries(o options) error {
	list := []string{o.filter, o.daemon}
	switch {
	case o.cOnly:
		list = list[:1]
	case o.soak:
		list = list[1:]
	}
	for _, bin := range list {
		if _, err := os.Stat(bin); err != nil {
			return fmt.Errorf("%w; hint: build it, or name it with -daemon or -filter", err)
		}
	}
	return nil
}

// startFilters starts what is measured, iot-milter last. On error those that run
// are returned too.
func startFilters(dir string, o options) ([]*filter, error) {
	var list []*filter
	start := func(name, socket, bin string, args ...string) error {
		f, err := startFilter(name, filepath.Join(dir, socket), bin, args...)
		if err == nil {
			list = append(list, f)
		}
		return err
	}
	if !o.memory && !o.soak || o.cOnly {
		if err := start("C plain", "c.sock", o.filter, "unix:"+filepath.Join(dir, "c.sock")); err != nil {
			return list, err
		}
	}
	if !o.memory && !o.soak && !o.wait {
		if err := start("C with bits", "n.sock", o.filter, "-n", "unix:"+filepath.Join(dir, "n.sock")); err != nil {
			return list, err
		}
	}
	if o.cOnly {
		return list, nil
	}
	home := filepath.Join(dir, "daemon")
	if err := os.Mkdir(home, 0o755); err != nil {
		return list, err
	}
	conf := filepath.Join(home, "iot-milter.toml")
	if err := os.WriteFile(conf, o.config(home), 0o644); err != nil {
		return list, err
	}
	err := start("iot-milter", "daemon/iot-milter.sock", o.daemon, "run", "-c", conf)
	return list, err
}

func startFilter(name, socket, bin string, args ...string) (*filter, error) {
	f := &filter{name: name, socket: socket, log: socket + ".log", exited: make(chan error, 1)}
	out, err := os.Create(f.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	f.cmd = exec.Command(bin, args...)
	f.cmd.Stdout, f.cmd.Stderr = out, out
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() { f.exited <- f.cmd.Wait() }()
	for range 1000 {
		nc, err := net.Dial("unix", socket)
		if err == nil {
			nc.Close()
			return f, nil
		}
		select {
		case err := <-f.exited:
			return nil, fmt.Errorf("%s ended at its start: %v\n%s", name, err, tail(f.log))
		case <-time.After(10 * time.Millisecond):
		}
	}
	f.stop()
	return nil, fmt.Errorf("%s: nothing listens on %s\n%s", name, socket, tail(f.log))
}

func (f *filter) stop() {
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-f.exited:
	case <-time.After(10 * time.Second):
		_ = f.cmd.Process.Kill()
		<-f.exited
	}
}

// cpu is the processor time that the filter has used, in steps of 10 ms.
func (f *filter) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// proc(5): the second field may hold blanks; utime and stime are 14 and 15.
	_, rest, ok := bytes.Cut(b, []byte(") "))
	fields := strings.Fields(string(rest))
	if !ok || len(fields) < 13 {
		return 0, errors.New("unexpected /proc/PID/stat")
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	// USER_HZ is 100 on every Linux that Go runs on.
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}

// rss is the filter's resident memory in KiB.
func (f *filter) rss() (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
		}
	}
	return 0, errors.New("no VmRSS in /proc/PID/status")
}

func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}
