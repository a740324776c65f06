package asn

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// Options says what to look into. Log, Meter and Now may be missing.
type Options struct {
	Database string // a file in the MaxMind DB format; "" is none: then only kinds are known
	Kinds    []byte // rows of the admin's, see ReadKinds; nil is none
	Log      *slog.Logger
	Meter    Meter
	Now      func() time.Time
}

// Meter counts. Its methods are called from many goroutines and must not wait.
type Meter interface {
	// Lookup is called for each Look with a database, and says how it ended: one
	// of Outcomes.
	Lookup(outcome string, took time.Duration)
	// Reloaded is called when a changed file was read, or could not be.
	Reloaded(ok bool)
	// Age is called with the time at which the database in use was built.
	Age(built time.Time)
}

// Outcomes are the words that Meter.Lookup is called with: the database has the
// address, has it not, is damaged there.
var Outcomes = []string{"found", "unknown", "error"}

type unmetered struct{}

func (unmetered) Lookup(string, time.Duration) {}
func (unmetered) Reloaded(bool)                {}
func (unmetered) Age(time.Time)                {}

// Source answers from the database in memory. Its methods may be called from many
// goroutines; it starts none.
type Source struct {
	o     Options
	kinds map[uint32]policy.NetworkKind
	base  atomic.Pointer[base] // nil without a database, and after Close

	loading  sync.Mutex  // of Refresh, for as long as it reads
	mu       sync.Mutex  // of what follows; nobody holds it while a file is read
	tried    os.FileInfo // the file that was read or refused last; nil when it was missing
	fault    error       // why the file that is there now is not in use
	damaged  int         // answers that could not be read, since the last log line
	lastLine time.Time
}

// New reads the database and checks all of it, which takes a third of a second for
// GeoLite2-ASN and some three for 100 MiB. An error is the operator's and ends with
// a hint.
func New(o Options) (*Source, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Meter == nil {
		o.Meter = unmetered{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	kinds, err := ReadKinds(o.Kinds)
	if err != nil {
		return nil, fmt.Errorf("kinds of networks: %w", err)
	}
	s := &Source{o: o, kinds: kinds}
	if o.Database == "" {
		return s, nil
	}
	b, err := load(o.Database)
	if err != nil {
		return nil, err
	}
	s.base.Store(b)
	s.tried = b.info
	o.Meter.Age(b.built)
	return s, nil
}

// Look returns whose network addr is in. It is local, takes under a microsecond
// and allocates nothing for a name that was seen of late.
func (s *Source) Look(addr netip.Addr) (policy.Network, bool) {
	b := s.base.Load()
	if b == nil {
		return policy.Network{}, false
	}
	begin := s.o.Now()
	r, err := b.find(addr.Unmap())
	outcome := "found"
	switch {
	case err != nil:
		outcome = "error"
		s.report(err)
	case r.asn == 0:
		outcome = "unknown"
	}
	s.o.Meter.Lookup(outcome, s.o.Now().Sub(begin))
	if outcome != "found" {
		return policy.Network{}, false
	}
	kind := s.KindOf(r.asn)
	if kind == policy.NetworkUnknown && !s.silent(r.asn) {
		kind = r.kind
	}
	return policy.Network{ASN: r.asn, Name: r.name, Kind: kind}, true
}

// KindOf is the package's KindOf with the admin's rows.
func (s *Source) KindOf(asn uint32) policy.NetworkKind {
	if k, ok := s.kinds[asn]; ok {
		return k
	}
	return KindOf(asn)
}

// silent reports whether the admin said that nothing is known of the kind.
func (s *Source) silent(asn uint32) bool {
	k, ok := s.kinds[asn]
	return ok && k == policy.NetworkUnknown
}

// Refresh looks whether the file was replaced, and if so reads and checks the new
// one and uses it from then on. A file that is missing or damaged is logged once,
// and the old one stays in use. It takes as long as New; one call at a time reads.
// A Look that is under way keeps the database that it began with.
func (s *Source) Refresh() {
	if s.o.Database == "" {
		return
	}
	s.loading.Lock()
	defer s.loading.Unlock()
	s.mu.Lock()
	tried := s.tried
	s.mu.Unlock()
	info, err := os.Stat(s.o.Database)
	if err == nil && same(info, tried) || err != nil && tried == nil {
		return
	}
	b, err := load(s.o.Database)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base.Load() == nil {
		return // closed
	}
	if err != nil {
		s.tried, s.fault = info, err
		s.o.Meter.Reloaded(false)
		s.o.Log.Error("the new database of networks is not used; the old one stays",
			"database", s.o.Database, "error", err, "built", s.base.Load().built)
		return
	}
	s.tried, s.fault = b.info, nil
	s.base.Store(b)
	s.o.Meter.Reloaded(true)
	s.o.Meter.Age(b.built)
	s.o.Log.Info("a new database of networks is used", "database", s.o.Database, "type", b.kind, "built", b.built)
}

// same reports whether the file is as it was; one that was missing is not.
func same(now, then os.FileInfo) bool {
	return then != nil && os.SameFile(now, then) && now.Size() == then.Size() && now.ModTime().Equal(then.ModTime())
}

// report logs a damaged record, at most once a minute.
func (s *Source) report(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged++
	now := s.o.Now()
	if now.Sub(s.lastLine) < time.Minute {
		return
	}
	s.o.Log.Warn("the database of networks is damaged", "database", s.o.Database, "error", err, "answers", s.damaged)
	s.lastLine, s.damaged = now, 0
}

// State says for an admin which database is in use, how old it is, and why a
// newer one is not.
func (s *Source) State() string {
	b := s.base.Load()
	if b == nil {
		return "no database"
	}
	age := max(0, s.o.Now().Sub(b.built))
	state := fmt.Sprintf("%s, built %s, %d days ago", b.kind, b.built.UTC().Format(time.DateOnly), int(age.Hours()/24))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		state += "; the new file is not used: " + s.fault.Error()
	}
	return state
}

// Close forgets the database; then Look finds nothing.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base.Store(nil)
	return nil
}
