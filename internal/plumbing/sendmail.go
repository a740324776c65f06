package plumbing

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/conf"
)

// sendmailTimes bound our filter. Without F= mail passes while it is down (safety rule 16).
const sendmailTimes = "T=C:2s;S:8s;R:8s;E:30s"

// sendmail is what an instance is configured to do: by sendmail.cf, which it reads, and by
// sendmail.mc, which the admin writes.
type sendmail struct {
	*Report
	o       *Options
	sockets []conf.Listen

	cf, mc  string            // paths
	filters []entry           // X lines, by name
	lines   map[string]int    // of X lines and options in sendmail.cf
	options map[string]string // O lines
	list    []string          // InputMailFilters
	daemons []word            // DaemonPortOptions, one for each listener

	mcFilters []mcFilter
	mcLines   int
	mcList    int // line of a define of confINPUT_MAIL_FILTERS, 0 without one
	hasMC     bool
	hasCF     bool
}

// mcFilter is an INPUT_MAIL_FILTER or MAIL_FILTER of sendmail.mc.
type mcFilter struct {
	name    string
	equates string
	line    int
	input   bool
}

func readSendmail(o *Options) (*sendmail, error) {
	s := &sendmail{Report: &Report{MTA: "sendmail"}, o: o, sockets: o.sockets(), lines: map[string]int{}, options: map[string]string{}}
	switch dir := o.MTA; {
	case strings.HasSuffix(dir, ".mc"):
		s.mc, s.cf = dir, strings.TrimSuffix(dir, ".mc")+".cf"
	case strings.HasSuffix(dir, ".cf"):
		s.cf, s.mc = dir, strings.TrimSuffix(dir, ".cf")+".mc"
	default:
		if dir == "" {
			dir = o.Root + "/etc/mail"
		}
		s.cf, s.mc = filepath.Join(dir, "sendmail.cf"), filepath.Join(dir, "sendmail.mc")
	}
	cf, err := os.ReadFile(s.cf)
	if s.hasCF = err == nil; s.hasCF {
		s.readCF(string(cf))
	}
	mc, err2 := os.ReadFile(s.mc)
	if s.hasMC = err2 == nil; s.hasMC {
		s.readMC(string(mc))
	}
	if !s.hasCF && !s.hasMC {
		return nil, fmt.Errorf("%w; hint: --mta names sendmail.cf, sendmail.mc or their folder", err)
	}
	s.Config = s.mc
	if s.hasCF {
		s.Config = s.cf
	}
	s.Version = s.version(string(cf))
	return s, nil
}

var cfVersion = regexp.MustCompile(`(?m)^DZ(\S+)`)

// version is that of the configuration, which the binary's follows.
func (s *sendmail) version(cf string) string {
	if m := cfVersion.FindStringSubmatch(cf); m != nil {
		return m[1]
	}
	return "of unknown version"
}

// readCF reads filters and options of sendmail.cf.
func (s *sendmail) readCF(text string) {
	var logical []word
	for i, line := range strings.Split(text, "\n") {
		if line != "" && strings.ContainsAny(line[:1], " \t") && len(logical) > 0 { // goes on with the one before
			logical[len(logical)-1].text += line
			continue
		}
		logical = append(logical, word{line, i + 1})
	}
	for _, l := range logical {
		switch {
		case strings.HasPrefix(l.text, "X"):
			name, equates, _ := strings.Cut(l.text[1:], ",")
			s.lines["X"+strings.TrimSpace(name)] = l.line
			s.filters = append(s.filters, parseFilter(strings.TrimSpace(name), equates))
		case strings.HasPrefix(l.text, "O "):
			s.readOption(l.text[2:], l.line)
		}
	}
	s.list = split(s.options["inputmailfilters"], listSeparators)
}

// readOption keeps an option by its name in small letters: Sendmail does not tell case.
func (s *sendmail) readOption(text string, line int) {
	name, value, _ := strings.Cut(text, "=")
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "daemonportoptions" {
		s.daemons = append(s.daemons, word{value, line})
	}
	s.options[name], s.lines[name] = strings.TrimSpace(value), line
}

// parseFilter reads the equates of a filter: S= socket, F= flags, T= times.
func parseFilter(name, equates string) entry {
	e := entry{name: name, text: equates, options: map[string]string{}}
	for _, word := range strings.Split(equates, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		e.options[strings.ToUpper(key)] = strings.TrimSpace(value)
	}
	e.endpoint = e.options["S"]
	return e
}

var (
	mcFilterLine = regexp.MustCompile("^\\s*(INPUT_)?MAIL_FILTER\\(\\s*`([^']*)'\\s*,\\s*`([^']*)'")
	mcListLine   = regexp.MustCompile("^\\s*define\\(\\s*`confINPUT_MAIL_FILTERS'\\s*,\\s*`([^']*)'")
)

// readMC finds the filters of sendmail.mc.
func (s *sendmail) readMC(text string) {
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		s.mcLines = i + 1
		if m := mcFilterLine.FindStringSubmatch(line); m != nil {
			s.mcFilters = append(s.mcFilters, mcFilter{m[2], m[3], i + 1, m[1] != ""})
		}
		if m := mcListLine.FindStringSubmatch(line); m != nil {
			s.mcList = i + 1
			if !s.hasCF {
				s.list = split(m[1], listSeparators)
			}
		}
	}
	if s.hasCF {
		return
	}
	for _, f := range s.mcFilters {
		s.filters = append(s.filters, parseFilter(f.name, f.equates))
		if f.input && s.mcList < f.line {
			s.list = append(s.list, f.name)
		}
	}
}

// ours reports whether a filter is meant for the daemon: by its name, or its socket.
func (s *sendmail) ours(e entry) bool {
	return e.name == "iot-milter" || s.reaches(e) || strings.Contains(e.endpoint, "iot-milter")
}

// reaches reports whether a filter leads to a socket of the daemon.
func (s *sendmail) reaches(e entry) bool {
	network, address := e.socket()
	return slices.ContainsFunc(s.sockets, func(l conf.Listen) bool {
		return network == "unix" && l.Network == "unix" && real(address) == real(l.Address) ||
			network == "tcp" && strings.HasPrefix(l.Network, "tcp") && sameTCP(l.Address, address)
	})
}

// socket is the one that suits Sendmail best: a UNIX socket in folders of its own.
func (s *sendmail) socket() conf.Listen {
	best := conf.Listen{Network: "unix", Address: "/run/iot-milter/iot-milter.sock"}
	for i := len(s.sockets) - 1; i >= 0; i-- {
		l := s.sockets[i]
		if l.Network != "unix" || len(s.writable(l.Address)) == 0 || i == 0 {
			best = l
		}
	}
	for _, l := range s.sockets {
		if l.Network == "unix" && exists(l.Address) && len(s.writable(l.Address)) == 0 {
			return l
		}
	}
	return best
}

// name is what our filter is called here.
func (s *sendmail) name() string {
	for _, e := range s.filters {
		if s.ours(e) {
			return e.name
		}
	}
	return "iot-milter"
}

func (s *sendmail) equates() string { return "S=" + s.socket().String() + ", " + sendmailTimes }

// filterLine is our line of sendmail.mc, with where it goes.
func (s *sendmail) filterLine() Fix {
	f := Fix{In: s.mc, Line: fmt.Sprintf("INPUT_MAIL_FILTER(`%s', `%s')dnl", s.name(), s.equates())}
	for _, m := range s.mcFilters {
		if s.ours(parseFilter(m.name, m.equates)) {
			f.At = m.line
			return f
		}
	}
	order, _ := s.order()
	for _, name := range order { // below the last filter that comes before ours
		if name == s.name() {
			break
		}
		for _, m := range s.mcFilters {
			if m.name == name {
				f.At, f.Below = m.line, true
			}
		}
	}
	if f.At == 0 && len(s.mcFilters) > 0 {
		f.At, f.Below = s.mcFilters[0].line-1, true
	}
	return f
}

// order is the list of filters with ours in the right place.
func (s *sendmail) order() (names, doubts []string) {
	merged, doubts := s.o.merge(s.entries(), s.ours, entry{name: s.name()})
	for _, e := range merged {
		names = append(names, e.name)
	}
	return names, doubts
}

// entries are the filters in the order in which they run.
func (s *sendmail) entries() (all []entry) {
	for _, name := range s.list {
		i := slices.IndexFunc(s.filters, func(e entry) bool { return e.name == name })
		if i < 0 {
			all = append(all, entry{name: name})
			continue
		}
		all = append(all, s.filters[i])
	}
	return all
}

// listLine says the order outright. It stands below the last filter, for each
// INPUT_MAIL_FILTER adds to the list.
func (s *sendmail) listLine() Fix {
	names, _ := s.order()
	f := Fix{In: s.mc, At: s.mcList, Line: fmt.Sprintf("define(`confINPUT_MAIL_FILTERS', `%s')dnl", strings.Join(names, ", "))}
	if s.mcList == 0 && len(s.mcFilters) > 0 {
		f.At, f.Below = s.mcFilters[len(s.mcFilters)-1].line, true
	}
	return f
}

// adviseSendmail returns the lines that an instance needs.
func adviseSendmail(o *Options) (*Report, error) {
	s, err := readSendmail(o)
	if err != nil {
		return nil, err
	}
	s.Findings = nil
	filter := s.filterLine()
	filter.Why = "without F= mail passes while iot-milter is down"
	_, doubts := s.order()
	s.Lines = append(s.Lines, filter)
	if s.mcList > 0 {
		list := s.listLine()
		list.Why = "behind verifiers, before signers"
		s.Lines = append(s.Lines, list)
	}
	upward(s.Lines)
	s.Remarks = append(s.Remarks, doubts...)
	if l := s.socket(); l.Network == "unix" {
		for _, dir := range s.writable(l.Address) {
			s.remark("Sendmail refuses the socket: group or world may write to %s", dir)
		}
	}
	s.remark("then: make -C %s, and restart Sendmail; and iot-milter mta-config sendmail --verify", filepath.Dir(s.mc))
	return s.Report, nil
}
