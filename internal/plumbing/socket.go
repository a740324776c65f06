package plumbing

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/milter"
)

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// group is the name of the user's own group.
func (who identity) group() string {
	if g, err := user.LookupGroupId(strconv.Itoa(who.gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(who.gid)
}

// socketsOf follows our entry as each listener that uses the list would.
func (s *scene) socketsOf(l *list, e entry) {
	network, address := e.socket()
	if network == "tcp" {
		if s.socketOf(e, false) == nil {
			s.add(Error, "wrong-path", l.where, e.endpoint+" is none of the daemon's sockets", s.merged(l)...)
			return
		}
		s.answers(network, address)
		return
	}
	for _, v := range l.users {
		path := s.p.seen(address, v.chroot)
		if s.socketOf(e, v.chroot) == nil {
			s.wrongPath(l, v, address, path)
			continue
		}
		who := s.who
		if v.privileged {
			who = identity{name: "root"}
		}
		if s.lost != nil && !v.privileged {
			s.answers(network, path)
			continue
		}
		s.way(path, who, s.shareSocket)
	}
}

func (s *scene) wrongPath(l *list, v service, address, path string) {
	what := fmt.Sprintf("%s is none of the daemon's sockets", path)
	switch {
	case v.chroot:
		what = fmt.Sprintf("the listener %s runs in a chroot, where unix:%s is %s: none of the daemon's sockets", v.name, address, path)
	case !filepath.IsAbs(address):
		what = fmt.Sprintf("unix:%s is %s: none of the daemon's sockets", address, path)
	}
	s.add(Error, "wrong-path", l.where, what, s.merged(l)...)
}

// way walks to a socket of the daemon as who, and speaks to it at the end. share is what opens a
// folder or socket to who.
func (r *Report) way(path string, who identity, share func(path string, socket bool) []Fix) {
	b := reach(path, who)
	switch {
	case b == nil:
		r.answers("unix", path)
		r.labelled(path)
	case errors.Is(b.err, fs.ErrNotExist) && b.path != real(path):
		r.add(Error, "socket-missing", b.path, "the socket's folder does not exist",
			append(share(filepath.Dir(real(path)), false), start)...)
	case errors.Is(b.err, fs.ErrNotExist):
		r.add(Error, "socket-missing", path, "the socket does not exist: iot-milter does not run, or listens elsewhere", start)
	case errors.Is(b.err, fs.ErrPermission):
		r.add(Note, "unread", b.path, "may not be looked at; hint: run this as root")
	case b.err != nil:
		r.add(Error, "socket-missing", b.path, b.err.Error(), start)
	case hasACL(b.path):
		r.add(Note, "unreachable", b.path, fmt.Sprintf("is %s, and an access control list decides whether %s may use it", access(b.info), who.name))
	default:
		what := "enter this folder"
		if b.path == real(path) {
			what = "connect to this socket"
		}
		r.add(Error, "unreachable", b.path, fmt.Sprintf("the MTA's user %s may not %s: %s", who.name, what, access(b.info)),
			share(b.path, b.path == real(path))...)
	}
}

var start = Fix{In: Shell, Line: "systemctl restart iot-milter", Why: "or however iot-milter is started here"}

// shareSocket opens a folder or a socket to Postfix's group.
func (s *scene) shareSocket(path string, socket bool) []Fix {
	group, name := s.group(), quote(path)
	switch {
	case s.o.opens(postfixUnit, path):
		return []Fix{{In: s.o.socketFile(), Line: "[Socket]\nSocketGroup=" + group}, reopen}
	case s.o.packaged() && !exists(path): // systemd makes the folder
		return nil
	}
	if !exists(path) {
		return []Fix{{In: Shell, Line: fmt.Sprintf("install -d -o iot-milter -g %s -m 2750 %s", group, name)}}
	}
	if !socket {
		line := "chmod o+x " + name
		if s.isHome(path) {
			line = fmt.Sprintf("chgrp %s %s && chmod g+xs %s", group, name, name)
		}
		return []Fix{{In: Shell, Line: line}}
	}
	fixes := []Fix{{In: Shell, Line: fmt.Sprintf("chgrp %s %s && chmod g+rw %s", group, name, name)}}
	if s.o.Config.SocketMode&0o020 == 0 {
		f := s.o.setting("", "socket_mode", `"0660"`)
		f.Why = "so that it is right after a restart"
		fixes = append(fixes, f)
	}
	if s.o.Config.SocketGroup != group {
		dir := quote(filepath.Dir(path))
		fixes = append(fixes, Fix{In: Shell, Line: fmt.Sprintf("chgrp %s %s && chmod g+xs %s", group, dir, dir),
			Why: "so that the next socket there has the group, too"})
	}
	return fixes
}

// isHome reports whether a socket of the daemon lies right in the folder.
func (s *scene) isHome(dir string) bool {
	for _, l := range s.sockets {
		if l.Network == "unix" && filepath.Dir(real(l.Address)) == dir {
			return true
		}
	}
	return false
}

// answers speaks to the daemon.
func (r *Report) answers(network, address string) {
	err := greet(network, address, milter.ConnectMacros())
	switch {
	case err == nil:
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		r.add(Note, "unread", address, "may not be opened by who runs this, so nobody was asked there; hint: run this as root")
	case errors.Is(err, syscall.ECONNREFUSED) && network == "unix":
		r.add(Error, "stale-socket", address, "nobody listens: the socket is left over from a process that has ended", start)
	case errors.Is(err, syscall.ECONNREFUSED):
		r.add(Error, "stale-socket", address, "nobody listens", start)
	default:
		r.add(Error, "no-answer", address, err.Error(), start)
	}
}

// openSockets finds TCP sockets that others reach, and the port that others have.
func (o *Options) openSockets(r *Report, sockets []conf.Listen) {
	for _, l := range o.Config.Listen {
		host, port, err := net.SplitHostPort(l.Address)
		if l.Network == "unix" || err != nil {
			continue
		}
		better := conf.Listen{Network: l.Network, Address: l.Address}
		if !isLoopback(host) {
			better.Address = net.JoinHostPort("localhost", port)
			r.add(Warning, "open-socket", o.toml(), fmt.Sprintf("whoever reaches %s can pretend to be the MTA", l.Address), o.listen(l, better))
		}
		if port == "8893" {
			better.Address = net.JoinHostPort("localhost", "8899")
			r.add(Warning, "port", o.toml(), "8893 is the port of pyspf-milter and opendmarc", o.listen(l, better))
		}
	}
	if len(sockets) == 0 {
		r.add(Note, "listen", o.toml(), fmt.Sprintf("where systemd opens the socket is not known: %v, and no iot-milter.socket was found", o.Config.Listen))
	}
	o.guards(r, sockets)
}

// listen is the setting with one socket in the place of another.
func (o *Options) listen(old, better conf.Listen) Fix {
	words := []string{}
	for _, l := range o.Config.Listen {
		if l == old {
			l = better
		}
		words = append(words, fmt.Sprintf("%q", l.String()))
	}
	return o.setting("", "listen", "["+strings.Join(words, ", ")+"]")
}

// labelled is about SELinux, which judges by the label of a socket and its folder.
func (r *Report) labelled(path string) {
	enforcing, _ := os.ReadFile("/sys/fs/selinux/enforce")
	if strings.TrimSpace(string(enforcing)) != "1" {
		return
	}
	label := make([]byte, 256)
	n, err := unix.Getxattr(path, "security.selinux", label)
	r.selinux(path, strings.TrimRight(string(label[:max(n, 0)]), "\x00"), err)
}
