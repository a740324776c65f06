//go:build acceptance

package acceptance

import (
	"path/filepath"
	"testing"
	"time"
)

// TestRPM installs, upgrades and removes the rpm by rpm itself, with its scripts. No distribution
// of that kind can be had here, so the machine is Debian, made like one of them: rpm with
// a database of its own, a Postfix without chroot, and presets that enable nothing.
func TestRPM(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.install("rpm")
	m.sh("postconf -F '*/*/chroot = n' && postfix reload")
	m.sh("mkdir -p /etc/systemd/system-preset && echo 'disable *' > /etc/systemd/system-preset/99-default.preset && rpm --initdb")
	before := m.files()
	const rpm = "rpm --force-debian --nodeps "
	said := m.sh(rpm + "-i /srv/" + filepath.Base(m.pkg.oldRPM))
	t.Logf("rpm -i says:\n%s", said)
	says(t, said, "systemctl enable --now iot-milter")
	m.prints("", "rpm -V --nodeps iot-milter")
	if state, _ := m.try("systemctl is-active iot-milter"); state != "inactive\n" {
		t.Errorf("the presets say disabled, and it is %s", state)
	}
	m.marked(nas, "not enabled", "")
	m.sh("systemctl enable --now iot-milter")
	m.joined()
	m.judges("enabled")
	decision := m.history(nas)
	m.configure(`authserv_id = "mx.example.org"`)
	m.sh("systemctl reload iot-milter")
	kept := m.read(config)

	l := m.load()
	time.Sleep(time.Second)
	t.Logf("rpm -U says:\n%s", m.sh(rpm+"-U /srv/"+filepath.Base(m.pkg.rpm)))
	time.Sleep(time.Second)
	l.judged(false)
	l.open()
	m.running(m.pkg.version)
	m.prints("S.5....T.  c "+config, "rpm -V --nodeps iot-milter")
	if m.read(config) != kept {
		t.Error("the changed configuration was not kept")
	}
	m.sh("iot-milter history " + decision.ID)
	m.judges("upgraded")
	m.prints("running", "systemctl is-system-running")

	t.Logf("rpm -e says:\n%s", m.sh(rpm+"-e iot-milter"))
	m.judgesNot("erased")
	m.sh("test -e /var/lib/iot-milter/state.db && test -e " + config + ".rpmsave && ! test -e /usr/bin/iot-milter")
	m.gone()
	// What rpm keeps: the state, and the configuration that was changed.
	m.sh("rm -rf /var/lib/iot-milter /etc/iot-milter; postconf -X smtpd_milters")
	// Folders that are the distribution's where rpm is at home.
	const shared = `^/etc/fail2ban[/:]|^/var/lib/rpm|^/usr/lib/sysimage/rpm|^/usr/share/(fish|zsh)[/:]|^/usr/share/licenses:|^/usr/lib/systemd/system/postfix\.service\.wants:`
	for _, diff := range changed(before, m.files(), always) {
		if !match(shared, diff) {
			t.Errorf("what is left: %s", diff)
		}
	}
}
