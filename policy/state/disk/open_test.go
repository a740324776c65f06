package disk

import (
	"bytes"
	"hash/crc32"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/state"
)

// TestLoadedIsNotWritten: what comes from a sound file is in it, so nothing waits for the
// disk, neither at the start nor afterwards.
func TestLoadedIsNotWritten(t *testing.T) {
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, 10_000)
	s := w.open(m)
	fill(m, 3000, began)
	w.end(s)
	before, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	m = memory(t, 10_000)
	s = w.open(m)
	time.Sleep(20 * s.opts.Every)
	w.end(s)
	if after, err := os.ReadFile(w.file()); err != nil || !bytes.Equal(after, before) || w.meter.flushed.Load() != 0 {
		t.Errorf("%d entries were written: %v", w.meter.flushed.Load(), err)
	}
	if w.meter.loaded.Load() < 3000 {
		t.Errorf("%d entries loaded", w.meter.loaded.Load())
	}
	s = w.open(m) // it has what the file has
	visit(m, 1, began.Add(time.Hour))
	eventually(t, "the one that changed is written", func() bool { return w.meter.flushed.Load() > 0 })
	w.end(s)
}

// TestSmallerTables: where a table has several parts and fewer places than the file has
// entries, all places are taken, by those that were used last.
func TestSmallerTables(t *testing.T) {
	const stored, room, slack = 30_000, 20_000, 2000
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, 2*stored)
	s := w.open(m)
	for i := range stored {
		visitAt(m, spread(i), began.Add(time.Duration(i)*time.Second))
	}
	w.end(s)
	m = memory(t, room)
	w.end(w.open(m))
	if n := w.meter.loaded.Load(); n != room {
		t.Errorf("%d of %d loaded, and there is room for %d", n, stored, room)
	}
	for i := range stored {
		_, ok := m.Host(spread(i), began)
		if early := i < stored-room-slack; early && ok || !ok && i >= stored-room+slack {
			t.Fatalf("host %d of %d: %v", i, stored, ok)
		}
	}
}

func TestSum(t *testing.T) {
	key, value := []byte("0123456789abcdef"), []byte("value")
	for table := range state.NumTables {
		text := table.String() + "\x00" + string(key) + string(value)
		if want := crc32.Checksum([]byte(text), castagnoli); sum(table, key, value) != want {
			t.Errorf("%s: %08x, want %08x", table, sum(table, key, value), want)
		}
	}
}

// spread is a host of many: every second one has a network of its own. Their order is
// unlike that of the file.
func spread(i int) netip.Addr {
	n := uint32(i) * 2654435761 // odd: no two are the same
	if i%2 == 0 {
		n /= 2
		return netip.AddrFrom4([4]byte{10, byte(n), byte(n >> 8), byte(n >> 16)})
	}
	return netip.AddrFrom16([16]byte{0xfd, 0, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), 15: 1})
}

// BenchmarkOpen starts with a file of a large site: hosts of a quarter of a year, half of
// them seen on two days, and facts of half of them.
func BenchmarkOpen(b *testing.B) {
	const hosts, finds = 100_000, 50_000
	w := newWorld(b)
	w.early = time.Since(began)
	memory := func() *state.Memory {
		m, err := state.New(state.Options{Entries: 200_000, Hosts: 2 * hosts, Secret: secret})
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	m := memory()
	s := w.open(m)
	for i := range hosts {
		at := began.Add(-time.Duration(i*7919%hosts) * time.Minute)
		visitAt(m, spread(i), at)
		if i%2 == 0 {
			visitAt(m, spread(i), at.AddDate(0, 0, -1))
		}
		if i < finds {
			find(m, i, began)
		}
	}
	if err := s.Close(time.Minute); err != nil {
		b.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // as the daemon has it at its start
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		m = memory()
		b.StartTimer()
		s = w.open(m)
		b.StopTimer()
		if n := w.meter.loaded.Load(); n < hosts {
			b.Fatalf("%d entries loaded", n)
		}
		w.end(s)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(w.meter.loaded.Load()), "ns/entry")
}
