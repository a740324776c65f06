package disk

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
)

var (
	began  = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	secret = [16]byte{1, 2, 3}
	rule   = state.CampaignRule{Window: 10 * time.Minute, Hosts: 3, Hold: 24 * time.Hour}
)

const keep = 35 * 24 * time.Hour

type meter struct {
	up                    atomic.Bool
	loaded, flushed, lost atomic.Int64
	took                  atomic.Int64
}

func (m *meter) StoreUp(on bool)          { m.up.Store(on) }
func (m *meter) StoreFlushed(changes int) { m.flushed.Add(int64(changes)) }
func (m *meter) StoreLost(changes int)    { m.lost.Add(int64(changes)) }
func (m *meter) StoreLoaded(entries int, took time.Duration) {
	m.loaded.Add(int64(entries))
	m.took.Store(int64(took))
}

// world is a directory, and what the store in it said.
type world struct {
	testing.TB
	dir   string
	meter *meter
	log   *lines
	early time.Duration
}

type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newWorld(t testing.TB) *world { return &world{TB: t, dir: t.TempDir()} }

func memory(t testing.TB, entries int) *state.Memory {
	t.Helper()
	m, err := state.New(state.Options{Entries: entries, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// open starts a store on the directory.
func (w *world) open(m *state.Memory) *Store {
	w.Helper()
	w.meter, w.log = new(meter), new(lines)
	return Open(m, Options{
		Dir: w.dir, Log: slog.New(slog.NewTextHandler(w.log, nil)), Meter: w.meter,
		Now: func() time.Time { return time.Now().Add(-w.early) }, Every: 10 * time.Millisecond,
	})
}

func (w *world) end(s *Store) {
	w.Helper()
	if err := s.Close(10 * time.Second); err != nil {
		w.Error(err)
	}
}

func (w *world) file() string { return filepath.Join(w.dir, name) }

func (w *world) aside() []string {
	files, _ := filepath.Glob(w.file() + ".corrupt-*")
	return files
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for range 1000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never: ", what)
}

// host spreads over networks of documentation and benchmarking.
func host(i int) netip.Addr {
	n := i / 2
	if i%2 == 0 {
		return netip.AddrFrom4([4]byte{198, byte(18 + n>>16&1), byte(n), byte(n >> 8)})
	}
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(n >> 8), byte(n), byte(n >> 16), 15: 1})
}

func visit(m *state.Memory, i int, at time.Time) { visitAt(m, host(i), at) }

func visitAt(m *state.Memory, a netip.Addr, at time.Time) {
	m.Visit(a, state.Visit{At: at, Flag: policy.FlagYes, Class: policy.ClassDevice, Device: device.NAS})
}

func item(m *state.Memory, i int) state.Item {
	n := m.Key(state.Network(host(i)).String())
	return state.Item{Key: m.Key("item", fmt.Sprint(i)), Wide: m.Key("wide", fmt.Sprint(i)), Network: n}
}

// found is what look-ups found about a host, in as many bytes as may be.
func found(i int) string {
	return fmt.Sprint("facts of ", i, strings.Repeat("x", i%(state.MaxFacts-20)))
}

// find keeps it until the next day.
func find(m *state.Memory, i int, at time.Time) {
	m.KeepFacts(host(i), found(i), at, at.Add(state.FactsLife))
}

// fill gives the memory something in every table.
func fill(m *state.Memory, n int, at time.Time) {
	for i := range n {
		visit(m, i, at)
		if i%5 == 0 {
			find(m, i, at)
		}
		if i%10 == 0 {
			m.Retried(state.Attempt{Item: item(m, i)}, at.Add(-time.Hour), time.Minute, keep)
			m.Retried(state.Attempt{Item: item(m, i)}, at, time.Minute, keep)
			for day := range 3 {
				m.Habit(item(m, i), at.AddDate(0, 0, day-2))
			}
		}
	}
	for i := range 5 {
		m.Seen(state.Sighting{Template: 7, Network: state.Key(i), At: at}, rule)
	}
}

// check compares with what fill has left.
func check(t testing.TB, m *state.Memory, n int, at time.Time) {
	t.Helper()
	for i := range n {
		h, ok := m.Host(host(i), at)
		if !ok || h.Device != device.NAS || h.Flagged != 1 || !h.Last.Time().Equal(at) {
			t.Fatalf("host %d: %+v", i, h)
		}
		if got := m.Facts(host(i), at); i%5 == 0 && got != found(i) || i%5 != 0 && got != "" {
			t.Fatalf("facts of %d: %q", i, got)
		}
		if i%10 != 0 {
			continue
		}
		if passed, _ := m.Retried(state.Attempt{Item: item(m, i)}, at.Add(time.Hour), time.Minute, keep); !passed {
			t.Fatalf("deferral %d was forgotten", i)
		}
		if !m.Habit(item(m, i), at.AddDate(0, 0, 1)) {
			t.Fatalf("habit %d was forgotten", i)
		}
	}
	if c := m.Campaign(7, at.Add(time.Hour)); !c.On || c.Messages != 5 {
		t.Errorf("campaign: %+v", c)
	}
}

func TestReload(t *testing.T) {
	const n = 3000
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, 10_000)
	s := w.open(m)
	fill(m, n, began)
	w.end(s)
	if w.meter.flushed.Load() == 0 || w.meter.lost.Load() != 0 {
		t.Errorf("%d flushed, %d lost", w.meter.flushed.Load(), w.meter.lost.Load())
	}
	m = memory(t, 10_000)
	s = w.open(m)
	if got := w.meter.loaded.Load(); got != n+n/5+2*n/10+1 {
		t.Errorf("%d entries loaded", got)
	}
	check(t, m, n, began)
	// What is forgotten is forgotten on the disk.
	if m.Forget(netip.PrefixFrom(host(2), 32)) == 0 {
		t.Error("nothing was forgotten")
	}
	w.end(s)
	m = memory(t, 10_000)
	w.end(w.open(m))
	if got := m.Facts(host(10), began); got != found(10) {
		t.Errorf("a neighbour's facts are %q", got)
	}
	if h, ok := m.Host(host(2), began); ok {
		t.Errorf("it came back: %+v", h)
	}
	if _, ok := m.Host(host(4), began); !ok {
		t.Error("so was its neighbour")
	}
	if len(w.aside()) != 0 {
		t.Error("a sound file was set aside: ", w.log)
	}
	info, err := os.Stat(w.file())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}

// TestSmallerTable loads what was used last.
func TestSmallerTable(t *testing.T) {
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, 10_000)
	s := w.open(m)
	for i := range 1000 {
		visit(m, i, began.Add(time.Duration(i)*time.Second))
	}
	w.end(s)
	m = memory(t, 100)
	w.end(w.open(m))
	for i := 901; i < 1000; i++ {
		if _, ok := m.Host(host(i), began); !ok {
			t.Errorf("host %d is not in the table", i)
		}
	}
	m = memory(t, 10_000)
	w.end(w.open(m))
	if n := w.meter.loaded.Load(); n != 1000 {
		t.Errorf("the file holds %d: a smaller table took entries out of it", n)
	}
}

// TestFactsGo: facts that are over, of the future or beyond the table's room are not
// loaded, and do not stay in the file.
func TestFactsGo(t *testing.T) {
	const n = 1000
	for _, tt := range []struct {
		later time.Duration
		room  int
		want  int64
	}{
		{0, n, n}, {23 * time.Hour, n, n}, {24 * time.Hour, n, 0}, {1000 * time.Hour, n, 0}, {-time.Hour, n, 0}, {0, n / 2, n / 2},
	} {
		w := newWorld(t)
		w.early = time.Since(began)
		m := memory(t, n)
		s := w.open(m)
		for i := range n {
			find(m, i, began)
		}
		w.end(s)
		w.early -= tt.later
		m = memory(t, tt.room)
		s = w.open(m)
		if got := w.meter.loaded.Load(); got != tt.want {
			t.Errorf("%v later %d of %d are loaded", tt.later, got, n)
		}
		w.end(s)
		w.early += tt.later
		m = memory(t, n)
		w.end(w.open(m))
		if got := w.meter.loaded.Load(); got != tt.want || len(w.aside()) > 0 {
			t.Errorf("%v later %d of %d stayed in the file: %s", tt.later, got, n, w.log)
		}
	}
}

func TestOverflowWritesAll(t *testing.T) {
	const n = 150_000
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, n)
	s := w.open(m)
	for i := range n {
		visit(m, i, began)
	}
	m.Forget(netip.MustParsePrefix("198.18.7.0/24"))
	w.end(s)
	entries := 0
	m.Hosts(func(netip.Addr, state.Host) bool { entries++; return true })
	m = memory(t, n)
	w.end(w.open(m))
	if got := int(w.meter.loaded.Load()); got != entries || got < n*9/10 {
		t.Errorf("%d of %d", got, entries)
	}
}

func TestOtherSecret(t *testing.T) {
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, 1000)
	s := w.open(m)
	fill(m, 100, began)
	w.end(s)
	other, _ := state.New(state.Options{Entries: 1000, Secret: [16]byte{9}})
	w.end(w.open(other))
	if n := w.meter.loaded.Load(); n != 100+20 {
		t.Errorf("%d entries, of 100 hosts", n)
	}
	w.end(w.open(memory(t, 1000)))
	if n := w.meter.loaded.Load(); n != 100+20 {
		t.Errorf("%d entries are left", n)
	}
}

func TestLocked(t *testing.T) {
	w := newWorld(t)
	w.early = time.Since(began)
	first := memory(t, 1000)
	s := w.open(first)
	fill(first, 100, began)
	m := memory(t, 1000)
	other := w.open(m)
	if w.meter.up.Load() || !strings.Contains(w.log.String(), errLocked.Error()) {
		t.Error("not said: ", w.log)
	}
	visit(m, 500, began)
	w.end(s)
	eventually(t, "the other has the file", func() bool { return w.meter.up.Load() && w.meter.flushed.Load() > 0 })
	check(t, m, 100, began)
	w.end(other)
	w.end(w.open(memory(t, 1000)))
	if n := w.meter.loaded.Load(); n != 100+20+2*10+1+1 {
		t.Errorf("%d entries", n)
	}
}

func TestDirectoryIsMissing(t *testing.T) {
	w := newWorld(t)
	w.dir = filepath.Join(w.dir, "later")
	m := memory(t, 1000)
	s := w.open(m)
	now := time.Now().Truncate(time.Second)
	fill(m, 100, now)
	time.Sleep(100 * time.Millisecond)
	if w.meter.up.Load() || strings.Count(w.log.String(), "is down") != 1 {
		t.Error(w.log)
	}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is written", func() bool { return w.meter.flushed.Load() > 0 })
	w.end(s)
	if !strings.Contains(w.log.String(), "is back") {
		t.Error(w.log)
	}
	m = memory(t, 1000)
	w.end(w.open(m))
	check(t, m, 100, now)
}

func TestCloseIsBounded(t *testing.T) {
	w := newWorld(t)
	m := memory(t, 1000)
	s := w.open(m)
	stuck := make(chan struct{})
	defer close(stuck)
	began := time.Now()
	db := s.db
	go func() { // the disk does not answer
		tx, err := db.Begin(true)
		if err == nil {
			<-stuck
			tx.Rollback()
		}
	}()
	time.Sleep(50 * time.Millisecond)
	visit(m, 1, began)
	if err := s.Close(200 * time.Millisecond); err == nil {
		t.Error("closed")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("after %v", took)
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	log := new(lines)
	logger := slog.New(slog.NewTextHandler(log, nil))
	first := Secret(dir, logger)
	path := filepath.Join(dir, secretName)
	text, err := os.ReadFile(path)
	if err != nil || len(text) != 33 || first == [16]byte{} {
		t.Errorf("%q %v", text, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Error(info.Mode())
	}
	if Secret(dir, logger) != first || log.String() != "" {
		t.Error("another one at the next start: ", log)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Error(files)
	}
	for i, broken := range []func() error{
		func() error { return os.Chmod(path, 0o644) },
		func() error { return os.WriteFile(path, []byte("xyz"), 0o600) },
		func() error { return os.WriteFile(path, bytes.Repeat([]byte("g"), 32), 0o600) },
		func() error { return os.WriteFile(path, nil, 0o600) },
		func() error { return os.Remove(path) },
	} {
		os.Remove(path)
		os.WriteFile(path, text, 0o600)
		if err := broken(); err != nil {
			t.Fatal(err)
		}
		log.buf.Reset()
		if i == 4 {
			os.Mkdir(path, 0o700)
		}
		one, two := Secret(dir, logger), Secret(dir, logger)
		if one == first || one == two || strings.Count(log.String(), "no secret") != 2 {
			t.Errorf("%d: %s", i, log)
		}
		if strings.Contains(log.String(), fmt.Sprintf("%x", one)) {
			t.Error("the secret is in the log")
		}
	}
}

func TestSecretAtOnce(t *testing.T) {
	dir := t.TempDir()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	secrets := make(chan [16]byte, 8)
	for range cap(secrets) {
		go func() { secrets <- Secret(dir, logger) }()
	}
	first := <-secrets
	for range cap(secrets) - 1 {
		if <-secrets != first {
			t.Error("two daemons have two secrets")
		}
	}
}
