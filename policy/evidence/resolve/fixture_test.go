package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// TestMain fails where a goroutine outlives the resolvers and servers.
func TestMain(m *testing.M) {
	code := m.Run()
	for range 100 {
		if len(leaked()) == 0 {
			os.Exit(code)
		}
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", strings.Join(leaked(), "\n\n"))
	os.Exit(1)
}

// leaked are the stacks of goroutines that run code of this package or of dnstest.
func leaked() (stacks []string) {
	buf := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "policy/evidence/resolve") && !strings.Contains(stack, "TestMain") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// clock is set by hand. It is safe for concurrent use.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// counts is a Meter. It is safe for concurrent use.
type counts struct {
	mu       sync.Mutex
	outcomes map[string]int
	hits     int
	misses   int
	downs    []string
}

func (c *counts) Query(outcome string, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.outcomes == nil {
		c.outcomes = map[string]int{}
	}
	c.outcomes[outcome]++
}

func (c *counts) Cached(hit bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if hit {
		c.hits++
	} else {
		c.misses++
	}
}

func (c *counts) ServerDown(_ netip.AddrPort, down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.downs = append(c.downs, fmt.Sprint(down))
}

// serve starts a server that knows text.
func serve(t testing.TB, text string) *dnstest.Server {
	t.Helper()
	s, err := dnstest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	set(t, s, text)
	return s
}

func set(t testing.TB, s *dnstest.Server, text string) {
	t.Helper()
	if err := s.Set(text); err != nil {
		t.Fatal(err)
	}
}

// patience is the time of a try in tests: long enough for a busy machine, as most
// of them never wait for it.
const patience = 2 * time.Second

func resolver(t testing.TB, o Options, servers ...*dnstest.Server) *Resolver {
	t.Helper()
	for _, s := range servers {
		o.Servers = append(o.Servers, s.Addr())
	}
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func addrs(t testing.TB, r *Resolver, name string) string {
	t.Helper()
	a, err := r.Addrs(context.Background(), name, 4)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return fmt.Sprint(a)
}

// fails looks a name's A records up, and wants a failure.
func fails(t testing.TB, r *Resolver, name string, want Failure) *Error {
	t.Helper()
	a, err := r.Addrs(context.Background(), name, 4)
	if FailureOf(err) != want {
		t.Fatalf("%s: %v, %v; want %v", name, a, err, want)
	}
	e, _ := errors.AsType[*Error](err)
	return e
}

// eventually waits for what another goroutine will do.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for range 500 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never: ", what)
}
