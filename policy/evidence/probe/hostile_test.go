package probe

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// TestHostileServers: each ends the probe in time, with a word for the log, and
// without a device that is none.
func TestHostileServers(t *testing.T) {
	junk := make([]byte, 8192)
	generator := mathrand.NewChaCha8([32]byte{18})
	generator.Read(junk)
	for name, c := range map[string]struct {
		spoken  *protocol
		serve   func(net.Conn)
		outcome string
		how     string
	}{
		"silent accept": {http, func(c net.Conn) { io.Copy(io.Discard, c) }, none, "silent"},
		"silent telnet": {telnet, func(c net.Conn) { io.Copy(io.Discard, c) }, none, "silent"},
		"silent TLS":    {https, func(c net.Conn) { io.Copy(io.Discard, c) }, none, "timeout"},
		"closed":        {ftp, func(c net.Conn) {}, none, "closed"},
		"reset": {ssh, func(c net.Conn) {
			c.(*net.TCPConn).SetLinger(0)
		}, none, "reset"},
		"reset after the request": {http, func(c net.Conn) {
			request(c)
			c.(*net.TCPConn).SetLinger(0)
		}, none, "reset"},
		"reset in the handshake": {https, func(c net.Conn) {
			c.Read(make([]byte, 100))
			c.(*net.TCPConn).SetLinger(0)
		}, none, "reset"},
		"TLS garbage": {https, func(c net.Conn) { c.Write(junk) }, none, "tls"},
		"TLS plain text": {https, func(c net.Conn) {
			c.Read(make([]byte, 1000))
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n<title>DiskStation</title>")
		}, none, "tls"},
		"TLS endless handshake": {https, func(c net.Conn) {
			c.Write([]byte{22, 3, 3, 0x40, 0, 2, 0, 0xff, 0xff}) // a ServerHello of 64 KiB
			for {
				if _, err := c.Write([]byte{0, 22, 3, 3, 0, 1}); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}, none, ""},
		"binary junk":     {http, func(c net.Conn) { c.Write(junk) }, done, "answered"},
		"telnet junk":     {telnet, func(c net.Conn) { c.Write(junk) }, done, "answered"},
		"half a line":     {ssh, func(c net.Conn) { io.WriteString(c, "SSH-2.0") }, done, "answered"},
		"all negotiation": {telnet, func(c net.Conn) { c.Write(bytes.Repeat([]byte{255, 253, 1}, 100)) }, done, "answered"},
		"endless drip": {http, func(c net.Conn) {
			for request(c); ; time.Sleep(10 * time.Millisecond) {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
			}
		}, done, "answered"},
		"endless head": {http, func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := io.WriteString(c, "WWW-Authenticate: Basic realm=\"x\"\r\n"); err != nil {
					return
				}
			}
		}, done, "answered"},
		"title without an end": {http, answer("HTTP/1.1 200 OK\r\n\r\n<title>DiskStation"), done, "answered"},
		"lying length":         {http, answer("HTTP/1.1 200 OK\r\nContent-Length: -99999999999999999999\r\n\r\n"), done, "answered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			w, b, outcome := ask(t, c.spoken, c.serve)
			if took := time.Since(begin); took > 4*time.Second {
				t.Errorf("took %s", took)
			}
			if outcome != c.outcome || b != (policy.Banner{}) {
				t.Errorf("%s, %+v; want %s", outcome, b, c.outcome)
			}
			w.Close()
			if !strings.Contains(w.log.String(), "="+c.how) {
				t.Errorf("no %s in %s", c.how, w.log.String())
			}
		})
	}
}

// TestHostileGigabyte: the server gets rid of what socket buffers hold, and no more.
func TestHostileGigabyte(t *testing.T) {
	const wanted = 1 << 30
	sent := make(chan int64, 1)
	page := []byte(strings.Repeat("<p>all work and no play", 1000))
	_, b, outcome := ask(t, http, func(c net.Conn) {
		request(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nServer: uc-httpd 1.0.0\r\nContent-Length: 1073741824\r\n\r\n")
		var n int64
		for n < wanted {
			k, err := c.Write(page)
			if n += int64(k); err != nil {
				break
			}
		}
		sent <- n
	})
	if n := <-sent; outcome != done || b.Kind != device.Recorder || n > 16<<20 {
		t.Errorf("%s, %+v, %d bytes taken", outcome, b, n)
	}
}

// TestSafety18ReadsFourKiB of a connection.
func TestSafety18ReadsFourKiB(t *testing.T) {
	r := &counting{}
	text, err := read(r, func([]byte) bool { return false })
	if len(text) != 4096 || r.n != 4096 || err != nil {
		t.Errorf("%d of %d, %v", len(text), r.n, err)
	}
	b := &bounded{Conn: endless{}, left: maxWire}
	if n, err := io.Copy(io.Discard, b); n != maxWire || err != nil {
		t.Errorf("%d bytes of TLS, %v", n, err)
	}
}

type counting struct{ n int }

func (c *counting) Read(p []byte) (int, error) { c.n += len(p); return len(p), nil }

type endless struct{ net.Conn }

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// certificate is self-signed and long over, as devices' are.
func certificate(t *testing.T, subject pkix.Name) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: subject, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0),
	}, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestTLS(t *testing.T) {
	for name, c := range map[string]struct {
		subject pkix.Name
		version uint16
		answer  string
		want    policy.Banner
	}{
		"page": {pkix.Name{CommonName: "x"}, tls.VersionTLS13, nas,
			policy.Banner{Kind: device.NAS, Vendor: "Synology", Place: "title", Text: "DiskStation"}},
		"TLS 1.0": {pkix.Name{CommonName: "x"}, tls.VersionTLS10, nas,
			policy.Banner{Kind: device.NAS, Vendor: "Synology", Place: "title", Text: "DiskStation"}},
		"certificate only": {pkix.Name{Organization: []string{"x"}, CommonName: "FRITZ!Box"}, tls.VersionTLS12, "",
			policy.Banner{Kind: device.Router, Vendor: "AVM", Place: "title", Text: "FRITZ!Box"}},
		"host name": {pkix.Name{CommonName: "nas.example.org"}, tls.VersionTLS12, "", policy.Banner{}},
	} {
		t.Run(name, func(t *testing.T) {
			cert := certificate(t, c.subject)
			var named atomic.Bool
			got := make(chan string, 1)
			_, b, outcome := ask(t, https, func(conn net.Conn) {
				s := tls.Server(conn, &tls.Config{
					MinVersion: c.version, MaxVersion: c.version, ClientAuth: tls.RequestClientCert,
					GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
						named.Store(h.ServerName != "")
						return &cert, nil
					},
				})
				got <- request(s)
				if n := len(s.ConnectionState().PeerCertificates); n != 0 {
					t.Errorf("%d certificates are shown", n)
				}
				io.WriteString(s, c.answer)
			})
			if outcome != done || b != c.want {
				t.Errorf("%s, %+v; want %+v", outcome, b, c.want)
			}
			if named.Load() {
				t.Error("a name is sent in the ClientHello")
			}
			if g := <-got; !strings.HasPrefix(g, "GET / HTTP/1.1\r\nHost: 127.0.7.9:") || strings.Count(g, "\r\n") != 5 {
				t.Errorf("%q", g)
			}
		})
	}
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 on the loopback interface:", err)
	}
	defer l.Close()
	port := portOf(l.Addr())
	got := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		got <- request(c)
		io.WriteString(c, nas)
	}()
	w := start(t, map[uint16]*protocol{port: http}, port)
	w.o.Source = l.Addr().(*net.TCPAddr).AddrPort().Addr()
	how := ""
	// The loopback interface has one IPv6 address, which is its own client: the
	// rules would not let it pass.
	_, how, err = w.ask(t.Context(), l.Addr().(*net.TCPAddr).AddrPort(), http)
	if how != "answered" || err != nil {
		t.Fatal(how, err)
	}
	if g, want := <-got, fmt.Sprintf("Host: [::1]:%d\r\n", port); !strings.Contains(g, want) {
		t.Errorf("%q", g)
	}
}
