package policy

import "github.com/iot-milter/iot-milter/policy/device"

// numbered is what marks a name that a network gave to its address, not an
// operator to a host.
const numbered = device.Own | device.Numbers | device.Access

// ptr returns the PTR name if it may be judged: after a temporary failure it
// may not, whatever part of it is known.
func ptr(f *Facts) (n *device.Name, ok bool) {
	n = &f.PTR
	return n, n.Shape != device.ShapeNone && f.Client.Iprev != IprevTempError
}

func ptrNone(f *Facts, out *Findings) {
	if f.Client.Iprev == IprevPermError {
		out.Add(StatusFail, "iprev", "permerror")
	}
}

func ptrUnconfirmed(f *Facts, out *Findings) {
	if f.Client.Iprev == IprevFail {
		out.Add(StatusFail, "ptr", f.PTR.Text)
	}
}

// ptrUnconfirmedLine is an unconfirmed name that a network made of its lines: it
// wrote a reverse zone by rule and no forward zone. Where an operator named a host
// and the forward zone is ill, the name is the host's. ptr-unconfirmed has counted
// the failure: this weighs the difference.
func ptrUnconfirmedLine(f *Facts, out *Findings) {
	n := &f.PTR
	if f.Client.Iprev == IprevFail && n.Any(numbered|device.Business) && !n.Any(device.Server|device.Hosting) {
		out.Add(StatusFail, "ptr", n.Text)
	}
}

func ptrTempError(f *Facts, out *Findings) {
	if f.Client.Iprev == IprevTempError {
		out.Add(StatusTempError, "iprev", "temperror")
	}
}

func ptrAccess(f *Facts, out *Findings) {
	n, ok := ptr(f)
	if ok && n.Has(device.Access) && !n.Any(device.Business|device.Hosting|device.Server) {
		out.Add(StatusFail, "ptr", n.Text)
	}
}

func ptrAddress(f *Facts, out *Findings) {
	n, ok := ptr(f)
	if ok && n.Any(device.Own|device.Numbers) && !n.Any(device.Access|device.Business|device.Hosting|device.Server) {
		out.Add(StatusFail, "ptr", n.Text)
	}
}

func ptrBusiness(f *Facts, out *Findings) {
	n, ok := ptr(f)
	if ok && n.Has(device.Business) && !n.Any(device.Hosting|device.Server) {
		out.Add(StatusFail, "ptr", n.Text)
	}
}

func ptrHosting(f *Facts, out *Findings) {
	n, ok := ptr(f)
	if ok && n.Has(device.Hosting) {
		out.Add(StatusFail, "ptr", n.Text)
	}
}

// ptrServer believes only a confirmed name: whoever holds the reverse zone can
// write any name into it. Large senders number their servers, so the address in
// a name with such a word takes nothing away.
func ptrServer(f *Facts, out *Findings) {
	n, ok := ptr(f)
	if ok && f.Client.Iprev == IprevPass && n.Has(device.Server) && !n.Has(device.Hosting) {
		out.Add(StatusPass, "ptr", n.Text)
	}
}

func ptrDevice(f *Facts, out *Findings) {
	if n, ok := ptr(f); ok && n.Kind != device.None {
		out.Add(StatusFail, "ptr", n.Text).On(n.Kind, n.Vendor)
	}
}
