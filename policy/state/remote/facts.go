package remote

import (
	"net/netip"
	"time"

	"github.com/iot-milter/iot-milter/policy/state"
)

// foundFacts is a record of facts to be told.
type foundFacts struct {
	addr   netip.Addr
	record string
	life   time.Duration // 0: what there was is to go
	kept   time.Time
}

// Facts is state.Memory's, joined with what the store had when it last was asked.
func (s *Store) Facts(addr netip.Addr, at time.Time) string {
	own := s.local.Facts(addr, at)
	said, _ := s.hosts.heard.Get(plain(addr))
	switch {
	case said.facts == "" || said.facts == own || s.opts.Join == nil:
		return own
	case own == "":
		return said.facts
	}
	return s.opts.Join(own, said.facts, at)
}

// Coming is closed when the store has answered a Prefetch of the address, or has not in
// time; nil where there was none, or it is over.
func (s *Store) Coming(addr netip.Addr) <-chan struct{} {
	h := s.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.coming[plain(addr)]
}

// KeepFacts is state.Memory's, and has it told to the store, in place of what that has.
func (s *Store) KeepFacts(addr netip.Addr, record string, at, until time.Time) {
	s.local.KeepFacts(addr, record, at, until)
	if !addr.IsValid() {
		return
	}
	addr = plain(addr)
	if said, ok := s.hosts.heard.Peek(addr); ok {
		said.facts = record // which the caller has joined with it
		s.hosts.heard.Add(addr, said)
	}
	queue(s, opFacts, s.hosts.found, foundFacts{addr, record, max(0, min(until.Sub(at), state.FactsLife)), s.opts.Now()})
}

// share tells the store of facts, but for those that are over by now.
func (s *Store) share(all []foundFacts) bool {
	keys, args := make([]string, 0, 2*len(all)), make([]any, 0, 2+3*len(all))
	args = append(args, s.opts.Share, int64(state.FactsLife/time.Second)+slack)
	now := s.opts.Now()
	for i := range all {
		f := &all[i]
		life := f.life - max(0, now.Sub(f.kept))
		if f.life > 0 && life < time.Second {
			continue
		}
		keys = append(keys, s.hostKey("facts", f.addr.String()), s.hostKey("holds-facts", state.Network(f.addr).String()))
		args = append(args, f.record, now.Unix(), int64(life/time.Second))
	}
	_, ok := s.ask(opFacts, keys, args)
	s.behind(opFacts, ok, len(all))
	return ok
}
