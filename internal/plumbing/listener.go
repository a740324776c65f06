package plumbing

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// listeners finds entries of master.cf that go round the milter, or that mail passes twice.
func (s *scene) listeners() {
	for _, v := range s.p.listeners() {
		where := fmt.Sprintf("%s:%d", s.p.master, v.line)
		overrides := s.p.setting(v, "receive_override_options")
		off := slices.Contains(split(overrides, listSeparators), "no_milters")
		own, has := v.options["smtpd_milters"]
		mine := !off && (!has || slices.ContainsFunc(parseMilters(s.p.expand(own.value)), s.ours))
		switch {
		case has && !mine && !off && !v.loopback() && !submission(v):
			l := &list{entries: s.p.milters(v), fix: func(value string) Fix {
				return Fix{In: s.p.master, At: own.line, Line: "  -o { smtpd_milters = " + value + " }"}
			}}
			s.add(Warning, "bypass", fmt.Sprintf("%s:%d", s.p.master, own.line),
				fmt.Sprintf("the listener %s has milters of its own, without iot-milter: what comes in there is not judged", v.name), s.merged(l)...)
		case mine && submission(v) && !s.exempts(v):
			s.add(Warning, "submission", where,
				fmt.Sprintf("the listener %s takes submissions, and neither its port nor its name is exempt: clients that do not log in are judged", v.name),
				s.option(v, "milter_macro_daemon_name", s.daemonName()))
		case mine && reinjects(v):
			s.reinjection(v, where, overrides)
		}
		if mine && s.p.setting(v, "smtpd_proxy_filter") != "" {
			s.add(Warning, "proxy-filter", where,
				fmt.Sprintf("the listener %s has smtpd_proxy_filter: milters cannot change its messages, so there is no header", v.name),
				s.option(v, "smtpd_proxy_filter", ""))
		}
	}
}

// option is a line of master.cf for a service: in place of the one that is there, or below its first.
func (s *scene) option(v service, name, value string) Fix {
	f := Fix{In: s.p.master, At: v.line, Below: true, Line: "  -o " + name + "=" + value}
	if o, ok := v.options[name]; ok {
		f.At, f.Below = o.line, false
	}
	return f
}

// reinjection is about mail that a content filter hands back: the verdict of its first
// pass stays if the filter is a relay to us.
func (s *scene) reinjection(v service, where, overrides string) {
	severity, what := Warning, "is judged again, as the filter's"
	if covered(s.o.Config.Exempt.Relays, netip.MustParsePrefix("127.0.0.1/32")) {
		severity, what = Note, "passes all milters again; its verdict stays, for loopback is in [exempt] relays"
	}
	s.add(severity, "re-injection", where,
		fmt.Sprintf("mail that a content filter hands back to %s %s", v.name, what),
		s.option(v, "receive_override_options", strings.Join(append(split(overrides, listSeparators), "no_milters"), ",")))
}

// reinjects tells a listener for a content filter: on loopback, with the filter switched off.
func reinjects(v service) bool {
	filter, ok := v.options["content_filter"]
	return v.loopback() && ok && filter.value == ""
}

// submission tells a listener for the site's own users.
func submission(v service) bool {
	port := v.port()
	return port == 587 || port == 465 || v.options["smtpd_tls_wrappermode"].value == "yes" ||
		v.options["smtpd_sasl_auth_enable"].value == "yes" || v.options["milter_macro_daemon_name"].value == "ORIGINATING"
}

// exempts reports whether the configuration exempts a listener.
func (s *scene) exempts(v service) bool {
	return slices.Contains(s.o.Config.Exempt.Ports, uint16(v.port())) ||
		slices.Contains(s.o.Config.Exempt.Daemons, s.p.setting(v, "milter_macro_daemon_name"))
}

func (s *scene) daemonName() string {
	if names := s.o.Config.Exempt.Daemons; len(names) > 0 {
		return names[0]
	}
	return "ORIGINATING"
}

// networks finds those of mynetworks that would be judged.
func (s *scene) networks() {
	missing, tables := uncovered(s.p.full["mynetworks"], s.o.Config.Exempt.Networks)
	if len(tables) > 0 {
		s.add(Note, "mynetworks", s.p.at("mynetworks"), "is not looked into: "+strings.Join(tables, " ")+
			"; networks in there that are your own belong into [exempt] networks")
	}
	if len(missing) == 0 {
		return
	}
	names := make([]string, len(missing))
	for i, n := range missing {
		names[i] = n.String()
	}
	s.add(Warning, "mynetworks", s.p.at("mynetworks"),
		"Postfix does not tell milters of mynetworks; these networks of it are judged: "+strings.Join(names, ", "),
		s.o.exemptNetworks(missing))
}

// exemptNetworks is the list that has more networks: a list in the file replaces the default.
func (o *Options) exemptNetworks(more []netip.Prefix) Fix {
	var names []string
	for _, n := range append(slices.Clone(o.Config.Exempt.Networks), more...) {
		names = append(names, fmt.Sprintf("%q", n))
	}
	return o.setting("exempt", "networks", "["+strings.Join(names, ", ")+"]")
}

// uncovered are the networks of a mynetworks that are within none of the others, and what in
// it is no network.
func uncovered(mynetworks string, by []netip.Prefix) (missing []netip.Prefix, tables []string) {
	for _, word := range split(mynetworks, listSeparators) {
		if word[0] == '!' {
			continue // an exception: judged, as it should be
		}
		plain := strings.NewReplacer("[", "", "]", "").Replace(word)
		if addr, err := netip.ParseAddr(plain); err == nil {
			plain = netip.PrefixFrom(addr, addr.BitLen()).String()
		}
		n, err := netip.ParsePrefix(plain)
		if n.Addr().Is4In6() && n.Bits() >= 96 {
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96) // ::ffff:127.0.0.0/104 is in Debian's main.cf
		}
		switch {
		case err != nil:
			tables = append(tables, word)
		case !covered(by, n):
			missing = append(missing, n.Masked())
		}
	}
	return missing, tables
}

func covered(by []netip.Prefix, n netip.Prefix) bool {
	return slices.ContainsFunc(by, func(b netip.Prefix) bool { return b.Bits() <= n.Bits() && b.Contains(n.Addr()) })
}
