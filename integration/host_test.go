//go:build integration

package integration

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
)

// host is a kind of machine, as its TCP stack and its line show it. Each kind has a
// network namespace of its own, with a wire to the MTAs.
type host struct {
	memory  int  // in MiB, of a Linux machine with little; 0 is plenty
	mtu     int  // 1492 is a PPPoE line
	windows bool // no timestamps, window scale 8

	network *os.File
}

// hostKinds are what "host:" of a case may name. What the kernel at the other end
// sees of them is in doc.go.
var hostKinds = map[string]*host{
	"server":  {mtu: 1500},
	"office":  {mtu: 1492},
	"windows": {mtu: 1492, windows: true},
	"router":  {mtu: 1492, memory: 32},
	"nas":     {mtu: 1500, memory: 64},
	"camera":  {mtu: 1492, memory: 16},
	"printer": {mtu: 1500, memory: 64},
}

// network is where the clients of the case are, nil where they are like all others.
func (s *scenario) network() *os.File {
	if s.host == "" {
		return nil
	}
	return hostKinds[s.host].network
}

// placeClients makes the hosts that cases want, and leads their clients' addresses
// to them.
func placeClients(all []*scenario) error {
	placed := map[string]string{}
	for _, s := range all {
		if s.host == "" {
			continue
		}
		clients, err := s.clients()
		if err != nil {
			return err
		}
		for _, c := range clients {
			if kind, ok := placed[c.addr]; ok && kind != s.host {
				return fmt.Errorf("%s: %s is a %s in another case", s.name, c.addr, kind)
			} else if ok {
				continue
			}
			placed[c.addr] = s.host
			if err := hostKinds[s.host].place(s.host, c.addr); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

// place leads an address to the host, which is made if it is the first.
func (h *host) place(kind, addr string) error {
	i := slices.Index(sortedKinds(), kind)
	if h.network == nil {
		if err := h.build(i); err != nil {
			return err
		}
	}
	if a, err := netip.ParseAddr(addr); err != nil || a.Is6() {
		return ip(fmt.Sprintf("-6 route add %s/128 via fd00:%d::2", addr, i))
	}
	return ip(fmt.Sprintf("route add %s/32 via 169.254.%d.2", addr, i))
}

func sortedKinds() []string {
	var kinds []string
	for k := range hostKinds {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}

func (h *host) build(i int) (err error) {
	if h.network, err = newNetwork(); err != nil {
		return err
	}
	here, there := fmt.Sprintf("wire%d", i), fmt.Sprintf("host%d", i)
	err = ip("link add "+here+" type veth peer name "+there,
		fmt.Sprintf("link set %s netns /proc/%d/fd/%d", there, os.Getpid(), h.network.Fd()),
		fmt.Sprintf("addr add 169.254.%d.1/24 dev %s", i, here), fmt.Sprintf("addr add fd00:%d::1/64 dev %s nodad", i, here),
		"link set "+here+" up")
	if err != nil {
		return err
	}
	return inside(h.network, func() error {
		for key, value := range h.settings() {
			if err := os.WriteFile(filepath.Join("/proc/sys/net/ipv4", key), []byte(value), 0); err != nil {
				return err
			}
		}
		return ip(append(clientNetworks,
			fmt.Sprintf("link set %s mtu %d", there, h.mtu),
			fmt.Sprintf("addr add 169.254.%d.2/24 dev %s", i, there), fmt.Sprintf("addr add fd00:%d::2/64 dev %s nodad", i, there),
			"link set "+there+" up",
			fmt.Sprintf("route add 192.0.2.0/24 via 169.254.%d.1%s", i, h.window()),
			fmt.Sprintf("-6 route add 2001:db8:25::/64 via fd00:%d::1%s", i, h.window()))...)
	})
}

// buffer is the most that a receive buffer of the host may have: the kernel gives
// it the 128th part of the memory (tcp_init in net/ipv4/tcp.c), 6 MiB at most.
func (h *host) buffer() int {
	switch {
	case h.windows:
		return 8 << 20
	case h.memory > 0:
		return h.memory << 20 / 128
	}
	return 6 << 20
}

func (h *host) settings() map[string]string {
	s := map[string]string{"tcp_rmem": fmt.Sprintf("4096 %d %d", min(131072, h.buffer()), h.buffer())}
	if h.windows {
		s["tcp_timestamps"] = "0"
	}
	return s
}

// window bounds what a host with little memory offers. Since Linux 6.16 the kernel
// takes net.core.rmem_max where that is larger than tcp_rmem, and it is not a
// namespace's own; the window of a route bounds both.
func (h *host) window() string {
	if h.memory == 0 {
		return ""
	}
	return fmt.Sprintf(" window %d", h.buffer())
}
