package dnstest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Question is a question that the server was asked.
type Question struct {
	Name string // as it was spelled, with the final dot
	Type string // "A", "PTR" …
	ID   uint16
	From netip.AddrPort
	TCP  bool
	EDNS int // bytes that the other end takes; 0 is no EDNS
}

const mostQuestions = 100_000 // remembered

// Server is a running server. It is safe for concurrent use.
type Server struct {
	addr  netip.AddrPort
	udp   *net.UDPConn
	other *net.UDPConn // another port of the same host
	tcp   net.Listener
	stop  chan struct{}
	wg    sync.WaitGroup

	mu    sync.Mutex
	tell  func(Question)
	zone  *zone
	asked []Question
	conns map[net.Conn]bool
}

// Start listens on an address with port, UDP and TCP; "" is any port of
// 127.0.0.1. The caller must Close the server.
func Start(addr string) (*Server, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	want, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	s := &Server{stop: make(chan struct{}), zone: newZone(), conns: map[net.Conn]bool{}}
	for range 20 { // the port that UDP got may be another's by TCP
		if err = s.listen(want); err == nil || want.Port() != 0 {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	s.wg.Go(s.serveUDP)
	s.wg.Go(s.serveTCP)
	return s, nil
}

func (s *Server) listen(want netip.AddrPort) (err error) {
	if s.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(want)); err != nil {
		return err
	}
	got := s.udp.LocalAddr().(*net.UDPAddr).AddrPort()
	s.addr = netip.AddrPortFrom(want.Addr(), got.Port())
	if s.tcp, err = net.Listen("tcp", s.addr.String()); err != nil {
		return errors.Join(err, s.udp.Close())
	}
	if s.other, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(want.Addr(), 0))); err != nil {
		return errors.Join(err, s.udp.Close(), s.tcp.Close())
	}
	return nil
}

// Addr is where the server listens.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Set takes records and directives, see the package comment. Records replace those
// of the same name and type; directives add to those of the same name.
func (s *Server) Set(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zone.read(text)
}

// Reset forgets all records and directives, and the questions.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone, s.asked = newZone(), nil
}

// Count is how often a name was asked for, "" being any name; so with the type.
// What came by UDP and again by TCP counts twice.
func (s *Server) Count(name, kind string) int {
	n := 0
	for _, q := range s.Questions() {
		if (name == "" || canonical(q.Name) == canonical(name)) && (kind == "" || q.Type == kind) {
			n++
		}
	}
	return n
}

// Questions are the questions so far, in the order of their arrival.
func (s *Server) Questions() []Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Question(nil), s.asked...)
}

// OnQuestion has f called with each question that comes, one at a time. It must
// not call the server.
func (s *Server) OnQuestion(f func(Question)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell = f
}

// StopTCP makes the host refuse TCP from now on.
func (s *Server) StopTCP() { _ = s.tcp.Close() }

// Close ends the server and waits for its goroutines.
func (s *Server) Close() {
	close(s.stop)
	_ = s.tcp.Close() // may be closed already, by StopTCP
	_ = s.udp.Close()
	_ = s.other.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Server) serveUDP() {
	buf := make([]byte, 65535)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		q := new(dns.Msg)
		if q.Unpack(buf[:n]) != nil || q.Response || len(q.Question) != 1 {
			continue
		}
		s.wg.Go(func() {
			s.handle(q, from, false, func(raw []byte) { _, _ = s.udp.WriteToUDPAddrPort(raw, from) })
		})
	}
}

func (s *Server) serveTCP() {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serveConn(conn)
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
			_ = conn.Close()
		})
	}
}

func (s *Server) serveConn(conn net.Conn) {
	from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	for {
		select {
		case <-s.stop: // it came while Close went through the connections
			return
		default:
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		raw := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, raw); err != nil {
			return
		}
		q := new(dns.Msg)
		if q.Unpack(raw) != nil || q.Response || len(q.Question) != 1 {
			return
		}
		if !s.handle(q, from, true, func(raw []byte) {
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
		}) {
			return
		}
	}
}

// handle answers one question, and reports whether the connection may go on.
func (s *Server) handle(q *dns.Msg, from netip.AddrPort, tcp bool, send func([]byte)) bool {
	b, m := s.note(q, from, tcp)
	if b.drop || tcp && b.tcpClose {
		return false
	}
	if b.delay > 0 {
		select {
		case <-time.After(b.delay):
		case <-s.stop:
			return false
		}
	}
	if !tcp {
		for _, lie := range b.lies(q) {
			send(lie)
		}
		if b.liePort {
			_, _ = s.other.WriteToUDPAddrPort(packed(forged(q)), from)
			time.Sleep(5 * time.Millisecond) // the lie comes first
		}
	}
	raw := packed(m)
	if b.garbage {
		raw = ruined(raw, q)
	}
	most := 512
	if opt := q.IsEdns0(); opt != nil {
		most = int(opt.UDPSize())
	}
	if !tcp && (b.truncate || len(raw) > most) {
		m.Answer, m.Ns, m.Truncated = nil, nil, true
		raw = packed(m)
	}
	send(raw)
	return true
}

// note remembers the question and makes the answer.
func (s *Server) note(q *dns.Msg, from netip.AddrPort, tcp bool) (behaviour, *dns.Msg) {
	asked := Question{
		Name: q.Question[0].Name, Type: dns.TypeToString[q.Question[0].Qtype], ID: q.Id,
		From: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), TCP: tcp,
	}
	if opt := q.IsEdns0(); opt != nil {
		asked.EDNS = int(opt.UDPSize())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tell != nil {
		s.tell(asked)
	}
	if len(s.asked) < mostQuestions {
		s.asked = append(s.asked, asked)
	}
	b := s.zone.behaviour(canonical(asked.Name))
	return b, s.zone.reply(q, b)
}
