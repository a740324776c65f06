package remote

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/iot-milter/iot-milter/policy/state"
)

const (
	patience = 20 * time.Second // of the admin
	walkStep = 1000             // entries that the store goes through at once
)

var errIll = errors.New("it does not answer")

// View is the shared memory as the admin looks into it: its calls go over all that is
// stored and may take 20 s, so they are not for mail. What the store does not answer the
// own memory does.
type View struct{ s *Store }

// View returns the Store's.
func (s *Store) View() View { return View{s} }

// Tables are the own memory's: the store counts no entries.
func (v View) Tables(yield func(name string, entries int, lost int64)) { v.s.local.Tables(yield) }

// Host returns what all hosts know of an address. After it Facts does, too.
func (v View) Host(addr netip.Addr, at time.Time) (state.Host, bool) {
	if !v.s.circuit.down.Load() && addr.IsValid() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = v.s.recall(ctx, []netip.Addr{plain(addr)}) // or what was heard before
	}
	return v.s.Host(addr, at)
}

// Campaigns returns those that are on, the one with the most messages first, at most n.
func (v View) Campaigns(at time.Time, n int) []state.Campaign {
	if !v.s.circuit.down.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if on, err := v.s.campaigns(ctx, at); err == nil {
			return on[:min(n, len(on))]
		}
	}
	return v.s.local.Campaigns(at, n)
}

func (s *Store) campaigns(ctx context.Context, at time.Time) (on []state.Campaign, err error) {
	names, err := s.client.ZRangeByScore(ctx, s.key("campaigns"), &redis.ZRangeBy{Min: strconv.FormatInt(at.Unix(), 10), Max: "+inf"}).Result()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	runs, networks := make([]*redis.Cmd, len(names)), make([]*redis.IntCmd, len(names))
	_, err = s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range names {
			runs[i] = p.Do(ctx, "HMGET", s.opts.Prefix+"run:"+name, "u", "s", "l", "n") // not by HMGet: see bounded
			networks[i] = p.ZCard(ctx, s.opts.Prefix+"members:"+name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		template, err := strconv.ParseUint(name, 16, 64)
		var n [4]int64
		values, _ := runs[i].Slice()
		for j, v := range values[:min(len(values), len(n))] {
			text, _ := v.(string)
			n[j], _ = strconv.ParseInt(text, 10, 64)
		}
		if err == nil && n[0] > at.Unix() {
			on = append(on, state.Campaign{Template: state.Key(template), On: true, Networks: int(networks[i].Val()), Messages: n[3],
				Since: time.Unix(n[1], 0), Last: time.Unix(n[2], 0)})
		}
	}
	slices.SortFunc(on, func(a, b state.Campaign) int { return cmp.Compare(b.Messages, a.Messages) })
	return on, nil
}

// Hosts calls yield with every host that this one or the store knows, in no order, until
// it returns false.
func (v View) Hosts(yield func(netip.Addr, state.Host) bool) {
	s, more := v.s, true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.local.Hosts(func(addr netip.Addr, h state.Host) bool {
		if !h.Wide {
			if other, ok := s.hosts.heard.Peek(addr); ok {
				h = h.Join(other.host)
			}
		}
		more = yield(addr, h)
		return more
	})
	if !more || s.circuit.down.Load() {
		return
	}
	enough := errors.New("enough")
	_ = s.walk(ctx, "host:*", func(names []string) error {
		var addrs []netip.Addr
		for _, name := range names {
			addr, err := netip.ParseAddr(strings.TrimPrefix(name, "host:"))
			if own, _ := s.local.Host(addr, s.opts.Now()); err == nil && (own.Sessions == 0 || own.Wide) {
				addrs = append(addrs, addr)
			}
		}
		if len(addrs) == 0 {
			return nil
		}
		found, err := s.read(ctx, addrs)
		for i := range found {
			if h := found[i].host; !h.Stale(s.opts.Now()) && !h.Wide && !yield(addrs[i], h) {
				return enough
			}
		}
		return err
	})
}

// Forget is state.Memory's, here and in the store. It reaches no other host's own
// memory. The error is that the store could not be asked, or not to the end in time.
func (v View) Forget(p netip.Prefix) (entries int, err error) {
	s := v.s
	entries = s.local.ForgetBy(p, s.Key)
	if !p.IsValid() {
		return entries, nil
	}
	p = state.Plain(p)
	for _, a := range s.hosts.heard.Keys() {
		if p.Contains(a) {
			s.hosts.heard.Remove(a)
		}
	}
	if s.circuit.down.Load() {
		return entries, errIll
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n, err := s.forget(ctx, p)
	if err != nil {
		err = errors.New(outcome(err))
	}
	return entries + n, err
}

func (s *Store) forget(ctx context.Context, p netip.Prefix) (n int, err error) {
	if p.IsSingleIP() { // at once, however much the store holds
		addr, network := p.Addr().String(), state.Network(p.Addr()).String()
		keys := []string{s.hostKey("host", addr), s.hostKey("holds-host", network), s.hostKey("facts", addr), s.hostKey("holds-facts", network)}
		if n, err = s.remove(ctx, keys); err != nil {
			return n, err
		}
	}
	f := forgetting{s, p, state.Networks(p, s.Key)}
	err = s.walk(ctx, "*", func(names []string) error {
		keys, err := f.of(ctx, names)
		if err != nil || len(keys) == 0 {
			return err
		}
		gone, err := s.remove(ctx, keys)
		n += gone
		return err
	})
	return n, err
}

func (s *Store) remove(ctx context.Context, keys []string) (n int, err error) {
	answer, err := forgetScript.Run(ctx, s.client, keys).Int64Slice()
	if err == nil && len(answer) == 1 {
		n = int(answer[0])
	}
	return n, err
}

// forgetting is what goes: the hosts of a prefix, and all of its networks.
type forgetting struct {
	s        *Store
	prefix   netip.Prefix
	networks map[state.Key]struct{}
}

// of appends what is to go of some entries: each one's key, and that of what its network
// holds.
func (f *forgetting) of(ctx context.Context, names []string) (keys []string, err error) {
	var buckets, holders []string
	for _, name := range names {
		table, rest, _ := strings.Cut(name, ":")
		switch table {
		case "host", "facts":
			if network, ok := f.host(rest); ok {
				keys = append(keys, f.s.opts.Prefix+name, f.s.hostKey("holds-"+table, network))
			}
		case "holds-facts":
			if network, err := netip.ParsePrefix(rest); err == nil && f.prefix.Overlaps(network) {
				holders = append(holders, f.s.opts.Prefix+name)
			}
		case "waiting", "passed", "tries", "habit":
			if network, _, _ := strings.Cut(rest, ":"); f.network(network) {
				keys = append(keys, f.s.opts.Prefix+name, f.s.opts.Prefix+"holds-"+table+":"+network)
			}
		case "bucket":
			buckets = append(buckets, f.s.opts.Prefix+name)
		}
	}
	held, err := f.held(ctx, holders)
	if err != nil {
		return nil, err
	}
	filled, err := f.filled(ctx, buckets)
	return append(append(keys, held...), filled...), err
}

// held is of for the addresses that networks hold facts of: those that are over, too.
func (f *forgetting) held(ctx context.Context, holders []string) (keys []string, err error) {
	for _, h := range holders {
		names, err := f.s.client.ZRange(ctx, h, 0, -1).Result()
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			addr, err := netip.ParseAddr(strings.TrimPrefix(name, f.s.hostKey("facts", "")))
			if err == nil && f.prefix.Contains(addr) {
				keys = append(keys, name, h)
			}
		}
	}
	return keys, nil
}

// filled is of for the buckets that networks filled.
func (f *forgetting) filled(ctx context.Context, buckets []string) (keys []string, err error) {
	if len(buckets) == 0 || len(f.networks) == 0 {
		return nil, nil
	}
	by := make([]*redis.StringCmd, len(buckets))
	_, err = f.s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, b := range buckets {
			by[i] = p.HGet(ctx, b, "w")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	for i, b := range buckets {
		if network := by[i].Val(); f.network(network) {
			keys = append(keys, b, f.s.opts.Prefix+"holds-bucket:"+network)
		}
	}
	return keys, nil
}

// host reports whether an address, or the counts of a network, are to go.
func (f *forgetting) host(of string) (network string, ok bool) {
	if addr, err := netip.ParseAddr(of); err == nil {
		return state.Network(addr).String(), f.prefix.Contains(addr)
	}
	wide, err := netip.ParsePrefix(of)
	return of + "/", err == nil && f.prefix.Bits() <= wide.Bits() && f.prefix.Contains(wide.Addr()) // nobody holds it
}

func (f *forgetting) network(hash string) bool {
	n, err := strconv.ParseUint(hash, 16, 64)
	_, ok := f.networks[state.Key(n)]
	return err == nil && ok
}

// walk calls f with the names of the entries that match, without the prefix, some at a
// time. An entry may come twice.
func (s *Store) walk(ctx context.Context, pattern string, f func(names []string) error) error {
	var node redis.Cmdable = s.client
	if c, ok := s.client.(*redis.ClusterClient); ok { // all of it is in one slot
		master, err := c.MasterForKey(ctx, s.opts.Prefix)
		if err != nil {
			return err
		}
		node = master
	}
	for cursor := uint64(0); ; {
		names, next, err := node.Scan(ctx, cursor, literal.Replace(s.opts.Prefix)+pattern, walkStep).Result()
		if err != nil {
			return err
		}
		for i := range names {
			names[i] = strings.TrimPrefix(names[i], s.opts.Prefix)
		}
		if len(names) > 0 {
			if err := f(names); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// literal has a pattern mean what a prefix says.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
