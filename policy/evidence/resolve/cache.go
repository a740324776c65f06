package resolve

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Times that an answer is kept; the package comment has the reasons.
const (
	minLife     = 5 * time.Second
	maxLife     = time.Hour
	maxTTL      = 24 * time.Hour // that is told to who keeps what follows from an answer
	maxNegative = 10 * time.Minute
	failureLife = 5 * time.Second
)

// bytesPerEntry is the mean size that a full cache allows. An address takes a
// few dozens; it is TXT that can have 64 KiB.
const bytesPerEntry = 1024

// answer is what a question led to. It is shared and never changed.
type answer struct {
	key    string
	life   time.Duration // how long it holds by its records; 0 is not at all
	addrs  []netip.Addr
	text   []string // names or TXT
	mx     []MX
	failed *Error
}

func (a *answer) cost() int {
	n := 128 + 2*len(a.key) + 24*len(a.addrs)
	for _, s := range a.text {
		n += 16 + len(s)
	}
	for _, m := range a.mx {
		n += 24 + len(m.Host)
	}
	return n
}

type entry struct {
	answer  *answer
	expires time.Duration // by the resolver's clock …
	ends    time.Duration // … and when it holds no more by its records
}

// cache keeps answers in two parts: they enter the fresh one, and the first use
// takes them to the used one, so that a flood of names that are asked for once
// leaves the others alone. Keys are hashes under a seed of this process; the text
// is compared besides. It is not safe for concurrent use.
type cache struct {
	seed  maphash.Seed
	fresh *simplelru.LRU[uint64, entry]
	used  *simplelru.LRU[uint64, entry]
	bytes int
	most  int // bytes
}

func newCache(entries int) (*cache, error) {
	c := &cache{seed: maphash.MakeSeed(), most: entries * bytesPerEntry}
	gone := func(_ uint64, e entry) { c.bytes -= e.answer.cost() }
	var err error
	fresh := max(1, entries/4)
	if c.fresh, err = simplelru.NewLRU(fresh, gone); err != nil {
		return nil, err
	}
	c.used, err = simplelru.NewLRU(max(1, entries-fresh), gone)
	return c, err
}

func (c *cache) hash(q *question) uint64 { return maphash.Bytes(c.seed, q.key()) }

// get returns nil for what is not there or not alive, and how long an answer holds.
func (c *cache) get(hash uint64, q *question, now time.Duration) (*answer, time.Duration) {
	e, ok := c.used.Get(hash)
	if ok {
		if now >= e.expires || e.answer.key != string(q.key()) {
			return nil, 0
		}
		return e.answer, e.ends - now
	}
	e, ok = c.fresh.Peek(hash)
	if !ok || now >= e.expires || e.answer.key != string(q.key()) {
		return nil, 0
	}
	c.fresh.Remove(hash)
	c.bytes += e.answer.cost()
	c.used.Add(hash, e)
	return e.answer, e.ends - now
}

func (c *cache) put(hash uint64, a *answer, now time.Duration) {
	part := c.fresh
	if c.used.Contains(hash) {
		part = c.used
	}
	part.Remove(hash) // replacing in place would not tell of the old one's bytes
	c.bytes += a.cost()
	part.Add(hash, entry{a, now + min(a.life, maxLife), now + a.life})
	for c.bytes > c.most {
		if _, _, ok := c.fresh.RemoveOldest(); ok {
			continue
		}
		if _, _, ok := c.used.RemoveOldest(); !ok {
			return
		}
	}
}

func (c *cache) len() int { return c.fresh.Len() + c.used.Len() }
