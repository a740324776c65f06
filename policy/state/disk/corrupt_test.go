package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// stored is a sound file of n hosts, of which parts were written more than once.
func stored(t testing.TB, n int) []byte {
	t.Helper()
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, 10*n)
	s := w.open(m)
	fill(m, n, began)
	eventually(t, "flushed", func() bool { return w.meter.flushed.Load() > 0 })
	for i := range n / 10 {
		visit(m, i*7, began.Add(time.Minute))
	}
	w.end(s)
	file, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// survive starts a daemon on a file that may be anything, uses it, and starts the next,
// which must find a sound file.
func survive(t *testing.T, file []byte) (loaded int64, aside int) {
	t.Helper()
	w := newWorld(t)
	w.early = time.Since(began)
	if err := os.WriteFile(w.file(), file, 0o600); err != nil {
		t.Fatal(err)
	}
	m := memory(t, 30_000)
	s := w.open(m)
	loaded = w.meter.loaded.Load()
	if !w.meter.up.Load() {
		t.Fatal("no store: ", w.log)
	}
	aside = len(w.aside())
	if aside != strings.Count(w.log.String(), "was set aside") {
		t.Fatal("not said: ", w.log)
	}
	visit(m, 100_000, began)
	w.end(s)
	m = memory(t, 30_000)
	w.end(w.open(m))
	if _, ok := m.Host(host(100_000), began); !ok || len(w.aside()) != aside {
		t.Fatalf("the store does not work: %v, %d files aside: %s", ok, len(w.aside()), w.log)
	}
	if w.meter.loaded.Load() != loaded+1 {
		t.Fatalf("%d entries of %d are left", w.meter.loaded.Load(), loaded+1)
	}
	return loaded, aside
}

func TestTruncated(t *testing.T) {
	file := stored(t, 2000)
	used := order.Uint64(file[pageHeader+40:]) * pageSize
	for at := 0; at < len(file); at += max(1, int(used)/20) {
		loaded, aside := survive(t, file[:at])
		switch {
		case at == 0 && aside != 0, at > 0 && uint64(at) < used && aside != 1:
			t.Errorf("of %d bytes, of which %d are used, %d are left: %d files aside", len(file), used, at, aside)
		case aside == 0 && at > 0 && loaded < 2000:
			t.Errorf("%d bytes: %d entries", at, loaded)
		}
	}
	for _, at := range []int{1, 15, 16, 4095, 4096, 4097, 8192, 12288, 16383, 16384} {
		survive(t, file[:at])
	}
}

// TestFlipped turns bits anywhere: what is loaded is what was stored, and most of it
// is.
func TestFlipped(t *testing.T) {
	file := stored(t, 2000)
	used := int(order.Uint64(file[pageHeader+40:]) * pageSize)
	random := rand.New(rand.NewPCG(1, 2))
	found, most := 0, 0
	const rounds = 100
	for range rounds {
		broken := bytes.Clone(file)
		for range 1 + random.IntN(4) {
			at := random.IntN(used)
			if random.IntN(2) == 0 {
				at = at/pageSize*pageSize + random.IntN(200) // headers
			}
			broken[at] ^= 1 << random.IntN(8)
		}
		loaded, aside := survive(t, broken)
		found += aside
		if loaded > 1500 {
			most++
		}
	}
	t.Logf("%d of %d files were set aside, most was kept of %d", found, rounds, most)
	if found < rounds/4 || most < rounds/2 {
		t.Errorf("%d of %d files were set aside, most was kept of %d", found, rounds, most)
	}
}

// TestGarbage fills pages with noise.
func TestGarbage(t *testing.T) {
	file := stored(t, 2000)
	pages := int(order.Uint64(file[pageHeader+40:]))
	random := rand.New(rand.NewPCG(3, 4))
	for page := 0; page < pages; page += 6 {
		broken := bytes.Clone(file)
		for i := range pageSize {
			broken[page*pageSize+i] = byte(random.Uint32())
		}
		survive(t, broken)
	}
	survive(t, []byte(strings.Repeat("no database\n", 5000)))
	survive(t, make([]byte, 1<<20))
}

// TestSwappedPages: each page is sound, and stands in another's place.
func TestSwappedPages(t *testing.T) {
	file := stored(t, 2000)
	pages := int(order.Uint64(file[pageHeader+40:]))
	for page := 2; page+1 < pages; page += 9 {
		broken := bytes.Clone(file)
		copy(broken[page*pageSize:], file[(page+1)*pageSize:(page+2)*pageSize])
		survive(t, broken)
	}
	for page := 2; page < pages; page++ { // a page that leads to itself
		if order.Uint16(file[page*pageSize+8:]) != flagBranch {
			continue
		}
		broken := bytes.Clone(file)
		order.PutUint64(broken[page*pageSize+pageHeader+8:], uint64(page))
		if _, aside := survive(t, broken); aside > 1 {
			t.Error("set aside more than once")
		}
	}
}

func TestOtherVersion(t *testing.T) {
	w := newWorld(t)
	w.early = time.Since(began)
	m := memory(t, 1000)
	s := w.open(m)
	fill(m, 100, began)
	w.end(s)
	db, err := bolt.Open(w.file(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(metaBucket)).Put([]byte(metaVersion), []byte("0"))
	}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	w.end(w.open(memory(t, 1000)))
	if w.meter.loaded.Load() != 0 || len(w.aside()) != 1 || !strings.Contains(w.log.String(), "format") {
		t.Error(w.meter.loaded.Load(), w.aside(), w.log)
	}
}

func TestFewAreKeptAside(t *testing.T) {
	w := newWorld(t)
	for i := range 6 {
		if err := os.WriteFile(w.file(), fmt.Appendf(nil, "broken %d", i), 0o600); err != nil {
			t.Fatal(err)
		}
		w.end(w.open(memory(t, 100)))
		time.Sleep(2 * time.Millisecond)
	}
	if files := w.aside(); len(files) != keptAside {
		t.Error(files)
	}
}

// TestWalkAgrees: bbolt's own check and the walk find the same in files of many
// shapes.
func TestWalkAgrees(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(5, 6))
	db, err := bolt.Open(w.file(), 0o600, &bolt.Options{PageSize: pageSize, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 60 {
		if err := db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(fmt.Appendf(nil, "bucket %d", random.IntN(4)))
			if err != nil {
				return err
			}
			for range random.IntN(3000) {
				key := fmt.Appendf(nil, "%d", random.IntN(5000))
				if random.IntN(3) == 0 {
					err = b.Delete(key)
				} else {
					value := bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(1+random.IntN(9000)/(1+random.IntN(200))))
					err = b.Put(key, value)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var want, got []byte
		if err := db.View(func(tx *bolt.Tx) error {
			return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error { want = fmt.Appendf(want, "%s %s %x\n", name, k, v); return nil })
			})
		}); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(w.file())
		if err != nil {
			t.Fatal(err)
		}
		info, _ := f.Stat()
		if err := walk(f, info.Size(), func(name, k, v []byte) { got = fmt.Appendf(got, "%s %s %x\n", name, k, v) }); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("round %d: %d of %d entries, or other ones: %v", round, bytes.Count(got, []byte("\n")), bytes.Count(want, []byte("\n")), err)
		}
		f.Close()
	}
	db.Close()
}

// FuzzWalk: whatever a file holds, the walk ends and the daemon goes on.
func FuzzWalk(f *testing.F) {
	file := stored(f, 60)
	file = file[:order.Uint64(file[pageHeader+40:])*pageSize]
	f.Add(uint32(0), uint32(16500), []byte{0xff}, []byte{1, 0, 0, 0})
	f.Add(uint32(8192), uint32(3*pageSize+8), []byte{1, 0, 0xff}, []byte{})
	f.Fuzz(func(t *testing.T, cut, at uint32, patch, also []byte) {
		file := bytes.Clone(file)
		if cut != 0 {
			file = file[:int(cut)%len(file)]
		}
		copy(file[min(int(at), len(file)):], patch)
		copy(file[min(int(at)/7, len(file)):], also)
		entries := 0
		walk(bytes.NewReader(file), int64(len(file)), func(_, key, value []byte) { entries += len(key) + len(value) })
		if entries > len(file) {
			t.Errorf("%d bytes of entries in %d", entries, len(file))
		}
	})
}
