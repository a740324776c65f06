package tcpinfo

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// patience bounds a request. The kernel answers before the call that sends it
// returns, so that only a defect or a stopped machine makes it wait.
const patience = 50 * time.Millisecond

// conn is one netlink socket with one request at a time. Its look-ups go past the
// library's messages, which cost some allocations each.
type conn struct {
	link *netlink.Conn
	raw  syscall.RawConn
	seq  uint32
	req  [headerLen + requestLen]byte
	buf  [4096]byte // an answer has about 500 bytes

	// The callbacks of raw, made once, and what they leave.
	send, receive func(fd uintptr) bool
	wait          bool
	hurry         bool // an answer that is not there at once is left behind
	n             int
	err           error
}

func dial() (*conn, error) {
	link, err := netlink.Dial(unix.NETLINK_INET_DIAG, nil)
	if err != nil {
		return nil, err
	}
	raw, err := link.SyscallConn()
	if err != nil {
		link.Close()
		return nil, err
	}
	c := &conn{link: link, raw: raw}
	c.send = func(fd uintptr) bool {
		c.n, c.err = unix.Write(int(fd), c.req[:])
		return true
	}
	c.receive = func(fd uintptr) bool {
		c.n, c.err = unix.Read(int(fd), c.buf[:])
		return !c.wait || c.err != unix.EAGAIN
	}
	return c, nil
}

var errLate = fmt.Errorf("tcpinfo: no answer at once: %w", unix.EAGAIN)

// lookup asks for one connection. Its answer is valid until the next look-up.
func (c *conn) lookup(client netip.AddrPort, at local) (answer, error) {
	family := uint8(unix.AF_INET)
	if client.Addr().Is6() {
		family = unix.AF_INET6
	}
	c.seq++
	putRequest(c.req[:], c.seq, 0, family, connected, client, at)
	if err := c.raw.Write(c.send); err != nil {
		return answer{}, err
	}
	if c.err != nil {
		return answer{}, fmt.Errorf("tcpinfo: send: %w", c.err)
	}
	for c.wait = false; ; {
		if err := c.raw.Read(c.receive); err != nil {
			return answer{}, err
		}
		switch {
		case c.err == unix.EAGAIN && c.hurry:
			return answer{}, errLate
		case c.err == unix.EAGAIN: // only the first time
			c.wait = true
			if err := c.link.SetReadDeadline(time.Now().Add(patience)); err != nil {
				return answer{}, err
			}
			// Once it is over the socket could not even be tried.
			defer c.link.SetReadDeadline(time.Time{})
			continue
		case c.err != nil:
			return answer{}, fmt.Errorf("tcpinfo: receive: %w", c.err)
		}
		a, err := readAnswer(c.buf[:c.n], c.seq)
		if err != errStale { // an answer that an earlier deadline left behind
			return a, err
		}
	}
}

// dump asks for all connections of a client.
func dump(link *netlink.Conn, client netip.AddrPort) ([]answer, error) {
	if client.Addr().Is6() {
		return dumpFamily(link, unix.AF_INET6, connected, dumpFilter(client))
	}
	var all []answer
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found, err := dumpFamily(link, family, connected, dumpFilter(client))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// dumpFamily asks for the sockets in those states that pass the filter.
func dumpFamily(link *netlink.Conn, family uint8, states uint32, filter []byte) ([]answer, error) {
	if err := link.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	var b [headerLen + requestLen]byte
	putRequest(b[:], 0, 0, family, states, netip.AddrPort{}, local{})
	messages, err := link.Execute(netlink.Message{
		Header: netlink.Header{Type: sockDiagByFamily, Flags: netlink.Request | netlink.Dump},
		Data:   append(b[headerLen:], filter...),
	})
	if err != nil {
		return nil, err
	}
	var all []answer
	for _, m := range messages {
		a, err := readMessage(m.Data)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// probe opens a socket for dumps, or reports why the kernel would not answer.
// Listeners are few, and unlike a look-up their dump does not hide a missing module
// as "no such socket".
func probe() (*netlink.Conn, error) {
	link, err := netlink.Dial(unix.NETLINK_INET_DIAG, nil)
	if err == nil {
		if _, err = dumpFamily(link, unix.AF_INET, 1<<stateListen, nil); err == nil {
			return link, nil
		}
		link.Close()
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, fmt.Errorf("tcpinfo: the kernel has no sock_diag for TCP: %w; hint: modprobe tcp_diag", err)
	}
	return nil, fmt.Errorf("tcpinfo: netlink is denied: %w; hint: a systemd unit needs AF_NETLINK in RestrictAddressFamilies=", err)
}
