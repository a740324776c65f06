package plumbing

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// postfix is what an instance is configured to do.
type postfix struct {
	dir      string
	main     string // path of main.cf
	master   string
	raw      map[string]string // settings as written, or the defaults
	full     map[string]string // with $name expanded
	lines    map[string]int    // where main.cf sets them
	services []service
}

func readPostfix(o *Options) (*postfix, error) {
	raw, err := postconf(o.MTA)
	if err != nil {
		return nil, err
	}
	full, err := postconf(o.MTA, "-x")
	if err != nil {
		full = raw // Postfix before 2.10
	}
	p := &postfix{dir: full["config_directory"], raw: raw, full: full}
	if o.MTA != "" {
		p.dir = o.MTA
	}
	p.main, p.master = filepath.Join(p.dir, "main.cf"), filepath.Join(p.dir, "master.cf")
	if text, err := os.ReadFile(p.main); err == nil {
		p.lines = settingLines(string(text))
	}
	text, err := os.ReadFile(p.master)
	if err != nil {
		return nil, err
	}
	p.services = parseMaster(string(text), p.chrootByDefault())
	return p, nil
}

// settingLines finds where main.cf sets what; the last one holds.
func settingLines(text string) map[string]int {
	lines := map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.ContainsAny(line[:1], "# \t") {
			continue
		}
		if name, _, ok := strings.Cut(line, "="); ok {
			lines[strings.TrimSpace(name)] = i + 1
		}
	}
	return lines
}

// at is where a setting of main.cf stands.
func (p *postfix) at(name string) string {
	if n := p.lines[name]; n > 0 {
		return fmt.Sprintf("%s:%d", p.main, n)
	}
	return p.main
}

// set is a line of main.cf.
func (p *postfix) set(name, value string) Fix {
	return Fix{In: p.main, At: p.lines[name], Line: strings.TrimRight(name+" = "+value, " ")}
}

// before reports whether it is older than that release.
func (p *postfix) before(major, minor int) bool {
	parts := strings.SplitN(p.full["mail_version"], ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, _ := strconv.Atoi(parts[0])
	b, _ := strconv.Atoi(strings.TrimRight(parts[1], "-abcdefghijklmnopqrstuvwxyz"))
	return a < major || a == major && b < minor
}

// chrootByDefault is what "-" means in master.cf: Postfix 3.0 and later with
// compatibility_level 1 or more chroot only what says y.
func (p *postfix) chrootByDefault() bool {
	level, _, _ := strings.Cut(p.full["compatibility_level"], ".")
	n, _ := strconv.Atoi(level)
	return p.before(3, 0) || n < 1
}

func (p *postfix) queue() string { return p.full["queue_directory"] }

// seen is the path on this machine that a process of Postfix opens: its working
// folder is the queue's, and in a chroot so is the root.
func (p *postfix) seen(path string, chroot bool) string {
	if chroot || !filepath.IsAbs(path) {
		return filepath.Join(p.queue(), path)
	}
	return filepath.Clean(path)
}

// listeners are the services that speak SMTP to clients.
func (p *postfix) listeners() (all []service) {
	for _, s := range p.services {
		if s.command == "smtpd" {
			all = append(all, s)
		}
	}
	return all
}

// milters is the list that holds for a service.
func (p *postfix) milters(s service) []entry {
	if o, ok := s.options["smtpd_milters"]; ok {
		return parseMilters(p.expand(o.value))
	}
	return parseMilters(p.full["smtpd_milters"])
}

// expand puts settings in place of $name, as deep as master.cf usually goes.
func (p *postfix) expand(value string) string {
	if !strings.Contains(value, "$") {
		return value
	}
	return os.Expand(value, func(name string) string { return p.full[name] })
}

// setting is what holds for a service.
func (p *postfix) setting(s service, name string) string {
	if o, ok := s.options[name]; ok {
		return p.expand(o.value)
	}
	return p.full[name]
}

// port is the TCP port of a listener, 0 when it has none.
func (s service) port() int {
	name := s.name
	if _, port, err := net.SplitHostPort(name); err == nil {
		name = port
	}
	n, err := net.LookupPort("tcp", name)
	if err != nil || s.kind != "inet" {
		return 0
	}
	return n
}

// loopback reports whether a listener can be reached from this machine alone.
func (s service) loopback() bool {
	host, _, err := net.SplitHostPort(s.name)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
