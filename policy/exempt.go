package policy

import (
	"net/netip"
	"slices"
	"strings"
)

// Exempt says who is not judged. It is read-only after it was made and safe for
// concurrent use. Names are lower case.
type Exempt struct {
	Authenticated bool
	Networks      []netip.Prefix
	Relays        []netip.Prefix // own MX hosts, hubs and content filters
	Daemons       []string       // names of submission listeners
	Ports         []uint16       // of submission listeners
	Names         []string       // confirmed PTR names, and what is below them
	Recipients    []string       // "postmaster" at any domain, "user@example.org", or "@example.org"
}

// The reasons of an exemption, as logged.
const (
	ExemptNone          = ""
	ExemptLocal         = "local"
	ExemptNetwork       = "network"
	ExemptRelay         = "relay"
	ExemptDaemon        = "daemon"
	ExemptPort          = "port"
	ExemptName          = "ptr"
	ExemptAllowed       = "allowed" // by iot-milter allow
	ExemptAuthenticated = "authenticated"
)

// Client returns why a connection is exempt, ExemptNone when it is not.
func (e *Exempt) Client(c *Client) string {
	switch {
	case c.Unix:
		return ExemptLocal
	case e.Relay(c):
		return ExemptRelay
	case contains(e.Networks, c.Addr):
		return ExemptNetwork
	case c.Daemon != "" && slices.Contains(e.Daemons, c.Daemon):
		return ExemptDaemon
	case c.Server.Port() != 0 && slices.Contains(e.Ports, c.Server.Port()):
		return ExemptPort
	case c.Iprev == IprevPass && e.named(c.Name.String()):
		return ExemptName
	}
	return ExemptNone
}

// Relay reports whether the client is one of the admin's own: its X-IoT-Spam
// fields may be kept.
func (e *Exempt) Relay(c *Client) bool { return contains(e.Relays, c.Addr) }

// Sender returns why a message is exempt.
func (e *Exempt) Sender(env *Envelope) string {
	if e.Authenticated && (env.AuthUser != "" || env.AuthType != "") {
		return ExemptAuthenticated
	}
	return ExemptNone
}

// Recipient reports whether mail for the address is never refused. A bare
// "postmaster" is exempt by RFC 5321, section 4.5.1, in any case. Sendmail hands
// on what the client wrote: a source route (appendix C), a quoted local part, a
// final dot.
func (e *Exempt) Recipient(rcpt string) bool {
	if strings.HasPrefix(rcpt, "@") {
		if _, rest, ok := strings.Cut(rcpt, ":"); ok {
			rcpt = rest
		}
	}
	local, domain := rcpt, ""
	if at := strings.LastIndexByte(rcpt, '@'); at >= 0 {
		local, domain = rcpt[:at], strings.TrimSuffix(rcpt[at+1:], ".")
	}
	if n := len(local); n >= 2 && local[0] == '"' && local[n-1] == '"' {
		local = local[1 : n-1]
	}
	for _, want := range e.Recipients {
		wantLocal, wantDomain, full := strings.Cut(want, "@")
		if want == "" || full && !strings.EqualFold(wantDomain, domain) {
			continue
		}
		if wantLocal == "" || strings.EqualFold(wantLocal, local) {
			return true
		}
	}
	return false
}

func (e *Exempt) named(name string) bool {
	if len(e.Names) == 0 || name == "" {
		return false
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for _, want := range e.Names {
		if want == "" {
			continue
		}
		if name == want || strings.HasSuffix(name, want) && name[len(name)-len(want)-1] == '.' {
			return true
		}
	}
	return false
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
