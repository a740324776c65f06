//go:build acceptance

package acceptance

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestUserThatExists: somebody made a user of that name before, with a number and a home of his own.
func TestUserThatExists(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.sh("useradd -m -u 1234 -s /bin/sh iot-milter && echo precious > /home/iot-milter/file")
	before := m.sh("getent passwd iot-milter")
	said := m.install(m.pkg.deb)
	says(t, said, "iot-milter:x:1234:", "kept")
	m.prints(strings.TrimSpace(before), "getent passwd iot-milter")
	m.joined()
	m.judges("with the old user")
	m.prints("1234", "stat -c %u /proc/"+m.pid())
	m.prints("1234", "stat -c %u /var/lib/iot-milter")
	m.prints("precious", "cat /home/iot-milter/file")
	m.sound()
}

// byHand starts a daemon as an admin would before there was a package, on the socket that the
// package's unit is to have.
func (m *machine) byHand() (pid string) {
	m.t.Helper()
	m.sh("useradd --system iot-milter && install -d -o iot-milter /run/iot-milter /var/lib/iot-milter && install -d -o iot-milter -g postfix -m 2750 /var/spool/postfix/iot-milter")
	m.sh("dpkg-deb --fsys-tarfile /srv/iot-milter_" + m.pkg.oldVersion + "_amd64.deb | tar -x -O ./usr/bin/iot-milter > /usr/local/bin/iot-milter && chmod 755 /usr/local/bin/iot-milter")
	m.write("/usr/local/etc/iot-milter.toml", `listen = ["unix:/run/iot-milter/iot-milter.sock", "unix:/var/spool/postfix/iot-milter/iot-milter.sock"]`+"\n")
	return strings.TrimSpace(m.sh("setpriv --reuid=iot-milter --regid=iot-milter --init-groups /usr/local/bin/iot-milter run -c /usr/local/etc/iot-milter.toml >/var/log/by-hand 2>&1 & " +
		"while ! test -S /run/iot-milter/control.sock; do sleep 0.1; done; echo $!"))
}

// TestDaemonByHand: one runs already, on the socket of the unit. It goes on, which is said, and as
// the message says the unit takes its place.
func TestDaemonByHand(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	pid := m.byHand()
	m.sh("postconf -e 'smtpd_milters = { unix:iot-milter/iot-milter.sock, default_action=accept }' && postfix reload")
	m.judges("by hand")
	said := m.install(m.pkg.deb)
	says(t, said, "another process", "/iot-milter.sock")
	t.Logf("apt-get says:\n%s", said)
	m.prints("", "dpkg --audit")
	m.judges("beside")
	m.sh("kill -0 " + pid)
	m.sh("kill " + pid + "; while kill -0 " + pid + " 2>/dev/null; do sleep 0.1; done")
	m.sh(hint(t, said))
	m.joined()
	m.judges("by the unit")
	m.running(m.pkg.version)
}

// hint is the command behind "then:" in what the package's scripts say.
func hint(t *testing.T, said string) string {
	t.Helper()
	_, rest, ok := strings.Cut(said, "then: ")
	if !ok {
		t.Fatalf("no hint what to do in:\n%s", said)
	}
	command, _, _ := strings.Cut(rest, "\n")
	return command
}

// TestSocketThatIsLeft: a dead daemon has left its sockets.
func TestSocketThatIsLeft(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	pid := m.byHand()
	m.sh("kill -9 " + pid + "; while kill -0 " + pid + " 2>/dev/null; do sleep 0.1; done; test -S /run/iot-milter/iot-milter.sock")
	m.install(m.pkg.deb)
	m.joined()
	m.judges("over the old sockets")
	m.sound()
}

// TestOwnUnit: the admin wrote a unit, as the documents said before there was a package. It goes on.
func TestOwnUnit(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	pid := m.byHand()
	m.sh("kill " + pid + "; while kill -0 " + pid + " 2>/dev/null; do sleep 0.1; done")
	m.write("/etc/systemd/system/iot-milter.service", "[Service]\nType=notify\nUser=iot-milter\nRuntimeDirectory=iot-milter\nStateDirectory=iot-milter\n"+
		"ExecStart=/usr/local/bin/iot-milter run -c /usr/local/etc/iot-milter.toml\n[Install]\nWantedBy=multi-user.target\n")
	m.sh("systemctl daemon-reload && systemctl enable --now iot-milter")
	m.sh("postconf -e 'smtpd_milters = { unix:iot-milter/iot-milter.sock, default_action=accept }' && postfix reload")
	m.judges("own unit")
	m.sh("chgrp postfix /run/iot-milter && chmod 2750 /run/iot-milter") // as mta-config has it without a chroot
	main := m.pid()
	said := m.install(m.pkg.deb)
	m.prints("iot-milter postfix 2750", "stat -c '%U %G %a' /run/iot-milter")
	says(t, said, "/etc/systemd/system/iot-milter.service")
	t.Logf("apt-get says:\n%s", said)
	m.prints(main, "systemctl show -P MainPID iot-milter.service")
	m.judges("own unit still")
	m.prints("/usr/local/bin/iot-milter", "readlink /proc/"+main+"/exe")
	m.sh("mv /etc/systemd/system/iot-milter.service /root/")
	m.sh(hint(t, said))
	m.joined()
	m.judges("the package's unit")
	m.running(m.pkg.version)
}

// TestAnotherMTA: apt as it is, with all that a package recommends, leaves the machine its MTA and
// brings no other.
func TestAnotherMTA(t *testing.T) {
	t.Parallel()
	m := boot(t, "debian")
	m.sh("mkdir -p /root/mta/DEBIAN")
	m.write("/root/mta/DEBIAN/control", "Package: another-mta\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"+
		"Provides: mail-transport-agent\nConflicts: mail-transport-agent\nDescription: for the names\n")
	m.sh("dpkg-deb -b /root/mta /root/mta.deb && dpkg -i /root/mta.deb")
	m.prints("Inst iot-milter\nConf iot-milter", "apt-get -s install /srv/"+filepath.Base(m.pkg.deb)+" | sed -nE 's/^((Inst|Remv|Conf) [^ ]+).*/\\1/p'")
}
