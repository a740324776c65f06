package policy

import "github.com/iot-milter/iot-milter/policy/device"

// ipEUI64 reads the maker of the network interface out of an IPv6 address that
// was made of its hardware address (RFC 4291, appendix A). It is the sender's own
// interface: no NAT stands between, and nobody has a reason to forge it.
func ipEUI64(f *Facts, out *Findings) {
	mac, ok := device.EUI64(f.Client.Addr)
	if !ok {
		return
	}
	if vendor, kind, ok := device.OUI([3]byte(mac[:3])); ok && kind != device.None {
		out.Add(StatusFail, "mac", mac.String()).On(kind, vendor)
	}
}

// ptrMAC notes the maker of the modem or router that a network named after its
// hardware address. That the name is a line's is ptr-access's to say.
func ptrMAC(f *Facts, out *Findings) {
	n, ok := ptr(f)
	if !ok || !n.Has(device.Hardware) {
		return
	}
	finding := out.Add(StatusNeutral, "mac", n.MAC.String())
	if vendor, kind, ok := device.OUI([3]byte(n.MAC[:3])); ok {
		finding.On(kind, vendor)
	}
}
