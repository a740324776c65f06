package plumbing

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/conf"
)

// The units of the packages.
const (
	serviceUnit = "iot-milter.service"
	socketUnit  = "iot-milter.socket"
	postfixUnit = "iot-milter-postfix.socket"
)

// unitDirs are where systemd looks for units, in its order.
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// unit is the text of a unit with its drop-ins. There is none of one that is masked.
func (o *Options) unit(name string) string {
	for _, dir := range unitDirs {
		b, err := os.ReadFile(o.Root + dir + "/" + name)
		if err != nil {
			continue
		}
		if target, _ := os.Readlink(o.Root + dir + "/" + name); target == os.DevNull {
			return ""
		}
		return string(b) + o.dropIns(name)
	}
	return ""
}

// dropIns are the texts of name.d/*.conf, by file name; one in a folder further ahead
// stands for those of its name.
func (o *Options) dropIns(name string) string {
	files := map[string]string{}
	for _, dir := range slices.Backward(unitDirs) {
		found, _ := filepath.Glob(o.Root + dir + "/" + name + ".d/*.conf")
		for _, path := range found {
			files[filepath.Base(path)] = path
		}
	}
	var text strings.Builder
	for _, file := range sorted(files) {
		b, _ := os.ReadFile(files[file])
		text.WriteString("\n" + string(b))
	}
	return text.String()
}

func sorted(files map[string]string) (names []string) {
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// named reports whether the configuration speaks of sockets that systemd hands over.
func (o *Options) named() bool {
	return slices.ContainsFunc(o.Config.Listen, func(l conf.Listen) bool { return l.Network == "fd" })
}

// handsOver reports whether systemd opens the sockets of the daemon: the configuration
// says so, or systemd runs and the service's unit has them.
func (o *Options) handsOver() bool {
	if o.named() {
		return true
	}
	if info, err := os.Stat(o.Root + "/run/systemd/system"); err != nil || !info.IsDir() {
		return false
	}
	return strings.Contains(o.unit(serviceUnit), socketUnit)
}

// sockets are where the daemon listens: those of the configuration, and those that
// systemd hands over, which are the units' ListenStream= if they can be found.
func (o *Options) sockets() (all []conf.Listen) {
	for _, l := range o.Config.Listen {
		if l.Network != "fd" {
			all = append(all, l)
		}
	}
	if !o.handsOver() {
		return all
	}
	for _, name := range []string{socketUnit, postfixUnit} {
		for _, l := range streams(o.unit(name)) {
			if !slices.ContainsFunc(all, func(have conf.Listen) bool { return have.Address == l.Address }) {
				all = append(all, l)
			}
		}
	}
	return all
}

// streams are the ListenStream= of a unit; an empty one takes back those before.
func streams(text string) (all []conf.Listen) {
	for line := range strings.SplitSeq(text, "\n") {
		where, ok := strings.CutPrefix(strings.TrimSpace(line), "ListenStream=")
		_, _, err := net.SplitHostPort(where)
		switch {
		case !ok:
		case where == "":
			all = nil
		case filepath.IsAbs(where):
			all = append(all, conf.Listen{Network: "unix", Address: where})
		case err == nil:
			all = append(all, conf.Listen{Network: "tcp4", Address: where})
		}
	}
	return all
}

// packaged reports whether the sockets are those of the packages' units.
func (o *Options) packaged() bool {
	return o.unit(postfixUnit) != "" && o.handsOver()
}

// opens reports whether the packages' unit of that name makes the socket.
func (o *Options) opens(name, path string) bool {
	return o.packaged() && slices.ContainsFunc(streams(o.unit(name)), func(l conf.Listen) bool { return real(l.Address) == real(path) })
}

// forSendmail reports whether a socket is the packages' one that Postfix may not use.
func (o *Options) forSendmail(path string) bool { return o.opens(socketUnit, path) }

// socketFile is the file for lines about Postfix's socket: a drop-in of the packages'
// unit, or the admin's own unit.
func (o *Options) socketFile() string {
	if o.packaged() {
		return "/etc/systemd/system/" + postfixUnit + ".d/local.conf"
	}
	return "/etc/systemd/system/" + socketUnit
}

// reopen has systemd open its sockets anew.
var reopen = Fix{In: Shell, Line: "systemctl daemon-reload && systemctl restart iot-milter.socket iot-milter-postfix.socket iot-milter.service"}
