//go:build linux

package p0f

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	fingerprints = "/etc/p0f/p0f.fp"
	server4      = "192.0.2.25"
	client4      = "192.0.2.77"
	server6      = "2001:db8::25"
	client6      = "2001:db8::77"
)

// missing skips the test for a reason, but not in CI.
func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// network is a network namespace with a thread in it that does what it is told.
type network struct {
	file *os.File
	work chan func()
}

func newNetwork(t *testing.T) *network {
	n := &network{work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with us
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			n.file, err = os.Open("/proc/thread-self/ns/net")
		}
		made <- err
		for f := range n.work {
			f()
		}
	}()
	t.Cleanup(func() { close(n.work); n.file.Close() })
	if err := <-made; err != nil {
		close(n.work)
		n.work = make(chan func())
		missing(t, "no network namespace: "+err.Error())
	}
	return n
}

func (n *network) do(t *testing.T, f func() error) {
	t.Helper()
	done := make(chan error)
	n.work <- func() { done <- f() }
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func ip(commands ...string) error {
	for _, c := range commands {
		if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %s", c, out)
		}
	}
	return nil
}

// world is a server, where p0f listens, and a client on a line of MTU 1492.
type world struct {
	server, client *network
	listeners      []net.Listener
}

func newWorld(t *testing.T) *world {
	if os.Getuid() != 0 {
		missing(t, "network namespaces need root")
	}
	for _, program := range []string{"p0f", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is missing; hint: apt-get install p0f iproute2")
		}
	}
	w := &world{server: newNetwork(t), client: newNetwork(t)}
	w.server.do(t, func() error {
		return ip("link set lo up", "link add server0 type veth peer name client0",
			fmt.Sprintf("link set client0 netns /proc/%d/fd/%d", os.Getpid(), w.client.file.Fd()),
			"addr add "+server4+"/24 dev server0", "addr add "+server6+"/64 dev server0 nodad", "link set server0 up")
	})
	w.client.do(t, func() error {
		// Without an offset for each peer the timestamps tell the uptime (ip-sysctl.rst).
		if err := os.WriteFile("/proc/sys/net/ipv4/tcp_timestamps", []byte("2"), 0o644); err != nil {
			return err
		}
		return ip("link set lo up", "link set client0 mtu 1492", "addr add "+client4+"/24 dev client0",
			"addr add "+client6+"/64 dev client0 nodad", "link set client0 up")
	})
	w.server.do(t, func() error {
		for _, a := range []string{server4, server6} {
			l, err := net.Listen("tcp", net.JoinHostPort(a, "25"))
			if err != nil {
				return err
			}
			w.listeners = append(w.listeners, l)
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						_, _ = conn.Write([]byte("220 mx.example.test ESMTP\r\n"))
						_, _ = conn.Read(make([]byte, 100))
					}()
				}
			}()
		}
		return nil
	})
	return w
}

// connect makes a connection from the client, as an SMTP client does.
func (w *world) connect(t *testing.T, to string) {
	t.Helper()
	w.client.do(t, func() error {
		fd, sa := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: 25, Addr: netip.MustParseAddr(server4).As4()})
		if to == server6 {
			fd, sa = unix.AF_INET6, &unix.SockaddrInet6{Port: 25, Addr: netip.MustParseAddr(server6).As16()}
		}
		// The net package may dial on another thread, in another network.
		s, err := unix.Socket(fd, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		if err := unix.Connect(s, sa); err != nil {
			return fmt.Errorf("connect to %s: %w", to, err)
		}
		b := make([]byte, 100)
		if _, err := unix.Read(s, b); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond) // p0f wants some time between timestamps
		_, err = unix.Write(s, []byte("QUIT\r\n"))
		return err
	})
}

// output is written by a process and read by the test.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// run starts p0f on the server and waits until it listens.
func (w *world) run(t *testing.T, socket string) (*exec.Cmd, *output) {
	t.Helper()
	out := new(output)
	cmd := exec.Command("p0f", "-i", "server0", "-f", fingerprints, "-s", socket)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w.server.do(t, cmd.Start)
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	for range 500 {
		if strings.Contains(out.String(), "Entered main event loop") {
			return cmd, out
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("p0f does not start:\n%s", out)
	return nil, nil
}

// TestRealP0f asks the p0f of the distribution.
func TestRealP0f(t *testing.T) {
	w := newWorld(t)
	socket := filepath.Join(t.TempDir(), "p0f.sock")
	now := clock{t: time.Now()}
	var m meter
	c := open(t, Options{Socket: socket, Now: now.now, Timeout: 2 * time.Second, Meter: &m})
	a4, a6 := netip.MustParseAddr(client4), netip.MustParseAddr(client6)

	if _, err := c.Look(ctx, a4); err == nil || m.of("down") != 1 {
		t.Fatalf("before it runs: %v", err)
	}
	now.add(maxBackOff)
	cmd, out := w.run(t, socket)
	if p, err := c.Look(ctx, a4); err != nil || p != (policy.P0f{}) {
		t.Fatalf("before a connection: %+v %v", p, err)
	}

	// seen looks until p0f has read what it captured.
	seen := func(a netip.Addr, enough func(policy.P0f) bool) (p policy.P0f) {
		t.Helper()
		var err error
		for range 200 {
			now.add(keepMatch)
			if p, err = c.Look(ctx, a); err != nil {
				t.Fatal(err)
			}
			if enough(p) {
				return p
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("%s: %+v; p0f said:\n%s", a, p, out)
		return p
	}
	known := func(p policy.P0f) bool { return p.Known && p.OS != "" }
	w.connect(t, server4)
	p := seen(a4, known)
	if p.OS != "Linux" || p.Flavor == "" || p.Link != "DSL" || p.Distance != 0 {
		t.Errorf("IPv4: %+v", p)
	}
	w.connect(t, server4)
	p = seen(a4, func(p policy.P0f) bool { return p.Uptime > 0 })
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &up); err != nil {
		t.Fatal(err)
	}
	if d := p.Uptime - time.Duration(up.Nano()); d.Abs() > 10*time.Minute {
		t.Errorf("uptime %v, the kernel's is %v", p.Uptime, time.Duration(up.Nano()))
	}
	w.connect(t, server6)
	// Its fingerprints for Linux have the flags of IPv4: of IPv6 it knows the link.
	p6 := seen(a6, func(p policy.P0f) bool { return p.Link != "" })
	if p6.Link != "DSL" || p6.Distance != 0 {
		t.Errorf("IPv6: %+v", p6)
	}
	t.Logf("IPv4 %+v", p)
	t.Logf("IPv6 %+v", p6)

	// It stalls, and questions go unanswered; then it answers them, and lives.
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	short := open(t, Options{Socket: socket, Timeout: 5 * time.Millisecond})
	for range 20 {
		if p, err := short.Look(ctx, a4); err == nil {
			t.Fatalf("an answer of a stopped p0f: %+v", p)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	answered := false
	for i := 0; i < 100 && !answered; i++ {
		time.Sleep(10 * time.Millisecond)
		p, err := short.Look(ctx, a6)
		answered = err == nil
		if answered && p != p6 {
			t.Errorf("the answer is about another address: %+v, want %+v", p, p6)
		}
	}
	if !answered {
		t.Errorf("p0f does not answer after a stall: %s; it said:\n%s", short.State(), out)
	}

	// Killed and started again, it has forgotten and learns anew.
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	now.add(keepMatch)
	if _, err := c.Look(ctx, a4); err == nil {
		t.Error("an answer of a dead p0f")
	}
	_, out = w.run(t, socket)
	now.add(maxBackOff)
	if p, err := c.Look(ctx, a4); err != nil || p.Known {
		t.Errorf("after a restart: %+v %v", p, err)
	}
	w.connect(t, server4)
	if p := seen(a4, known); p.OS != "Linux" {
		t.Errorf("after a restart: %+v", p)
	}
	if s := c.State(); s != "ok" {
		t.Errorf("state %q", s)
	}
}
