package resolve

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestLiesAreIgnored: answers with another id or question, from another port, and
// noise, each of them before the true answer.
func TestLiesAreIgnored(t *testing.T) {
	s := serve(t, world+`
!lie-id id.example.org all.example.org
!lie-question question.example.org all.example.org
!lie-port port.example.org all.example.org
!noise noise.example.org all.example.org
id.example.org IN A 192.0.2.9
question.example.org IN A 192.0.2.9
port.example.org IN A 192.0.2.9
noise.example.org IN A 192.0.2.9
all.example.org IN A 192.0.2.9
`)
	r := resolver(t, Options{}, s)
	for _, kind := range []string{"id", "question", "port", "noise", "all"} {
		if got := addrs(t, r, kind+".example.org"); got != "[192.0.2.9]" {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if n := s.Count("", ""); n != 5 {
		t.Errorf("%d questions: a lie ended a wait", n)
	}
}

// TestSpoofing floods the resolver's port, which no real attacker knows, from other
// sockets of the same host with every id, while the server is silent.
func TestSpoofing(t *testing.T) {
	s := serve(t, "!drop *")
	r := resolver(t, Options{Timeout: 400 * time.Millisecond}, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		eventually(t, "a question", func() bool { return s.Count("", "") > 0 })
		to := s.Questions()[0].From
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		m := new(dns.Msg)
		m.SetQuestion("victim.example.org.", dns.TypeA)
		m.Response = true
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "victim.example.org.", Rrtype: dns.TypeA, Class: 1, Ttl: 300}, A: net.IPv4(203, 0, 113, 66)}}
		raw, _ := m.Pack()
		for id := range 1 << 16 {
			binary.BigEndian.PutUint16(raw, uint16(id))
			_, _ = conn.Write(raw)
		}
	}()
	fails(t, r, "victim.example.org", Timeout)
	<-done
}

// TestUnforeseeable: ids and ports of many questions are many, and in no order.
func TestUnforeseeable(t *testing.T) {
	s := serve(t, "")
	r := resolver(t, Options{}, s)
	const n = 200
	for i := range n {
		fails(t, r, strings.Repeat("x", 1+i%60)+"."+strings.Repeat("y", 1+i/60)+".example", NXDomain)
	}
	ids, ports, up := map[uint16]bool{}, map[uint16]bool{}, 0
	q := s.Questions()
	for i := range q {
		ids[q[i].ID], ports[q[i].From.Port()] = true, true
		if i > 0 && q[i].From.Port() > q[i-1].From.Port() {
			up++
		}
		if q[i].EDNS != udpSize || q[i].TCP {
			t.Fatalf("%+v", q[i])
		}
	}
	if len(ids) < n*9/10 || len(ports) < n*9/10 || up < n/4 || up > n*3/4 {
		t.Errorf("%d questions with %d ids from %d ports, %d of them above the one before", n, len(ids), len(ports), up)
	}
}

func TestWithoutEDNS(t *testing.T) {
	for _, how := range []string{"formerr", "badvers"} {
		s := serve(t, world+"!"+how+" *")
		c := newClock()
		r := resolver(t, Options{Now: c.Now}, s)
		addrs(t, r, "mail.example.org")
		if q := s.Questions(); len(q) != 2 || q[0].EDNS == 0 || q[1].EDNS != 0 || q[0].ID == q[1].ID {
			t.Errorf("%s: %+v", how, q)
		}
		addrs(t, r, "www.example.org")
		if q := s.Questions(); len(q) != 3 || q[2].EDNS != 0 {
			t.Errorf("%s: it is not remembered: %+v", how, q)
		}
		c.add(plainLife)
		addrs(t, r, "www.example.org")
		if q := s.Questions(); len(q) != 5 || q[3].EDNS == 0 {
			t.Errorf("%s: it is never tried again: %+v", how, q)
		}
	}
}

// TestOneBadQuestion: a name that the server does not like does not take EDNS from
// the others.
func TestOneBadQuestion(t *testing.T) {
	s := serve(t, world+"!notimp bad.example.org")
	r := resolver(t, Options{}, s)
	fails(t, r, "bad.example.org", Invalid)
	addrs(t, r, "mail.example.org")
	if q := s.Questions(); len(q) != 3 || q[2].EDNS == 0 {
		t.Errorf("%+v", q)
	}
}

func TestTruncated(t *testing.T) {
	s := serve(t, world+`
!truncate mail.example.org close.example.org silent.example.org
!tcp-close close.example.org
!huge 90 big.example.org
`)
	r := resolver(t, Options{Timeout: time.Second}, s)
	if got := addrs(t, r, "mail.example.org"); got != "[192.0.2.1 192.0.2.2]" {
		t.Error(got)
	}
	if q := s.Questions(); len(q) != 2 || q[0].TCP || !q[1].TCP || q[0].ID == q[1].ID {
		t.Errorf("%+v", q)
	}
	addrs(t, r, "big.example.org")
	fails(t, r, "close.example.org", Invalid)
	s.StopTCP()
	if e := fails(t, r, "silent.example.org", Invalid); !errors.Is(e, syscall.ECONNREFUSED) || !r.Healthy() {
		t.Errorf("%v", e)
	}
}

// rogue is a server that does what it is told to by TCP, and is truncated by UDP.
func rogue(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Skip("the port is another's by UDP:", err)
	}
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 2000)
		for {
			n, from, err := u.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			buf[2] |= 0x82
			_, _ = u.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_, _ = u.Close(), l.Close()
		<-done
		<-done
	})
	return addr
}

func TestBadTCP(t *testing.T) {
	stop := make(chan struct{})
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  Failure
	}{
		"half":         {func(c net.Conn) { _, _ = c.Write([]byte{1, 0, 1, 2, 3}) }, Invalid},
		"nothing":      {func(c net.Conn) {}, Invalid},
		"empty":        {func(c net.Conn) { _, _ = c.Write([]byte{0, 0}) }, Invalid},
		"other answer": {func(c net.Conn) { _, _ = c.Write(append([]byte{0, 60}, make([]byte, 60)...)) }, Invalid},
		"silence":      {func(net.Conn) { <-stop }, Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rogue(t, c.serve)
			r := resolver(t, Options{Servers: []netip.AddrPort{addr}, Timeout: 500 * time.Millisecond})
			fails(t, r, "mail.example.org", c.want)
			if name == "silence" {
				close(stop)
			}
		})
	}
}

// TestPack compares our messages with the library's.
func TestPack(t *testing.T) {
	for _, name := range []string{"example.org", "a", "x." + strings.Repeat("b", 63) + ".example"} {
		for _, edns := range []bool{false, true} {
			var q question
			if !q.set(dns.TypeMX, name) {
				t.Fatal(name)
			}
			m := new(dns.Msg)
			m.SetQuestion(name+".", dns.TypeMX)
			m.Id = 0x1234
			if edns {
				m.SetEdns0(udpSize, false)
			}
			want, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			if got := q.pack(0x1234, edns).wire; !bytes.Equal(got, want) {
				t.Errorf("%s:\n%x\nwant\n%x", name, got, want)
			}
		}
	}
}

func TestReverse(t *testing.T) {
	for _, a := range []string{"0.0.0.0", "255.199.100.99", "10.9.1.203", "::", "2001:db8::1", "fe80::1%eth0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		addr := netip.MustParseAddr(a)
		want, err := dns.ReverseAddr(addr.WithZone("").String())
		if err != nil {
			t.Fatal(err)
		}
		var q question
		if !q.reverse(addr) || q.name()+"." != want {
			t.Errorf("%s: %s, want %s", a, q.name(), want)
		}
	}
}

func TestServersInTurn(t *testing.T) {
	first, second, third := serve(t, "!drop silent.example.org\n!servfail *"), serve(t, world+"!drop silent.example.org"), serve(t, world+"!drop silent.example.org")
	r := resolver(t, Options{Timeout: 300 * time.Millisecond}, first, second, third)
	if got := addrs(t, r, "mail.example.org"); got != "[192.0.2.1 192.0.2.2]" {
		t.Error(got)
	}
	if a, b, c := first.Count("", ""), second.Count("", ""), third.Count("", ""); a != 1 || b != 1 || c != 0 {
		t.Errorf("%d, %d and %d questions", a, b, c)
	}
	fails(t, r, "silent.example.org", Timeout)
	for _, s := range []interface{ Count(string, string) int }{first, second, third} {
		if n := s.Count("silent.example.org", ""); n != 1 && n != 2 { // the whole question's time may end before the last
			t.Errorf("silence was asked %d times", n)
		}
	}
}

// TestAServersWord: SERVFAIL of one server tells more than silence of the next.
func TestAServersWord(t *testing.T) {
	first, second := serve(t, "!servfail *"), serve(t, "!drop *")
	r := resolver(t, Options{Timeout: 300 * time.Millisecond}, first, second)
	if e := fails(t, r, "mail.example.org", ServFail); e.Server != first.Addr() {
		t.Errorf("%v", e)
	}
}

func TestWholeQuestionIsBounded(t *testing.T) {
	var o Options
	for range 10 {
		o.Servers = append(o.Servers, serve(t, "!drop *").Addr())
	}
	o.Timeout = 100 * time.Millisecond
	r := resolver(t, o)
	began := time.Now()
	fails(t, r, "mail.example.org", Timeout)
	if took := time.Since(began); took < 400*time.Millisecond || took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestOwnTrouble: what this process lacks is not the server's fault.
func TestOwnTrouble(t *testing.T) {
	r := resolver(t, Options{}, serve(t, ""))
	for range 2 * tripAfter {
		flt := r.unreachable(r.ctx, r.set.Load().list[0], &net.OpError{Op: "dial", Err: syscall.EMFILE})
		if flt.failure != Busy {
			t.Fatalf("%+v", flt)
		}
	}
	ended, end := context.WithCancel(r.ctx)
	end()
	for range 2 * tripAfter { // the question had no time left
		if flt := r.unreachable(ended, r.set.Load().list[0], context.Canceled); flt.failure != Timeout {
			t.Fatalf("%+v", flt)
		}
	}
	if st := r.State()[0]; st.Timeouts != 0 || st.Down {
		t.Errorf("%+v", st)
	}
}

func TestNet(t *testing.T) {
	s := serve(t, world+`
!servfail bad.example.org
half.example.org IN A 192.0.2.1
six.example.org IN AAAA 2001:db8::6
`)
	r := resolver(t, Options{}, s)
	n, ctx := r.Net(), context.Background()
	if a, err := n.LookupIPAddr(ctx, "mail.example.org"); err != nil || len(a) != 3 || a[2].IP.String() != "2001:db8::1" {
		t.Errorf("%v, %v", a, err)
	}
	for _, name := range []string{"half.example.org", "six.example.org"} {
		if a, err := n.LookupIPAddr(ctx, name); err != nil || len(a) != 1 {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	before := s.Count("", "AAAA")
	if a, err := n.For(netip.MustParseAddr("192.0.2.1")).LookupIPAddr(ctx, "other.example.org"); len(a) != 0 || err == nil || s.Count("", "AAAA") != before {
		t.Errorf("%v, %v", a, err)
	}
	if m, err := n.LookupMX(ctx, "example.org"); err != nil || len(m) != 2 || m[0].Host != "a.example.org" || m[0].Pref != 10 {
		t.Errorf("%v, %v", m, err)
	}
	if x, err := n.LookupTXT(ctx, "example.org"); err != nil || len(x) != 2 || x[0] != "v=spf1 a -all" {
		t.Errorf("%v, %v", x, err)
	}
	if x, err := n.LookupAddr(ctx, "203.0.113.7"); err != nil || len(x) != 1 {
		t.Errorf("%v, %v", x, err)
	}
	for name, c := range map[string]struct {
		err       error
		temporary bool
	}{
		"no address": {second(n.LookupAddr(ctx, "x")), false},
		"no name":    {second(n.LookupTXT(ctx, "..")), false},
		"nxdomain":   {second(n.LookupMX(ctx, "no.example.org")), false},
		"nodata":     {second(n.LookupTXT(ctx, "mail.example.org")), false},
		"servfail":   {second(n.LookupIPAddr(ctx, "bad.example.org")), true},
	} {
		e, ok := c.err.(*net.DNSError) // as the SPF library does
		if !ok || e.Temporary() != c.temporary || e.IsNotFound == c.temporary {
			t.Errorf("%s: %#v", name, c.err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
