package plumbing

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/milter"
)

// Advise returns the lines that an MTA ("postfix" or "sendmail") needs. An error is that its
// configuration cannot be read.
func Advise(mta string, o Options) (*Report, error) {
	if mta == "sendmail" {
		return adviseSendmail(&o)
	}
	return advisePostfix(&o)
}

// Verify compares the lines with what an MTA has and with what is running.
func Verify(mta string, o Options) (*Report, error) {
	verify := verifyPostfix
	if mta == "sendmail" {
		verify = verifySendmail
	}
	r, err := verify(&o)
	if err == nil {
		r.sort()
	}
	return r, err
}

func verifyPostfix(o *Options) (*Report, error) {
	s, err := newScene(o)
	if err != nil {
		return nil, err
	}
	s.running()
	if s.p.before(3, 0) {
		s.add(Warning, "version", s.p.main, "Postfix before 3.0 has no settings for one milter: while iot-milter is down mail is deferred")
	}
	if s.lost != nil {
		s.add(Note, "mail-owner", s.p.at("mail_owner"), fmt.Sprintf("whether Postfix may open the socket is not known: %v", s.lost))
	}
	found := false
	for _, l := range s.lists() {
		found = s.list(l) || found
	}
	if !found {
		s.add(Error, "not-listed", s.p.at("smtpd_milters"), "no listener of Postfix uses iot-milter", s.merged(s.lists()[0])...)
	}
	s.localMail()
	s.listeners()
	s.protocol()
	s.macros()
	s.networks()
	if s.p.full["soft_bounce"] == "yes" {
		s.add(Warning, "soft-bounce", s.p.at("soft_bounce"), "what is refused is told to come again", s.p.set("soft_bounce", "no"))
	}
	if s.p.raw["smtpd_milter_maps"] != "" {
		s.add(Note, "milter-maps", s.p.at("smtpd_milter_maps"), "gives some clients other milters than the list")
	}
	s.o.openSockets(s.Report, s.sockets)
	return s.Report, nil
}

// running looks for the master process, and at which configuration it has.
func (s *scene) running() {
	pidFile := filepath.Join(s.p.queue(), "pid", "master.pid")
	b, err := os.ReadFile(pidFile)
	pid := strings.TrimSpace(string(b))
	start := Fix{In: Shell, Line: "postfix -c " + quote(s.p.dir) + " start"}
	switch {
	case os.IsPermission(err):
		s.add(Note, "running", pidFile, "may not be read, so it is not known whether Postfix runs; hint: run this as root")
		return
	case err != nil || !s.o.runs(pid, "master"):
		s.add(Error, "running", pidFile, "Postfix does not run with this configuration", start)
		return
	}
	for env := range strings.SplitSeq(s.o.file("/proc/"+pid+"/environ"), "\x00") {
		if dir, ok := strings.CutPrefix(env, "MAIL_CONFIG="); ok && real(dir) != real(s.p.dir) {
			s.add(Error, "running", "process "+pid, "the Postfix that runs has its configuration in "+dir,
				Fix{In: Shell, Line: "iot-milter mta-config postfix --verify --mta " + quote(dir)})
		}
	}
}

// list checks one smtpd_milters and reports whether ours is in it.
func (s *scene) list(l *list) bool {
	var mine []int
	for i, e := range l.entries {
		if s.ours(e) {
			mine = append(mine, i)
		}
	}
	if len(mine) == 0 {
		return false
	}
	if len(mine) > 1 {
		s.add(Error, "twice", l.where, fmt.Sprintf("iot-milter is listed %d times: each message is judged as often", len(mine)), s.merged(l)...)
	}
	if other := s.o.misplaced(l.entries, mine[0]); other != nil {
		severity, what := Error, "stands behind %s, which signs: it signs without our header, or breaks on it"
		if r, _ := s.o.role(*other); r == verifier {
			severity, what = Warning, "stands before %s, which verifies"
		}
		s.add(severity, "order", l.where, "iot-milter "+fmt.Sprintf(what, other.endpoint), s.merged(l)...)
	}
	for _, i := range mine {
		s.options(l, l.entries[i])
		s.socketsOf(l, l.entries[i])
	}
	return true
}

// options checks what happens while the daemon is down or slow.
func (s *scene) options(l *list, e entry) {
	if s.p.before(3, 0) {
		return
	}
	action, has := e.options["default_action"]
	global := s.p.full["milter_default_action"]
	switch {
	case has && action != "accept":
		s.add(Error, "default-action", l.where, "while iot-milter is down mail meets default_action="+action, s.merged(l)...)
	case !has && global != "accept":
		s.add(Error, "default-action", l.where, "iot-milter has no default_action=accept: while it is down mail meets milter_default_action = "+global, s.merged(l)...)
	case !has:
		s.add(Warning, "default-action", s.p.at("milter_default_action"), "iot-milter relies on milter_default_action, which holds for every milter", s.merged(l)...)
	}
	for _, b := range timeouts {
		value, has := e.options[b.name]
		if !has {
			s.add(Warning, "timeout", l.where, fmt.Sprintf("iot-milter has no %s of its own: %s holds", b.name, s.p.full["milter_"+b.name]), s.merged(l)...)
			continue
		}
		if t, ok := seconds(value, time.Second); !ok || t < b.least || t > b.most {
			s.add(Warning, "timeout", l.where, fmt.Sprintf("%s=%s is not within %v and %v", b.name, value, b.least, b.most), s.merged(l)...)
		}
	}
}

// timeouts bound what is sensible: below, a busy moment counts as "down" (iot-milter takes at most
// [limits] stage and evidence, 5 s each); above, a stuck daemon holds mail up.
var timeouts = []struct {
	name        string
	least, most time.Duration
}{
	{"connect_timeout", time.Second, 10 * time.Second},
	{"command_timeout", 5 * time.Second, 30 * time.Second},
	{"content_timeout", 10 * time.Second, 2 * time.Minute},
}

// localMail must not be judged: it comes from this machine.
func (s *scene) localMail() {
	list := parseMilters(s.p.full["non_smtpd_milters"])
	if !slices.ContainsFunc(list, s.ours) {
		return
	}
	rest := slices.DeleteFunc(list, s.ours)
	s.add(Error, "non-smtpd", s.p.at("non_smtpd_milters"), "mail of this machine itself goes through iot-milter",
		s.p.set("non_smtpd_milters", join(rest)))
}

// protocol is about versions below 6, in which a milter cannot say which macros it needs.
func (s *scene) protocol() {
	const name = "milter_protocol"
	value := s.p.full[name]
	switch version, _, _ := strings.Cut(value, " "); {
	case version == "6":
	case version >= "2" && version < "6":
		s.add(Warning, "protocol", s.p.at(name), "with milter_protocol = "+value+" iot-milter cannot ask for the macros that it needs", s.p.set(name, "6"))
	default:
		s.add(Error, "protocol", s.p.at(name), "iot-milter does not speak milter_protocol = "+value, s.p.set(name, "6"))
	}
}

// macros finds lists that an admin has cut. Those of connect are asked for by the daemon
// itself, from protocol 6 on.
func (s *scene) macros() {
	needed := otherMacros
	if s.p.full["milter_protocol"] != "6" {
		needed = append([]macroList{{"milter_connect_macros", milter.ConnectMacros(), Warning, "what connects is told incompletely"}}, needed...)
	}
	for _, n := range needed {
		have := split(s.p.full[n.name], listSeparators)
		missing := slices.DeleteFunc(slices.Clone(n.macros), func(m string) bool {
			return slices.Contains(have, m) || slices.Contains(have, strings.Trim(m, "{}"))
		})
		if len(missing) > 0 {
			s.add(n.severity, "macros", s.p.at(n.name), fmt.Sprintf("%s lacks %s: %s", n.name, strings.Join(missing, " "), n.then),
				s.p.set(n.name, strings.Join(append(split(s.p.raw[n.name], listSeparators), missing...), " ")))
		}
	}
}

type macroList struct {
	name     string
	macros   []string
	severity Severity
	then     string
}

// otherMacros are not asked for: a list of ours would replace the admin's for that stage.
var otherMacros = []macroList{
	{"milter_helo_macros", []string{"{tls_version}", "{cipher}"}, Warning, "sessions with TLS look as if they had none"},
	{"milter_mail_macros", []string{"{auth_authen}", "{auth_type}"}, Error, "users who have logged in are judged like strangers"},
	{"milter_rcpt_macros", []string{"i"}, Warning, "the log lacks the queue id of refused recipients"},
}
