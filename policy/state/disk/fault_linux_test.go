package disk

import (
	"bufio"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/internal/mounttest"
	"github.com/iot-milter/iot-milter/policy/state"
)

const (
	writerEnv = "IOT_MILTER_TEST_WRITER" // the directory of a child that is killed
	findsEnv  = "IOT_MILTER_TEST_FINDS"  // set where it finds facts and visits nobody
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// TestSafety16FullDisk: memory only while the disk is full, and everything is written
// when it is no more.
func TestSafety16FullDisk(t *testing.T) {
	if !mounttest.Own(t) {
		return
	}
	w := newWorld(t)
	w.early = time.Since(began)
	if err := unix.Mount("tmpfs", w.dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(w.dir, unix.MNT_DETACH)
	m := memory(t, 100_000)
	s := w.open(m)
	visit(m, 1, began)
	eventually(t, "the first is written", func() bool { return w.meter.flushed.Load() > 0 })
	const n = 30_000
	for i := range n {
		visit(m, i, began)
		if i%100 == 0 {
			find(m, i, began)
		}
	}
	eventually(t, "the disk is full", func() bool { return !w.meter.up.Load() })
	for i := range 1000 {
		visit(m, n+i, began)
	}
	time.Sleep(100 * time.Millisecond)
	if lines := strings.Count(w.log.String(), "is down"); lines != 1 {
		t.Errorf("%d lines within a minute: %s", lines, w.log)
	}
	if err := unix.Mount("", w.dir, "", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	w.meter.flushed.Store(0)
	eventually(t, "it is written", func() bool { return w.meter.up.Load() && w.meter.flushed.Load() >= n/2 })
	w.end(s)
	m = memory(t, 100_000)
	s = w.open(m)
	missing := 0
	for i := range n + 1000 {
		if _, ok := m.Host(host(i), began); !ok || i < n && i%100 == 0 && m.Facts(host(i), began) != found(i) {
			missing++
		}
	}
	if missing != 0 || len(w.aside()) != 0 {
		t.Errorf("%d hosts are missing: %s", missing, w.log)
	}
	w.end(s)
}

// TestSafety16FullFromTheStart begins without room for a file.
func TestSafety16FullFromTheStart(t *testing.T) {
	if !mounttest.Own(t) {
		return
	}
	w := newWorld(t)
	w.early = time.Since(began)
	if err := unix.Mount("tmpfs", w.dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(w.dir, unix.MNT_DETACH)
	ballast := filepath.Join(w.dir, "ballast")
	for room := 0; room <= 20; room += 4 { // KiB, in which bbolt gets so far
		os.Remove(w.file())
		os.WriteFile(ballast, make([]byte, (64-room)<<10), 0o600)
		m := memory(t, 1000)
		s := w.open(m)
		visit(m, 1, began)
		time.Sleep(30 * time.Millisecond)
		if w.meter.up.Load() && room < 16 {
			t.Errorf("%d KiB are enough: %s", room, w.log)
		}
		os.Remove(ballast)
		eventually(t, "it is written", func() bool { return w.meter.up.Load() && w.meter.flushed.Load() > 0 })
		w.end(s)
		m = memory(t, 1000)
		w.end(w.open(m))
		if _, ok := m.Host(host(1), began); !ok || len(w.aside()) != 0 {
			t.Errorf("%d KiB: %v %v %s", room, ok, w.aside(), w.log)
		}
	}
}

func TestSafety16ReadOnly(t *testing.T) {
	if !mounttest.Own(t) {
		return
	}
	w := newWorld(t)
	w.early = time.Since(began)
	if err := unix.Mount("tmpfs", w.dir, "tmpfs", unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(w.dir, unix.MNT_DETACH)
	m := memory(t, 1000)
	s := w.open(m)
	visit(m, 1, began)
	if w.meter.up.Load() || !strings.Contains(w.log.String(), "read-only") {
		t.Error(w.log)
	}
	if err := unix.Mount("", w.dir, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is written", func() bool { return w.meter.up.Load() && w.meter.flushed.Load() > 0 })
	w.end(s)
}

// TestFileShrinks cuts the file under the daemon: its mapped pages are gone.
func TestFileShrinks(t *testing.T) {
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, 100_000)
	s := w.open(m)
	for i := range 5000 {
		visit(m, i, began)
	}
	eventually(t, "written", func() bool { return w.meter.flushed.Load() >= 5000 })
	if err := os.Truncate(w.file(), 5*pageSize); err != nil {
		t.Fatal(err)
	}
	for i := range 5000 {
		visit(m, i, began.Add(time.Second))
	}
	eventually(t, "set aside", func() bool { return len(w.aside()) > 0 })
	eventually(t, "written anew", func() bool { return w.meter.up.Load() && w.meter.flushed.Load() >= 10_000 })
	w.end(s)
	m = memory(t, 100_000)
	w.end(w.open(m))
	if n := w.meter.loaded.Load(); n != 5000 {
		t.Errorf("%d entries: %s", n, w.log)
	}
}

// writeUntilKilled visits hosts in turn, or finds facts about them, says so once a flush
// may have taken them, and goes on.
func writeUntilKilled(dir string) {
	w := &world{TB: new(testing.B), dir: dir, early: time.Since(began)}
	m, err := state.New(state.Options{Entries: 100_000, Secret: secret})
	if err != nil {
		panic(err)
	}
	w.open(m)
	for i := range 50_000 {
		if os.Getenv(findsEnv) != "" {
			find(m, i, began)
		} else {
			visit(m, i, began)
		}
		for w.meter.flushed.Load() == 0 { // what the first pass writes is counted twice
			time.Sleep(time.Millisecond)
		}
		if i%50 == 0 {
			time.Sleep(time.Millisecond)
			fmt.Println(i, w.meter.flushed.Load())
		}
	}
	os.Exit(0)
}

// TestKill kills a daemon that writes: what it flushed is there, in a sound file.
func TestKill(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 8 {
		w := newWorld(t)
		w.early = time.Since(began)
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), writerEnv+"="+w.dir)
		finds := round%2 == 1
		if finds {
			cmd.Env = append(cmd.Env, findsEnv+"=1")
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		flushed := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			_, text, _ := strings.Cut(lines.Text(), " ")
			if flushed, _ = strconv.Atoi(text); flushed > 500+300*round {
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		m := memory(t, 100_000)
		s := w.open(m)
		if n := int(w.meter.loaded.Load()); n < flushed-100 || len(w.aside()) != 0 {
			t.Errorf("%d of %d entries are left: %s", n, flushed, w.log)
		}
		for i := range flushed - 100 { // a pass and a flush may both have counted some
			h, ok := m.Host(host(i), began)
			if known := m.Facts(host(i), began); finds && known != found(i) || !finds && (!ok || h.Sessions != 1) {
				t.Errorf("host %d: %+v, %q", i, h, known)
				break
			}
		}
		w.end(s)
	}
}

var million = flag.Int("million", 0, "how many hosts TestMillion keeps, loads and measures; 0 skips it")

// TestMillion measures a full table: go test ./policy/state/disk -run Million -million 1000000 -v.
func TestMillion(t *testing.T) {
	n := *million
	if n == 0 {
		t.Skip("hint: go test ./policy/state/disk -run Million -million 1000000 -v")
	}
	const limit = 288 << 20
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	w := newWorld(t)
	w.early = time.Since(began)
	m, err := state.New(state.Options{Entries: 1000, Hosts: n, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	s := w.open(m)
	start := time.Now()
	for i := range n {
		visitAt(m, spread(i), began)
		m.KeepFacts(spread(i), found(80+i%50), began, began.AddDate(0, 0, 1))
	}
	t.Logf("%d hosts visited in %v", n, time.Since(start))
	w.rss("visited")
	start = time.Now()
	for int(w.meter.flushed.Load()) < n && time.Since(start) < 5*time.Minute {
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("all written %v later", time.Since(start))
	w.rss("written")
	for i := range n { // a day later all are proven
		visitAt(m, spread(i), began.AddDate(0, 0, 1))
		m.KeepFacts(spread(i), found(80+i%50), began.AddDate(0, 0, 1), began.AddDate(0, 0, 2))
		if i%100_000 == 0 {
			time.Sleep(100 * time.Millisecond)
		}
	}
	w.rss("proven")
	start = time.Now()
	if err := s.Close(time.Minute); err != nil {
		t.Error(err)
	}
	info, _ := os.Stat(w.file())
	t.Logf("closed in %v, %d MiB in the file", time.Since(start), info.Size()>>20)
	m = nil
	runtime.GC()
	debug.FreeOSMemory()
	w.rss("without the table")
	if m, err = state.New(state.Options{Entries: 1000, Hosts: n, Secret: secret}); err != nil {
		t.Fatal(err)
	}
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins anew
	w.early = time.Since(began.AddDate(0, 0, 1))
	s = w.open(m)
	took := time.Duration(w.meter.took.Load())
	t.Logf("%d loaded in %v", w.meter.loaded.Load(), took)
	w.rss("loaded")
	if int(w.meter.loaded.Load()) < n || took > 5*time.Second {
		t.Errorf("%d of %d loaded in %v", w.meter.loaded.Load(), n, took)
	}
	facts := 0
	m.Tables(func(name string, entries int, _ int64) {
		if name == "facts" {
			facts = entries
		}
	})
	t.Logf("facts of %d addresses", facts)
	for i := range n / 10 {
		visitAt(m, spread(i*7), began.AddDate(0, 0, 2))
		m.KeepFacts(spread(i*7), found(80+i%50), began.AddDate(0, 0, 2), began.AddDate(0, 0, 3))
	}
	time.Sleep(3 * time.Second)
	now, _ := w.rss("a tenth visited")
	if now > 320<<20 {
		t.Errorf("%d MiB", now>>20)
	}
	start = time.Now()
	entries := 0
	m.Hosts(func(netip.Addr, state.Host) bool { entries++; return true })
	t.Logf("%d walked in %v", entries, time.Since(start))
	w.end(s)
	runtime.KeepAlive(m)
}

// rss returns what the process holds of memory, and held at most.
func (w *world) rss(when string) (now, peak int) {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			now = kib << 10
		case "VmHWM":
			peak = kib << 10
		}
	}
	w.Logf("%s: RSS %d MiB, at most %d MiB", when, now>>20, peak>>20)
	return now, peak
}
