package remote_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

var (
	_ decider.State = (*remote.Store)(nil)
	_ decider.State = (*state.Memory)(nil)

	_ evidence.Memory = (*remote.Store)(nil)
	_ evidence.Memory = (*state.Memory)(nil)
)

// server is a real redis-server on a socket and a port.
type server struct {
	t      testing.TB
	args   []string
	socket string
	port   string
	cmd    *exec.Cmd
	admin  *redis.Client
}

func start(t testing.TB, args ...string) *server {
	t.Helper()
	path, err := exec.LookPath(program())
	if err != nil {
		if os.Getenv("CI") != "" || os.Getenv("REDIS_SERVER") != "" {
			t.Fatal("no redis-server; hint: .ci/setup test installs it")
		}
		t.Skip("no redis-server; hint: apt-get install redis-server")
	}
	dir, err := os.MkdirTemp("", "shared") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, socket: filepath.Join(dir, "s"), port: freePort(t)}
	s.args = append([]string{path, "--port", s.port, "--bind", "127.0.0.1", "--unixsocket", s.socket, "--dir", dir,
		"--save", "", "--appendonly", "no"}, args...)
	s.admin = redis.NewClient(&redis.Options{Addr: s.socket, Network: "unix", MaxRetries: -1})
	t.Cleanup(func() {
		s.admin.Close()
		s.kill()
		os.RemoveAll(dir)
	})
	s.start()
	return s
}

// program is the server: Redis, or another that the environment names.
func program() string {
	if p := os.Getenv("REDIS_SERVER"); p != "" {
		return p
	}
	return "redis-server"
}

func freePort(t testing.TB) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, 10*time.Second, "the server answers", func() bool {
		err := s.admin.Ping(context.Background()).Err()
		return err == nil || strings.Contains(err.Error(), "NOAUTH")
	})
}

func (s *server) kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *server) url() string { return "unix://" + s.socket }

func (s *server) do(args ...any) any {
	s.t.Helper()
	v, err := s.admin.Do(context.Background(), args...).Result()
	if err != nil {
		s.t.Fatal(args, err)
	}
	return v
}

func eventually(t testing.TB, within time.Duration, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// meter counts outcomes.
type meter struct {
	mu       sync.Mutex
	calls    map[string]int
	behind   map[string]int
	degraded []bool
	longest  time.Duration
}

func (m *meter) Call(op, outcome string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if op == "hosts" || op == "visits" || op == "habits" || op == "facts" { // behind the callers' back, some at once
		if outcome == "ok" || outcome == "local" {
			return
		}
	}
	m.calls[outcome]++
	if op != "trial" {
		m.longest = max(m.longest, took)
	}
}

func (m *meter) Behind(op, outcome string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.behind[op+" "+outcome] += n
}

// later counts what nobody waited for.
func (m *meter) later(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.behind[what]
}

func (m *meter) Degraded(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.degraded = append(m.degraded, on)
}

func (m *meter) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprint(m.calls, m.behind, ", the longest ", m.longest)
}

// changes is how often the host was alone, or no longer.
func (m *meter) changes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.degraded)
}

// slowest is how long the slowest call took.
func (m *meter) slowest() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.longest
}

func (m *meter) count(outcome string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[outcome]
}

// logs is what was logged.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// mx is a mail host's store.
type mx struct {
	*remote.Store
	meter *meter
	logs  *logs
	local *state.Memory

	prefetches, visits, facts atomic.Int64
	closed                    sync.Once
}

func (h *mx) Close() { h.closed.Do(func() { h.Store.Close() }) }

func (h *mx) Prefetch(addr netip.Addr) {
	h.prefetches.Add(1)
	h.Store.Prefetch(addr)
}

func (h *mx) Visit(addr netip.Addr, v state.Visit) state.Host {
	h.visits.Add(1)
	return h.Store.Visit(addr, v)
}

func (h *mx) KeepFacts(addr netip.Addr, record string, at, until time.Time) {
	h.facts.Add(1)
	h.Store.KeepFacts(addr, record, at, until)
}

func open(t testing.TB, url string, change ...func(*remote.Options)) *mx {
	t.Helper()
	local, err := state.New(state.Options{Entries: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	h := &mx{meter: &meter{calls: map[string]int{}, behind: map[string]int{}}, logs: &logs{}, local: local}
	// A busy machine is no slow server.
	o := remote.Options{URL: url, Local: local, Join: evidence.Join, Log: slog.New(slog.NewTextHandler(h.logs, nil)),
		Meter: h.meter, Now: time.Now, Timeout: time.Second}
	for _, c := range change {
		c(&o)
	}
	if h.Store, err = remote.Open(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func quick(o *remote.Options) { o.Timeout = 50 * time.Millisecond }

func item(s decider.State, network, name string) state.Item {
	return state.Item{Key: s.Key(network, name), Wide: s.Key("wide", network), Network: s.Key(network)}
}

// hosts are two sights of one memory.
type hosts [2]decider.State

// both runs a test against the local memory, and against two hosts with one server.
func both(t *testing.T, f func(t *testing.T, fresh func() hosts)) {
	t.Run("memory", func(t *testing.T) {
		f(t, func() hosts {
			m, err := state.New(state.Options{Entries: 10_000})
			if err != nil {
				t.Fatal(err)
			}
			return hosts{m, m}
		})
	})
	t.Run("shared", func(t *testing.T) {
		s := start(t)
		n := 0
		f(t, func() hosts {
			n++
			prefix := func(o *remote.Options) { o.Prefix = fmt.Sprintf("test %d:", n) }
			a, b := open(t, s.url(), prefix), open(t, "redis://127.0.0.1:"+s.port, prefix)
			t.Cleanup(func() {
				if a.Degraded() || b.Degraded() || a.meter.count("local")+b.meter.count("local") > 0 {
					t.Error("the own memory answered: ", a.logs, b.logs)
				}
			})
			return hosts{a, b}
		})
	})
}
