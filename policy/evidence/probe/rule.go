package probe

import (
	"net/netip"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// OptOut is the word by which a PTR name refuses to be probed.
const OptOut = "iot-probe-optout"

// What becomes of a client, the words that Meter.Probe is called with.
const (
	done      = "done"    // something answered
	none      = "none"    // nothing did
	failed    = "error"   // our own trouble: no socket, a fault, the daemon ends
	busy      = "busy"    // too many wait
	known     = "known"   // it was probed within a day
	rated     = "rate"    // its network was within the hour, or enough others were
	private   = "private" // no address of a host in the public Internet
	own       = "own"     // an address of this machine
	family    = "family"  // IPv6 where the source is IPv4, or the reverse
	exempt    = "exempt"
	optedOut  = "optout"
	notClass  = "class" // no suspect
	hosting   = "hosting"
	mobile    = "mobile"
	serverPTR = "server" // its name is a mail server's or a rented machine's
)

// Outcomes are the words that Meter.Probe is called with: three ends of a probe,
// and the reasons why there was none.
var Outcomes = []string{done, none, failed, busy, known, rated,
	private, own, family, exempt, optedOut, notClass, hosting, mobile, serverPTR}

// special are the parts of the address space that are no hosts' of the public
// Internet: IANA's registries of special-purpose addresses (RFC 6890), multicast
// and what is reserved. Of IPv6 only 2000::/3 is given out. 6to4 and Teredo
// addresses hold an IPv4 address that has not been judged.
var special = prefixes(`
	0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
	192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
	203.0.113.0/24 224.0.0.0/3
	::/3 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 4000::/2 8000::/1`)

func prefixes(list string) (all []netip.Prefix) {
	for _, s := range strings.Fields(list) {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// public reports whether addr can be a host's in the public Internet.
func public(addr netip.Addr) bool {
	return addr.IsValid() && addr.Zone() == "" && !contain(special, addr)
}

func contain(list []netip.Prefix, addr netip.Addr) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// refused returns why the client may not be probed, "" if it may. It needs no lock.
func (p *Prober) refused(addr netip.Addr, ptr string, kind policy.NetworkKind, class policy.Class) string {
	switch {
	case optsOut(ptr):
		return optedOut
	case class != policy.ClassDevice && class != policy.ClassAccess:
		return notClass
	case kind == policy.NetworkHosting:
		return hosting
	case kind == policy.NetworkMobile || namesMobile(ptr):
		return mobile
	case !public(addr) && (!p.o.loopback || !addr.IsLoopback()):
		return private
	case addr == p.o.Source || contain(p.own, addr):
		return own
	case addr.Is4() != p.o.Source.Is4():
		return family
	case contain(p.never, addr):
		return exempt
	}
	if name := device.Parse(ptr, addr); name.Any(device.Server | device.Hosting) {
		return serverPTR
	}
	return ""
}

// optsOut looks for the word anywhere: who wrote it beside others meant it too.
func optsOut(ptr string) bool { return strings.Contains(strings.ToLower(ptr), OptOut) }

// mobileWords name mobile networks in PTR names. They are for hosts that have no
// table of networks, by which mobile ones are known better.
var mobileWords = map[string]bool{"mobile": true, "mob": true, "gprs": true, "umts": true, "hspa": true, "hsdpa": true,
	"wwan": true, "cellular": true, "cell": true, "lte": true, "3g": true, "4g": true, "5g": true}

func namesMobile(ptr string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(ptr), func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		if mobileWords[word] || mobileWords[strings.TrimRight(word, "0123456789")] {
			return true
		}
	}
	return false
}
