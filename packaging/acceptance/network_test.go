//go:build acceptance

package acceptance

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// server is the machine's address that clients connect to.
const server = "192.0.2.25"

// client is a host that sends mail to the machine.
type client struct {
	addr, name string // the PTR name, which leads back to the address; "" is none
	helo       string
	// window and segment are what its TCP stack offers, 0 is what the kernel does.
	window, segment int
}

// The clients that most cases know, and what the daemon holds of them.
var (
	partner = client{addr: "198.51.100.25", name: "mail.partner.example", helo: "mail.partner.example"}                               // No
	line    = client{addr: "203.0.113.7", name: "cpe-203-0-113-7.dyn.isp.example", helo: "cpe-203-0-113-7.dyn.isp.example"}           // Suspect
	nas     = client{addr: "203.0.113.8", name: "cpe-203-0-113-8.dyn.isp.example", helo: "DiskStation"}                               // Yes
	small   = client{addr: "203.0.113.9", name: "cpe-203-0-113-9.dyn.isp.example", helo: "user-pc", window: 128 << 10, segment: 1452} // Suspect; its TCP stack is that of little memory on a PPPoE line
)

// connect makes the machine's network: clients' addresses are local to it, too, and
// a name server knows them and nobody else.
func (m *machine) connect() {
	t := m.t
	t.Helper()
	var err error
	if m.network, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", m.leader)); err != nil {
		t.Fatal(err)
	}
	err = m.inside(func() error {
		for _, c := range []string{"link set lo up", "addr add " + server + "/32 dev lo",
			"route add local 198.51.100.0/24 dev lo", "route add local 203.0.113.0/24 dev lo"} {
			if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
				return fmt.Errorf("ip %s: %s", c, out)
			}
		}
		m.names, err = dnstest.Start("127.0.0.1:53")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	zone := "sender.example A 198.51.100.25\nsender.example MX 10 mail.partner.example\nmx.example.org A " + server + "\nexample.org MX 10 mx.example.org\n"
	for _, c := range []client{partner, line, nas, small} {
		zone += fmt.Sprintf("%s PTR %s\n%s A %s\n", reverse(c.addr), c.name, c.name, c.addr)
	}
	if err := m.names.Set(zone); err != nil {
		t.Fatal(err)
	}
}

func reverse(addr string) string {
	q := netip.MustParseAddr(addr).As4()
	return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", q[3], q[2], q[1], q[0])
}

// inside runs f on a thread in the machine's network.
func (m *machine) inside(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Setns(int(m.network.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

// dial connects as a client.
func (m *machine) dial(c client, to string) (conn net.Conn, err error) {
	d := net.Dialer{
		Timeout:   10 * time.Second,
		LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.addr)},
		Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) {
				// A whole network is local, but no address of it is configured.
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_FREEBIND, 1)
				if c.window > 0 {
					_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, c.window)
					_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, c.segment)
				}
			})
		},
	}
	err = m.inside(func() error {
		conn, err = d.Dial("tcp", to)
		return err
	})
	return conn, err
}
