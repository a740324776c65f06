package remote

import (
	"context"
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

const (
	heardHosts  = 1 << 14 // whose answers are kept: those of sessions under way
	askedHosts  = 1 << 10 // that wait to be asked about
	toldVisits  = 1 << 12 // or habits, that wait to be told: those of a restart of the store
	hostsAtOnce = 64      // in one question

	// tellAfter is how long what is to be told may wait for more of it. What a request costs a server is
	// mostly that it comes: what hosts tell in one costs it half of what they tell one by one.
	tellAfter = 50 * time.Millisecond
	// restAfter is how much longer than its answer took the next such question waits, tellAfter at most: when a
	// store is back a hundred hosts have full queues, and what mail asks must come in between.
	restAfter = 4
)

// hosts is what the store said of addresses, what is to be asked, and what is to be
// told.
type hosts struct {
	heard  *lru.Cache[netip.Addr, heard]
	asked  chan netip.Addr
	visits chan seenHost
	habits chan seenHabit
	found  chan foundFacts
	news   chan struct{} // has room for one: something is to be told

	mu     sync.Mutex
	coming map[netip.Addr]chan struct{} // of those that are asked about; closed with the answer
}

// heard is what the store said of an address.
type heard struct {
	host  state.Host // the zero Host is one that the store has not
	facts string
}

type seenHabit struct {
	item state.Item
	day  int64
}

type seenHost struct {
	addr  netip.Addr
	visit state.Visit
}

func newHosts() *hosts {
	said, err := lru.New[netip.Addr, heard](heardHosts)
	if err != nil {
		panic(err) // only of a size below 1
	}
	return &hosts{heard: said, asked: make(chan netip.Addr, askedHosts), visits: make(chan seenHost, toldVisits),
		habits: make(chan seenHabit, toldVisits), found: make(chan foundFacts, toldVisits), news: make(chan struct{}, 1),
		coming: map[netip.Addr]chan struct{}{}}
}

// queue has something told to the store; it is dropped where there is no room.
func queue[T any](s *Store, o *op, to chan<- T, what T) {
	select {
	case to <- what:
		s.hosts.wake()
	default:
		s.behind(o, false, 1)
	}
}

// wake says that something is to be told.
func (h *hosts) wake() {
	select {
	case h.news <- struct{}{}:
	default: // it was said
	}
}

// Prefetch begins to ask the store what Host and Facts will be asked.
func (s *Store) Prefetch(addr netip.Addr) {
	if !addr.IsValid() {
		return
	}
	if s.circuit.down.Load() || !s.hosts.ask(plain(addr)) {
		s.behind(opHosts, false, 1)
	}
}

// plain is the address as the store knows it.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// ask reports whether there is room for a question about an address.
func (h *hosts) ask(addr netip.Addr) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case h.asked <- addr:
	default:
		return false
	}
	if h.coming[addr] == nil {
		h.coming[addr] = make(chan struct{})
	}
	return true
}

// answered wakes who waits for what the store says of addresses.
func (h *hosts) answered(addrs []netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range addrs {
		if c := h.coming[a]; c != nil {
			close(c)
			delete(h.coming, a)
		}
	}
}

// Host is state.Memory's, joined with what the store had when it last was asked.
func (s *Store) Host(addr netip.Addr, at time.Time) (h state.Host, ok bool) {
	h, ok = s.local.Host(addr, at)
	said, _ := s.hosts.heard.Get(plain(addr))
	if said.host.Stale(at) {
		return h, ok
	}
	return h.Join(said.host), true
}

// Visit notes a session here, and has it told to the store. What it returns is what this
// mail host knew.
func (s *Store) Visit(addr netip.Addr, v state.Visit) (before state.Host) {
	if addr.IsValid() {
		queue(s, opVisits, s.hosts.visits, seenHost{plain(addr), v})
	}
	return s.local.Visit(addr, v)
}

// Learn is state.Memory's, and has it told to the store.
func (s *Store) Learn(it state.Item, at time.Time) {
	s.local.Learn(it, at)
	queue(s, opHabits, s.hosts.habits, seenHabit{it, at.Unix() / daySeconds})
}

// fetch asks about hosts until Close.
func (s *Store) fetch() {
	for {
		select {
		case <-s.closing:
			return
		case addr := <-s.hosts.asked:
			all := atOnce(s.hosts.asked, addr)
			ok := s.call(opHosts, func(ctx context.Context) error { return s.recall(ctx, all) })
			s.hosts.answered(all)
			s.behind(opHosts, ok, len(all))
		}
	}
}

// recall asks about hosts, and keeps what the store says.
func (s *Store) recall(ctx context.Context, addrs []netip.Addr) error {
	found, err := s.read(ctx, addrs)
	for i := range found {
		s.hosts.heard.Add(addrs[i], found[i])
	}
	return err
}

// read returns what the store has of hosts.
func (s *Store) read(ctx context.Context, addrs []netip.Addr) ([]heard, error) {
	const each = 3
	keys := make([]any, 0, 1+each*len(addrs))
	keys = append(keys, "MGET") // not by MGet: see bounded
	for _, a := range addrs {
		keys = append(keys, s.hostKey("host", a.String()), s.hostKey("host", state.Network(a).String()), s.hostKey("facts", a.String()))
	}
	values, err := s.client.Do(ctx, keys...).Slice()
	if err != nil {
		return nil, err
	}
	if len(values) != each*len(addrs) {
		return nil, errAnswer
	}
	found := make([]heard, len(addrs))
	for i := range found {
		of := values[each*i : each*(i+1)]
		for wide, v := range of[:2] {
			text, _ := v.(string)
			if h, ok := state.ParseHost([]byte(text)); ok {
				found[i].host, found[i].host.Wide = h, wide == 1
				break
			}
		}
		if text, _ := of[2].(string); len(text) <= state.MaxFacts {
			found[i].facts = text
		}
	}
	return found, nil
}

// tell tells the store of visits, habits and facts until Close, and what is left then. While the
// store is ill they wait.
func (s *Store) tell() {
	defer s.tellLast()
	for {
		select {
		case <-s.closing:
			return
		case <-s.hosts.news:
		}
		if !s.sleep(tellAfter) {
			return
		}
		for s.circuit.down.Load() {
			if !s.sleep(firstWait) {
				return
			}
		}
		for more := true; more && !s.circuit.down.Load(); {
			start := s.opts.Now()
			s.told()
			if !s.sleep(min(restAfter*s.opts.Now().Sub(start), tellAfter)) {
				return
			}
			more = s.hosts.waiting(hostsAtOnce)
		}
		if s.hosts.waiting(1) {
			s.hosts.wake()
		}
	}
}

// tellLast tells of what is left, as long as the store answers.
func (s *Store) tellLast() {
	for s.hosts.waiting(1) && s.told() {
	}
	s.behind(opVisits, false, len(s.hosts.visits))
	s.behind(opHabits, false, len(s.hosts.habits))
	s.behind(opFacts, false, len(s.hosts.found))
}

// sleep reports whether the time is over; Close ends it before.
func (s *Store) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.closing:
		return false
	case <-t.C:
		return true
	}
}

// waiting reports whether so many of one kind are to be told.
func (h *hosts) waiting(n int) bool { return max(len(h.visits), len(h.habits), len(h.found)) >= n }

// told tells of what waits, in a question of each kind. It reports whether it could; what it did not get
// to waits on.
func (s *Store) told() (ok bool) {
	ok = true
	if len(s.hosts.visits) > 0 {
		ok = s.note(atOnce(s.hosts.visits))
	}
	if ok && len(s.hosts.habits) > 0 {
		ok = s.learnt(atOnce(s.hosts.habits))
	}
	if ok && len(s.hosts.found) > 0 {
		ok = s.share(atOnce(s.hosts.found))
	}
	return ok
}

func (s *Store) learnt(habits []seenHabit) bool {
	keys, args := make([]string, 0, 3*len(habits)), append(make([]any, 0, 2+len(habits)), s.opts.Share, habitDays)
	for i := range habits {
		it := &habits[i].item
		keys = append(keys, s.key("habit", it.Network, it.Key), s.key("habit", it.Network, it.Wide), s.key("holds-habit", it.Network))
		args = append(args, habits[i].day)
	}
	_, ok := s.ask(opHabits, keys, args)
	s.behind(opHabits, ok, len(habits))
	return ok
}

func (s *Store) note(visits []seenHost) bool {
	keys, args := make([]string, 0, 3*len(visits)), make([]any, 0, 5+4*len(visits))
	args = append(args, s.opts.Share, int64(state.HostKeep/time.Second), int64(clockStep/time.Second), slack, int(policy.ClassDevice)+1)
	for i := range visits {
		v, network := &visits[i].visit, state.Network(visits[i].addr).String()
		keys = append(keys, s.hostKey("host", visits[i].addr.String()), s.hostKey("host", network), s.hostKey("holds-host", network))
		args = append(args, min(max(v.At.Unix(), 1), math.MaxUint32), int(v.Flag), int(v.Class), int(v.Device))
	}
	_, ok := s.ask(opVisits, keys, args)
	s.behind(opVisits, ok, len(visits))
	return ok
}

func (s *Store) behind(o *op, ok bool, n int) {
	outcome := "done"
	if !ok {
		outcome = "dropped"
	}
	s.opts.Meter.Behind(o.name, outcome, n)
}

// hostKey is the name of what is known of a host, or of a network. Histories are kept
// under plain names, so that the admin can look them up and have them forgotten.
func (s *Store) hostKey(table, of string) string {
	return strings.Join([]string{s.opts.Prefix + table, of}, ":")
}

// atOnce adds what waits, up to what goes into one question.
func atOnce[T any](more <-chan T, all ...T) []T {
	for len(all) < hostsAtOnce {
		select {
		case next := <-more:
			all = append(all, next)
		default:
			return all
		}
	}
	return all
}
