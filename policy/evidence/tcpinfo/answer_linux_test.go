package tcpinfo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy"
)

var (
	testClient = netip.MustParseAddrPort("192.0.2.7:40000")
	testServer = netip.MustParseAddrPort("192.0.2.25:25")
)

// reply builds a datagram as the kernel sends it, with a tcp_info of that length.
func reply(seq uint32, state uint8, infoLen int) []byte {
	info := make([]byte, max(infoLen, offWindow+4))
	info[offOptions] = optOffered | optECN
	info[offScale] = 7
	if bigEndian {
		info[offScale] = 7 << 4
	}
	for off, value := range map[int]uint32{offMSS: 1440, offPMTU: 1500, offRTT: 20000, offRetrans: 3, offWindow: 65535} {
		binary.NativeEndian.PutUint32(info[off:], value)
	}
	info = info[:infoLen]

	b := make([]byte, headerLen+messageLen)
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint32(b[8:], seq)
	m := b[headerLen:]
	m[0], m[1] = unix.AF_INET, state
	binary.BigEndian.PutUint16(m[4:], testServer.Port())
	binary.BigEndian.PutUint16(m[6:], testClient.Port())
	putAddr(m[8:], testServer.Addr())
	putAddr(m[24:], testClient.Addr())
	b = append(b, attr(8, []byte{0})...) // INET_DIAG_SHUTDOWN
	b = append(b, attr(diagInfo, info)...)
	b = append(b, attr(4, []byte("cubic\x00"))...) // INET_DIAG_CONG
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	return b
}

func attr(kind uint16, data []byte) []byte {
	b := make([]byte, 4, 8+len(data))
	binary.NativeEndian.PutUint16(b, uint16(4+len(data)))
	binary.NativeEndian.PutUint16(b[2:], kind)
	return append(b, append(data, make([]byte, -len(data)&3)...)...)
}

func refusal(seq uint32, errno int32) []byte {
	b := make([]byte, headerLen+4+headerLen)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], unix.NLMSG_ERROR)
	binary.NativeEndian.PutUint32(b[8:], seq)
	binary.NativeEndian.PutUint32(b[16:], uint32(-errno))
	return b
}

func TestAnswer(t *testing.T) {
	full := policy.Stack{Known: true, Whole: true, Scale: 7, Timestamps: true, SACK: true, ECN: true, MSS: 1452,
		RTT: 20_000_000, Retransmits: 3}
	for _, length := range []int{minInfo, 192, offWindow + 4, 280, 600} { // 2.6, 4.9, 5.4, 6.18, one to come
		a, err := readAnswer(reply(5, stateEstablished, length), 5)
		if err != nil || !a.is(testClient) || a.local != ourEnd(testServer) {
			t.Fatalf("%d bytes of tcp_info: %+v %v", length, a, err)
		}
		if got := a.stack(); got != full {
			t.Errorf("%d bytes of tcp_info: %+v", length, got)
		}
	}
	for _, test := range []struct {
		name   string
		state  uint8
		length int
		client netip.AddrPort
	}{
		{"no tcp_info", stateEstablished, 0, testClient},
		{"half a tcp_info", stateEstablished, minInfo - 1, testClient},
		{"a listener", stateListen, 280, testClient},
		{"TIME-WAIT", 6, 280, testClient},
		{"SYN-RECV", 3, 280, testClient},
		{"no state", 255, 280, testClient},
		{"another client", stateEstablished, 280, testServer},
	} {
		a, err := readAnswer(reply(5, test.state, test.length), 5)
		if err != nil || a.is(test.client) {
			t.Errorf("%s: %+v %v", test.name, a, err)
		}
	}
}

func TestAnswerErrors(t *testing.T) {
	whole := reply(5, stateEstablished, 280)
	badAttr := bytes.Clone(whole)
	binary.NativeEndian.PutUint16(badAttr[headerLen+messageLen:], 3)
	long := bytes.Clone(whole)
	binary.NativeEndian.PutUint32(long, uint32(len(long)+1))
	done := bytes.Clone(whole)
	binary.NativeEndian.PutUint16(done[4:], unix.NLMSG_DONE)
	for _, test := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"nothing", nil, errAnswer},
		{"half a header", whole[:headerLen-1], errAnswer},
		{"header only", whole[:headerLen], errAnswer},
		{"cut", whole[:len(whole)-20], errAnswer},
		{"longer than it is", long, errAnswer},
		{"attribute of 3 bytes", badAttr, errAnswer},
		{"another type", done, errAnswer},
		{"to another request", reply(4, stateEstablished, 280), errStale},
		{"no such socket", refusal(5, int32(unix.ENOENT)), errNone},
		{"acknowledged", refusal(5, 0), errNone},
		{"denied", refusal(5, int32(unix.EPERM)), unix.EPERM},
	} {
		if _, err := readAnswer(test.bytes, 5); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, not %v", test.name, err, test.want)
		}
	}
}

func TestRequest(t *testing.T) {
	b := bytes.Repeat([]byte{0xee}, headerLen+requestLen)
	if n := putRequest(b, 9, 0, unix.AF_INET, connected, testClient, ourEnd(testServer)); n != 72 {
		t.Error(n)
	}
	r := b[headerLen:]
	want := append([]byte{0, 25, 156, 64, 192, 0, 2, 25}, make([]byte, 12)...)
	want = append(append(want, 192, 0, 2, 7), make([]byte, 16)...)
	want = append(want, bytes.Repeat([]byte{0xff}, 8)...)
	if !bytes.Equal(r[:4], []byte{unix.AF_INET, unix.IPPROTO_TCP, 2, 0}) || !bytes.Equal(r[8:], want) {
		t.Errorf("% x", r)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(reply(5, stateEstablished, 280))
	f.Add(reply(5, stateListen, 280))
	f.Add(reply(5, stateEstablished, 8))
	f.Add(refusal(5, int32(unix.ENOENT)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := readAnswer(b, 5)
		if err != nil {
			if a.info != nil {
				t.Error("an error with an answer")
			}
			return
		}
		if !a.is(a.remote) {
			return
		}
		s := a.stack()
		for _, o := range []settings{{}, {spoken: optOffered}, {cookies: true}} {
			o.correct(&s, a.info[offOptions])
		}
		if !s.Known || s.Scale < -1 || s.Scale > 14 || s.RTT < 0 {
			t.Errorf("%+v", s)
		}
	})
}
