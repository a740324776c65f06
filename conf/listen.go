package conf

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxSocketPath is the longest path of a unix socket in bytes: sun_path has 108
// on Linux, one of them the closing NUL (unix(7)).
const maxSocketPath = 107

// Listen is one socket to listen on. The zero value is none.
type Listen struct {
	// Network is unix, tcp4, tcp6 or fd (a socket that systemd hands over).
	Network string
	// Address is the path, host:port, or the name of the handed-over socket;
	// "systemd" means all of them.
	Address string
}

// String returns the spelling that ParseListen reads and Sendmail uses.
func (l Listen) String() string {
	switch l.Network {
	case "tcp4", "tcp6":
		host, port, _ := net.SplitHostPort(l.Address)
		return map[string]string{"tcp4": "inet:", "tcp6": "inet6:"}[l.Network] + port + "@" + host
	}
	return l.Network + ":" + l.Address
}

const listenHint = `such as "unix:/run/iot-milter/iot-milter.sock", "inet:8899@localhost" or "fd:systemd"`

// ParseListen reads an address in Postfix's or Sendmail's spelling:
//
//	unix:/path  local:/path  /path
//	inet:port@host  inet:host:port  inet6:port@host  inet6:[::1]:port
//	fd:systemd  fd:name
//
// An IPv6 address after inet: is taken as inet6:, as Postfix does.
func ParseListen(s string) (Listen, error) {
	if strings.HasPrefix(s, "/") {
		return parseListenPath(s)
	}
	kind, rest, ok := strings.Cut(s, ":")
	if !ok {
		if _, err := strconv.ParseUint(s, 10, 16); err == nil {
			return Listen{}, badf(`"inet:`+s+`@localhost"`, "%q is a bare port", s)
		}
		return Listen{}, badf(listenHint, "%q is no socket address", s)
	}
	switch kind {
	case "unix", "local":
		return parseListenPath(rest)
	case "inet", "inet6":
		return parseListenTCP(s, kind, rest)
	case "fd":
		if !isLabel(rest) {
			return Listen{}, badf(`"fd:systemd", or "fd:" and the FileDescriptorName of the socket unit`,
				"%q names no socket", s)
		}
		return Listen{Network: "fd", Address: rest}, nil
	}
	return Listen{}, badf(listenHint, "%q is no kind of socket", kind)
}

func parseListenPath(path string) (Listen, error) {
	if err := checkSocket(path); err != nil {
		return Listen{}, err
	}
	if path == "" {
		return Listen{}, badf(listenHint, "has no path")
	}
	return Listen{Network: "unix", Address: path}, nil
}

func parseListenTCP(whole, kind, rest string) (Listen, error) {
	var host, port string
	if p, h, ok := strings.Cut(rest, "@"); ok {
		port, host = p, h
	} else if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		host, port = rest[:i], rest[i+1:]
	} else {
		return Listen{}, badf(`"`+kind+":"+rest+`@localhost"`, "%q has no host", whole)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Listen{}, badf("a port from 1 to 65535", "%q has no valid port", whole)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	network := map[string]string{"inet": "tcp4", "inet6": "tcp6"}[kind]
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil && !isHostname(host):
		return Listen{}, badf("an address, localhost or a host name", "%q has no valid host", whole)
	case err == nil && addr.Is4() && kind == "inet6":
		return Listen{}, badf(`"inet:`+port+"@"+host+`"`, "%q is an IPv4 address under inet6", whole)
	case err == nil && addr.Is6():
		network = "tcp6"
	}
	return Listen{Network: network, Address: net.JoinHostPort(host, strings.TrimLeft(port, "0"))}, nil
}
