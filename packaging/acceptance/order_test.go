//go:build acceptance

package acceptance

import "testing"

// TestPostfixAfterwards: the MTA comes when iot-milter is there already.
func TestPostfixAfterwards(t *testing.T) {
	t.Parallel()
	m := boot(t, "debian")
	m.install(m.pkg.deb)
	m.sound()
	m.postfix()
	m.joined()
	m.judges("afterwards")
	m.sound()
}

// TestSendmailAfterwards: Sendmail instead of Postfix, which goes and leaves nothing that
// keeps the sockets from being made.
func TestSendmailAfterwards(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.install(m.pkg.deb)
	m.sh("systemctl stop postfix postfix@- && apt-get -y purge postfix && userdel -r anna; rm -rf /var/spool/postfix")
	m.sendmail()
	m.sh("systemctl restart iot-milter")
	m.sound()
	m.follow("sendmail")
	m.sh("make -C /etc/mail && systemctl restart sendmail")
	m.judges("afterwards")
}

// TestStopped: mail flows, unjudged, while the daemon is stopped or masked, and is judged again
// afterwards.
func TestStopped(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.install(m.pkg.deb)
	m.joined()
	m.judges("before")
	m.sh("systemctl stop 'iot-milter*.socket' iot-milter.service")
	m.marked(nas, "stopped", "")
	m.sh("systemctl mask iot-milter.service")
	m.marked(nas, "masked", "")
	m.sh("systemctl unmask 'iot-milter*.socket' iot-milter.service && systemctl start 'iot-milter*.socket' iot-milter.service")
	m.judges("back")
	// The sockets stop with it, so that what is stopped stays stopped.
	m.sh("service iot-milter stop")
	m.marked(nas, "service stop", "")
	m.prints("inactive\ninactive\ninactive", "systemctl is-active iot-milter.service iot-milter.socket iot-milter-postfix.socket")
	m.sh("service iot-milter start")
	m.judges("service start")
	m.sound()
}
