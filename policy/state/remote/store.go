// Package remote is the memory of several mail hosts in one Redis or Valkey: what one
// host deferred another lets pass, limits count over all, and a campaign is the sum
// of what all see. Each call is one server-side script, atomic, with the time that the
// caller gives, so that the hosts' clocks should agree (NTP).
//
// Mail never waits for a store that is ill. A call has 50 ms, then the host's own
// memory answers; after three failures in a row that memory answers at once, while one
// goroutine tries the store, first after 1 s, at last every 60 s, up to a quarter earlier by chance, for
// hosts that lost it together. The own memory is
// told what the store answers for, too, so that it knows what this host saw. A replica
// that refuses to write, a full server and a wrong password are failures like silence.
//
// The history of addresses is hearsay, and no call waits for it: Prefetch asks behind the
// caller's back, Host joins what came with the own memory's word, and Visit is told to the
// store later, in order, from a queue, as is Learn; what finds no room there is counted and
// dropped. What comes within 50 ms is told in one. While the store is ill the queues wait, and when it is
// back hosts rest between what they tell, so that what mail waits for comes in between. Facts that look-ups found go the same
// two ways, in the same question; of two hosts that find some at once the last one's stay.
//
// What differs from package state: an entry goes when its time to live is over, never for another's
// sake: the server's maxmemory bounds them all, and volatile-ttl is the policy to
// choose. A deferral is waited for at most a day after its delay. A network holds a
// share of a table as counted since its first entry, a time to live ago at most; then it
// is counted as one. A template that no message of a window carried begins anew.
// Memory.Forget reaches the own memory only: what the store has are hashes, and they
// end by themselves, the habits last, after 62 days.
//
// Keys are hashes under a secret that all hosts have. Where Options names none, the
// first host that reaches the store puts a random one there (SET … NX), the others take
// it, and all look after it once a minute: whoever can read the store knows it. Until
// the store was reached once, names come from the own memory's secret.
//
// In a cluster all keys are in one hash slot, so that a message's buckets are taken
// together or not at all: the cluster is there to survive a node, not to spread load.
// Sentinel and cluster have further nodes as &addr=host:port.
package remote

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dchest/siphash"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/iot-milter/iot-milter/policy/state"
)

// Meter is told how the store does. It must be safe for concurrent use.
type Meter interface {
	// Call is one question: op is retried, passed, available, take, tried, known, mail, hosts,
	// visits, habits, facts or trial (failed ones); outcome is ok, local (not asked, the store
	// is ill) or what went wrong: timeout, unreachable, readonly, auth, loading, full, error.
	Call(op, outcome string, took time.Duration)
	// Behind counts what no mail waits for, hosts that are asked about, visits, habits and
	// facts that are told, each by itself; outcome is done or dropped.
	Behind(op, outcome string, n int)
	// Degraded says whether the own memory answers alone.
	Degraded(on bool)
}

// Options are what a Store needs: URL, Local, Log, Meter and Now.
type Options struct {
	URL    string
	Local  *state.Memory // answers where the store does not
	Prefix string        // of all keys; "" is "iot-milter:"
	// Secret is that of the hashes until the store was reached: what the hosts shared when
	// it last was. One that is in the store takes its place. The zero value is none.
	Secret [16]byte
	// Learned is told the secret in the store where it is another one; nil tells nobody.
	Learned func(secret [16]byte)
	// Join returns one record of the facts of an address out of two, the own memory's and
	// the store's; nil knows the own ones alone.
	Join    func(own, other string, at time.Time) string
	Timeout time.Duration // of a call; 0 is 50 ms
	Share   int           // entries of a table that one network may hold; 0 is 2000
	Log     *slog.Logger  // one line a minute at most
	Meter   Meter
	Now     func() time.Time // for logs and meters: a judgement's time comes with it
}

const (
	prefix  = "iot-milter:"
	timeout = 50 * time.Millisecond
	share   = 2000
)

// Store is a memory that several hosts share. It is safe for concurrent use.
type Store struct {
	opts   Options
	client redis.UniversalClient
	local  *state.Memory
	secret atomic.Pointer[secret] // nil until the store was reached, where Options has none

	learned secret // the last that was told; for one goroutine at a time

	circuit circuit
	hosts   *hosts
	closing chan struct{}
	done    sync.WaitGroup
}

// secret is the key of the hashes.
type secret [16]byte

// Open returns a Store. It fails only where the URL is wrong: a store that does not
// answer within two seconds is tried again later.
func Open(o Options) (*Store, error) {
	s, err := connect(o)
	if err != nil {
		return nil, err
	}
	start := o.Now()
	if err := s.trial(); err != nil {
		s.failed("trial", err, o.Now().Sub(start))
		s.opts.Meter.Degraded(true)
	} else {
		s.circuit.down.Store(false)
		s.opts.Meter.Degraded(false)
	}
	s.done.Go(s.keep)
	s.done.Go(s.fetch)
	s.done.Go(s.tell)
	return s, nil
}

// Secret returns the secret that the hosts share, for a Local whose keys outlive the
// process. It waits for the store, two seconds at most.
func Secret(o Options) ([16]byte, error) {
	s, err := connect(o)
	if err != nil {
		return [16]byte{}, err
	}
	defer s.client.Close()
	if err := s.trial(); err != nil {
		return [16]byte{}, errors.New("store: no secret: " + outcome(err))
	}
	return *s.secret.Load(), nil
}

func connect(o Options) (*Store, error) {
	if o.Prefix == "" {
		o.Prefix = prefix
	}
	if o.Timeout == 0 {
		o.Timeout = timeout
	}
	if o.Share == 0 {
		o.Share = share
	}
	options, err := parse(o.URL, o.Timeout)
	if err != nil {
		return nil, err
	}
	if options.IsClusterMode && !tagged(o.Prefix) {
		o.Prefix = "{" + strings.TrimSuffix(o.Prefix, ":") + "}:"
	}
	logging.Disable() // its lines go to stderr; errors come back anyway
	s := &Store{
		opts: o, local: o.Local, client: redis.NewUniversalClient(options), hosts: newHosts(),
		closing: make(chan struct{}),
	}
	s.circuit.tripped = make(chan struct{}, 1)
	s.circuit.down.Store(true)
	if o.Secret != [16]byte{} {
		s.secret.Store((*secret)(&o.Secret))
	}
	return s, nil
}

// tagged reports whether a {tag} puts all keys of the prefix in one slot.
func tagged(prefix string) bool {
	_, rest, ok := strings.Cut(prefix, "{")
	return ok && strings.Index(rest, "}") > 0
}

// Close tells the store what is queued, if it does well, and ends the Store. Calls that
// come later are answered by the own memory.
func (s *Store) Close() error {
	close(s.closing)
	s.done.Wait()
	s.circuit.down.Store(true)
	return s.client.Close()
}

// Degraded reports whether the own memory answers alone.
func (s *Store) Degraded() bool { return s.circuit.down.Load() }

// Key hashes parts under the shared secret; their borders count.
func (s *Store) Key(parts ...string) state.Key {
	k := s.secret.Load()
	if k == nil {
		return s.local.Key(parts...)
	}
	var buf [256]byte
	text := buf[:0]
	for _, p := range parts {
		text = append(append(text, p...), 0)
	}
	return k.hash(text)
}

// Hashed is Key of a number: a hash that anybody can compute.
func (s *Store) Hashed(n uint64) state.Key {
	k := s.secret.Load()
	if k == nil {
		return s.local.Hashed(n)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return k.hash(b[:])
}

func (k *secret) hash(b []byte) state.Key {
	return state.Key(siphash.Hash(binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:]), b))
}

// trial reaches for the store as calls do, but with time to connect: it must take a
// write, and take another within the time of a call.
func (s *Store) trial() error {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	if err := s.agree(ctx); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(context.Background(), s.opts.Timeout)
	defer cancel()
	return s.client.Set(ctx, s.opts.Prefix+"trial", 1, time.Minute).Err()
}

var errSecret = errors.New("the secret in the store is not 32 hexadecimal digits")

// agree takes the secret that is in the store, or puts the own one there.
func (s *Store) agree(ctx context.Context) error {
	name := s.opts.Prefix + "secret"
	own := s.secret.Load()
	if own == nil {
		own = new(secret)
		rand.Read(own[:]) // never fails (crypto/rand)
	}
	if err := s.client.SetNX(ctx, name, hex.EncodeToString(own[:]), 0).Err(); err != nil {
		return err
	}
	text, err := s.client.Get(ctx, name).Result()
	if err != nil {
		return err
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(own) {
		return errSecret
	}
	s.learn((*secret)(b))
	return nil
}

// learn puts the secret of the store in force. What the own memory has under another one
// is not found again.
func (s *Store) learn(now *secret) {
	if before := s.secret.Load(); before != nil && *before != *now {
		s.opts.Log.Warn("the shared store has another secret than this host had", "hint", "the store's is in force from now on, and "+
			"deferrals, habits and campaigns that were counted under the other begin anew")
	}
	s.secret.Store(now)
	if s.learned != *now {
		s.learned = *now
		if s.opts.Learned != nil {
			s.opts.Learned(*now)
		}
	}
}
