package plumbing

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/conf"
)

// ourOptions hold for our entry alone (safety rule 16); Postfix has them since 3.0.
const ourOptions = "connect_timeout=2s, command_timeout=8s, content_timeout=30s, default_action=accept"

// scene is a Postfix beside the daemon's configuration.
type scene struct {
	*Report
	o       *Options
	p       *postfix
	sockets []conf.Listen
	who     identity // of the processes that open the socket
	lost    error    // who is unknown
}

func newScene(o *Options) (*scene, error) {
	p, err := readPostfix(o)
	if err != nil {
		return nil, err
	}
	s := &scene{Report: &Report{MTA: "postfix", Version: p.full["mail_version"], Config: p.dir}, o: o, p: p, sockets: o.sockets()}
	s.who, s.lost = lookupUser(p.full["mail_owner"])
	return s, nil
}

// chrooted reports whether a listener sees the queue's folder as its root.
func (s *scene) chrooted() bool {
	return slices.ContainsFunc(s.p.listeners(), func(v service) bool { return v.chroot })
}

// socketOf finds the daemon's socket that an entry leads to, seen from in or out of a chroot.
func (s *scene) socketOf(e entry, chroot bool) *conf.Listen {
	network, address := e.socket()
	for i, l := range s.sockets {
		if network == "unix" && l.Network == "unix" && real(s.p.seen(address, chroot)) == real(l.Address) ||
			network == "tcp" && strings.HasPrefix(l.Network, "tcp") && sameTCP(l.Address, address) {
			return &s.sockets[i]
		}
	}
	return nil
}

// ours reports whether an entry is meant for the daemon: it leads to a socket of it, from
// whatever root, has its name, or leads to nothing in the folder of its socket.
func (s *scene) ours(e entry) bool {
	network, address := e.socket()
	if s.socketOf(e, false) != nil || s.socketOf(e, true) != nil || strings.Contains(address, "iot-milter") {
		return true
	}
	if network != "unix" {
		return false
	}
	for _, chroot := range []bool{false, true} {
		path := s.p.seen(address, chroot)
		near := slices.ContainsFunc(s.sockets, func(l conf.Listen) bool {
			return l.Network == "unix" && filepath.Dir(real(l.Address)) == filepath.Dir(real(path))
		})
		if near && !exists(path) {
			return true
		}
	}
	return false
}

// below is a path as seen from the queue's folder.
func (s *scene) below(path string) (string, bool) {
	rest, ok := strings.CutPrefix(real(path), real(s.p.queue())+"/")
	return rest, ok
}

// endpoint is how this Postfix reaches the daemon. A path below the queue is written
// from there, which is right with and without a chroot. With more than one socket the one
// that serves all listeners is taken. Where there is none, it is one to be made.
func (s *scene) endpoint() (where string, make []Fix) {
	for _, l := range s.sockets {
		if rest, ok := s.below(l.Address); ok && l.Network == "unix" {
			return "unix:" + rest, nil
		}
	}
	for _, l := range s.sockets {
		if l.Network == "unix" && !s.chrooted() && !s.o.forSendmail(l.Address) {
			return "unix:" + l.Address, nil
		}
	}
	for _, l := range s.sockets {
		if l.Network != "unix" {
			return "inet:" + l.Address, nil
		}
	}
	return s.newSocket()
}

// newSocket is one within the chroot.
func (s *scene) newSocket() (where string, make []Fix) {
	dir := filepath.Join(s.p.queue(), "iot-milter")
	socket := conf.Listen{Network: "unix", Address: dir + "/iot-milter.sock"}
	if s.o.packaged() { // systemd makes the folder
		return "unix:iot-milter/iot-milter.sock", []Fix{s.listenOn(socket), reopen}
	}
	return "unix:iot-milter/iot-milter.sock", []Fix{
		{In: Shell, Line: fmt.Sprintf("install -d -o iot-milter -g %s -m 2750 %s", s.group(), quote(dir)),
			Why: "smtpd runs in a chroot and sees only what is below " + s.p.queue() + "; the set-group-ID bit gives the socket Postfix's group"},
		s.listenOn(socket),
	}
}

// listenOn is the setting that has the daemon listen on a socket, or the lines of the unit that opens it.
func (s *scene) listenOn(socket conf.Listen) Fix {
	all := s.o.Config.Listen
	switch {
	case s.o.packaged() || s.o.named():
		return Fix{In: s.o.socketFile(), Line: fmt.Sprintf("[Socket]\nListenStream=%s\nSocketGroup=%s\nSocketMode=0660", socket.Address, s.group())}
	case len(all) == 1 && all[0].Address == "/run/iot-milter/iot-milter.sock": // the default serves nobody here
		return s.o.setting("", "listen", fmt.Sprintf("[%q]", socket.String()))
	}
	return s.o.listen(all[0], socket)
}

// group is that of Postfix's processes.
func (s *scene) group() string {
	if s.lost != nil {
		return "postfix"
	}
	return s.who.group()
}

// entry is our entry of the list, as it should be.
func (s *scene) entry() (entry, []Fix) {
	where, make := s.endpoint()
	text := where
	if !s.p.before(3, 0) {
		text = "{ " + where + ", " + ourOptions + " }"
	}
	return parseMilters(text)[0], make
}

// list is one smtpd_milters: that of main.cf, or of a listener of its own.
type list struct {
	entries []entry
	where   string // file:line
	fix     func(value string) Fix
	// chroot and privileged are those of the listeners that use it.
	users []service
}

// lists are all that are in use.
func (s *scene) lists() (all []*list) {
	main := &list{entries: s.written(), where: s.p.at("smtpd_milters"),
		fix: func(value string) Fix { return s.p.set("smtpd_milters", value) }}
	all = append(all, main)
	for _, v := range s.p.listeners() {
		o, own := v.options["smtpd_milters"]
		if !own {
			main.users = append(main.users, v)
			continue
		}
		all = append(all, &list{entries: s.p.milters(v), where: fmt.Sprintf("%s:%d", s.p.master, o.line), users: []service{v},
			fix: func(value string) Fix {
				return Fix{In: s.p.master, At: o.line, Line: "  -o { smtpd_milters = " + value + " }"}
			}})
	}
	return all
}

// written is main.cf's list as the admin wrote it, so that $name stays. Where a name stands
// for several milters, they are written out.
func (s *scene) written() []entry {
	full := parseMilters(s.p.full["smtpd_milters"])
	raw := parseMilters(s.p.raw["smtpd_milters"])
	if len(raw) != len(full) {
		return full
	}
	for i := range full {
		full[i].text = raw[i].text
	}
	return full
}

// merged is a list with our entry as it should be, as a line of its file.
func (s *scene) merged(l *list) []Fix {
	line, make := s.entry()
	entries, _ := s.o.merge(l.entries, s.ours, line)
	return append(make, l.fix(join(entries)))
}

// advisePostfix returns the lines that an instance needs.
func advisePostfix(o *Options) (*Report, error) {
	s, err := newScene(o)
	if err != nil {
		return nil, err
	}
	main := s.lists()[0]
	line, make := s.entry()
	entries, doubts := s.o.merge(main.entries, s.ours, line)
	s.Lines = append(s.Lines, make...)
	fix := main.fix(join(entries))
	fix.Why = "behind verifiers, before signers; what stands in braces holds for iot-milter alone"
	if s.p.before(3, 0) {
		fix.Why = "Postfix before 3.0 has no settings for one milter: while iot-milter is down mail is deferred"
	}
	s.Lines = append(s.Lines, fix)
	s.Remarks = append(s.Remarks, doubts...)
	for _, l := range s.sockets {
		if len(s.sockets) > 1 && s.socketOf(line, true) != &l && !strings.Contains(line.endpoint, l.Address) {
			if rest, ok := s.below(l.Address); !ok || line.endpoint != "unix:"+rest {
				s.remark("the daemon also listens on %s; one entry is enough", l)
			}
		}
	}
	s.listeners()
	s.networks()
	for _, f := range s.Findings { // of listeners and networks, which apply before the line is written, too
		if f.Severity == Note {
			s.remark("%s: %s", f.Where, f.What)
			continue
		}
		for _, x := range f.Fix {
			x.Why = f.What
			s.Lines = append(s.Lines, x)
		}
	}
	s.Findings = nil
	upward(s.Lines)
	s.remark("then: %spostfix reload; and iot-milter mta-config postfix --verify", s.o.renewal(s.Lines))
	return s.Report, nil
}
