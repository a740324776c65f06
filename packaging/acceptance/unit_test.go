//go:build acceptance

package acceptance

import (
	"testing"
	"time"
)

// TestSocketGroup: an admin who opens the control socket to a group has put the daemon's user
// into it, and the unit lets it give sockets to that group.
func TestSocketGroup(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	m.sh("groupadd readers && gpasswd -a iot-milter readers")
	m.configure(`listen = ["unix:/run/iot-milter/iot-milter.sock", "unix:/run/iot-milter/more.sock"]`)
	m.configure(`socket_group = "readers"`)
	m.sh("systemctl restart iot-milter")
	m.prints("readers\nreaders", "stat -c %G /run/iot-milter/control.sock /run/iot-milter/more.sock")
	m.sh("systemctl reload iot-milter")
	m.judges("with a group")
	m.sound()
}

// TestPurgeOfAMount: the state lies on a file system of its own, which cannot be removed.
func TestPurgeOfAMount(t *testing.T) {
	t.Parallel()
	m := boot(t, "debian")
	m.sh("mkdir /var/lib/iot-milter && mount -t tmpfs tmpfs /var/lib/iot-milter")
	m.install(m.pkg.deb)
	m.sh("iot-milter stats && apt-get -y purge iot-milter && umount /var/lib/iot-milter")
	m.prints("", "dpkg --audit")
	m.prints("", "dpkg-query -W -f '${db:Status-Abbrev}' iot-milter 2>/dev/null || true")
}

// TestTerminated: who terminates the process, and does not ask systemd to stop it, gets a new one.
func TestTerminated(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	old := m.pid()
	m.sh("kill -TERM " + old)
	m.replaced(old, 20*time.Second)
	m.judges("after")
	m.sh("systemctl stop iot-milter")
	time.Sleep(3 * time.Second)
	m.prints("inactive\ninactive\ninactive", "systemctl is-active iot-milter.service iot-milter.socket iot-milter-postfix.socket || true")
	m.sh("systemctl start iot-milter")
	m.sound()
}
