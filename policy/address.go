package policy

import "github.com/iot-milter/iot-milter/policy/device"

// ipEUI64 reads the maker of the network interface out of an IPv6 address that
// was made of its hardware address (RFC 4291, appendix A). It is the sender's own
// interface: no NAT stands between, and nobody has a reason to forge it. A maker
// of anything is named and does not count.
func ipEUI64(f *Facts, out *Findings) {
	mac, ok := device.EUI64(f.Client.Addr)
	if !ok {
		return
	}
	vendor, kind, ok := f.Table.OUI([3]byte(mac[:3]))
	switch {
	case !ok:
	case kind == device.None:
		out.Add(StatusNeutral, "mac", madeBy(mac, vendor))
	default:
		out.Add(StatusFail, "mac", madeBy(mac, vendor)).On(kind, vendor)
	}
}

// ptrMAC notes the maker of the modem or router that a network named after its
// hardware address. That the name is a line's is ptr-access's to say.
func ptrMAC(f *Facts, out *Findings) {
	n, ok := ptr(f)
	if !ok || !n.Has(device.Hardware) {
		return
	}
	if vendor, kind, ok := f.Table.OUI([3]byte(n.MAC[:3])); ok {
		out.Add(StatusNeutral, "mac", madeBy(n.MAC, vendor)).On(kind, vendor)
		return
	}
	out.Add(StatusNeutral, "mac", n.MAC.String())
}

// madeBy is the hardware address and, in brackets, whom the registry gave it to.
func madeBy(mac device.MAC, vendor string) string { return mac.String() + " (" + vendor + ")" }
