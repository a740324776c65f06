package plumbing

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/conf"
)

// entry is one milter of an MTA's list.
type entry struct {
	text     string // as written
	name     string // Sendmail's name of it
	endpoint string // such as unix:/path
	options  map[string]string
}

const listSeparators = ", \t\r\n"

// parseMilters reads Postfix's smtpd_milters: endpoints, or { endpoint, name=value … }.
func parseMilters(value string) (all []entry) {
	for _, text := range split(value, listSeparators) {
		e := entry{text: text, endpoint: text, options: map[string]string{}}
		if inner, ok := strings.CutPrefix(text, "{"); ok {
			words := split(strings.TrimSuffix(inner, "}"), listSeparators)
			if len(words) == 0 {
				continue
			}
			e.endpoint = words[0]
			for _, w := range words[1:] {
				w = strings.TrimSuffix(strings.TrimPrefix(w, "{"), "}")
				name, v, _ := strings.Cut(w, "=")
				e.options[strings.TrimSpace(name)] = strings.TrimSpace(v)
			}
		}
		all = append(all, e)
	}
	return all
}

// join writes a list as Postfix reads it.
func join(all []entry) string {
	texts := make([]string, len(all))
	for i, e := range all {
		texts[i] = e.text
	}
	return strings.Join(texts, ", ")
}

// socket is an endpoint in parts: network is unix or tcp, address a path or host:port.
func (e entry) socket() (network, address string) {
	kind, rest, _ := strings.Cut(e.endpoint, ":")
	switch strings.ToLower(kind) {
	case "unix", "local":
		return "unix", rest
	case "inet", "inet6":
		if l, err := conf.ParseListen(strings.ToLower(kind) + ":" + rest); err == nil {
			return "tcp", l.Address
		}
		return "tcp", rest
	}
	if filepath.IsAbs(e.endpoint) {
		return "unix", e.endpoint
	}
	return "", e.endpoint
}

// seconds reads a time of Postfix or Sendmail, whose unit is the given one when there is none.
func seconds(text string, unit time.Duration) (time.Duration, bool) {
	digits := strings.TrimRight(text, "smhdw")
	if suffix := text[len(digits):]; suffix != "" {
		units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
		unit = units[suffix]
	}
	n, err := strconv.Atoi(digits)
	return time.Duration(n) * unit, err == nil && unit > 0
}

// sameTCP reports whether a milter that listens on ours is reached by theirs, both host:port.
func sameTCP(ours, theirs string) bool {
	host, port, err := net.SplitHostPort(ours)
	host2, port2, err2 := net.SplitHostPort(theirs)
	if err != nil || err2 != nil || port != port2 {
		return false
	}
	return host == host2 || unspecified(host) || isLoopback(host) && isLoopback(host2)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func unspecified(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsUnspecified()
}

// real is a path without symbolic links, as far as it exists: /var/run is /run.
func real(path string) string {
	if r, err := filepath.EvalSymlinks(path); err == nil {
		return r
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return filepath.Clean(path)
}
