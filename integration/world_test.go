//go:build integration

package integration

import (
	"context"
	"fmt"
	"net"
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

// insideEnv marks the second start of the test, in its own namespaces.
const insideEnv = "IOT_MILTER_TEST_INSIDE"

// The addresses of the MTAs; everything else belongs to clients.
const (
	postfixAddr  = "192.0.2.25"
	postfixAddr6 = "2001:db8:25::25"
	sendAddr     = "192.0.2.26"
	sendAddr6    = "2001:db8:25::26"
	hubAddr      = "192.0.2.27"
	secondAddr   = "192.0.2.28"
	officeAddr   = "192.0.2.29"
	proxyAddr    = "192.0.2.254" // a TCP proxy in front of Postfix
)

// program is the daemon, copied to where anybody may run it.
const program = "/srv/iot-milter"

// outside is the clients' network namespace.
var outside *os.File

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "restricted" {
		os.Exit(restricted(os.Args[1:]))
	}
	if os.Getenv(insideEnv) == "" {
		os.Exit(enter())
	}
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "integration: cannot set up:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// enter starts this test again in new namespaces and returns its exit code. A
// shell is process 1 there, for it reaps what the MTAs leave behind; when it
// ends the kernel ends everything else.
func enter() int {
	runtime.LockOSThread() // the death signal is tied to the thread
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	args := append([]string{"-c", `"$@"; exit $?`, "test", "exe"}, os.Args[1:]...)
	args[3], _ = os.Executable()
	cmd := exec.Command("bash", args...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "integration: no namespaces:", err, "hint: run as root, in a container with CAP_SYS_ADMIN")
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// prepare does what needs the machine's own network: programs and packages.
func prepare() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("these tests start mail servers; hint: run them as root")
	}
	for _, p := range []string{"postfix", "m4", "openssl", "ip", "unshare", "miltertest", "p0f", "redis-server", "redis-cli", "chromium",
		"dovecot", "sievec", "spamassassin", "rspamd", "procmail", "maildrop", "fail2ban-server"} {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s is missing; hint: .ci/setup test", p)
		}
	}
	if out, err := exec.Command("mta/fetch-sendmail.sh").CombinedOutput(); err != nil {
		return fmt.Errorf("no Sendmail: %s", out)
	}
	if os.Getenv("IOT_MILTER") != "" {
		return nil
	}
	bin, err := filepath.Abs("../build/iot-milter")
	if err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-o", bin, "..").CombinedOutput(); err != nil {
		return fmt.Errorf("the daemon does not build: %s", out)
	}
	return os.Setenv("IOT_MILTER", bin)
}

// build makes the world inside the namespaces.
func build() error {
	// With a search list glibc turns a temporary failure into "no such name":
	// the answer to the longer name is the last one.
	files := map[string]string{
		"/srv/hosts": "127.0.0.1 localhost\n::1 localhost\n" +
			postfixAddr + " mx.example.test mx\n" + sendAddr + " sm.example.test sm\n" + hubAddr + " hub.example.test hub\n",
		"/srv/resolv.conf": "nameserver 127.0.0.1\nsearch .\noptions timeout:1 attempts:1\n",
	}
	if err := mounts(files); err != nil {
		return err
	}
	if out, err := exec.Command("install", "-m", "0755", os.Getenv("IOT_MILTER"), program).CombinedOutput(); err != nil {
		return fmt.Errorf("no daemon: %s", out)
	}
	if err := unix.Sethostname([]byte("mx.example.test")); err != nil {
		return err
	}
	var err error
	if outside, err = newNetwork(); err != nil {
		return err
	}
	return links()
}

func mounts(files map[string]string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/srv", "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(path, "/etc/"+filepath.Base(path), "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

// newNetwork makes a network namespace that lives as long as the returned file.
func newNetwork() (*os.File, error) {
	type result struct {
		file *os.File
		err  error
	}
	done := make(chan result)
	go func() {
		// Never unlocked: the thread is of no further use and ends with us.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- result{nil, err}
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		done <- result{f, err}
	}()
	r := <-done
	return r.file, r.err
}

// links joins the two networks. In the clients' one whole networks are local,
// so that a client may have any address of them.
func links() error {
	there := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), outside.Fd())
	err := ip("link set lo up",
		"link add mta0 type veth peer name client0",
		"link set client0 netns "+there,
		"addr add 192.0.2.25/24 dev mta0", "addr add 192.0.2.26/24 dev mta0", "addr add 192.0.2.27/24 dev mta0", "addr add 192.0.2.28/24 dev mta0",
		"addr add 192.0.2.29/24 dev mta0",
		"addr add 2001:db8:25::25/64 dev mta0 nodad", "addr add 2001:db8:25::26/64 dev mta0 nodad",
		"link set mta0 up")
	if err != nil {
		return err
	}
	err = inside(outside, func() error {
		return ip(append(clientNetworks, "addr add 192.0.2.254/24 dev client0",
			"addr add 2001:db8:25::fe/64 dev client0 nodad", "link set client0 up")...)
	})
	if err != nil {
		return err
	}
	return ip("route add 198.51.100.0/24 via 192.0.2.254", "route add 203.0.113.0/24 via 192.0.2.254",
		"route add 10.0.0.0/8 via 192.0.2.254", "-6 route add 2001:db8:99::/48 via 2001:db8:25::fe")
}

// clientNetworks make every address of the clients' networks local.
var clientNetworks = []string{"link set lo up",
	"route add local 198.51.100.0/24 dev lo", "route add local 203.0.113.0/24 dev lo",
	"route add local 10.0.0.0/8 dev lo", "-6 route add local 2001:db8:99::/48 dev lo"}

func ip(commands ...string) error {
	for _, c := range commands {
		if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %s", c, out)
		}
	}
	return nil
}

// inside runs f on a thread in that network.
func inside(network *os.File, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, as above
		if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

// dial connects from an address to a server. Addresses of clients are reached in
// their namespace, outside where network is nil; loopback is ours.
func dial(network *os.File, from, to string) (net.Conn, error) {
	local := net.ParseIP(from)
	d := net.Dialer{
		Timeout:   10 * time.Second,
		LocalAddr: &net.TCPAddr{IP: local},
		// A whole network is local there, but no address of it is configured.
		Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_FREEBIND, 1)
			})
		},
	}
	var conn net.Conn
	connect := func() (err error) {
		conn, err = d.DialContext(context.Background(), "tcp", to)
		return err
	}
	if local.IsLoopback() {
		return conn, connect()
	}
	if network == nil {
		network = outside
	}
	err := inside(network, connect)
	return conn, err
}
