// Package allow keeps the admin's list of clients that are not judged: networks, and
// confirmed names with what is below them, each with a note and, perhaps, an end. It
// is changed while the daemon runs, unlike [exempt] in the configuration, and lives
// in one file that is written anew as a whole.
package allow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"

	"github.com/iot-milter/iot-milter/policy"
)

// MaxEntries bounds the list: it is read for each connection.
const MaxEntries = 10_000

// Entry is one client, or one kind of them.
type Entry struct {
	// What is an address, a network ("203.0.113.0/24"), or a domain ("example.org"),
	// which stands for confirmed PTR names that are it or below it.
	What  string     `json:"what"`
	Note  string     `json:"note,omitempty"` // why, at most 200 bytes
	Added time.Time  `json:"added"`
	Until *time.Time `json:"until,omitempty"` // nil is for ever
	// Evidence is the decision for whose sake it was added, if there was one.
	Evidence *policy.Decision `json:"evidence,omitempty"`

	network netip.Prefix
	name    string
}

// The errors of List's methods; both are the caller's fault.
var (
	ErrEntry = errors.New("no address, network or domain; hint: 203.0.113.7, 2001:db8::/48 or mail.example.org")
	ErrFull  = fmt.Errorf("the list has %d entries, which is all it takes; hint: networks instead of addresses", MaxEntries)
)

// List is the list. It is safe for concurrent use; looking at it does not wait for
// changes.
type List struct {
	path string // "" keeps it in memory alone

	mu      sync.Mutex // of changes
	current atomic.Pointer[index]
}

// index is a list as it is looked at.
type index struct {
	entries  []Entry // by What
	networks bart.Table[*Entry]
	names    map[string]*Entry
}

// Open reads the list from the file, which need not exist. A file that cannot be
// read is an error, and the list is empty then: nobody is exempt by mistake.
func Open(path string) (*List, error) {
	l := &List{path: path}
	l.current.Store(indexOf(nil))
	if path == "" {
		return l, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	var entries []Entry
	if err := json.Unmarshal(data, &entries); err != nil {
		return l, fmt.Errorf("%s: %w; hint: it is JSON, written by iot-milter allow; put it aside to begin anew", path, err)
	}
	for i := range entries {
		if err := entries[i].parse(); err != nil {
			return l, fmt.Errorf("%s: entry %d, %q: %w", path, i+1, entries[i].What, err)
		}
	}
	if len(entries) > MaxEntries {
		return l, fmt.Errorf("%s: %w", path, ErrFull)
	}
	l.current.Store(indexOf(entries))
	return l, nil
}

const maxNote = 200

// parse reads What.
func (e *Entry) parse() error {
	what := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(e.What), "."))
	if a := policy.ParseAddr(what); a.IsValid() {
		e.What, e.network = a.String(), netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	if p, err := netip.ParsePrefix(what); err == nil {
		if p.Bits() == 0 {
			return errors.New("that is everybody; hint: mode = \"observe\" judges nobody for real")
		}
		e.network = p.Masked()
		e.What = e.network.String()
		return nil
	}
	if !isDomain(what) {
		return ErrEntry
	}
	e.What, e.name = what, what
	return nil
}

// isDomain wants two labels or more, so that no slip exempts a whole top level.
func isDomain(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") || strings.Contains(s, "..") || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	for _, b := range []byte(s) {
		if !('a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '.' || b == '_') {
			return false
		}
	}
	last := s[strings.LastIndexByte(s, '.')+1:]
	return strings.Trim(last, "0123456789") != "" // "203.0.113" is a slip of the pen
}

func indexOf(entries []Entry) *index {
	x := &index{entries: entries, names: make(map[string]*Entry)}
	for i := range entries {
		if e := &entries[i]; e.name != "" {
			x.names[e.name] = e
		} else {
			x.networks.Insert(e.network, e)
		}
	}
	return x
}

// Has reports whether the client is on the list at its time. Names count only when
// the client's is confirmed.
func (l *List) Has(c *policy.Client) bool {
	x := l.current.Load()
	if x.within(c.Addr, c.At) {
		return true
	}
	if len(x.names) == 0 || c.Iprev != policy.IprevPass {
		return false
	}
	name := strings.ToLower(strings.TrimSuffix(c.Name.String(), "."))
	for name != "" {
		if e := x.names[name]; e != nil && e.holds(c.At) {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}

// within looks at the narrowest network first. Only where its time is over do those
// around it matter.
func (x *index) within(addr netip.Addr, at time.Time) bool {
	e, ok := x.networks.Lookup(addr)
	if !ok || e.holds(at) {
		return ok
	}
	for _, e := range x.networks.Supernets(e.network) {
		if e.holds(at) {
			return true
		}
	}
	return false
}

func (e *Entry) holds(at time.Time) bool { return e.Until == nil || at.Before(*e.Until) }

// Entries are all of them, by What. The caller must not change them.
func (l *List) Entries() []Entry { return l.current.Load().entries }

// Add puts an entry on the list, in the place of one with the same What, and drops
// those whose end is past. An error of the file is returned and nothing is changed.
func (l *List) Add(e Entry) error {
	if err := e.parse(); err != nil {
		return err
	}
	e.Note = strings.Map(printable, e.Note)
	e.Note = e.Note[:min(len(e.Note), maxNote)]
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := slices.DeleteFunc(slices.Clone(l.Entries()), func(old Entry) bool { return old.What == e.What || !old.holds(e.Added) })
	if len(entries) >= MaxEntries {
		return ErrFull
	}
	return l.put(append(entries, e))
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return ' '
	}
	return r
}

// Remove takes an entry from the list and reports whether it was there.
func (l *List) Remove(what string) (bool, error) {
	e := Entry{What: what}
	if err := e.parse(); err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := slices.DeleteFunc(slices.Clone(l.Entries()), func(old Entry) bool { return old.What == e.What })
	if len(entries) == len(l.Entries()) {
		return false, nil
	}
	return true, l.put(entries)
}

// put writes the file and then takes the list into use.
func (l *List) put(entries []Entry) error {
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.What, b.What) })
	if l.path != "" {
		if err := write(l.path, entries); err != nil {
			return err
		}
	}
	l.current.Store(indexOf(entries))
	return nil
}

// write replaces the file as a whole: after a crash it is the old one or the new.
func write(path string, entries []Entry) (err error) {
	data, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".allow-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
