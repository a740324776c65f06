package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
)

// The format of bbolt's files, version 2: pages of pageSize bytes in the machine's
// byte order, the first two of which hold a copy of the meta page each.
const (
	pageHeader  = 16 // id 8, flags 2, count 2, overflow 4
	elementSize = 16

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10

	metaMagic   = 0xED0CDAED
	metaFormat  = 2
	metaSum     = pageHeader + 56 // where the checksum is
	leafBucket  = 0x01
	maxDepth    = 32
	maxOverflow = 1 << 14 // pages that belong to one
)

var order = binary.NativeEndian

// walker goes through a file and believes nothing that it says.
type walker struct {
	file  io.ReaderAt
	size  int64
	high  uint64               // pages in use are below it
	seen  []uint64             // a bit for each page
	pages [maxDepth + 1][]byte // the one that is read at each depth
	yield func(bucket, key, value []byte)
	wrong error // the first thing that is
	io    error
}

// walk calls yield with every entry of every bucket, whose bytes hold until yield
// returns. The file must be locked. It returns errCorrupt, wrapped, if anything is wrong
// about it, and goes on where it can; other errors are the disk's.
func walk(file io.ReaderAt, size int64, yield func(bucket, key, value []byte)) error {
	w := &walker{file: file, size: size, yield: yield}
	meta := w.meta()
	if meta == nil {
		return errors.Join(w.io, w.wrong)
	}
	w.seen = make([]uint64, w.high/64+1)
	w.seen[0] = 3
	w.freelist(order.Uint64(meta[pageHeader+32:]))
	w.tree(order.Uint64(meta[pageHeader+16:]), nil, span{}, 0)
	if w.io != nil {
		return w.io
	}
	return w.wrong
}

func (w *walker) fail(format string, args ...any) {
	if w.wrong == nil {
		w.wrong = fmt.Errorf("%w: %s", errCorrupt, fmt.Sprintf(format, args...))
	}
}

// meta returns the newer of the sound meta pages.
func (w *walker) meta() (newest []byte) {
	for id := range int64(2) {
		page := make([]byte, pageSize)
		if !w.read(page, id*pageSize) {
			continue
		}
		h := fnv.New64a()
		h.Write(page[pageHeader:metaSum])
		body := page[pageHeader:]
		if order.Uint16(page[8:])&flagMeta == 0 || order.Uint32(body) != metaMagic || order.Uint32(body[4:]) != metaFormat ||
			order.Uint32(body[8:]) != pageSize || order.Uint64(page[metaSum:]) != h.Sum64() {
			continue // one may be half written
		}
		if newest == nil || order.Uint64(body[48:]) > order.Uint64(newest[pageHeader+48:]) {
			newest = page
		}
	}
	if newest == nil {
		w.fail("no meta page is sound")
		return nil
	}
	w.wrong = nil
	w.high = order.Uint64(newest[pageHeader+40:])
	if w.high < 4 || w.high > uint64(w.size)/pageSize {
		w.fail("%d pages are in use, and the file has %d bytes", w.high, w.size)
		w.high = min(max(w.high, 4), uint64(w.size)/pageSize+1)
	}
	return newest
}

// read fills b. What the file ends before is corrupt, what cannot be read is the
// disk's fault.
func (w *walker) read(b []byte, at int64) bool {
	switch _, err := w.file.ReadAt(b, at); {
	case err == nil:
		return true
	case errors.Is(err, io.EOF):
		w.fail("it ends before page %d", at/pageSize)
	default:
		w.io = err
	}
	return false
}

// page reads a page that nothing else refers to, and returns it without its header.
// It is overwritten by the next one at its depth.
func (w *walker) page(id uint64, depth int) (body []byte, flags uint16, count int) {
	if w.io != nil {
		return nil, 0, 0
	}
	if id < 2 || id >= w.high {
		w.fail("page %d of %d", id, w.high)
		return nil, 0, 0
	}
	if w.pages[depth] == nil {
		w.pages[depth] = make([]byte, pageSize)
	}
	page := w.pages[depth][:pageSize:pageSize]
	if !w.read(page, int64(id)*pageSize) {
		return nil, 0, 0
	}
	over := uint64(order.Uint32(page[12:]))
	if order.Uint64(page) != id || over > maxOverflow || id+over >= w.high {
		w.fail("page %d says it is page %d", id, order.Uint64(page))
		return nil, 0, 0
	}
	for i := id; i <= id+over; i++ {
		if w.seen[i/64]&(1<<(i%64)) != 0 {
			w.fail("page %d is used twice", i)
			return nil, 0, 0
		}
		w.seen[i/64] |= 1 << (i % 64)
	}
	if over > 0 {
		page = append(page, make([]byte, over*pageSize)...)
		if !w.read(page[pageSize:], int64(id+1)*pageSize) {
			return nil, 0, 0
		}
	}
	return page[pageHeader:], order.Uint16(page[8:]), int(order.Uint16(page[10:]))
}

// freelist sees to it that what the file calls free is used nowhere: bbolt writes
// over it.
func (w *walker) freelist(id uint64) {
	body, flags, count := w.page(id, 0)
	if body == nil {
		return
	}
	if flags != flagFreelist {
		w.fail("page %d is no list of free pages", id)
		return
	}
	if count == math.MaxUint16 {
		n := order.Uint64(body)
		if body = body[8:]; n > uint64(len(body)/8) {
			w.fail("%d free pages are listed", n)
			return
		}
		count = int(n)
	}
	if count > len(body)/8 {
		w.fail("%d free pages are listed", count)
		return
	}
	for i := range count {
		free := order.Uint64(body[8*i:])
		if free < 2 || free >= w.high || w.seen[free/64]&(1<<(free%64)) != 0 {
			w.fail("page %d cannot be free", free)
			return
		}
		w.seen[free/64] |= 1 << (free % 64)
	}
}

// span is what keys must lie in: from the first, before the other; nil is no bound.
type span struct{ from, to []byte }

func (s span) holds(key []byte) bool {
	return (s.from == nil || bytes.Compare(key, s.from) >= 0) && (s.to == nil || bytes.Compare(key, s.to) < 0)
}

// tree walks over a page and what is below it. Without a bucket it is the root,
// which holds buckets alone.
func (w *walker) tree(id uint64, bucket []byte, keys span, depth int) {
	if depth > maxDepth {
		w.fail("page %d is too deep", id)
		return
	}
	body, flags, count := w.page(id, depth)
	switch {
	case body == nil:
	case flags == flagLeaf:
		w.leaf(body, count, bucket, keys, depth)
	case flags == flagBranch:
		w.branch(body, count, bucket, keys, depth)
	default:
		w.fail("page %d is of no kind", id)
	}
}

func (w *walker) branch(body []byte, count int, bucket []byte, keys span, depth int) {
	if count == 0 || count*elementSize > len(body) {
		w.fail("a page of %d branches", count)
		return
	}
	key := func(i int) []byte {
		e := body[i*elementSize:]
		return cut(e, order.Uint32(e), order.Uint32(e[4:]))
	}
	for i := range count {
		below := span{key(i), keys.to}
		if i+1 < count {
			below.to = key(i + 1)
		}
		if below.from == nil || i+1 < count && (below.to == nil || bytes.Compare(below.from, below.to) >= 0) || !keys.holds(below.from) {
			w.fail("branches are not in order")
			return
		}
		w.tree(order.Uint64(body[i*elementSize+8:]), bucket, below, depth+1)
	}
}

func (w *walker) leaf(body []byte, count int, bucket []byte, keys span, depth int) {
	if count*elementSize > len(body) {
		w.fail("a page of %d entries", count)
		return
	}
	var last []byte
	for i := range count {
		e := body[i*elementSize:]
		flags, pos, keyLen, valueLen := order.Uint32(e), order.Uint32(e[4:]), order.Uint32(e[8:]), order.Uint32(e[12:])
		key, value := cut(e, pos, keyLen), cut(e, pos+keyLen, valueLen)
		if len(key) == 0 || value == nil || pos+keyLen < pos || last != nil && bytes.Compare(last, key) >= 0 || !keys.holds(key) {
			w.fail("entries are not in order")
			return
		}
		last = key
		switch {
		case bucket == nil && flags == leafBucket && len(value) >= elementSize:
			w.bucket(key, value, depth)
		case bucket != nil && flags == 0:
			w.yield(bucket, key, value)
		default:
			w.fail("an entry of kind %d", flags)
		}
	}
}

// bucket walks over one. Small ones stand within their entry, as a page of their own.
func (w *walker) bucket(name, value []byte, depth int) {
	if root := order.Uint64(value); root != 0 {
		w.tree(root, name, span{}, depth+1)
		return
	}
	page := value[elementSize:]
	if len(page) < pageHeader || order.Uint16(page[8:]) != flagLeaf {
		w.fail("bucket %.20q is no page", name)
		return
	}
	w.leaf(page[pageHeader:], int(order.Uint16(page[10:])), name, span{}, depth+1)
}

// cut is so many bytes from a place on, nil if they are not there.
func cut(b []byte, from, n uint32) []byte {
	if uint64(from)+uint64(n) > uint64(len(b)) {
		return nil
	}
	return b[from : from+n : from+n]
}
