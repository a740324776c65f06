package resolve

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	defaultConfig = "/etc/resolv.conf"
	configEvery   = 5 * time.Second // between looks at the file's time
	mostServers   = 3               // of a file: MAXNS of resolv.conf(5)
	port          = 53
)

// serverSet are the servers in their order. It is never changed.
type serverSet struct {
	list   []*server
	rotate bool
	begin  atomic.Uint32 // of rotation
}

// first is the index of the server to begin with.
func (s *serverSet) first() int {
	if !s.rotate {
		return 0
	}
	return int(s.begin.Add(1) % uint32(len(s.list)))
}

// parseConfig reads resolv.conf(5): the servers and whether to rotate them. What
// else it says is about names that are not absolute, or times of which we have
// our own.
func parseConfig(text string) (addrs []netip.AddrPort, rotate bool) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "nameserver":
			if a, err := netip.ParseAddr(f[1]); err == nil && len(addrs) < mostServers {
				addrs = append(addrs, netip.AddrPortFrom(a.Unmap(), port))
			}
		case "options":
			rotate = rotate || slices.Contains(f[1:], "rotate")
		}
	}
	if len(addrs) == 0 { // resolv.conf(5): then it is the one on this machine
		addrs = append(addrs, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port))
	}
	return addrs, rotate
}

// stamp tells whether a file changed without reading it. /etc/resolv.conf is
// often a link, or replaced as a whole.
type stamp struct {
	time time.Time
	size int64
	file os.FileInfo
}

func (s stamp) same(o stamp) bool {
	return s.time.Equal(o.time) && s.size == o.size &&
		(s.file == nil) == (o.file == nil) && (s.file == nil || os.SameFile(s.file, o.file))
}

// current are the servers to ask now. The file is looked at again when the last
// look is 5 s old, by one caller.
func (r *Resolver) current() *serverSet {
	if r.opts.Servers == nil {
		now := int64(r.clock())
		last := r.looked.Load()
		if now-last >= int64(configEvery) && r.looked.CompareAndSwap(last, now) {
			if err := r.load(); err != nil && r.mayLog(&r.saidConfig) {
				r.log.Warn("dns configuration", "error", err, "hint", "the servers that were read before stay in use")
			}
		}
	}
	return r.set.Load()
}

// mayLog reports whether the last line of a kind was a minute ago.
func (r *Resolver) mayLog(said *atomic.Int64) bool {
	last, now := said.Load(), int64(r.clock())+1
	return (last == 0 || now-last >= int64(silence)) && said.CompareAndSwap(last, now)
}

// load reads the file if it changed. A file that is not there names no servers.
func (r *Resolver) load() error {
	r.loading.Lock()
	defer r.loading.Unlock()
	var st stamp
	info, err := os.Stat(r.opts.Config)
	switch {
	case err == nil:
		st = stamp{info.ModTime(), info.Size(), info}
	case !os.IsNotExist(err):
		return err
	}
	if r.set.Load() != nil && st.same(r.stamp) {
		return nil
	}
	var text []byte
	if st.file != nil {
		if text, err = os.ReadFile(r.opts.Config); err != nil {
			return err
		}
	}
	r.stamp = st
	r.replace(parseConfig(string(text)))
	return nil
}

// replace puts other servers in use; those that stay keep what is known of them.
func (r *Resolver) replace(addrs []netip.AddrPort, rotate bool) {
	old, set := r.set.Load(), &serverSet{rotate: rotate}
	var had []*server
	if old != nil {
		had = old.list
	}
	for _, a := range addrs {
		i := slices.IndexFunc(had, func(s *server) bool { return s.addr == a })
		switch {
		case slices.ContainsFunc(set.list, func(s *server) bool { return s.addr == a }):
		case i >= 0:
			set.list = append(set.list, had[i])
		default:
			set.list = append(set.list, &server{addr: a, meter: r.meter, log: r.log})
		}
	}
	r.set.Store(set)
	for _, s := range had {
		if !slices.Contains(set.list, s) {
			s.leave()
		}
	}
}

func checkServers(addrs []netip.AddrPort) error {
	for _, a := range addrs {
		if !a.IsValid() || a.Port() == 0 {
			return fmt.Errorf("dns server %s: address and port are needed", a)
		}
	}
	return nil
}
