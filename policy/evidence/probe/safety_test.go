package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

const nas = "HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n<html><head><title>DiskStation</title></head>"

func TestSafety18OnlyTheClientsOwnAddressFromTheSource(t *testing.T) {
	peers := make(chan string, 10)
	port := serve(t, func(c net.Conn) {
		peers <- c.RemoteAddr().(*net.TCPAddr).IP.String() + ">" + c.LocalAddr().(*net.TCPAddr).IP.String()
		answer(nas)(c)
	})
	w := start(t, map[uint16]*protocol{port: http}, port)
	w.o.Source = netip.MustParseAddr("127.0.99.1")
	if _, outcome := w.probe(t, client); outcome != done {
		t.Fatal(outcome)
	}
	if got, want := <-peers, "127.0.99.1>"+client.String(); got != want || len(peers) != 0 {
		t.Errorf("%s, and %d more; want %s and no more", got, len(peers), want)
	}
}

func TestSafety18NeedsASourceOfThisMachineAndAContact(t *testing.T) {
	const contact = "https://mx.example.org/"
	addr := netip.MustParseAddr
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "source: none is set"}, // which is what an empty configuration says
		{Options{Contact: contact}, "source: none is set"},
		{Options{Source: source, Contact: contact}, "no public address"},
		{Options{Source: addr("10.0.0.1"), Contact: contact}, "no public address"},
		{Options{Source: addr("100.64.0.1"), Contact: contact}, "no public address"},
		{Options{Source: addr("fe80::1%eth0"), Contact: contact}, "no public address"},
		{Options{Source: addr("224.0.0.1"), Contact: contact}, "no public address"},
		{Options{Source: addr("0.0.0.0"), Contact: contact}, "no public address"},
		{Options{Source: addr("::ffff:8.8.8.8"), Contact: contact}, "in IPv6 form"},
		{Options{Source: addr("8.8.8.8"), Contact: contact}, "not to be had"},
		{Options{Source: source, loopback: true}, "contact: none is set"},
		{Options{Source: source, loopback: true, Contact: "me"}, "neither a page nor a mail address"},
		{Options{Source: source, loopback: true, Contact: "ftp://example.org/"}, "neither"},
		{Options{Source: source, loopback: true, Contact: "https:///x"}, "neither"},
		{Options{Source: source, loopback: true, Contact: "mailto:@"}, "neither"},
		{Options{Source: source, loopback: true, Contact: contact + "%zz"}, "invalid URL escape"},
		{Options{Source: source, loopback: true, Contact: contact + strings.Repeat("x", 200)}, "more than 200"},
		{Options{Source: source, loopback: true, Contact: contact + "\r\nCookie: x"}, "must not be in it"},
		{Options{Source: source, loopback: true, Contact: contact + ")"}, "must not be in it"},
		{Options{Source: source, loopback: true, Contact: contact + " "}, "must not be in it"},
		{Options{Source: source, loopback: true, Contact: contact, Never: []netip.Prefix{{}}}, "an exempt network is none"},
	} {
		p, err := New(c.o)
		if err == nil {
			p.Close()
			t.Errorf("%+v is taken", c.o)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
	for contact, want := range map[string]string{
		"https://mx.example.org/probe": "iot-milter (+https://mx.example.org/probe)",
		"postmaster@example.org":       "iot-milter (+mailto:postmaster@example.org)",
		"mailto:postmaster@ex.example": "iot-milter (+mailto:postmaster@ex.example)",
	} {
		p, err := New(Options{Source: source, loopback: true, Contact: contact})
		if err != nil {
			t.Error(err)
			continue
		}
		if p.agent != want {
			t.Errorf("%q; want %q", p.agent, want)
		}
		p.Close()
	}
}

// TestSafety18SendsARequestAndNothingElse compares every byte.
func TestSafety18SendsARequestAndNothingElse(t *testing.T) {
	const agent = "User-Agent: iot-milter (+https://mx.example.org/probe)\r\n"
	get := func(path string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: 127.0.7.9:PORT\r\n" + agent + "Connection: close\r\n\r\n"
	}
	for name, c := range map[string]struct {
		spoken     *protocol
		says, want string
	}{
		"http":   {http, "", get("/")},
		"upnp":   {protocols[5000], "", get("/rootDesc.xml")},
		"igd":    {protocols[49152], "", get("/gatedesc.xml")},
		"rtsp":   {rtsp, "", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n" + agent + "\r\n"},
		"ftp":    {ftp, "220 DiskStation FTP server ready.\r\n", ""},
		"ssh":    {ssh, "SSH-2.0-dropbear_2022.83\r\n", ""},
		"telnet": {telnet, "\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x03login: ", ""}, // DO ECHO, DO NAWS, WILL SGA
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 1)
			port := serve(t, func(conn net.Conn) {
				io.WriteString(conn, c.says)
				b, _ := io.ReadAll(conn)
				got <- string(b)
			})
			w := start(t, map[uint16]*protocol{port: c.spoken}, port)
			w.probe(t, client)
			if g, want := <-got, strings.ReplaceAll(c.want, "PORT", fmt.Sprint(port)); g != want {
				t.Errorf("sends %q; want %q", g, want)
			}
		})
	}
	for target, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "192.0.2.1:443": "192.0.2.1:443", "[2001:db8::1]:80": "[2001:db8::1]", "[2001:db8::1]:81": "[2001:db8::1]:81",
	} {
		if got := host(netip.MustParseAddrPort(target), false); got != want {
			t.Errorf("host of %s: %s; want %s", target, got, want)
		}
	}
	if got := host(netip.MustParseAddrPort("192.0.2.1:443"), true); got != "192.0.2.1" {
		t.Error(got)
	}
}

func TestSafety18FollowsNoRedirect(t *testing.T) {
	var elsewhere atomic.Int32
	other := serve(t, func(c net.Conn) { elsewhere.Add(1) })
	for _, redirect := range []string{
		"HTTP/1.1 302 Found\r\nServer: uc-httpd 1.0.0\r\nLocation: http://127.0.7.9:%d/\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nServer: uc-httpd 1.0.0\r\nRefresh: 0; url=http://127.0.7.9:%d/\r\n\r\n" +
			"<meta http-equiv=refresh content='0; url=http://127.0.7.9:%[1]d/'><title>x</title>",
	} {
		var asked atomic.Int32
		w, b, outcome := ask(t, http, func(c net.Conn) {
			asked.Add(1)
			answer(fmt.Sprintf(redirect, other))(c)
		})
		if outcome != done || b.Kind != device.Recorder {
			t.Errorf("%s, %+v", outcome, b)
		}
		w.Close()
		if asked.Load() != 1 || elsewhere.Load() != 0 {
			t.Errorf("%d connections, and %d elsewhere", asked.Load(), elsewhere.Load())
		}
	}
}

func TestSafety18ResolvesNoName(t *testing.T) {
	var looked atomic.Int32
	resolver := net.DefaultResolver
	defer func() { net.DefaultResolver = resolver }()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		looked.Add(1)
		return nil, errors.New("a name was looked up")
	}}
	port := serve(t, answer("HTTP/1.1 301 Moved\r\nLocation: http://nas.example.org/\r\nServer: nas.example.org\r\n\r\n"))
	w := start(t, map[uint16]*protocol{port: http}, port)
	w.Suspect(client, "cpe-9.dyn.isp.example", policy.NetworkAccess, policy.ClassAccess)
	w.wait(t)
	if n := looked.Load(); n != 0 {
		t.Errorf("%d questions", n)
	}
}

func TestSafety18PortsUnlessNamed(t *testing.T) {
	for _, c := range []struct{ named, want []uint16 }{
		{nil, []uint16{80, 443}},
		{[]uint16{}, []uint16{80, 443}},
		{[]uint16{23}, []uint16{23}},
		{[]uint16{8080, 80}, []uint16{8080, 80}},
		{[]uint16{25}, nil}, {[]uint16{587}, nil}, {[]uint16{0}, nil}, {[]uint16{80, 80}, nil},
	} {
		all, err := places(c.named, nil)
		var got []uint16
		for _, pl := range all {
			got = append(got, pl.port)
		}
		if !slices.Equal(got, c.want) || (err != nil) != (c.want == nil) {
			t.Errorf("%v: %v, %v; want %v", c.named, got, err, c.want)
		}
	}
	w := start(t, nil)
	if w.places[0].port != 80 || w.places[1].port != 443 || len(w.places) != 2 || !w.places[1].protocol.tls {
		t.Errorf("%v", w.places)
	}
}

// closedPort is one that nobody listens on.
func closedPort(t *testing.T) uint16 {
	l, err := net.Listen("tcp4", netip.AddrPortFrom(client, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return portOf(l.Addr())
}

func TestSafety18OneAddressPerNetworkAndHour(t *testing.T) {
	port := closedPort(t)
	w := start(t, map[uint16]*protocol{port: http}, port)
	suspect := func(addr, want string) {
		t.Helper()
		w.Suspect(netip.MustParseAddr(addr), "", policy.NetworkUnknown, policy.ClassDevice)
		if want == none {
			if got := w.wait(t); got != none {
				t.Errorf("%s: %s", addr, got)
			}
		} else if got := w.last(); got != want {
			t.Errorf("%s: %s; want %s", addr, got, want)
		}
	}
	suspect("127.0.7.9", none)
	suspect("127.0.7.10", rated)
	suspect("127.0.8.10", none)
	suspect("127.0.7.9", known)
	suspect("::ffff:127.0.7.9", known) // the same
	w.clock.pass(time.Hour - 1)
	suspect("127.0.7.10", rated)
	w.clock.pass(1)
	suspect("127.0.7.10", none)
	suspect("127.0.7.9", known)
	w.clock.pass(time.Hour)
	suspect("127.0.7.9", known)
	w.clock.pass(24 * time.Hour)
	suspect("127.0.7.9", none)

	for addr, want := range map[string]string{"198.51.100.77": "198.51.100.0/24", "2001:db8:1:2::3": "2001:db8:1::/48"} {
		if got := network(netip.MustParseAddr(addr)); got.String() != want {
			t.Errorf("%s is in %s; want %s", addr, got, want)
		}
	}
}

// TestSafety18AnHourFromTheConnection: what waited in the queue counts from its
// first connection, not from when it was asked for.
func TestSafety18AnHourFromTheConnection(t *testing.T) {
	var r rate
	n, at := netip.MustParsePrefix("192.0.2.0/24"), time.Unix(0, 0)
	if !r.take(n, at) || r.take(n, at.Add(2*time.Hour)) {
		t.Error("what waits does not count")
	}
	at = at.Add(3 * time.Hour)
	r.begin(n, at)
	if r.take(n, at.Add(time.Hour-1)) || !r.take(n, at.Add(time.Hour)) {
		t.Error("the hour does not begin with the probe")
	}
}

func TestSafety18SixtyAnHourInAll(t *testing.T) {
	port := closedPort(t)
	w := start(t, map[uint16]*protocol{port: http}, port)
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 1, byte(i), 1}) }
	for i := range PerHour {
		w.probe(t, addr(i))
		w.clock.pass(time.Second)
	}
	refused := func() bool {
		w.Suspect(addr(200), "", policy.NetworkUnknown, policy.ClassDevice)
		return w.last() == rated
	}
	if !refused() {
		t.Errorf("a 61st probe within a minute: %s", w.last())
	}
	w.clock.pass(time.Hour - PerHour*time.Second - 1)
	if !refused() {
		t.Errorf("a 61st probe within the hour: %s", w.last())
	}
	w.clock.pass(1)
	if w.probe(t, addr(200)); w.last() != none {
		t.Errorf("an hour after the first of 60: %s", w.last())
	}
	if w.becomes(addr(201)) != rated {
		t.Errorf("the second is not yet an hour old: %s", w.last())
	}
	if n := len(w.rate.lines); n > PerHour {
		t.Errorf("%d lines in the book", n)
	}
	if s := w.State(); !strings.Contains(s, "60 of 60 probes in the last hour, 0 waiting") {
		t.Error(s)
	}
}

// becomes returns what becomes of a client that is not probed.
func (w *world) becomes(addr netip.Addr) string {
	w.Suspect(addr, "", policy.NetworkUnknown, policy.ClassDevice)
	return w.last()
}

func TestSafety18Never(t *testing.T) {
	w := start(t, nil)
	w.never = []netip.Prefix{netip.MustParsePrefix("20.0.0.0/8")}
	w.own = append(w.own, netip.MustParsePrefix("21.1.1.1/32"))
	six := start(t, nil)
	six.o.Source = netip.MustParseAddr("2600::1")
	six.never = []netip.Prefix{netip.MustParsePrefix("2601::/32")}
	for _, c := range []struct {
		addr  string
		ptr   string
		kind  policy.NetworkKind
		class policy.Class
		want  string
	}{
		{"8.8.8.8", "", policy.NetworkUnknown, policy.ClassDevice, ""},
		{"8.8.8.8", "cpe-8.dyn.isp.example", policy.NetworkAccess, policy.ClassAccess, ""},
		{"8.8.8.8", "", policy.NetworkBusiness, policy.ClassDevice, ""},
		{"2600:1::1", "", policy.NetworkUnknown, policy.ClassDevice, ""},

		{"8.8.8.8", "", policy.NetworkUnknown, policy.ClassUnknown, notClass},
		{"8.8.8.8", "", policy.NetworkUnknown, policy.ClassMailserver, notClass},
		{"8.8.8.8", "", policy.NetworkUnknown, policy.ClassHosting, notClass},
		{"8.8.8.8", "", policy.NetworkUnknown, policy.ClassBusiness, notClass},
		{"8.8.8.8", "", policy.NetworkHosting, policy.ClassDevice, hosting},
		{"8.8.8.8", "", policy.NetworkMobile, policy.ClassDevice, mobile},
		{"8.8.8.8", "ip-8-8-8-8.mobile.isp.example", policy.NetworkUnknown, policy.ClassDevice, mobile},
		{"8.8.8.8", "8-8-8-8.lte2.isp.example", policy.NetworkUnknown, policy.ClassDevice, mobile},
		{"8.8.8.8", "8-8-8-8.4G.isp.example", policy.NetworkAccess, policy.ClassDevice, mobile},
		{"8.8.8.8", "mail.example.org", policy.NetworkUnknown, policy.ClassDevice, serverPTR},
		{"8.8.8.8", "ec2-8-8-8-8.compute-1.amazonaws.com", policy.NetworkUnknown, policy.ClassAccess, serverPTR},

		{"20.255.255.255", "", policy.NetworkUnknown, policy.ClassDevice, exempt},
		{"2601:0:ffff::1", "", policy.NetworkUnknown, policy.ClassDevice, exempt},
		{"21.1.1.1", "", policy.NetworkUnknown, policy.ClassDevice, own},

		{"10.0.0.1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"172.31.255.255", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"192.168.1.1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"169.254.169.254", "", policy.NetworkUnknown, policy.ClassDevice, private}, // link-local, and clouds' metadata
		{"100.64.0.1", "", policy.NetworkUnknown, policy.ClassDevice, private},      // CGNAT
		{"100.127.255.255", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"192.0.2.1", "", policy.NetworkUnknown, policy.ClassDevice, private}, // documentation
		{"198.51.100.1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"203.0.113.1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"198.19.255.255", "", policy.NetworkUnknown, policy.ClassDevice, private}, // benchmarks
		{"224.0.0.1", "", policy.NetworkUnknown, policy.ClassDevice, private},      // multicast
		{"239.255.255.250", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"255.255.255.255", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"0.0.0.0", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"::", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"::1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"fe80::1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"2600:1::1%eth0", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"fd00::1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"fec0::1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"ff02::1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"64:ff9b::808:808", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"2001::1", "", policy.NetworkUnknown, policy.ClassDevice, private},         // Teredo
		{"2002:808:808::1", "", policy.NetworkUnknown, policy.ClassDevice, private}, // 6to4
		{"2001:db8::1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"3fff::1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"::ffff:10.0.0.1", "", policy.NetworkUnknown, policy.ClassDevice, private},
		{"::ffff:127.0.0.1", "", policy.NetworkUnknown, policy.ClassDevice, private},
	} {
		p := w.Prober
		addr := netip.MustParseAddr(c.addr)
		if addr.Is6() && !addr.Is4In6() {
			p = six.Prober
		}
		p.o.loopback = false
		if got := p.refused(addr.Unmap(), c.ptr, c.kind, c.class); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if got := w.refused(netip.Addr{}, "", policy.NetworkUnknown, policy.ClassDevice); got != private {
		t.Errorf("no address: %q", got)
	}
	if got := w.refused(netip.MustParseAddr("2600:1::1"), "", policy.NetworkUnknown, policy.ClassDevice); got != family {
		t.Errorf("IPv6 from IPv4: %q", got)
	}
	if got := six.refused(netip.MustParseAddr("8.8.8.8"), "", policy.NetworkUnknown, policy.ClassDevice); got != family {
		t.Errorf("IPv4 from IPv6: %q", got)
	}
	if got := six.refused(six.o.Source, "", policy.NetworkUnknown, policy.ClassDevice); got != own {
		t.Errorf("the source: %q", got)
	}
	if got := unmap(netip.MustParsePrefix("::ffff:192.0.2.0/120")); got != netip.MustParsePrefix("192.0.2.0/24") {
		t.Error(got)
	}
}

// TestSafety18NeverAtAll goes all the way for one address of each reason.
func TestSafety18NeverAtAll(t *testing.T) {
	var asked atomic.Int32
	port := serve(t, func(net.Conn) { asked.Add(1) })
	w := start(t, map[uint16]*protocol{port: http}, port)
	w.never = []netip.Prefix{netip.PrefixFrom(client, 32)}
	w.Suspect(client, "", policy.NetworkUnknown, policy.ClassDevice)
	w.never = nil
	w.Suspect(client, "", policy.NetworkUnknown, policy.ClassMailserver)
	w.Suspect(client, "", policy.NetworkMobile, policy.ClassDevice)
	w.Suspect(client, "a.IoT-Probe-OptOut.isp.example.", policy.NetworkUnknown, policy.ClassDevice)
	w.o.loopback = false
	w.Suspect(client, "", policy.NetworkUnknown, policy.ClassDevice)
	w.Close()
	if want := []string{exempt, notClass, mobile, optedOut, private}; asked.Load() != 0 || !slices.Equal(w.outcomes, want) {
		t.Errorf("%d connections, %v", asked.Load(), w.outcomes)
	}
}

func TestSafety18OptOutIsHonouredAndForgets(t *testing.T) {
	for _, ptr := range []string{"iot-probe-optout.example.org", "host.iot-probe-optout.example.org", "IOT-PROBE-OPTOUT.example.org.",
		"host-iot-probe-optout.example.org"} {
		w, b, _ := ask(t, http, answer(nas))
		if b.Kind != device.NAS {
			t.Fatalf("%+v", b)
		}
		w.Suspect(client, ptr, policy.NetworkUnknown, policy.ClassDevice)
		if _, ok := w.Known(client); ok || w.last() != optedOut {
			t.Errorf("%s: %s, known %t", ptr, w.last(), ok)
		}
	}
}

func TestSafety18EveryProbeIsLogged(t *testing.T) {
	port := serve(t, answer(nas))
	closed := closedPort(t)
	w := start(t, map[uint16]*protocol{port: http, closed: ssh}, closed, port)
	w.probe(t, client)
	w.probe(t, netip.MustParseAddr("127.0.8.1")) // where nobody is
	w.Close()
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	for i, want := range []string{
		fmt.Sprintf(`msg=probe client=127.0.7.9 ports="%d=refused,%d=answered" outcome=done device=nas vendor=Synology place=title took=`, closed, port),
		fmt.Sprintf(`msg=probe client=127.0.8.1 ports="%d=refused,%d=refused" outcome=none device="" vendor="" place="" took=`, closed, port),
	} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("no %s in\n%s", want, w.log.String())
		}
	}
	if len(lines) != 2 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestSafety18NoMoreThanIsNeeded: where one port has named the device, the others
// are left alone.
func TestSafety18NoMoreThanIsNeeded(t *testing.T) {
	var asked atomic.Int32
	first := serve(t, answer(nas))
	second := serve(t, func(net.Conn) { asked.Add(1) })
	w := start(t, map[uint16]*protocol{first: http, second: http}, first, second)
	w.probe(t, client)
	w.Close()
	if asked.Load() != 0 {
		t.Error("the second port was asked, too")
	}
}

// TestSafety18OneConnectionAtATime: to an address, and two probes in all.
func TestSafety18OneConnectionAtATime(t *testing.T) {
	var at [4]atomic.Int32
	var now, most, both atomic.Int32
	services := map[uint16]*protocol{}
	var ports []uint16
	for range 3 {
		l, err := net.Listen("tcp4", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		services[portOf(l.Addr())] = http
		ports = append(ports, portOf(l.Addr()))
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					mine := &at[c.LocalAddr().(*net.TCPAddr).IP.To4()[2]]
					if mine.Add(1) > 1 {
						both.Add(1)
					}
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(50 * time.Millisecond)
					now.Add(-1)
					mine.Add(-1)
				}()
			}
		}()
	}
	w := start(t, services, ports...)
	for i := range 4 {
		w.Suspect(netip.AddrFrom4([4]byte{127, 0, byte(i), 7}), "", policy.NetworkUnknown, policy.ClassDevice)
	}
	for range 4 {
		w.wait(t)
	}
	if both.Load() != 0 || most.Load() > workers {
		t.Errorf("%d connections to one address beside another, %d at once in all", both.Load(), most.Load())
	}
}

func TestSafety16AFullQueueNeverWaits(t *testing.T) {
	w := start(t, nil)
	w.Close() // so that nobody takes from the queue
	w.mu.Lock()
	w.closed, w.queue = false, make(chan netip.Addr, 3)
	w.mu.Unlock()
	var got []string
	for i := range 5 {
		w.Suspect(netip.AddrFrom4([4]byte{127, 0, byte(i), 9}), "", policy.NetworkUnknown, policy.ClassDevice)
		got = append(got, w.last())
	}
	if want := []string{"", "", "", busy, busy}; !slices.Equal(got, want) || len(w.rate.lines) != 3 {
		t.Errorf("%q, %d in the book", got, len(w.rate.lines))
	}
}

// TestSafety16AFaultInReadingEndsOneProbe: the daemon goes on, and so does the
// worker.
func TestSafety16AFaultInReadingEndsOneProbe(t *testing.T) {
	port := serve(t, answer(nas))
	broken := &protocol{request: get("/"), enough: enoughHTTP, parse: func([]byte) []saying { panic("\x1b[2J\nmsg=forged") }}
	w := start(t, map[uint16]*protocol{port: broken}, port)
	for i := range 3 {
		if _, outcome := w.probe(t, client); outcome != failed {
			t.Fatal(outcome)
		}
		if i == 0 && !strings.Contains(w.State(), "the last failed: panic: [2J msg=forged") {
			t.Error(w.State())
		}
		w.clock.pass(time.Hour)
	}
	if log := w.log.String(); strings.Count(log, "\n") != 3 || strings.Contains(log, "\x1b") || !strings.Contains(log, "level=WARN") {
		t.Error(log)
	}
}

// TestSafety07EvidenceEnds: an address may be another's tomorrow.
func TestSafety07EvidenceEnds(t *testing.T) {
	w, b, _ := ask(t, http, answer(nas))
	want := policy.Banner{Kind: device.NAS, Vendor: "Synology", Place: "title", Text: "DiskStation"}
	if b != want {
		t.Errorf("%+v; want %+v", b, want)
	}
	w.clock.pass(24*time.Hour - time.Second)
	if _, ok := w.Known(netip.MustParseAddr("::ffff:127.0.7.9")); !ok {
		t.Error("forgotten too early")
	}
	if _, ok := w.Known(client.Next()); ok {
		t.Error("a neighbour is known by it")
	}
	w.clock.pass(time.Second)
	if b, ok := w.Known(client); ok || b != (policy.Banner{}) {
		t.Errorf("known after its life: %+v", b)
	}
}

// TestSafety21NothingElseIsKept looks at the type of what is remembered.
func TestSafety21NothingElseIsKept(t *testing.T) {
	var names []string
	for f := range reflect.TypeFor[policy.Banner]().Fields() {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "Kind Vendor Place Text" {
		t.Errorf("%s: say so in docs/probe.md", got)
	}
}

// TestSafety20TextsForgeNothing: control characters, escape sequences, direction
// marks, and what is too long.
func TestSafety20TextsForgeNothing(t *testing.T) {
	title := "\x1b]0;pwned\x07\x1b[31mDiskStation\u202e\r\nX-Spam: no\x00 \xff\xfe\u200b" + strings.Repeat(" NAS", 100)
	w, b, _ := ask(t, http, answer("HTTP/1.0 200 OK\r\nServer: a\r\n\r\n<TITLE>"+title+"</TITLE>"))
	w.Close()
	for _, s := range []string{b.Text, b.Vendor, b.Place, w.log.String(), w.State()} {
		for _, r := range strings.TrimSuffix(s, "\n") {
			if r < ' ' || r == 0x7f || r == 0x9b || r == '\u202e' || r == 0xfffd {
				t.Errorf("%q", s)
			}
		}
	}
	for in, want := range map[string]string{
		"a\x1b[2Jb": "a [2Jb", "\x00\x01": "", "  a  b  ": "a b", "\xff\xfe": "", "a\u202eb\u200bc\u009b": "a b c",
		"роутер": "роутер", strings.Repeat("x", 200): strings.Repeat("x", 80), strings.Repeat("é", 200): strings.Repeat("é", 40),
		strings.Repeat("x", 79) + " y": strings.Repeat("x", 79), "a\nb": "a b",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q; want %q", in, got, want)
		}
	}
}

// TestCloseIsBounded with services that hold on, and clients that wait.
func TestCloseIsBounded(t *testing.T) {
	reached := make(chan struct{}, 1)
	port := serve(t, func(c net.Conn) {
		reached <- struct{}{}
		io.Copy(io.Discard, c)
	})
	w := start(t, map[uint16]*protocol{port: http}, port)
	w.o.patience = patience{connect: time.Minute, read: time.Minute, whole: time.Minute}
	w.Suspect(client, "", policy.NetworkUnknown, policy.ClassDevice)
	<-reached
	begin := time.Now()
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(w.Close)
	}
	closing.Wait()
	if took := time.Since(begin); took > grace+3*time.Second {
		t.Errorf("Close took %s", took)
	}
	if _, ok := w.Known(client); ok || w.last() != failed || !strings.Contains(w.log.String(), "the daemon ends") {
		t.Errorf("%s\n%s", w.last(), w.log.String())
	}
	if got := w.becomes(netip.MustParseAddr("127.9.9.9")); got != busy {
		t.Errorf("after Close: %s", got)
	}
}

func TestOutcomesAreListed(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range Outcomes {
		if seen[o] || o == "" {
			t.Errorf("%q twice", o)
		}
		seen[o] = true
	}
}

// TestSafety18AcrossReload: a prober that takes another's place knows what that did
// within the hour, and what it saw; networks that are exempt now are forgotten.
func TestSafety18AcrossReload(t *testing.T) {
	port := serve(t, answer("HTTP/1.1 200 OK\r\nServer: Hikvision-Webs\r\n\r\n"))
	services := map[uint16]*protocol{port: http}
	old := start(t, services, port)
	seen, outcome := old.probe(t, client)
	if outcome != done {
		t.Fatal(outcome)
	}
	follow := func(never ...netip.Prefix) *world {
		w := &world{clock: clock{now: old.clock.Now()}, ended: make(chan string, 10)}
		o := old.o
		o.Before, o.Never, o.Meter, o.Now = old.Prober, never, w, w.clock.Now
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		w.Prober = p
		return w
	}
	w := follow()
	if got, _ := w.Known(client); got != seen {
		t.Errorf("%+v, want %+v", got, seen)
	}
	neighbour := client.Next()
	w.Suspect(neighbour, "", policy.NetworkUnknown, policy.ClassDevice)
	if outcome := w.last(); outcome != rated {
		t.Errorf("a second address of the /24 within the hour: %s", outcome)
	}
	old.Suspect(neighbour, "", policy.NetworkUnknown, policy.ClassDevice)
	if outcome := old.last(); outcome != busy {
		t.Errorf("the old prober goes on: %s", outcome)
	}
	if got, ok := follow(netip.PrefixFrom(client, 32)).Known(client); ok {
		t.Errorf("of an exempt network: %+v", got)
	}
}
