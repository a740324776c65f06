package tcpinfo

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// facts are a Stack without what differs from run to run.
func facts(s policy.Stack) policy.Stack {
	s.RTT, s.Retransmits = 0, 0
	return s
}

// TestStackSeesTheClient looks from one network namespace at clients of another,
// through a wire.
func TestStackSeesTheClient(t *testing.T) {
	full := policy.Stack{Known: true, Whole: true, Scale: 7, Timestamps: true, SACK: true}
	with := func(f func(*policy.Stack)) policy.Stack {
		s := full
		f(&s)
		return s
	}
	for _, test := range []struct {
		name          string
		memory        int // most of the client's receive buffers, in bytes
		mtu, theirMTU int
		theirs        map[string]string // net.ipv4 of the client
		ours          map[string]string // and of the server
		want4, want6  policy.Stack
	}{
		{name: "a server", want4: full},
		{name: "128 MB of memory", memory: 1048576,
			want4: with(func(s *policy.Stack) { s.Scale = 5 })},
		{name: "64 MB of memory", memory: 524288,
			want4: with(func(s *policy.Stack) { s.Scale = 4 })},
		{name: "32 MB of memory", memory: 262144,
			want4: with(func(s *policy.Stack) { s.Scale = 3 })},
		{name: "16 MB of memory", memory: 131072,
			want4: with(func(s *policy.Stack) { s.Scale = 2 })},
		{name: "no timestamps", theirs: map[string]string{"tcp_timestamps": "0"},
			want4: with(func(s *policy.Stack) { s.Timestamps = false })},
		{name: "no SACK", theirs: map[string]string{"tcp_sack": "0"},
			want4: with(func(s *policy.Stack) { s.SACK = false })},
		{name: "no window scale", theirs: map[string]string{"tcp_window_scaling": "0"},
			want4: with(func(s *policy.Stack) { s.Scale = -1 })},
		{name: "no option", theirs: map[string]string{"tcp_timestamps": "0", "tcp_sack": "0", "tcp_window_scaling": "0"},
			want4: policy.Stack{Known: true, Whole: true, Scale: -1}},
		{name: "ECN", theirs: map[string]string{"tcp_ecn": "1"},
			want4: with(func(s *policy.Stack) { s.ECN = true })},
		{name: "ECN, which we do not speak", theirs: map[string]string{"tcp_ecn": "1"}, ours: map[string]string{"tcp_ecn": "0"},
			want4: full},
		{name: "PPPoE", theirMTU: 1492, want4: with(func(s *policy.Stack) { s.MSS = 1452 }),
			want6: with(func(s *policy.Stack) { s.MSS = 1432 })},
		{name: "PPPoE without timestamps", theirMTU: 1492, theirs: map[string]string{"tcp_timestamps": "0"},
			want4: with(func(s *policy.Stack) { s.MSS, s.Timestamps = 1452, false }),
			want6: with(func(s *policy.Stack) { s.MSS, s.Timestamps = 1432, false })},
		{name: "PPPoE at our end", mtu: 1492, want4: full},
		{name: "PPPoE at both ends", mtu: 1492, theirMTU: 1492, want4: full},
		{name: "a tunnel behind our PPPoE", mtu: 1492, theirMTU: 1400, want4: with(func(s *policy.Stack) { s.MSS = 1360 }),
			want6: with(func(s *policy.Stack) { s.MSS = 1340 })},
		{name: "large frames at our end", mtu: 9000, want4: with(func(s *policy.Stack) { s.MSS = 1460 }),
			want6: with(func(s *policy.Stack) { s.MSS = 1440 })},
		{name: "we probe for the MTU", theirMTU: 1492, ours: map[string]string{"tcp_mtu_probing": "2"}, want4: full},
		{name: "we may probe for the MTU", theirMTU: 1492, ours: map[string]string{"tcp_mtu_probing": "1"},
			want4: with(func(s *policy.Stack) { s.MSS = 1452 }), want6: with(func(s *policy.Stack) { s.MSS = 1432 })},
		{name: "timestamps that we do not speak", ours: map[string]string{"tcp_timestamps": "0"},
			want4: with(func(s *policy.Stack) { s.Whole, s.Timestamps = false, false })},
		{name: "SACK that we do not speak", ours: map[string]string{"tcp_sack": "0"},
			want4: with(func(s *policy.Stack) { s.Whole, s.SACK = false, false })},
		{name: "a window scale that we do not speak", ours: map[string]string{"tcp_window_scaling": "0"},
			want4: with(func(s *policy.Stack) { s.Whole, s.Scale = false, -1 })},
		{name: "SYN cookies", ours: map[string]string{"tcp_syncookies": "2"}, want4: full},
		{name: "SYN cookies, PPPoE", theirMTU: 1492, ours: map[string]string{"tcp_syncookies": "2"}, want4: full},
		{name: "SYN cookies, no SACK", theirs: map[string]string{"tcp_sack": "0"}, ours: map[string]string{"tcp_syncookies": "2"},
			want4: with(func(s *policy.Stack) { s.SACK = false })},
		{name: "SYN cookies, no timestamps", theirs: map[string]string{"tcp_timestamps": "0"},
			ours:  map[string]string{"tcp_syncookies": "2"},
			want4: policy.Stack{Known: true, Scale: -1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			there := away(t, cmp.Or(test.mtu, 1500), cmp.Or(test.theirMTU, 1500))
			for _, key := range slices.Sorted(maps.Keys(test.theirs)) {
				there.sysctl(t, key, test.theirs[key])
			}
			for key, value := range test.ours {
				place{}.sysctl(t, key, value)
			}
			buffers(t, there, cmp.Or(test.memory, 6291456))
			now := time.Now()
			s := open(t, Options{Now: func() time.Time { return now }})
			now = now.Add(2 * cookieMemory) // what other tests did is forgotten
			want6 := test.want6
			if !want6.Known {
				want6 = test.want4
			}
			want6.V6 = true
			l := listen(t, "tcp", "[::]:0")
			for _, end := range []struct {
				addr netip.Addr
				want policy.Stack
			}{{here4, test.want4}, {here6, want6}} {
				c := there.connect(t, l, end.addr)
				now = now.Add(urgentInterval)
				got := stackOf(t, s, c.remote(), c.local())
				if facts(got) != end.want {
					t.Errorf("%s:\n got %+v\nwant %+v", end.addr, facts(got), end.want)
				}
			}
		})
	}
}

// buffers gives a place the receive buffers of a machine with little memory. The
// kernel takes the larger of tcp_rmem and net.core.rmem_max, which is 4 MB in newer
// ones and not a namespace's own, so the routes bound the window too.
func buffers(t *testing.T, p place, size int) {
	t.Helper()
	p.sysctl(t, "tcp_rmem", fmt.Sprintf("4096 %d %d", min(131072, size), size))
	p.do(t, func() error {
		return ip(fmt.Sprintf("route change 192.0.2.0/24 dev there0 src 192.0.2.7 window %d", size),
			fmt.Sprintf("-6 route add 2001:db8::25/128 dev there0 window %d", size))
	})
}

func TestStackForgetsCookies(t *testing.T) {
	there := away(t, 1500, 1492)
	there.sysctl(t, "tcp_timestamps", "0")
	now := time.Now()
	s := open(t, Options{Now: func() time.Time { return now }})
	now = now.Add(2 * cookieMemory)
	l := listen(t, "tcp4", "192.0.2.25:0")
	whole := func(want bool, mss uint16) {
		t.Helper()
		c := there.connect(t, l, here4)
		if got := stackOf(t, s, c.remote(), c.local()); got.Whole != want || got.MSS != mss {
			t.Errorf("%+v", got)
		}
	}
	whole(true, 1452)
	place{}.sysctl(t, "tcp_syncookies", "2")
	now = now.Add(urgentInterval)
	whole(false, 0)
	place{}.sysctl(t, "tcp_syncookies", "1")
	now = now.Add(cookieMemory / 2)
	whole(false, 0)
	now = now.Add(cookieMemory / 2)
	whole(true, 1452)
}

// TestStackOfTinyWindow shows that the kernel cuts the MSS to half of a tiny window,
// and that this is not taken for what the client announced.
func TestStackOfTinyWindow(t *testing.T) {
	there := away(t, 1500, 1492)
	now := time.Now()
	s := open(t, Options{Now: func() time.Time { return now }})
	now = now.Add(2 * cookieMemory)
	l := listen(t, "tcp4", "192.0.2.25:0")
	for _, test := range []struct {
		window int
		sent   uint32 // snd_mss
		want   uint16
	}{{1024, 512, 0}, {2048, 726, 0}, {2904, 1440, 1452}, {4096, 1440, 1452}} {
		there.do(t, func() error {
			return ip(fmt.Sprintf("route change 192.0.2.0/24 dev there0 src 192.0.2.7 window %d", test.window))
		})
		c := there.connect(t, l, here4)
		n, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		a, err := n.lookup(c.remote(), ourEnd(c.local()))
		n.link.Close()
		if err != nil {
			t.Fatal(err)
		}
		sent := binary.NativeEndian.Uint32(a.info[offMSS:])
		if got := stackOf(t, s, c.remote(), c.local()); got.MSS != test.want || sent != test.sent {
			t.Errorf("window %d: snd_mss is %d, %+v", test.window, sent, got)
		}
	}
}

func TestStackOfLateQuestion(t *testing.T) {
	there := away(t, 1500, 1500)
	s := open(t, Options{})
	c := there.connect(t, listen(t, "tcp4", "192.0.2.25:0"), here4)
	if _, err := c.server.Write([]byte("220 mx.example.org ESMTP\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if got := stackOf(t, s, c.remote(), c.local()); got.RTT > 0 && got.RTT < time.Second {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("no round trip time")
}
