package tcpinfo

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy"
)

// Sizes and numbers of linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
const (
	sockDiagByFamily = 20
	headerLen        = 16 // nlmsghdr
	requestLen       = 56 // inet_diag_req_v2
	messageLen       = 72 // inet_diag_msg
	diagInfo         = 2  // INET_DIAG_INFO
	attrBytecode     = 1  // INET_DIAG_REQ_BYTECODE
	dstCond          = 8  // INET_DIAG_BC_D_COND
)

// States of include/net/tcp_states.h. Those in connected have a whole socket and
// went through a handshake.
const (
	stateEstablished = 1
	stateFinWait1    = 4
	stateFinWait2    = 5
	stateCloseWait   = 8
	stateLastAck     = 9
	stateListen      = 10
	stateClosing     = 11

	connected = 1<<stateEstablished | 1<<stateFinWait1 | 1<<stateFinWait2 |
		1<<stateCloseWait | 1<<stateLastAck | 1<<stateClosing
)

// Bits of tcpi_options.
const (
	optTimestamps = 1
	optSACK       = 2
	optScale      = 4
	optECN        = 8

	optOffered = optTimestamps | optSACK | optScale // what a SYN offers as an option
)

// missing are the options that a connection goes without.
func missing(options uint8) uint8 { return optOffered &^ options }

// bigEndian says where C puts the first of two bit fields in a byte.
var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

var (
	errNone   = errors.New("tcpinfo: no such connection")
	errStale  = errors.New("tcpinfo: answer to another request")
	errAnswer = errors.New("tcpinfo: malformed answer of the kernel")
)

// local is our end of a connection: what an exact look-up needs beside the client.
// Its zero parts are unknown; device 0 is what sockets have that are not bound to
// one.
type local struct {
	addr   netip.Addr
	port   uint16
	device uint32
}

// answer is one inet_diag_msg. info is in the buffer that it was read from.
type answer struct {
	state  uint8
	local  local
	remote netip.AddrPort
	info   []byte // tcp_info as far as this kernel has it; nil where it sent none
}

// putRequest writes a request into b, which has room for it, and returns its
// length. The addresses are of one family and unmapped. A dump asks for the states
// only: the kernel ignores addresses there.
func putRequest(b []byte, seq uint32, flags uint16, family uint8, states uint32, client netip.AddrPort, at local) int {
	n := headerLen + requestLen
	clear(b[:n])
	binary.NativeEndian.PutUint32(b, uint32(n))
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|flags)
	binary.NativeEndian.PutUint32(b[8:], seq)
	r := b[headerLen:]
	r[0], r[1], r[2] = family, unix.IPPROTO_TCP, 1<<(diagInfo-1)
	binary.NativeEndian.PutUint32(r[4:], states)
	binary.BigEndian.PutUint16(r[8:], at.port)
	binary.BigEndian.PutUint16(r[10:], client.Port())
	putAddr(r[12:28], at.addr)
	putAddr(r[28:44], client.Addr())
	binary.NativeEndian.PutUint32(r[44:], at.device)
	binary.NativeEndian.PutUint64(r[48:], ^uint64(0)) // INET_DIAG_NOCOOKIE
	return n
}

// putAddr writes an address at the front of b and leaves b if it is invalid.
func putAddr(b []byte, a netip.Addr) {
	switch {
	case a.Is4():
		v := a.As4()
		copy(b, v[:])
	case a.IsValid():
		v := a.As16()
		copy(b, v[:])
	}
}

// dumpFilter is the attribute that lets a dump answer only connections with that
// client. A condition on an IPv4 address takes mapped ones, too.
func dumpFilter(client netip.AddrPort) []byte {
	family, size := byte(unix.AF_INET), 4
	if client.Addr().Is6() {
		family, size = unix.AF_INET6, 16
	}
	ops := 4 + 8 + size // inet_diag_bc_op, inet_diag_hostcond
	b := make([]byte, 4+ops)
	binary.NativeEndian.PutUint16(b, uint16(len(b)))
	binary.NativeEndian.PutUint16(b[2:], attrBytecode)
	b[4], b[5] = dstCond, byte(ops)
	binary.NativeEndian.PutUint16(b[6:], uint16(ops+4)) // beyond the end: refused
	b[8], b[9] = family, byte(size*8)
	binary.NativeEndian.PutUint32(b[12:], uint32(client.Port()))
	putAddr(b[16:], client.Addr())
	return b
}

// readAnswer returns the answer in a datagram. It is errStale where the datagram
// answers another request, errNone where there is no such socket, and a unix.Errno
// where the kernel refuses.
func readAnswer(b []byte, seq uint32) (answer, error) {
	if len(b) < headerLen {
		return answer{}, errAnswer
	}
	n := int(binary.NativeEndian.Uint32(b))
	if n < headerLen || n > len(b) {
		return answer{}, errAnswer
	}
	if binary.NativeEndian.Uint32(b[8:]) != seq {
		return answer{}, errStale
	}
	body := b[headerLen:n]
	switch binary.NativeEndian.Uint16(b[4:]) {
	case unix.NLMSG_ERROR:
		if len(body) < 4 {
			return answer{}, errAnswer
		}
		errno := unix.Errno(-int32(binary.NativeEndian.Uint32(body)))
		if errno == unix.ENOENT || errno == 0 {
			return answer{}, errNone
		}
		return answer{}, errno
	case sockDiagByFamily:
		return readMessage(body)
	}
	return answer{}, errAnswer
}

// readMessage reads an inet_diag_msg and its attributes.
func readMessage(b []byte) (answer, error) {
	if len(b) < messageLen {
		return answer{}, errAnswer
	}
	a := answer{
		state: b[1],
		local: local{
			addr:   readAddr(b[0], b[8:24]),
			port:   binary.BigEndian.Uint16(b[4:]),
			device: binary.NativeEndian.Uint32(b[40:]),
		},
		remote: netip.AddrPortFrom(readAddr(b[0], b[24:40]), binary.BigEndian.Uint16(b[6:])),
	}
	for b = b[messageLen:]; len(b) >= 4; {
		n := int(binary.NativeEndian.Uint16(b))
		if n < 4 || n > len(b) {
			return answer{}, errAnswer
		}
		if binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == diagInfo {
			a.info = b[4:n:n]
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return a, nil
}

func readAddr(family uint8, b []byte) netip.Addr {
	switch family {
	case unix.AF_INET:
		return netip.AddrFrom4([4]byte(b))
	case unix.AF_INET6:
		return netip.AddrFrom16([16]byte(b)).Unmap()
	}
	return netip.Addr{}
}

// is reports whether the answer is about a connection of that client, as it must
// be to count. A look-up that finds none answers with a listener.
func (a *answer) is(client netip.AddrPort) bool {
	return a.state < 32 && connected>>a.state&1 == 1 && a.remote == client && len(a.info) >= minInfo
}

// Offsets in tcp_info.
const (
	offOptions = 5
	offScale   = 6
	offMSS     = 16
	offPMTU    = 60
	offRTT     = 68
	offRetrans = 100
	offWindow  = 228 // tcpi_snd_wnd, since 5.4

	minInfo = 104 // what every kernel since 2.6 has
)

// stack says what the answer, one that is, tells of the client where nothing of our
// own gets in the way: see settings.
func (a *answer) stack() policy.Stack {
	field := func(off int) uint32 { return binary.NativeEndian.Uint32(a.info[off:]) }
	options := a.info[offOptions]
	s := policy.Stack{
		Known:       true,
		Whole:       missing(options) == 0,
		Scale:       -1,
		Timestamps:  options&optTimestamps != 0,
		SACK:        options&optSACK != 0,
		ECN:         options&optECN != 0,
		V6:          a.remote.Addr().Is6(),
		RTT:         time.Duration(field(offRTT)) * time.Microsecond,
		Retransmits: field(offRetrans),
	}
	if options&optScale != 0 {
		scale := a.info[offScale] & 15
		if bigEndian {
			scale = a.info[offScale] >> 4
		}
		s.Scale = int8(min(scale, 14)) // RFC 7323, section 2.3; the kernel cuts it too
	}
	s.MSS = a.mss(s.V6, s.Timestamps, field)
	return s
}

// mss returns the MSS that the client announced, or 0 where our path or its window
// may have made it what it is.
func (a *answer) mss(v6, timestamps bool, field func(int) uint32) uint16 {
	headers, mss := uint32(40), field(offMSS)
	if v6 {
		headers = 60
	}
	if len(a.info) >= offWindow+4 && mss >= field(offWindow)/2 {
		return 0
	}
	if timestamps {
		mss += 12
	}
	if mss > 0xffff || mss+headers >= field(offPMTU) {
		return 0
	}
	return uint16(mss)
}
