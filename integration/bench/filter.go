//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// filter is one running milter.
type filter struct {
	name   string
	socket string
	log    string
	cmd    *exec.Cmd
	exited chan error
}

// setup is how a daemon is configured.
type setup struct {
	mode  string
	dns   string // address of its name server, or systemDNS; "" is no DNS
	admin string // address of its metrics; "" is none
	more  string // further lines
}

const systemDNS = "of the system"

// The exemptions are empty so that loopback mail is judged in full. DNS is off, or
// this program's own: a bench must not depend on, or bother, a resolver.
const daemonConfig = `mode = %[1]q
listen = ["unix:%[2]s/iot-milter.sock"]
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

[dns]
%[3]s
`

// text is the daemon's configuration in its folder.
func (s setup) text(home string) []byte {
	dns := ""
	switch s.dns {
	case "":
		dns = "enabled = false"
	case systemDNS:
	default:
		dns = fmt.Sprintf("servers = [%q]", s.dns)
	}
	return append(fmt.Appendf(nil, daemonConfig, s.mode, home, dns, s.admin), s.more...)
}

// binaries fails if a program that is to be measured is not there.
func binaries(o options) error {
	list := []string{o.daemon}
	if !o.soak {
		list = append(list, o.filter, o.noop)
	}
	for _, bin := range list {
		if _, err := os.Stat(bin); err != nil {
			return fmt.Errorf("%w; hint: build it, or name it with -daemon, -filter or -noop", err)
		}
	}
	return nil
}

// fileName is a filter's name where blanks and commas would end it, as in main.cf.
func fileName(name string) string {
	return strings.NewReplacer(" ", "-", ",", "").Replace(name)
}

// startC starts a filter of filter.c.
func startC(name string, o options, args ...string) (*filter, error) {
	socket := filepath.Join(o.dir, fileName(name)+".sock")
	return startFilter(name, socket, o.filter, append(args, "unix:"+socket)...)
}

// startNoop starts a filter of the folder noop.
func startNoop(name string, o options, args ...string) (*filter, error) {
	socket := filepath.Join(o.dir, fileName(name)+".sock")
	return startFilter(name, socket, o.noop, append(args, socket)...)
}

// startDaemon starts iot-milter with a folder of its own, which is that of its socket.
func startDaemon(name string, o options, s setup) (*filter, error) {
	home := filepath.Join(o.dir, fileName(name))
	if err := os.Mkdir(home, 0o755); err != nil {
		return nil, err
	}
	conf := filepath.Join(home, "iot-milter.toml")
	if err := os.WriteFile(conf, s.text(home), 0o644); err != nil {
		return nil, err
	}
	return startFilter(name, filepath.Join(home, "iot-milter.sock"), o.daemon, "run", "-c", conf)
}

// stopAll ends filters, all at once: some take seconds.
func stopAll(filters []*filter) {
	var wg sync.WaitGroup
	for _, f := range filters {
		wg.Go(f.stop)
	}
	wg.Wait()
}

// started calls each of the functions; on error it ends what they have started.
func started(starts ...func() (*filter, error)) ([]*filter, error) {
	var list []*filter
	for _, start := range starts {
		f, err := start()
		if err != nil {
			stopAll(list)
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
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
	for range 3000 {
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
	if f.cmd == nil {
		return
	}
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-f.exited:
	case <-time.After(20 * time.Second): // rspamd allows its children 16 s
		_ = f.cmd.Process.Kill()
		<-f.exited
	}
}

// cpu is the processor time that the filter's processes have used. What a process used
// that ended between two calls is lost; none does.
func (f *filter) cpu() time.Duration {
	if f.cmd == nil {
		return 0
	}
	return familyCPU(f.cmd.Process.Pid)
}

// familyCPU is by the scheduler's clock: in nanoseconds, where /proc counts in steps of 10 ms.
func familyCPU(pid int) (sum time.Duration) {
	for _, pid := range family(pid) {
		const sched = 2 // CPUCLOCK_SCHED of a process, as clock_getcpuclockid(3) makes it
		var ts unix.Timespec
		if err := unix.ClockGettime(int32(^pid)<<3|sched, &ts); err == nil { // it may just have ended
			sum += time.Duration(ts.Nano())
		}
	}
	return sum
}

// family is a process and its children, and theirs.
func family(pid int) []int {
	all := []int{pid}
	// A child belongs to the thread that made it.
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, family(child)...)
			}
		}
	}
	return all
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
