package policy

import (
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// The signals of this file compare HELO with other names: the PTR, the
// recipient's domain, an earlier HELO.

// heloBare is an address without the brackets that RFC 5321, section 4.1.3,
// asks for. Mail programs write them, spamware often does not. helo-address has
// found the address already: this weighs the difference.
func heloBare(f *Facts, out *Findings) {
	if f.HELO.Shape == device.ShapeAddress && ownName(f) == "" {
		addHELO(f, out, StatusFail)
	}
}

// heloDomain is a registered domain in place of a host's name, and not the
// domain that the PTR is in. Mail servers greet with the name of a host;
// spamware greets with a domain out of its address list. A domain that resolves
// to the client is its owner's.
func heloDomain(f *Facts, out *Findings) {
	helo := &f.HELO
	if !independent(f) || !helo.Equal(helo.Domain) || sameDomain(f) || !device.Registered(helo.Domain) {
		return
	}
	if f.Confirmed == IprevPass {
		out.Add(StatusNeutral, "helo", helo.Text)
		return
	}
	out.Add(StatusFail, "helo", helo.Text)
}

// heloProvider is a host of the network that numbered the PTR, which is not one of
// its mail servers by its name: what a computer calls itself that took its domain
// from its provider, or a static line that greets with its PTR.
func heloProvider(f *Facts, out *Findings) {
	n := &f.HELO
	if n.Shape != device.ShapeFQDN || n.Any(numbered|device.Server|device.Hosting|device.Business) || ownName(f) != "" {
		return
	}
	if fromPTR(f) {
		addHELO(f, out, StatusFail)
	}
}

// heloLocaldomain is what the mail server of a UNIX machine without a name says;
// spamware says localhost alone. It makes up for helo-localhost where the client
// has a confirmed name.
func heloLocaldomain(f *Facts, out *Findings) {
	if f.Client.Iprev == IprevPass && f.HELO.Shape == device.ShapeLocalhost && f.HELO.Equal("localhost.localdomain") {
		out.Add(StatusPass, "helo", f.HELO.Text)
	}
}

// heloUnrelated is a name of its own on a host to which somebody else gave a
// confirmed name of his own: two operators, where a mail server has one.
func heloUnrelated(f *Facts, out *Findings) {
	helo, ptr := &f.HELO, &f.PTR
	if f.Client.Iprev != IprevPass || f.Confirmed == IprevPass || ptr.Domain == "" || ptr.Any(numbered) {
		return
	}
	if independent(f) && !sameDomain(f) {
		out.Add(StatusFail, "helo", helo.Text)
	}
}

// sameDomain reports whether HELO and the PTR are in one registered domain. A
// claimed PTR counts: whoever forged it did so for the domain that he greets
// with.
func sameDomain(f *Facts) bool {
	return f.HELO.Domain != "" && f.HELO.Domain == f.PTR.Domain
}

// heloRecipient is a client that greets with the domain it sends to. A host of
// that domain may do so, and has a PTR there.
func heloRecipient(f *Facts, out *Findings) {
	to, known := f.Recipient.Get()
	if !known || to == "" || !f.HELO.Equal(to) || sameDomain(f) || f.Confirmed == IprevPass || ownName(f) != "" {
		return
	}
	out.Add(StatusFail, "helo", f.HELO.Text)
}

// heloChanged is a second greeting with another name in one session. After
// STARTTLS a client greets again, by the same name.
func heloChanged(f *Facts, out *Findings) {
	before, known := f.Greeting.Before.Get()
	if known && !strings.EqualFold(before, f.Greeting.Name.String()) {
		out.Add(StatusFail, "helo", before)
	}
}
