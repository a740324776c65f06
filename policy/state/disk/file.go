package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/iot-milter/iot-milter/policy/state"
)

// version is that of the format. A file of another one is set aside: it holds what
// can be learnt again.
const version = "1"

// The bucket that describes the file.
const (
	metaBucket  = "meta"
	metaVersion = "version"
	metaSecret  = "secret" // a hash that only the right secret gives
)

var (
	errCorrupt = errors.New("corrupt")
	errLocked  = errors.New("another process has the file")
)

// open opens the file, which is sound or new then, and loads it the first time. A
// corrupt one is set aside, and errCorrupt returned.
func (s *Store) open() error {
	began := s.opts.Now()
	var loader *state.Loader
	var db *bolt.DB
	var file *os.File
	options := &bolt.Options{
		PageSize: pageSize, Timeout: time.Second, FreelistType: bolt.FreelistMapType, NoStatistics: true,
		OpenFile: func(path string, flag int, mode os.FileMode) (_ *os.File, err error) {
			file, loader, err = s.openFile(path, flag, mode, began)
			return file, err
		},
	}
	err := contain(func() (err error) {
		db, err = bolt.Open(s.path, 0o600, options)
		return err
	})
	// What was sound in a corrupt file was worth keeping.
	if loader != nil && !s.loaded {
		n := loader.Done()
		s.loaded, s.littered = true, true
		s.opts.Meter.StoreLoaded(n, s.opts.Now().Sub(began))
		s.opts.Log.Info("history loaded", "file", s.path, "entries", n, "took", s.opts.Now().Sub(began))
	}
	if err != nil {
		if file != nil {
			syscall.Flock(int(file.Fd()), syscall.LOCK_UN) // bbolt does so, unless it panicked
			file.Close()
		}
		return err
	}
	s.db, s.file, s.created = db, file, false
	if err := s.prepare(); err != nil {
		return err
	}
	s.release()
	return nil
}

// prepare makes what a new file lacks. In one that lacks nothing it writes nothing, for
// that would wait for the disk.
func (s *Store) prepare() error {
	whole := false
	if err := contain(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			whole = s.whole(tx)
			return nil
		})
	}); err != nil || whole {
		return err
	}
	return s.update(s.complete)
}

// whole reports whether the file has all that complete makes.
func (s *Store) whole(tx *bolt.Tx) bool {
	for t := range state.NumTables {
		if tx.Bucket([]byte(t.String())) == nil {
			return false
		}
	}
	b := tx.Bucket([]byte(metaBucket))
	return b != nil && string(b.Get([]byte(metaVersion))) == version && bytes.Equal(b.Get([]byte(metaSecret)), s.fingerprint())
}

func (s *Store) complete(tx *bolt.Tx) error {
	for t := range state.NumTables {
		b := tx.Bucket([]byte(t.String()))
		if b != nil {
			continue
		}
		if _, err := tx.CreateBucket([]byte(t.String())); err != nil {
			return err
		}
		s.due = true
	}
	b, err := tx.CreateBucketIfNotExists([]byte(metaBucket))
	if err != nil {
		return err
	}
	if err := b.Put([]byte(metaVersion), []byte(version)); err != nil {
		return err
	}
	return b.Put([]byte(metaSecret), s.fingerprint())
}

func (s *Store) fingerprint() []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(s.memory.Key("iot-milter", "store")))
}

// openFile opens and locks the file and walks over it. The loader is nil when
// nothing is to be loaded; it is not when the file is corrupt.
func (s *Store) openFile(path string, flag int, mode os.FileMode, at time.Time) (f *os.File, loader *state.Loader, err error) {
	if f, err = os.OpenFile(path, flag|syscall.O_NOFOLLOW, mode); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	// bbolt locks the same way, but only before it maps the file.
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if there, err := os.Lstat(path); err != nil || !os.SameFile(info, there) {
		return nil, nil, errLocked // set aside by another process while it was opened here
	}
	if !s.loaded {
		loader = s.memory.Load(at, retained(info.Size()))
	}
	size := info.Size()
	if size < 4*pageSize && s.created { // the disk was full when the file was made
		if err := f.Truncate(0); err != nil {
			return nil, nil, err
		}
		size = 0
	}
	if size == 0 {
		s.created, s.due = true, true
		return f, loader, nil
	}
	err = s.inspect(f, size, loader)
	if !errors.Is(err, errCorrupt) {
		return f, loader, err
	}
	return nil, loader, errors.Join(err, s.setAside(err, at))
}

// inspect walks over the file, and gives the loader what it holds.
func (s *Store) inspect(f *os.File, size int64, loader *state.Loader) error {
	tables := make(map[string]state.Table)
	for t := range state.NumTables {
		tables[t.String()] = t
	}
	format, secret, bad, empty := "", "", 0, true
	var last []byte // bucket
	var t state.Table
	var ok bool
	err := walk(f, size, func(bucket, key, value []byte) {
		empty = false
		if !bytes.Equal(bucket, last) {
			last = bytes.Clone(bucket)
			t, ok = tables[string(bucket)]
		}
		switch {
		case string(bucket) == metaBucket && string(key) == metaVersion:
			format = string(value)
		case string(bucket) == metaBucket && string(key) == metaSecret:
			secret = string(value)
		case string(bucket) == metaBucket:
		case !ok || len(key) != len(state.StoreKey{}) || len(value) < sumSize,
			binary.LittleEndian.Uint32(value) != sum(t, key, value[sumSize:]):
			bad++
		case loader != nil:
			if !loader.Add(t, (*state.StoreKey)(key), value[sumSize:]) {
				bad++
			}
		}
	})
	switch {
	case err != nil && !errors.Is(err, errCorrupt):
		return err
	case err == nil && empty:
		s.due = true
		return nil // bbolt made it, and the process ended
	case format != version:
		for t := range state.NumTables {
			if loader != nil {
				loader.Drop(t)
			}
		}
		err = errors.Join(err, fmt.Errorf("%w: format %.20q, not %q", errCorrupt, format, version))
	case bad > 0:
		err = errors.Join(err, fmt.Errorf("%w: %d entries are damaged", errCorrupt, bad))
	}
	if secret != string(s.fingerprint()) {
		s.due = true
		for t := range state.NumTables {
			if loader != nil && t.Hashed() {
				loader.Drop(t)
			}
		}
	}
	return err
}

// keptAside is how many files that were set aside stay.
const keptAside = 3

// setAside renames the file, which is locked.
func (s *Store) setAside(why error, at time.Time) error {
	aside := s.path + ".corrupt-" + at.UTC().Format("20060102T150405.000Z")
	if err := os.Rename(s.path, aside); err != nil {
		return err
	}
	s.due = true
	s.opts.Log.Warn("the store is corrupt and was set aside", "file", aside, "err", why,
		"hint", "what could be read of it was kept; look at the disk; the file may be removed")
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return nil
	}
	var old []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name+".corrupt-") {
			old = append(old, e.Name())
		}
	}
	slices.Sort(old)
	for _, n := range old[:max(0, len(old)-keptAside)] {
		os.Remove(filepath.Join(s.opts.Dir, n))
	}
	return nil
}
