//go:build acceptance

package acceptance

import (
	"strings"
	"testing"
	"time"
)

// postfix is the MTA of most cases, as Debian's package leaves it for an Internet site.
func (m *machine) postfix() {
	m.t.Helper()
	m.sh(`printf 'postfix postfix/main_mailer_type select Internet Site\npostfix postfix/mailname string mx.example.org\n' | debconf-set-selections`)
	m.install("postfix")
	m.user()
}

// joined follows the advice for Postfix and checks that Postfix is content.
func (m *machine) joined() {
	m.t.Helper()
	m.follow("postfix")
	m.prints("", "postfix check")
	m.sh("postfix reload")
	m.eventually(20*time.Second, "iot-milter mta-config postfix --verify >/dev/null")
	m.verified("postfix")
}

// healthy checks that systemd and dpkg are content.
func (m *machine) healthy() {
	m.t.Helper()
	m.prints("", "systemctl list-units --failed --plain --no-legend")
	m.prints("running", "systemctl is-system-running --wait")
	m.prints("active\nactive", "systemctl is-active iot-milter.socket iot-milter.service")
	m.prints("enabled\nenabled", "systemctl is-enabled iot-milter.socket iot-milter.service")
	m.prints("", "dpkg --audit")
}

// sound is healthy, and nothing has ever complained in the daemon's journal.
func (m *machine) sound() {
	m.t.Helper()
	m.healthy()
	if bad := complaints(m.ours()); bad != "" {
		m.t.Errorf("complaints:\n%s", bad)
	}
}

// TestPostfix is the main road: Debian 12, Postfix, the package, the lines, mail. It prints how
// long that takes, reading and typing aside.
func TestPostfix(t *testing.T) {
	t.Parallel()
	m := boot(t, "debian")
	m.prints("running", "systemctl is-system-running --wait")
	m.postfix()
	begin := time.Now()
	said := m.install(m.pkg.deb)
	t.Logf("apt-get install says:\n%s", said)
	m.sh("getent passwd iot-milter")
	m.sound()
	m.prints("", "dpkg --verify iot-milter")
	m.joined()
	m.marked(nas, "first", "Yes, class=device device=nas .*host=mx.example.org")
	t.Logf("from apt-get install to the header in the mailbox: %.1f s", time.Since(begin).Seconds())
	m.judges("then")
	m.sound()
	if in := m.sh("id iot-milter"); strings.Contains(in, "postfix") {
		t.Errorf("a member of Postfix's group: %s", in)
	}
}
