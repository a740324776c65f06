package policy

// The signals of this file compare the client with what the sender's domain says
// of itself in DNS. The null sender has no domain.

// senderHost is a client that the sender's domain names in its MX or A records: a
// small office whose server stands on a line. A bot has no such domain.
func senderHost(f *Facts, out *Findings) {
	if f.Sending == IprevPass {
		out.Add(StatusPass, "from", DomainOf(f.Envelope.From.String()).String())
	}
}

// spfPass is a client that the sender's domain lets send (RFC 7208). The other
// results tell of forwarding and of forgery, not of machines.
func spfPass(f *Facts, out *Findings) {
	if f.SPF == SPFPass {
		out.Add(StatusPass, "from", DomainOf(f.Envelope.From.String()).String())
	}
}

// spfOpen is a domain that lets nearly everybody send. Nobody who keeps a mail
// server needs that; a run of spam through 13,000 routers in 2024 used 20,000 such
// domains.
func spfOpen(f *Facts, out *Findings) {
	if f.SPF == SPFOpen {
		out.Add(StatusFail, "from", DomainOf(f.Envelope.From.String()).String())
	}
}
