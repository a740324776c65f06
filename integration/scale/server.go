package main

import (
	"bytes"
	"context"
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

	"golang.org/x/sys/unix"
)

// server is a redis-server, or a Valkey, of this program's own: on loopback, without persistence.
type server struct {
	cmd     *exec.Cmd
	dir     string
	socket  string
	address string // by TCP, as hosts in a network have it
	output  bytes.Buffer
	ended   chan struct{} // closed when it has
}

// serverBinary is the program: Redis, or another that the environment names, as in the tests of
// policy/state/remote.
func serverBinary() string {
	if p := os.Getenv("REDIS_SERVER"); p != "" {
		return p
	}
	return "redis-server"
}

func startServer() (*server, error) {
	dir, err := os.MkdirTemp("", "scale") // a socket's path is short
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, socket: filepath.Join(dir, "s"), ended: make(chan struct{})}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s.address = "redis://127.0.0.1:" + port
	s.cmd = exec.Command(serverBinary(), "--port", port, "--bind", "127.0.0.1", "--unixsocket", s.socket, "--dir", dir, "--save", "", "--appendonly", "no",
		"--maxmemory-policy", "volatile-ttl")
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("%w; hint: .ci/setup test installs it", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait()
	}()
	for range 500 {
		if out, err := s.ask("PING"); err == nil && out == "PONG" {
			return s, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.stop()
	return nil, errors.New("the store does not listen within 5 s: " + s.output.String())
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	<-s.ended
	os.RemoveAll(s.dir)
}

var errEnded = errors.New("the store has ended")

// living ends with the server, too: what is told to a dead one is never done.
func (s *server) living(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-s.ended:
			cancel(errEnded)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// freePort is one that nobody has now.
func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func (s *server) url() string { return s.address }

// ask asks as its admin, by redis-cli: go-redis is at home in policy/state/remote.
func (s *server) ask(args ...string) (string, error) {
	out, err := exec.Command("redis-cli", append([]string{"-s", s.socket}, args...)...).Output()
	return strings.TrimSpace(string(out)), err
}

// cpu is the processor time that it has used, by the scheduler's clock, in nanoseconds.
func (s *server) cpu() time.Duration { return processCPU(s.cmd.Process.Pid) }

func processCPU(pid int) time.Duration {
	const sched = 2 // CPUCLOCK_SCHED of a process, as clock_getcpuclockid(3) makes it
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|sched, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// rss is the resident memory of a process in bytes.
func rss(pid int) int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if f := strings.Fields(string(b)); len(f) > 1 {
		pages, _ := strconv.ParseInt(f[1], 10, 64)
		return pages * int64(os.Getpagesize())
	}
	return 0
}

// stats are what INFO says at one moment.
type stats struct {
	values map[string]float64
	calls  map[string]float64 // of each command that a client sent or a script called
	cpu    time.Duration
}

func (s *server) stats() (st stats, err error) {
	text, err := s.ask("INFO", "everything")
	if err != nil {
		return st, err
	}
	st = stats{values: map[string]float64{}, calls: map[string]float64{}, cpu: s.cpu()}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if command, ok := strings.CutPrefix(name, "cmdstat_"); ok {
			value, _, _ = strings.Cut(strings.TrimPrefix(value, "calls="), ",")
			st.calls[command], _ = strconv.ParseFloat(value, 64)
		} else if f, err := strconv.ParseFloat(value, 64); err == nil {
			st.values[name] = f
		}
	}
	return st, nil
}

// sent are the commands that clients sent; what scripts call, too, is left out: get and set are sent by
// trials alone, a few a minute.
func (s stats) sent() float64 { return s.calls["evalsha"] + s.calls["eval"] + s.calls["mget"] }

// throttle lets the server run for a share of the time, as a processor would that has others to serve, until
// the function that it returns is called.
func (s *server) throttle(share float64) (end func()) {
	const period = 10 * time.Millisecond
	stop, ended := make(chan struct{}), make(chan struct{})
	on := time.Duration(share * float64(period))
	go func() {
		defer close(ended)
		defer s.cmd.Process.Signal(syscall.SIGCONT)
		for {
			for _, half := range []struct {
				signal syscall.Signal
				long   time.Duration
			}{{syscall.SIGCONT, on}, {syscall.SIGSTOP, period - on}} {
				_ = s.cmd.Process.Signal(half.signal)
				select {
				case <-stop:
					return
				case <-time.After(half.long):
				}
			}
		}
	}()
	return func() { close(stop); <-ended }
}
