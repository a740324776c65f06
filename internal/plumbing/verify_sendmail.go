package plumbing

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

func verifySendmail(o *Options) (*Report, error) {
	s, err := readSendmail(o)
	if err != nil {
		return nil, err
	}
	if !s.hasCF {
		return nil, fmt.Errorf("%s: %w; hint: --mta names the sendmail.cf that the running Sendmail reads", s.cf, fs.ErrNotExist)
	}
	s.running()
	at := slices.IndexFunc(s.filters, s.ours)
	if at < 0 {
		s.add(Error, "not-listed", s.cf, "no filter of Sendmail is iot-milter", s.filterLine())
		return s.Report, nil
	}
	mine := s.filters[at]
	s.listed(mine)
	s.bypasses(mine)
	s.flags(mine)
	s.way(mine)
	s.cutMacros()
	s.blame()
	o.openSockets(s.Report, s.sockets)
	return s.Report, nil
}

func (s *sendmail) at(name string) string {
	if n := s.lines[name]; n > 0 {
		return fmt.Sprintf("%s:%d", s.cf, n)
	}
	return s.cf
}

// running looks for the process by its pid file, which Sendmail writes at each start.
func (s *sendmail) running() {
	places := []string{"/run/sendmail/mta/sendmail.pid", "/run/sendmail.pid", "/var/run/sendmail.pid"}
	if own := s.options["pidfile"]; own != "" {
		places = []string{own}
	}
	restart := Fix{In: Shell, Line: "systemctl restart sendmail", Why: "or however Sendmail is started here"}
	for _, path := range places {
		b, err := os.ReadFile(path)
		if os.IsPermission(err) {
			s.add(Note, "running", path, "may not be read, so it is not known whether Sendmail runs; hint: run this as root")
			return
		}
		pid, _, _ := strings.Cut(string(b), "\n")
		if err != nil || !s.o.runs(pid, "sendmail") {
			continue
		}
		started, err1 := os.Stat(path)
		written, err2 := os.Stat(s.cf)
		if err1 == nil && err2 == nil && written.ModTime().After(started.ModTime()) {
			s.add(Warning, "restart", s.cf, "was written after Sendmail was started", restart)
		}
		return
	}
	s.add(Error, "running", places[0], "Sendmail does not run", restart)
}

// listed checks the list of filters and their order.
func (s *sendmail) listed(mine entry) {
	times := 0
	for _, name := range s.list {
		if name == mine.name {
			times++
		}
	}
	other := 0
	for _, e := range s.entries() {
		if s.ours(e) && e.name != mine.name {
			other++
		}
	}
	switch where := s.at("inputmailfilters"); {
	case times == 0:
		s.add(Error, "not-listed", where, "the filter is defined, but not in the list of those that are used", s.listLine())
		return
	case times+other > 1:
		s.add(Error, "twice", where, fmt.Sprintf("iot-milter is listed %d times: each message is judged as often", times+other), s.listLine())
		return
	}
	entries := s.entries()
	i := slices.IndexFunc(entries, s.ours)
	if o := s.o.misplaced(entries, i); o != nil {
		severity, what := Error, "iot-milter stands behind %s, which signs"
		if r, _ := s.o.role(*o); r == verifier {
			severity, what = Warning, "iot-milter stands before %s, which verifies"
		}
		s.add(severity, "order", s.at("inputmailfilters"), fmt.Sprintf(what, o.name), s.listLine())
	}
}

// bypasses finds listeners that have filters of their own.
func (s *sendmail) bypasses(mine entry) {
	for _, d := range s.daemons {
		options := split(d.text, ",")
		for i, o := range options {
			key, value, _ := strings.Cut(strings.TrimSpace(o), "=")
			names := split(value, "; ")
			if !strings.EqualFold(key, "InputMailFilters") || slices.Contains(names, mine.name) {
				continue
			}
			options[i] = key + "=" + strings.Join(append(names, mine.name), ";")
			s.add(Warning, "bypass", fmt.Sprintf("%s:%d", s.cf, d.line), "a listener has filters of its own, without iot-milter: "+value,
				Fix{In: s.mc, Line: fmt.Sprintf("DAEMON_OPTIONS(`%s')dnl", strings.Join(options, ","))})
		}
	}
}

// sendmailTimeouts are as those of Postfix: connect, send, read, end of message.
var sendmailTimeouts = []struct {
	key, fallback string
	least, most   time.Duration
}{
	{"C", "5m", time.Second, 10 * time.Second},
	{"S", "10s", 5 * time.Second, 30 * time.Second},
	{"R", "10s", 5 * time.Second, 30 * time.Second},
	{"E", "5m", 10 * time.Second, 2 * time.Minute},
}

// flags checks what happens while the daemon is down or slow.
func (s *sendmail) flags(mine entry) {
	where := s.at("X" + mine.name)
	if f := mine.options["F"]; f != "" {
		s.add(Error, "default-action", where, "F="+f+": while iot-milter is down mail is deferred (T), refused (R) or its connection closed (4)", s.filterLine())
	}
	times := map[string]string{}
	for _, word := range split(mine.options["T"], "; ") {
		key, value, _ := strings.Cut(word, ":")
		times[key] = value
	}
	for _, b := range sendmailTimeouts {
		value, has := times[b.key]
		if !has {
			s.add(Warning, "timeout", where, fmt.Sprintf("T= has no %s: it is %s", b.key, b.fallback), s.filterLine())
			continue
		}
		if t, ok := seconds(value, time.Second); !ok || t < b.least || t > b.most {
			s.add(Warning, "timeout", where, fmt.Sprintf("T=%s:%s is not within %v and %v", b.key, value, b.least, b.most), s.filterLine())
		}
	}
}

// way follows the filter's socket as Sendmail does: it trusts no folder that group or
// world may write to.
func (s *sendmail) way(mine entry) {
	network, address := mine.socket()
	if !s.reaches(mine) {
		s.add(Error, "wrong-path", s.at("X"+mine.name), mine.endpoint+" is none of the daemon's sockets", s.filterLine())
		return
	}
	if network == "tcp" {
		s.answers(network, address)
		return
	}
	for _, dir := range s.writable(address) {
		s.add(Error, "writable-folder", dir, "group or world may write to this folder, so Sendmail refuses the socket",
			Fix{In: Shell, Line: "chmod go-w " + quote(dir)})
	}
	who := identity{name: "root"}
	if name, _, _ := strings.Cut(s.options["runasuser"], ":"); name != "" {
		if found, err := lookupUser(name); err == nil {
			who = found
		}
	}
	s.Report.way(address, who, func(path string, socket bool) []Fix {
		if !exists(path) {
			return []Fix{{In: Shell, Line: "install -d -o iot-milter -m 0750 " + quote(path)}}
		}
		bits := map[bool]string{false: "o+x", true: "o+rw"}[socket]
		return []Fix{{In: Shell, Line: "chmod " + bits + " " + quote(path), Why: "or put " + who.name + " into its group"}}
	})
}

// writable are the folders of a path that Sendmail does not trust.
func (s *sendmail) writable(path string) (dirs []string) {
	for _, dir := range above(real(path)) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrPermission):
			s.add(Note, "unread", dir, "may not be looked at; hint: run this as root")
			return dirs
		case err == nil && info.Mode().Perm()&0o022 != 0:
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// cutMacros finds lists of macros that an admin has cut.
func (s *sendmail) cutMacros() {
	for _, m := range []struct {
		option, define string
		macros         []string
		severity       Severity
		then           string
	}{
		{"milter.macros.helo", "confMILTER_MACROS_HELO", otherMacros[0].macros, Warning, otherMacros[0].then},
		{"milter.macros.envfrom", "confMILTER_MACROS_ENVFROM", otherMacros[1].macros, Error, otherMacros[1].then},
	} {
		value, set := s.options[m.option]
		have := split(value, listSeparators)
		missing := slices.DeleteFunc(slices.Clone(m.macros), func(name string) bool { return slices.Contains(have, name) })
		if set && len(missing) > 0 {
			s.add(m.severity, "macros", s.at(m.option), fmt.Sprintf("%s lacks %s: %s", m.define, strings.Join(missing, " "), m.then),
				Fix{In: s.mc, Line: fmt.Sprintf("define(`%s', `%s')dnl", m.define, strings.Join(append(have, missing...), ", "))})
		}
	}
}

// blame is about DontBlameSendmail, which switches the distrust of folders off. Of its values only
// this one is about any folder that a group may write to; others are about .forward files and
// lists, and Debian sets some of those.
func (s *sendmail) blame() {
	value := s.options["dontblamesendmail"]
	if lower := strings.ToLower(value); strings.Contains(lower, "groupwritabledirpathsafe") {
		s.add(Warning, "dont-blame", s.at("dontblamesendmail"), "DontBlameSendmail="+value+" trusts folders that others may write to: they can put a socket of their own there",
			Fix{In: s.mc, Line: "define(`confDONT_BLAME_SENDMAIL', `safe')dnl"})
	}
}
