package milter_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter"
)

// Load balancers ask by HTTP whether somebody is there: HAProxy's httpchk sends
// OPTIONS or GET, others HEAD. The answer must arrive whole, over UNIX and TCP sockets.
func TestHealthCheckByHTTP(t *testing.T) {
	f := start(t, options{})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go f.server.Serve(tcp) // Shutdown at the test's end closes it
	for _, where := range []net.Addr{&net.UnixAddr{Name: f.path, Net: "unix"}, tcp.Addr()} {
		for _, request := range []string{"GET / HTTP/1.0\r\n\r\n", "OPTIONS / HTTP/1.0\r\n\r\n",
			"GET /ping HTTP/1.1\r\nHost: mx.example.org\r\nUser-Agent: check\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: mx.example.org\r\n\r\n"} {
			conn, err := net.Dial(where.Network(), where.String())
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			for _, part := range []string{request[:2], request[2:7], request[7:]} { // in pieces
				io.WriteString(conn, part)
				time.Sleep(time.Millisecond)
			}
			method, _, _ := strings.Cut(request, " ")
			answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
			if err != nil {
				t.Fatalf("%s %q: %v", where, request, err)
			}
			body, err := io.ReadAll(answer.Body)
			want := map[bool]string{false: "ok\n"}[method == "HEAD"]
			if answer.StatusCode != 200 || string(body) != want || err != nil || !answer.Close {
				t.Errorf("%s %q: %s %q, %v", where, request, answer.Status, body, err)
			}
			conn.Close()
		}
	}
	f.counts(milter.EventHealthCheck, 8)
}

// A connection that says nothing, or that is reset, is a check too and no fault.
func TestHealthCheckByConnecting(t *testing.T) {
	f := start(t, options{})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go f.server.Serve(tcp)
	for _, reset := range []bool{false, true} {
		conn, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if reset {
			conn.(*net.TCPConn).SetLinger(0)
		}
		conn.Close()
	}
	f.counts(milter.EventHealthCheck, 2)
}

// A request that does not end takes no more than its bytes and its time.
func TestHealthCheckIsBounded(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 10, Frame: 200 * time.Millisecond}})
	for _, said := range []string{"GET / HTTP/1.1\r\nHost: ", "GET /" + strings.Repeat("x", 1<<20), "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 1<<17)} {
		conn, err := net.Dial("unix", f.path)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(conn, said)
		conn.SetDeadline(time.Now().Add(3 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%.20q: the filter reads on after 3 s", said)
		}
		conn.Close()
	}
	f.counts(milter.EventHealthCheck, 3)
}

// counts waits until n events are counted, and none that an admin would look into.
func (f *filter) counts(e milter.Event, n int) {
	f.t.Helper()
	for range 200 {
		if f.meter.count(e) >= n {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := f.meter.count(e); got != n {
		f.t.Errorf("%d events %s, not %d", got, e, n)
	}
	for _, fault := range []milter.Event{milter.EventProtocol, milter.EventLost, milter.EventTimeout} {
		if got := f.meter.count(fault); got != 0 {
			f.t.Errorf("%d events %s", got, fault)
		}
	}
}

// Whatever a peer begins with, it ends, and nothing but frames or the one answer is said.
func FuzzOpening(f *testing.F) {
	for _, seed := range []string{"GET / HTTP/1.0\r\n\r\n", "HEAD /\n\n", "OPTIONS", "\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff", "\x00", ""} {
		f.Add([]byte(seed))
	}
	filter := start(f, options{})
	f.Fuzz(func(t *testing.T, opening []byte) {
		conn, err := net.Dial("unix", filter.path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		go func() {
			conn.Write(opening)
			conn.(*net.UnixConn).CloseWrite()
		}()
		heard, err := io.ReadAll(conn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the session goes on without its peer")
		}
		if len(heard) > 0 && heard[0] != 0 && !strings.HasPrefix(string(heard), "HTTP/1.1 200 OK\r\n") {
			t.Errorf("%q is answered with %q", opening, heard)
		}
		if filter.meter.count(milter.EventPanic) != 0 {
			t.Error("panic")
		}
	})
}
