package milter

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

// connection is a CONNECT frame (SMFIC_CONNECT): host name, family, port,
// address.
type connection struct {
	host   string
	family byte // '4', '6', 'L' for a local socket, 'U' for unknown
	port   uint16
	addr   netip.Addr
}

// parseConnect reads the payload of a CONNECT frame. The library would lose an
// address in Sendmail's form (quirk 5) and end the session at a short one.
func parseConnect(payload []byte) (connection, error) {
	host, rest := cut(payload)
	if len(rest) == 0 {
		return connection{}, fmt.Errorf("%w: CONNECT without an address family", errFrame)
	}
	c := connection{host: policy.ClipName(string(host)), family: rest[0]}
	rest = rest[1:]
	if c.family != '4' && c.family != '6' {
		return c, nil
	}
	if len(rest) < 2 {
		return connection{}, fmt.Errorf("%w: CONNECT without a port", errFrame)
	}
	c.port = binary.BigEndian.Uint16(rest)
	addr, _ := cut(rest[2:])
	c.addr = policy.ParseAddr(string(addr))
	return c, nil
}

// client makes the facts of a client from CONNECT and its macros.
func (c connection) client(m *macroStore) policy.Client {
	name, iprev := c.name(m)
	port := c.port
	if port == 0 {
		port = parsePort(m.get(macroClientPort))
	}
	return policy.Client{
		MTA: m.get(macroJ), Addr: c.addr, Port: port, Server: server(m), Daemon: m.get(macroDaemonName),
		Unix: c.family == 'L', Name: name, Iprev: iprev,
	}
}

// name tells what the MTA found in reverse DNS. Postfix and Sendmail both answer
// {client_resolve}; without it a bracketed host is an unknown fact, since
// Postfix writes a temporary failure and a mismatch alike.
func (c connection) name(m *macroStore) (policy.Text, policy.Iprev) {
	claimed := policy.HostName(m.get(macroClientPtr))
	switch m.get(macroClientResolve) {
	case "OK":
		if confirmed := policy.HostName(m.get(macroClientName)); confirmed != "" {
			return policy.Seen(confirmed), policy.IprevPass
		}
		if host := policy.HostName(c.host); host != "" {
			return policy.Seen(host), policy.IprevPass
		}
		return policy.Text{}, policy.IprevUnknown
	case "TEMP":
		return text(claimed), policy.IprevTempError
	case "FAIL":
		if claimed == "" {
			return policy.Text{}, policy.IprevPermError
		}
		return policy.Seen(claimed), policy.IprevFail
	case "FORGED":
		if claimed == "" {
			claimed = forgedName(m.get(macroTrace))
		}
		return text(claimed), policy.IprevFail
	}
	if forged := forgedName(m.get(macroTrace)); forged != "" {
		return policy.Seen(forged), policy.IprevUnknown
	}
	if host := policy.HostName(c.host); host != "" && c.addr.IsValid() {
		return policy.Seen(host), policy.IprevPass
	}
	return policy.Text{}, policy.IprevUnknown
}

// forgedName returns the claimed name of a trace "name [192.0.2.1] (may be
// forged)", "" of any other.
func forgedName(trace string) string {
	if !strings.HasSuffix(trace, "(may be forged)") {
		return ""
	}
	name, _, _ := strings.Cut(trace, " ")
	if _, host, ok := strings.Cut(name, "@"); ok { // an ident reply stands before it
		name = host
	}
	return policy.HostName(name)
}

// server is the MTA's end of the client's connection, as far as told.
func server(m *macroStore) netip.AddrPort {
	addr := policy.ParseAddr(m.get(macroDaemonAddr))
	if own := policy.ParseAddr(m.get(macroIfAddr)); own.IsValid() {
		addr = own
	}
	port := parsePort(m.get(macroDaemonPort))
	if port == 0 {
		port = parsePort(m.get(macroIfPort))
	}
	return netip.AddrPortFrom(addr, port)
}

func parsePort(s string) uint16 {
	n, _ := strconv.ParseUint(s, 10, 16)
	return uint16(n)
}

func text(s string) policy.Text {
	if s == "" {
		return policy.Text{}
	}
	return policy.Seen(s)
}
