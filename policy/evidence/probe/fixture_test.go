package probe

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/state"
)

// The addresses of tests: the source, and a client in another network.
var (
	source = netip.MustParseAddr("127.0.0.1")
	client = netip.MustParseAddr("127.0.7.9")
)

// world is a Prober on the loopback interface with all that it tells.
type world struct {
	*Prober
	log   safeBuffer
	clock clock

	mu       sync.Mutex
	outcomes []string
	ended    chan string // outcomes of probes that were made
}

func (w *world) Probe(outcome string, took time.Duration) {
	w.mu.Lock()
	w.outcomes = append(w.outcomes, outcome)
	w.mu.Unlock()
	switch outcome {
	case done, none, failed:
		w.ended <- outcome
	}
}

// last is the last outcome.
func (w *world) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.outcomes) == 0 {
		return ""
	}
	return w.outcomes[len(w.outcomes)-1]
}

// wait returns the outcome of the next probe that ends.
func (w *world) wait(t *testing.T) string {
	t.Helper()
	select {
	case outcome := <-w.ended:
		return outcome
	case <-time.After(20 * time.Second):
		t.Fatal("no probe ended in 20 s")
		return ""
	}
}

// probe has the address probed and returns what is known then.
func (w *world) probe(t *testing.T, addr netip.Addr) (policy.Banner, string) {
	t.Helper()
	w.Suspect(addr, "", policy.NetworkUnknown, policy.ClassDevice)
	outcome := w.wait(t)
	b, _ := w.Known(addr)
	return b, outcome
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start makes a Prober that asks for the services, in the order of ports.
func start(t *testing.T, services map[uint16]*protocol, ports ...uint16) *world {
	t.Helper()
	w := &world{clock: clock{now: time.Unix(1_800_000_000, 0)}, ended: make(chan string, 1000)}
	memory, err := state.New(state.Options{Entries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{
		Source: source, Contact: "https://mx.example.org/probe", Ports: ports,
		Book: evidence.NewFacts(memory, w.clock.Now),
		Log:  slog.New(slog.NewTextHandler(&w.log, nil)), Meter: w, Now: w.clock.Now,
		loopback: true, services: services,
		patience: patience{connect: time.Second, read: time.Second, whole: 4 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Prober = p
	t.Cleanup(p.Close)
	return w
}

// serve answers connections to a port of the client's with f.
func serve(t *testing.T, f func(net.Conn)) (port uint16) {
	t.Helper()
	l, err := net.Listen("tcp4", netip.AddrPortFrom(client, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(10 * time.Second))
				f(c)
			})
		}
	})
	return portOf(l.Addr())
}

func portOf(a net.Addr) uint16 { return a.(*net.TCPAddr).AddrPort().Port() }

// answer reads a request and sends the text.
func answer(text string) func(net.Conn) {
	return func(c net.Conn) {
		request(c)
		io.WriteString(c, text)
	}
}

// request reads up to the empty line.
func request(c net.Conn) string {
	var got []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(got, []byte("\r\n\r\n")) {
		if _, err := c.Read(b); err != nil {
			break
		}
		got = append(got, b[0])
	}
	return string(got)
}

// ask probes one service of the client's.
func ask(t *testing.T, spoken *protocol, f func(net.Conn)) (*world, policy.Banner, string) {
	t.Helper()
	port := serve(t, f)
	w := start(t, map[uint16]*protocol{port: spoken}, port)
	b, outcome := w.probe(t, client)
	return w, b, outcome
}
