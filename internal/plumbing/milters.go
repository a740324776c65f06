package plumbing

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
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

// socketUnits are those of the packages; the second is there for Postfix.
var socketUnits = []string{"iot-milter.socket", "iot-milter-postfix.socket"}

// unitFolders are where units lie; the first that has one of a name wins.
var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// sockets are where the daemon listens: those of the configuration, and those that systemd hands over, which are the
// units' ListenStream=, if they can be found. What is in both is one.
func (o *Options) sockets() (all []conf.Listen) {
	for _, l := range o.Config.Listen {
		if l.Network != "fd" {
			all = append(all, l)
		}
	}
	for _, name := range socketUnits {
		for line := range strings.SplitSeq(o.unit(name), "\n") {
			where, ok := strings.CutPrefix(strings.TrimSpace(line), "ListenStream=")
			if !ok {
				continue
			}
			var l conf.Listen
			if filepath.IsAbs(where) {
				l = conf.Listen{Network: "unix", Address: where}
			} else if _, _, err := net.SplitHostPort(where); err == nil {
				l = conf.Listen{Network: "tcp4", Address: where}
			}
			if l.Network != "" && !slices.Contains(all, l) {
				all = append(all, l)
			}
		}
	}
	return all
}

// unit is the text of a unit, or "".
func (o *Options) unit(name string) string {
	for _, dir := range unitFolders {
		if text := o.file(dir + "/" + name); text != "" {
			return text
		}
	}
	return ""
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
