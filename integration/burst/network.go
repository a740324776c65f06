package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// world is the Internet of the scene. Its lines are in 240.0.0.0/4, which nobody
// has, its servers in 198.18.0.0/15 (RFC 2544): both are judged like any other.
// All names are the documentation's: example.net names the lines, example.org the
// legitimate hosts, example.com is what bots invent.
type world struct {
	providers []provider
	networks  []network
	taken     map[uint64]bool
}

// provider has a /16 of lines, an autonomous system and a way to name them.
type provider struct {
	id  int
	asn uint32
}

type network struct {
	prefix   uint32
	provider *provider
	iprev    iprev
	naming   naming
}

type naming struct {
	kind, pattern string
}

// share is one of several things and how often it is it, in per mille.
type share[T any] struct {
	part int
	of   T
}

func pick[T any](r *rand.Rand, shares []share[T]) T {
	total := 0
	for i := range shares {
		total += shares[i].part
	}
	n := r.IntN(total)
	for i := range shares {
		if n -= shares[i].part; n < 0 {
			return shares[i].of
		}
	}
	return shares[0].of
}

// The rates of names among 18,715 connections of spam of 2007 (policy.Weights, and
// the table of signals that the weights were fitted on): 28.7 % have none and
// 15.0 % one that is not confirmed.
var confirmations = []share[iprev]{{287, nameNone}, {150, nameUnconfirmed}, {563, nameConfirmed}}

// The kinds of names that there are, per mille of all connections: ptr-access 589,
// ptr-address 15, ptr-business 32, ptr-server 16, ptr-hosting 2, and 60 that say
// nothing.
var namings = []share[naming]{
	{120, naming{"access", "cpe-A-B-C-D.dyn.ispN.example.net"}},
	{90, naming{"access", "D.C.B.A.dynamic.ispN.example.net"}},
	{70, naming{"access", "hostD-C.adsl.townN.ispN.example.net"}},
	{60, naming{"access", "dsl-AAABBBCCCDDD.ispN.example.net"}},
	{60, naming{"access", "pD-C-B-A.pool.ispN.example.net"}},
	{50, naming{"access", "cable-HHHHHHHH.ispN.example.net"}},
	{50, naming{"access", "A-B-C-D.pppoe.regionN.example.net"}},
	{40, naming{"access", "customer-D.C.catv.ispN.example.net"}},
	{29, naming{"access", "ppp-A-B-C-D.dialup.ispN.example.net"}},
	{20, naming{"access", "res-C-D.home.ispN.example.net"}},
	{15, naming{"address", "A-B-C-D.ispN.example.net"}},
	{32, naming{"business", "static-A-B-C-D.ispN.example.net"}},
	{16, naming{"server", "mailD.customerC.ispN.example.net"}},
	{2, naming{"hosting", "vps-D-C.dcN.example.net"}},
	{40, naming{"plain", "nameC.townN.example.net"}},
	{20, naming{"plain", "WORD.ispN.example.net"}},
}

const perProvider = 8 // networks of a provider, on average

// newWorld has twice the networks that a burst uses: the second one comes from
// others, mostly.
func newWorld(seed uint64, networks int) *world {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &world{taken: map[uint64]bool{}}
	all := 2 * networks
	w.providers = make([]provider, max(3, all/perProvider))
	for i := range w.providers {
		w.providers[i] = provider{id: i, asn: 4_200_000_000 + uint32(i%max(3, len(w.providers)/3))}
	}
	seen := map[uint32]bool{}
	for len(w.networks) < all {
		i := r.IntN(len(w.providers))
		p := uint32(240+i>>8)<<16 | uint32(i&255)<<8 | uint32(r.IntN(256))
		if seen[p] {
			continue
		}
		seen[p] = true
		w.networks = append(w.networks, network{p, &w.providers[i], pick(r, confirmations), pick(r, namings)})
	}
	return w
}

// some are so many of the networks, each once.
func (w *world) some(r *rand.Rand, n int) []*network {
	to := make([]*network, 0, n)
	for _, i := range r.Perm(len(w.networks))[:min(n, len(w.networks))] {
		to = append(to, &w.networks[i])
	}
	return to
}

// place puts a host at a free address of the network and names it.
func (w *world) place(r *rand.Rand, n *network, h *host) *host {
	for {
		h.network, h.last = n.prefix, byte(1+r.IntN(254))
		if key := uint64(h.network)<<8 | uint64(h.last); !w.taken[key] {
			w.taken[key] = true
			return h
		}
	}
}

func (h *host) octets() (a, b, c, d byte) {
	return byte(h.network >> 16), byte(h.network >> 8), byte(h.network), h.last
}

func (h *host) addr() string {
	a, b, c, d := h.octets()
	return fmt.Sprintf("%d.%d.%d.%d", a, b, c, d)
}

// named is the host's PTR name by a pattern.
func (h *host) named(r *rand.Rand, pattern string, provider int) string {
	a, b, c, d := h.octets()
	return strings.NewReplacer(
		"AAABBBCCCDDD", fmt.Sprintf("%03d%03d%03d%03d", a, b, c, d),
		"HHHHHHHH", fmt.Sprintf("%02x%02x%02x%02x", a, b, c, d),
		"WORD", words[r.IntN(len(words))]+"-"+words[r.IntN(len(words))],
		"A", fmt.Sprint(a), "B", fmt.Sprint(b), "C", fmt.Sprint(c), "D", fmt.Sprint(d),
		"N", fmt.Sprint(provider),
	).Replace(pattern)
}

// asn is the autonomous system of an address: a provider's of lines, one for each
// /16 of servers.
func (w *world) asn(a [4]byte) uint32 {
	if a[0] >= 240 {
		return w.providers[(int(a[0]-240)<<8|int(a[1]))%len(w.providers)].asn
	}
	return 4_100_000_000 + uint32(a[0])<<8 + uint32(a[1])
}
