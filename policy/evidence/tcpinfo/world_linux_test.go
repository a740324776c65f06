package tcpinfo

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// insideEnv marks the second start of the tests, in a network namespace of their
// own: they change its settings, and no other connections are in it.
const insideEnv = "TCPINFO_TEST_INSIDE"

// childEnv makes the program a helper of a test, see restricted_linux_test.go.
const childEnv = "TCPINFO_TEST_CHILD"

// The first thread stays in the tests' namespace, which is what /proc/self/net shows.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(childEnv) != "":
		os.Exit(restrictedChild())
	case os.Getenv(insideEnv) != "":
		if err := ip("link set lo up"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case os.Getuid() == 0:
		enter()
	}
	os.Exit(m.Run())
}

// enter starts the tests again in a new namespace and exits with their code. Where
// it may not it returns, and what needs a namespace is skipped.
func enter() {
	exe, err := os.Executable()
	if err != nil {
		return
	}
	cmd := exec.Command(exe, os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL} // of the first thread
	if err := cmd.Run(); cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "no network namespace:", err)
		return
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// needNamespace skips a test that needs the namespaces, and fails it in CI.
func needNamespace(t testing.TB) {
	t.Helper()
	if os.Getenv(insideEnv) != "" {
		return
	}
	const why = "no network namespace; hint: run as root, in a container with CAP_SYS_ADMIN, with iproute2"
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func ip(commands ...string) error {
	for _, c := range commands {
		if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", c, err, out)
		}
	}
	return nil
}

// place is a network namespace; the zero place is the test's own.
type place struct{ file *os.File }

func newPlace(t testing.TB) place {
	t.Helper()
	needNamespace(t)
	var p place
	if err := thread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		p.file, err = os.Open("/proc/thread-self/ns/net")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.file.Close() })
	return p
}

// do runs f on a thread in the place.
func (p place) do(t testing.TB, f func() error) {
	t.Helper()
	if err := thread(func() error {
		if p.file != nil {
			if err := unix.Setns(int(p.file.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
		}
		return f()
	}); err != nil {
		t.Fatal(err)
	}
}

// thread runs f on a thread that ends with it.
func thread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// sysctl sets keys of net.ipv4 in the place until the test ends.
func (p place) sysctl(t testing.TB, key, value string) {
	t.Helper()
	needNamespace(t)
	path := filepath.Join("/proc/sys/net/ipv4", key)
	var old []byte
	p.do(t, func() (err error) {
		if old, err = os.ReadFile(path); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(value), 0)
	})
	t.Cleanup(func() {
		p.do(t, func() error {
			if err := os.WriteFile(path, old, 0); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		})
	})
}

// Our end of the wire to another place, whose end is 192.0.2.7 and 2001:db8::7.
var (
	here4 = netip.MustParseAddr("192.0.2.25")
	here6 = netip.MustParseAddr("2001:db8::25")
)

// away makes a place with a wire to it, with an MTU for each end.
func away(t testing.TB, mtuHere, mtuThere int) place {
	t.Helper()
	p := newPlace(t)
	if err := ip("link add here0 type veth peer name there0",
		fmt.Sprintf("link set there0 netns /proc/%d/fd/%d", os.Getpid(), p.file.Fd()),
		fmt.Sprintf("link set here0 mtu %d", mtuHere),
		"addr add 192.0.2.25/24 dev here0", "addr add 2001:db8::25/64 dev here0 nodad",
		"link set here0 up"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ip("link del here0"); err != nil {
			t.Error(err)
		}
	})
	p.do(t, func() error {
		return ip("link set lo up", fmt.Sprintf("link set there0 mtu %d", mtuThere),
			"addr add 192.0.2.7/24 dev there0", "addr add 2001:db8::7/64 dev there0 nodad",
			"link set there0 up")
	})
	return p
}

// pair is a connection, both ends.
type pair struct {
	client, server net.Conn
}

func (c *pair) remote() netip.AddrPort { return addrPort(c.server.RemoteAddr()) }
func (c *pair) local() netip.AddrPort  { return addrPort(c.server.LocalAddr()) }

func addrPort(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }

// listen opens a listener in the test's own place. network is tcp4, tcp6 (no mapped
// addresses) or tcp.
func listen(t testing.TB, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connect makes a connection to a listener of the test's own place from another
// one. The address is the listener's if it is invalid.
func (p place) connect(t testing.TB, l net.Listener, to netip.Addr) *pair {
	t.Helper()
	target := addrPort(l.Addr())
	if to.IsValid() {
		target = netip.AddrPortFrom(to, target.Port())
	}
	var c pair
	p.do(t, func() (err error) {
		d := net.Dialer{Timeout: 5 * time.Second}
		c.client, err = d.Dial("tcp", target.String())
		return err
	})
	var err error
	if c.server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.client.Close()
		c.server.Close()
	})
	return &c
}

// open makes a Source with the test's clock.
func open(t testing.TB, o Options) *Source {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
