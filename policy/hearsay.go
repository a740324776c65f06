package policy

import "github.com/iot-milter/iot-milter/policy/device"

// The signals of this file tell what was seen of the client's address at another
// time, or of another connection: p0f knows addresses, and a probe meets whoever
// answers there. They never count towards a refusal.

// p0fDevice is a system that p0f names and that no mail server runs.
func p0fDevice(f *Facts, out *Findings) {
	if !f.P0f.Known {
		return
	}
	if f.P0f.OS == "Linux" && f.P0f.Flavor == "(Android)" {
		out.Add(StatusFail, "p0f", "Android").On(device.Phone, "")
		return
	}
	if kind, ok := p0fThings[f.P0f.OS]; ok {
		out.Add(StatusFail, "p0f", f.P0f.OS).On(kind, "")
	}
}

// p0fThings are the labels of p0f.fp, version 3.09b, that name things. Its newest
// fingerprints are of 2016.
var p0fThings = map[string]device.Kind{
	"Nintendo": device.Console, "iOS": device.Phone, "Blackberry": device.Phone,
}

// p0fWindows takes little from mail servers and much from devices.
func p0fWindows(f *Facts, out *Findings) {
	if f.P0f.Known && f.P0f.OS == "Windows" {
		out.Add(StatusPass, "p0f", f.P0f.OS)
	}
}

// p0fLine is a link that p0f takes for a line by its size of segments.
func p0fLine(f *Facts, out *Findings) {
	if !f.P0f.Known {
		return
	}
	switch f.P0f.Link {
	case "DSL", "PPTP", "Ericsson HIS modem":
		out.Add(StatusFail, "p0f", f.P0f.Link)
	}
}

// p0fNAT is a fact without weight: several systems share the address.
func p0fNAT(f *Facts, out *Findings) {
	if f.P0f.Known && f.P0f.NAT {
		out.Add(StatusNeutral, "p0f", "nat")
	}
}

// bannerDevice is a device that answered a probe at the client's address.
func bannerDevice(f *Facts, out *Findings) {
	if f.Banner.Kind != device.None {
		out.Add(StatusFail, f.Banner.Place, f.Banner.Text).On(f.Banner.Kind, f.Banner.Vendor)
	}
}
