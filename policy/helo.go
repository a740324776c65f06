package policy

import (
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// derived reports whether HELO repeats or derives from the PTR, the address or
// the network's naming: then it tells about the line only.
func derived(f *Facts) bool {
	helo := &f.HELO
	switch helo.Shape {
	case device.ShapeLiteral, device.ShapeAddress:
		return helo.Addr == f.Client.Addr
	case device.ShapeNone, device.ShapeEmpty:
		return false
	}
	return helo.Any(device.Own|device.Numbers) || fromPTR(f)
}

// fromPTR reports whether HELO is taken from a PTR name that the network made.
func fromPTR(f *Facts) bool {
	helo, ptr := &f.HELO, &f.PTR
	if ptr.Shape == device.ShapeNone || !ptr.Any(numbered) {
		return false
	}
	return repeatsPTR(f) || helo.Shape == device.ShapeFQDN && helo.Domain == ptr.Domain
}

// repeatsPTR reports whether HELO is the PTR name or its first label, whoever
// made that.
func repeatsPTR(f *Facts) bool {
	if f.PTR.Shape == device.ShapeNone {
		return false
	}
	label, _, _ := strings.Cut(f.PTR.Text, ".")
	return f.HELO.Equal(f.PTR.Text) || f.HELO.Equal(label)
}

// independent reports whether HELO is a fully qualified name of its own. A name
// equal to the confirmed PTR is one if an operator chose it: it is
// forward-confirmed, which is what the veto on refusals asks for. So is a
// device's word in a domain of one's own: raspberrypi.example.org is a
// self-hoster's.
func independent(f *Facts) bool {
	helo := &f.HELO
	return helo.Shape == device.ShapeFQDN && helo.Domain != "" && !derived(f) && ownName(f) == ""
}

// ownName returns the MTA's own name, domain or address that HELO claims; "" for
// none.
func ownName(f *Facts) string {
	helo := f.HELO.Text
	if a := f.HELO.Addr; a.IsValid() && a == f.Client.Server.Addr() {
		return helo
	}
	if f.HELO.Domain != "" || f.HELO.Shape == device.ShapePrivate {
		if isOrBelow(f.Client.MTA, helo) {
			return f.Client.MTA
		}
		for _, host := range f.Hosts {
			if isOrBelow(host, helo) {
				return host
			}
		}
	}
	return ""
}

// isOrBelow reports whether host is domain or a name below it.
func isOrBelow(host, domain string) bool {
	host, domain = strings.TrimSuffix(host, "."), strings.TrimSuffix(domain, ".")
	cut := len(host) - len(domain)
	return domain != "" && cut >= 0 && (cut == 0 || host[cut-1] == '.') && sameASCII(host[cut:], domain)
}

func sameASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// addHELO appends a finding about HELO, of the family line if it says no more
// than the PTR or the address do.
func addHELO(f *Facts, out *Findings, status Status) *Finding {
	finding := out.Add(status, "helo", f.HELO.Text)
	if derived(f) || repeatsPTR(f) {
		finding.Family = FamilyLine
	}
	return finding
}

// heloShape is the test of a signal that a shape alone fails. A HELO that names
// a device is heloDevice's: the same words must not count twice.
func heloShape(shape device.Shape) func(*Facts, *Findings) {
	return func(f *Facts, out *Findings) {
		if f.HELO.Shape == shape && f.HELO.Kind == device.None && ownName(f) == "" {
			addHELO(f, out, StatusFail)
		}
	}
}

func heloDevice(f *Facts, out *Findings) {
	if f.HELO.Kind != device.None {
		addHELO(f, out, StatusFail).On(f.HELO.Kind, f.HELO.Vendor)
	}
}

func heloAddress(f *Facts, out *Findings) {
	if ownName(f) != "" {
		return
	}
	if f.HELO.Shape == device.ShapeAddress || f.HELO.Shape == device.ShapeLiteral {
		addHELO(f, out, StatusFail)
	}
}

// heloCPE leaves out names with a word of mail servers: mail-192-0-2-1 is how
// large senders number theirs.
func heloCPE(f *Facts, out *Findings) {
	n := &f.HELO
	if n.Shape == device.ShapeFQDN && n.Any(numbered) && !n.Any(device.Server|device.Business|device.Hosting) {
		addHELO(f, out, StatusFail)
	}
}

func heloOwnName(f *Facts, out *Findings) {
	if ownName(f) != "" {
		addHELO(f, out, StatusFail)
	}
}

// heloPTR is a confirmed name, or one of its organisation, that no network made.
func heloPTR(f *Facts, out *Findings) {
	helo, ptr := &f.HELO, &f.PTR
	if f.Client.Iprev != IprevPass || ptr.Any(numbered|device.Hosting) || helo.Kind != device.None {
		return
	}
	if helo.Equal(ptr.Text) || helo.Shape == device.ShapeFQDN && helo.Domain != "" && helo.Domain == ptr.Domain {
		out.Add(StatusPass, "helo", helo.Text)
	}
}

// heloIndependent is neutral where the name is known not to resolve to the
// client: nobody but its owner can make it do so, everybody can say it.
func heloIndependent(f *Facts, out *Findings) {
	switch {
	case !independent(f):
	case f.Confirmed == IprevFail || f.Confirmed == IprevPermError:
		out.Add(StatusNeutral, "helo", f.HELO.Text)
	default:
		out.Add(StatusPass, "helo", f.HELO.Text)
	}
}
