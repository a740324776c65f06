package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// How long things may take.
type patience struct {
	connect time.Duration // until there is a connection
	read    time.Duration // from then to the end of it, however slowly bytes come
	whole   time.Duration // all connections of a probe
}

var usual = patience{connect: 3 * time.Second, read: 3 * time.Second, whole: 10 * time.Second}

// maxWire bounds what is read of a TLS connection: a handshake with a chain of
// certificates, and one record (16 KiB, RFC 8446, section 5.1), which must be whole to
// be read.
const maxWire = 40 << 10

// visit is one probe on its way.
type visit struct {
	banner   policy.Banner
	worth    int
	ports    []string // "80=answered"
	answered bool
	trouble  error // our own
}

func (v *visit) outcome() string {
	switch {
	case v.answered:
		return done
	case v.trouble != nil:
		return failed
	}
	return none
}

// visit asks at one port after the other, until one names a kind of device. A
// fault of ours in reading what came ends the probe and nothing else.
func (p *Prober) visit(addr netip.Addr) (v visit) {
	defer func() {
		if r := recover(); r != nil {
			v.trouble = fmt.Errorf("panic: %s", clean(fmt.Sprint(r)))
		}
	}()
	ctx, cancel := context.WithTimeout(p.ctx, p.o.patience.whole)
	defer cancel()
	for _, pl := range p.places {
		if ctx.Err() != nil {
			break
		}
		sayings, how, err := p.ask(ctx, netip.AddrPortFrom(addr, pl.port), pl.protocol)
		v.ports = append(v.ports, fmt.Sprintf("%d=%s", pl.port, how))
		v.answered = v.answered || how == "answered"
		if how == failed {
			v.trouble = err
		}
		if b, worth := best(sayings); worth > v.worth {
			v.banner, v.worth = b, worth
		}
		if v.worth >= named {
			break
		}
	}
	if p.ctx.Err() != nil && v.trouble == nil {
		v.trouble = errors.New("the daemon ends")
	}
	return v
}

// ask makes one connection and returns what it said; how is a word for the log.
func (p *Prober) ask(ctx context.Context, target netip.AddrPort, pr *protocol) (all []saying, how string, err error) {
	connecting, cancel := context.WithTimeout(ctx, p.o.patience.connect)
	defer cancel()
	d := net.Dialer{KeepAlive: -1}
	// Addresses go in, so no name can: nothing here could be looked up.
	tcp, err := d.DialTCP(connecting, "tcp", netip.AddrPortFrom(p.o.Source, 0), target)
	if err != nil {
		return nil, word(err), err
	}
	defer tcp.Close()
	ctx, cancel = context.WithTimeout(ctx, p.o.patience.read)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { tcp.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	var conn net.Conn = tcp
	if pr.tls {
		// The alert of tls.Conn.Close could wait for the peer: TCP's close is enough.
		secure := tls.Client(&bounded{Conn: tcp, left: maxWire}, anyTLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			if how = word(err); how == failed {
				how = "tls" // what it sent is none
			}
			return nil, how, err
		}
		if certs := secure.ConnectionState().PeerCertificates; len(certs) > 0 {
			// People write these as they write titles, so they count as one.
			s := certs[0].Subject
			all = append(all, saying{"title", strings.Join(s.Organization, " ")}, saying{"title", s.CommonName})
		}
		conn = secure
	}
	if pr.request != nil {
		// A service may speak and close before it was asked: what it said counts.
		_, _ = io.WriteString(conn, pr.request(host(target, pr.tls), p.agent))
	}
	text, err := read(conn, pr.enough)
	switch {
	case len(text) > 0:
		return append(all, pr.parse(text)...), "answered", nil
	case len(all) > 0:
		return all, "answered", nil // its certificate is an answer
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, "silent", err
	case errors.Is(err, io.EOF):
		return nil, "closed", err
	}
	return nil, word(err), err
}

// anyTLS takes whatever a device offers: nothing secret is sent, and whoever
// answers is believed no more than without TLS. Neither a name nor a certificate
// of ours is shown.
var anyTLS = &tls.Config{
	InsecureSkipVerify: true,
	MinVersion:         tls.VersionTLS10,
	CipherSuites:       ciphers(),
}

func ciphers() (all []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		all = append(all, s.ID)
	}
	return all
}

// bounded ends a connection after so many bytes.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(data []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.Conn.Read(data[:min(len(data), b.left)])
	b.left -= n
	return n, err
}

func read(r io.Reader, enough func([]byte) bool) (text []byte, err error) {
	text = make([]byte, 0, MaxText)
	for len(text) < MaxText {
		n, err := r.Read(text[len(text):MaxText])
		text = text[:len(text)+n]
		if err != nil || n > 0 && enough(text) {
			return text, err
		}
	}
	return text, nil
}

// word says why there was no answer: timeout, refused, reset and unreachable are
// the peer's or its network's, error is ours.
func word(err error) string {
	var t interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &t) && t.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	}
	return failed
}
