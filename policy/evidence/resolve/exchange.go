package resolve

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// fault is why a server gave no answer to a question.
type fault struct {
	failure Failure
	err     error
}

// exchange asks one server once, and again without EDNS or by TCP where the answer
// asks for that. The message has the code success or NXDOMAIN.
func (r *Resolver) exchange(ctx context.Context, s *server, q *question) (*dns.Msg, *fault) {
	w := q.pack(randomID(), s.edns(r.clock()))
	raw, flt := r.datagram(ctx, s, w)
	if flt != nil {
		return nil, flt
	}
	if w.edns && refusesEDNS(raw) {
		w = q.pack(randomID(), false)
		if raw, flt = r.datagram(ctx, s, w); flt != nil {
			return nil, flt
		}
		if !refusesEDNS(raw) { // else it is the question that it does not like
			s.withoutEDNS(r.clock())
		}
	}
	if raw[2]&2 != 0 { // TC (RFC 2181 section 9)
		w.id = randomID()
		binary.BigEndian.PutUint16(w.wire, w.id)
		if raw, flt = r.stream(ctx, s.addr, w); flt != nil {
			return nil, flt
		}
	}
	return parse(raw, w)
}

// parse reads a message that answers the query.
func parse(raw []byte, w *query) (*dns.Msg, *fault) {
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil {
		return nil, &fault{Invalid, err}
	}
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		if len(m.Question) != 1 || m.Truncated {
			return nil, &fault{Invalid, nil}
		}
		return m, nil
	case dns.RcodeServerFailure:
		return nil, &fault{ServFail, nil}
	case dns.RcodeRefused:
		return nil, &fault{Refused, nil}
	}
	return nil, &fault{Invalid, fmt.Errorf("response code %d", m.Rcode)}
}

// refusesEDNS tells the answers of servers that know no EDNS, or not our version of
// it, by the code in the header (RFC 6891 sections 6.1.3 and 7).
func refusesEDNS(raw []byte) bool {
	switch int(raw[3] & 15) {
	case dns.RcodeFormatError, dns.RcodeNotImplemented:
		return true
	case 0: // BADVERS has its upper bits in the OPT record, and no answer
		m := new(dns.Msg)
		return binary.BigEndian.Uint16(raw[6:]) == 0 && m.Unpack(raw) == nil && m.Rcode == dns.RcodeBadVers
	}
	return false
}

// randomID is unforeseeable: with the port it is all that keeps forged answers off
// (RFC 5452 section 9.2).
func randomID() uint16 {
	var b [2]byte
	_, _ = rand.Read(b[:]) // does not fail
	return binary.BigEndian.Uint16(b[:])
}

// datagram asks by UDP, with a socket and so a port of its own, and waits for an
// answer to the query: what is none is dropped.
func (r *Resolver) datagram(ctx context.Context, s *server, w *query) ([]byte, *fault) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.addr))
	if err != nil {
		return nil, r.unreachable(ctx, s, err)
	}
	defer conn.Close()
	release := r.bound(ctx, conn)
	defer release()
	if _, err = conn.Write(w.wire); err != nil {
		return nil, r.unreachable(ctx, s, err)
	}
	buf := make([]byte, 4096) // more than we offer: some servers do not listen
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, r.unreachable(ctx, s, err)
		}
		if w.answeredBy(buf[:n]) {
			s.hit(r.clock())
			return buf[:n], nil
		}
	}
}

// bound gives a connection the time of one try, and ends it with ctx. What it
// returns must be called before the caller's end.
func (r *Resolver) bound(ctx context.Context, conn net.Conn) (release func()) {
	end := time.Now().Add(r.opts.Timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	_ = conn.SetDeadline(end) // fails on closed connections only
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = conn.SetDeadline(time.Unix(1, 0))
		close(done)
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// unreachable is the fault of a server that did not answer. It counts against the
// server, unless the trouble is ours or the question had no time left.
func (r *Resolver) unreachable(ctx context.Context, s *server, err error) *fault {
	for _, own := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, own) {
			return &fault{Busy, err}
		}
	}
	if ctx.Err() == nil && s.miss() {
		r.try(s)
	}
	return &fault{Timeout, err}
}

// stream asks by TCP. The server is alive, it said that the answer is too long for
// UDP: what goes wrong here does not count against it.
func (r *Resolver) stream(ctx context.Context, addr netip.AddrPort, w *query) ([]byte, *fault) {
	d := net.Dialer{Timeout: r.opts.Timeout}
	conn, err := d.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, streamFault(err)
	}
	defer conn.Close()
	release := r.bound(ctx, conn)
	defer release()
	if _, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(w.wire))), w.wire...)); err != nil {
		return nil, streamFault(err)
	}
	var size [2]byte
	if _, err = io.ReadFull(conn, size[:]); err != nil {
		return nil, streamFault(err)
	}
	raw := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err = io.ReadFull(conn, raw); err != nil {
		return nil, streamFault(err)
	}
	if !w.answeredBy(raw) {
		return nil, &fault{Invalid, errors.New("tcp: not an answer to the question")}
	}
	return raw, nil
}

func streamFault(err error) *fault {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return &fault{Timeout, err}
	}
	return &fault{Invalid, fmt.Errorf("the answer was truncated: %w", err)}
}
