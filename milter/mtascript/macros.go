package mtascript

import (
	"fmt"
	"maps"
	"strings"
)

// The lists that the MTAs send without being asked: Postfix 3.7 (postconf -d),
// Sendmail 8.17 (confMILTER_MACROS_* of cf/m4/proto.m4).
var defaultMacros = map[MTA]map[byte][]string{
	Postfix: {
		CmdConnect: {"j", "{daemon_name}", "{daemon_addr}", "v", "_"},
		CmdHelo:    {"{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"},
		CmdMail: {"i", "{auth_type}", "{auth_authen}", "{auth_author}", "{mail_addr}",
			"{mail_host}", "{mail_mailer}"},
		CmdRcpt: {"i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"},
		CmdData: {"i"},
		CmdEOH:  {"i"},
		CmdEOM:  {"i"},
	},
	Sendmail: {
		CmdConnect: {"j", "_", "{daemon_name}", "{if_name}", "{if_addr}"},
		CmdHelo:    {"{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"},
		CmdMail: {"i", "{auth_type}", "{auth_authen}", "{auth_ssf}", "{auth_author}",
			"{mail_mailer}", "{mail_host}", "{mail_addr}"},
		CmdRcpt: {"{rcpt_mailer}", "{rcpt_host}", "{rcpt_addr}"},
		CmdEOM:  {"{msg_id}"},
	},
}

// StandardMacros are the values a plain session of that MTA would have.
func StandardMacros(m MTA, c Client) map[string]string {
	v := map[string]string{
		"j":              "mx.example.org",
		"_":              strings.TrimSpace(c.Host + " [" + c.Addr + "]"),
		"{client_name}":  c.Host,
		"{client_ptr}":   c.Host,
		"{client_addr}":  c.Addr,
		"{client_port}":  fmt.Sprint(c.Port),
		"{mail_mailer}":  "smtp",
		"{mail_host}":    "",
		"{rcpt_mailer}":  "local",
		"{rcpt_host}":    "",
		"{daemon_name}":  "mx.example.org",
		"{daemon_addr}":  "192.0.2.25",
		"{daemon_port}":  "25",
		"{if_name}":      "mx.example.org",
		"{if_addr}":      "192.0.2.25",
		"v":              "Postfix 3.7.11",
		"{msg_id}":       "<1@example.org>",
		"{client_flags}": "",
	}
	if m == Sendmail {
		v["{daemon_name}"] = "MTA"
		v["v"] = "8.17.1"
		delete(v, "{daemon_addr}")
	}
	v["{client_resolve}"] = "OK"
	if strings.HasPrefix(c.Host, "[") {
		v["{client_resolve}"] = "FAIL"
		v["{client_name}"], v["{client_ptr}"] = "unknown", "unknown"
	}
	return v
}

// macroFrame is what goes out before an event; false is nothing. Postfix has one
// list for HEADER and EOH and one for BODY and EOM.
func (r *runner) macroFrame(code byte) (Frame, bool) {
	stage := code
	switch {
	case r.s.MTA == Postfix && code == CmdHeader:
		stage = CmdEOH
	case r.s.MTA == Postfix && code == CmdBody:
		stage = CmdEOM
	case code == CmdHeader, code == CmdBody, r.s.MTA == Sendmail && code == CmdUnknown:
		return Frame{}, false
	}
	names, asked := r.t.Agreement.Macros[stage]
	if r.s.MTA == Sendmail && code == CmdEOM {
		_, asked = r.t.Agreement.Macros[CmdEOH]
	}
	// Postfix takes an empty list for none, Sendmail for "no macros".
	if !asked || r.s.MTA == Postfix && len(names) == 0 {
		names = defaultMacros[r.s.MTA][stage]
	}
	if r.s.MTA == Sendmail && len(names) == 0 {
		return Frame{}, false
	}
	var pairs []string
	for _, name := range names {
		if v, ok := r.values[canonical(name)]; ok {
			pairs = append(pairs, name, v)
		}
	}
	return Macro(code, pairs...), true
}

// canonical spells a macro name as Session.Macros does: "{j}" is "j" and
// "client_ptr" is "{client_ptr}" to both MTAs.
func canonical(name string) string {
	name = strings.Trim(name, "{}")
	if len(name) > 1 {
		name = "{" + name + "}"
	}
	return name
}

func (r *runner) setMacros(m map[string]string) { maps.Copy(r.values, m) }

func bracket(addr string) string {
	if strings.HasPrefix(addr, "<") {
		return addr
	}
	return "<" + addr + ">"
}
