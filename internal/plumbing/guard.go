package plumbing

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/iot-milter/iot-milter/conf"
)

// selinux judges the label of a socket (user:role:type:level). The reference policy lets
// Postfix's domains connect to sockets of milters and to its own.
func (r *Report) selinux(path, label string, err error) {
	parts := strings.Split(label, ":")
	if err == nil && len(parts) > 2 && (strings.Contains(parts[2], "milter") || strings.HasPrefix(parts[2], "postfix_")) {
		return
	}
	dir := quote(filepath.Dir(path))
	r.add(Warning, "selinux", path, fmt.Sprintf("SELinux is enforcing, and the socket is labelled %q: Postfix may not connect to it", label),
		Fix{In: Shell, Line: fmt.Sprintf("semanage fcontext -a -t postfix_var_run_t '%s(/.*)?' && restorecon -R %s", filepath.Dir(path), dir)},
		Fix{In: Shell, Line: "ausearch -m AVC -ts recent | audit2allow -M iot-milter-local && semodule -i iot-milter-local.pp",
			Why: "if it is still denied: allows what was denied since"})
}

// guards is about AppArmor: a profile that confines an MTA must allow the socket.
func (o *Options) guards(r *Report, sockets []conf.Listen) {
	for line := range strings.SplitSeq(o.file("/sys/kernel/security/apparmor/profiles"), "\n") {
		profile, mode, _ := strings.Cut(line, " (")
		name := strings.ToLower(profile)
		if mode != "enforce)" || !strings.Contains(name, "postfix") && !strings.Contains(name, "sendmail") && !strings.HasSuffix(name, "smtpd") {
			continue
		}
		for _, l := range sockets {
			file := "/etc/apparmor.d/local/" + strings.TrimLeft(strings.ReplaceAll(profile, "/", "."), ".")
			if l.Network == "unix" && !strings.Contains(o.file(file), l.Address) {
				r.add(Warning, "apparmor", profile, "this profile confines the MTA and may keep it from the socket",
					Fix{In: file, Line: "  " + l.Address + " rw,", Why: "then: systemctl reload apparmor"})
			}
		}
	}
}
