package probe

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// protocol is how one kind of service is asked. What is not set is not done.
type protocol struct {
	tls     bool
	request func(host, agent string) string
	enough  func(text []byte) bool // more of the answer would tell no more
	parse   func(text []byte) []saying
}

var (
	http  = &protocol{request: get("/"), enough: enoughHTTP, parse: parseHTTP}
	https = &protocol{tls: true, request: get("/"), enough: enoughHTTP, parse: parseHTTP}
	rtsp  = &protocol{request: options, enough: hasHead, parse: parseRTSP}
	ftp   = &protocol{enough: enoughFTP, parse: parseFTP}
	ssh   = &protocol{enough: enoughSSH, parse: parseSSH}
	// telnet sends its greeting when it likes, in pieces: no end can be told.
	telnet = &protocol{enough: func([]byte) bool { return false }, parse: parseTelnet}
)

func upnp(path string) *protocol {
	return &protocol{request: get(path), enough: enoughUPnP, parse: parseUPnP}
}

// protocols are the ports that can be named, and what is spoken there.
var protocols = map[uint16]*protocol{
	21: ftp, 22: ssh, 23: telnet, 80: http, 443: https, 554: rtsp,
	5000:  upnp("/rootDesc.xml"), // miniupnpd's
	7547:  http,                  // a modem's connection request, TR-069
	8000:  http,
	8080:  http,
	8081:  http,
	8443:  https,
	8554:  rtsp,
	49152: upnp("/gatedesc.xml"), // linux-igd's, on libupnp's first port
}

// DefaultPorts are those that are asked where none are named.
var DefaultPorts = []uint16{80, 443}

// place is a port to ask at.
type place struct {
	port     uint16
	protocol *protocol
}

// places puts ports and protocols together; more are protocols that tests add.
func places(ports []uint16, more map[uint16]*protocol) (all []place, err error) {
	if len(ports) == 0 {
		ports = DefaultPorts
	}
	for i, port := range ports {
		spoken := more[port]
		if spoken == nil {
			spoken = protocols[port]
		}
		if spoken == nil {
			return nil, fmt.Errorf("port %d: nothing is known of what is spoken there; hint: one of %s", port,
				strings.Trim(fmt.Sprint(slices.Sorted(maps.Keys(protocols))), "[]"))
		}
		if slices.Contains(ports[:i], port) {
			return nil, fmt.Errorf("port %d is named twice", port)
		}
		all = append(all, place{port, spoken})
	}
	return all, nil
}

// get is all that a web server is sent. There is no Accept and no cookie, and
// nothing is asked for again.
func get(path string) func(host, agent string) string {
	return func(host, agent string) string {
		return "GET " + path + " HTTP/1.1\r\n" +
			"Host: " + host + "\r\n" +
			"User-Agent: " + agent + "\r\n" +
			"Connection: close\r\n" +
			"\r\n"
	}
}

// options is all that a streaming server is sent; CSeq is mandatory (RFC 2326,
// section 12.17).
func options(_, agent string) string {
	return "OPTIONS * RTSP/1.0\r\n" +
		"CSeq: 1\r\n" +
		"User-Agent: " + agent + "\r\n" +
		"\r\n"
}

// host is the literal address, with the port where it is not the scheme's (RFC
// 9110, section 7.2).
func host(target netip.AddrPort, tls bool) string {
	if p := target.Port(); p == 80 && !tls || p == 443 && tls {
		if target.Addr().Is6() {
			return "[" + target.Addr().String() + "]"
		}
		return target.Addr().String()
	}
	return target.String()
}
