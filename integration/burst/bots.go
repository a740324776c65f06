package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// thingShare is one in so many addresses: the report's quarter.
const thingShare = 4

// bots are the burst's hosts: each network has one at least.
func (w *world) bots(r *rand.Rand, n int) []*host {
	networks := w.some(r, len(w.networks)/2)
	hosts := make([]*host, 0, n)
	for i := range n {
		net := networks[i%len(networks)]
		if i >= len(networks) {
			net = networks[r.IntN(len(networks))]
		}
		h := w.place(r, net, &host{group: groupPC, iprev: net.iprev, kind: "no name"})
		if h.iprev != nameNone {
			h.kind = net.naming.kind
			h.name = h.named(r, net.naming.pattern, net.provider.id)
			if h.iprev == nameUnconfirmed {
				h.kind += ", unconfirmed"
			}
		}
		var greeting string
		if r.IntN(thingShare) == 0 {
			h.group = groupThing
			greeting = h.greetAsThing(r)
		} else {
			greeting = h.greetAsPC(r, net.naming.kind)
		}
		h.kind += " / " + greeting
		hosts = append(hosts, h)
	}
	return hosts
}

// Names that devices have from their makers. What the report of 2014 named the
// things by was their pages; how they greeted nobody wrote down.
var thingNames = []string{"DiskStation", "dsldevice.lan", "speedtouch.lan", "device.lan", "fritz.box", "livebox.home", "OpenWrt",
	"MikroTik", "readynas", "wdmycloud", "LGwebOSTV", "axis-00408c123456", "raspberrypi", "mybooklive", "bthomehub.home", "dlinkrouter"}

var thingGreetings = []share[string]{{250, "device"}, {250, "localhost"}, {200, "single"}, {150, "literal"}, {150, "own PTR"}}

func (h *host) greetAsThing(r *rand.Rand) (kind string) {
	kind = pick(r, thingGreetings)
	if kind == "own PTR" && h.iprev == nameNone {
		kind = "localhost"
	}
	h.greet(r, kind)
	return kind
}

// How the PCs of 2007 greeted, per mille of those connections: helo-cpe 340,
// helo-independent 219 (helo-domain 114 of them), helo-single 223, helo-localhost 59,
// literals 55, bare addresses 45, helo-provider 27, the MX's own name 26. With a
// generic PTR 13 % are fully qualified names of their own, without one 38 %: that
// much of how the two go together is in the table. And 40 greet with a confirmed PTR
// that no network numbered (helo-ptr), which is most of those that have one.
var (
	lineGreetings = []share[string]{{450, "own PTR"}, {80, "neighbour's PTR"}, {42, "provider"}, {130, "other domain"},
		{150, "single"}, {46, "localhost"}, {42, "literal"}, {34, "bare"}, {20, "the MX"}, {6, "private"}}
	noneGreetings = []share[string]{{325, "other domain"}, {375, "single"}, {100, "localhost"}, {93, "literal"}, {70, "bare"},
		{30, "the MX"}, {7, "private"}}
	plainGreetings = []share[string]{{600, "own PTR"}, {40, "other domain"}, {200, "single"}, {60, "localhost"}, {50, "literal"},
		{30, "bare"}, {16, "the MX"}, {4, "private"}}
)

func (h *host) greetAsPC(r *rand.Rand, naming string) (kind string) {
	greetings := lineGreetings
	switch {
	case h.iprev == nameNone:
		greetings = noneGreetings
	case naming == "plain" || naming == "server" || naming == "hosting":
		greetings = plainGreetings
	}
	kind = pick(r, greetings)
	h.greet(r, kind)
	return kind
}

func (h *host) greet(r *rand.Rand, kind string) {
	switch kind {
	case "device":
		h.helo = thingNames[r.IntN(len(thingNames))]
	case "localhost":
		h.helo = pick(r, []share[string]{{3, "localhost"}, {1, "localhost.localdomain"}})
	case "single":
		h.helo = single(r)
	case "private":
		h.helo = single(r) + ".lan"
	case "literal":
		h.helo = "[" + h.addr() + "]"
	case "bare":
		h.helo = h.addr()
	case "own PTR":
		h.helo = h.name
	case "neighbour's PTR":
		other := *h
		other.last ^= 0x15
		h.helo = other.named(r, "cpe-A-B-C-D.dyn.isp0.example.net", 0)
	case "provider":
		h.helo = words[r.IntN(len(words))] + ".isp.example.net"
	case "the MX":
		h.helo = mxName
	case "other domain":
		h.helo = "example.com"
		if r.IntN(219) >= 114 {
			h.helo = fmt.Sprintf("%s%d.example.com", words[r.IntN(len(words))], r.IntN(100))
		}
	}
}

// single is what a computer is called, by its owner or by whoever installed it.
func single(r *rand.Rand) string {
	switch r.IntN(3) {
	case 0:
		return fmt.Sprintf("%s-%06x", strings.ToUpper(words[r.IntN(len(words))]), r.IntN(1<<24))
	case 1:
		return words[r.IntN(len(words))]
	}
	return words[r.IntN(len(words))] + fmt.Sprint(r.IntN(1000))
}
