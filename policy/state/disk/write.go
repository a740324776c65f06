package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/iot-milter/iot-milter/policy/state"
)

// What one transaction writes at most. Changes are spread over the file, a page each;
// a pass goes through it in order.
const (
	flushBatch = 1000
	passBatch  = 10_000
)

// minEntry is how many bytes an entry of hosts takes in a file at least.
const minEntry = 16 + 16 + sumSize + 29

// An entry is stored as its checksum and its value. bbolt has none of its own.
const sumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sums are those of the tables' names, with which the sums of their entries begin.
var sums = func() (of [state.NumTables]uint32) {
	for t := range state.NumTables {
		of[t] = crc32.Checksum(append([]byte(t.String()), 0), castagnoli)
	}
	return of
}()

// sum covers the table too, so that an entry proves where it belongs.
func sum(t state.Table, key, value []byte) uint32 {
	return crc32.Update(crc32.Update(sums[t], castagnoli, key), castagnoli, value)
}

// encode appends the entry as the file holds it, nothing if the memory has none.
func (s *Store) encode(t state.Table, key *state.StoreKey, b []byte) []byte {
	b = append(b, make([]byte, sumSize)...)
	b = s.memory.Value(t, key, b)
	if len(b) == sumSize {
		return nil
	}
	binary.LittleEndian.PutUint32(b, sum(t, key[:], b[sumSize:]))
	return b
}

// update is a transaction that outlives whatever bbolt meets in the file.
func (s *Store) update(f func(*bolt.Tx) error) error {
	return contain(func() error { return s.db.Update(f) })
}

var errNoBucket = errors.New("a table is missing")

// write stores changed entries, and takes out those that are gone.
func (s *Store) write(t state.Table, keys []state.StoreKey, until time.Time) (written int, err error) {
	for some := range slices.Chunk(keys, flushBatch) {
		if s.late(until) && !until.IsZero() {
			return written, errLate
		}
		if err := s.update(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(t.String()))
			if b == nil {
				return errNoBucket
			}
			for i := range some {
				if err := s.store(b, t, &some[i]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return written, err
		}
		written += len(some)
		s.release()
	}
	return written, nil
}

// store writes one entry. bbolt keeps the value until the transaction ends.
func (s *Store) store(b *bolt.Bucket, t state.Table, key *state.StoreKey) error {
	var buf [sumSize + state.MaxStored]byte
	value := s.encode(t, key, buf[:0])
	if value == nil {
		return b.Delete(key[:])
	}
	return b.Put(key[:], bytes.Clone(value))
}

// reconcile makes the part of the file from one key to another, all of it where they
// are nil, that of the memory, of which keys are all.
func (s *Store) reconcile(tx *bolt.Tx, t state.Table, keys []state.StoreKey, from, to *state.StoreKey) (changed int, err error) {
	b := tx.Bucket([]byte(t.String()))
	if b == nil {
		return 0, errNoBucket
	}
	b.FillPercent = 0.9 // most keys come in order
	var gone [][]byte
	differ := keys[:0:0]
	c := b.Cursor()
	var k, v []byte
	if from == nil {
		k, v = c.First()
	} else {
		k, v = c.Seek(from[:])
	}
	var buf [sumSize + state.MaxStored]byte
	for i := range keys {
		for ; k != nil && bytes.Compare(k, keys[i][:]) < 0; k, v = c.Next() {
			gone = append(gone, bytes.Clone(k))
		}
		if k != nil && bytes.Equal(k, keys[i][:]) {
			if !bytes.Equal(v, s.encode(t, &keys[i], buf[:0])) {
				differ = append(differ, keys[i])
			}
			k, v = c.Next()
			continue
		}
		differ = append(differ, keys[i])
	}
	for ; k != nil && (to == nil || bytes.Compare(k, to[:]) < 0); k, _ = c.Next() {
		gone = append(gone, bytes.Clone(k))
	}
	for _, k := range gone {
		if err := b.Delete(k); err != nil {
			return 0, err
		}
	}
	for i := range differ {
		if err := s.store(b, t, &differ[i]); err != nil {
			return 0, err
		}
	}
	return len(gone) + len(differ), nil
}
