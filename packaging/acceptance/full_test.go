//go:build acceptance

package acceptance

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// room is what is left on a full disk: enough for Postfix, which refuses mail below one and a
// half times its message_size_limit (10 MB), and too little for our program.
const room = 18 << 20

// fill leaves room on the machine's disk. What it returns makes it roomy again.
func (m *machine) fill() (free func()) {
	m.t.Helper()
	dir := filepath.Dir(m.root)
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		m.t.Fatal(err)
	}
	f, err := os.Create(dir + "/filling")
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(s.Bavail)*s.Bsize-room); err != nil {
		m.t.Fatal(err)
	}
	return func() { _ = os.Remove(f.Name()) }
}

// TestFullDisk: dpkg runs out of space, at first and at an upgrade. It says so, mail flows, and
// with space again the next try completes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	for _, step := range []struct{ name, deb, version, unharmed string }{
		{"install", m.pkg.old, m.pkg.oldVersion, ""},
		{"upgrade", m.pkg.deb, m.pkg.version, "Yes, class=device"},
	} {
		free := m.fill()
		out, err := m.try("dpkg -i /srv/" + filepath.Base(step.deb))
		if err == nil {
			t.Fatalf("%s: there was room:\n%s", step.name, out)
		}
		says(t, out, "No space left on device")
		t.Logf("dpkg says:\n%s", out)
		m.marked(nas, step.name+" failed", step.unharmed)
		free()
		m.sh("apt-get -y -f install")
		m.install(step.deb)
		m.prints("", "dpkg --audit")
		m.prints(step.version, `dpkg-query -W -f '${Version}' iot-milter`)
		if step.name == "install" {
			m.joined()
		}
		m.judges(step.name)
		m.running(step.version)
	}
	m.sound()
}

// TestFullState: the folder of the state is full, and the new version serves all the same.
func TestFullState(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.install(m.pkg.old)
	m.joined()
	m.judges("before")
	m.sh("systemctl stop iot-milter.socket iot-milter.service && mount -t tmpfs -o size=64k,mode=0750 tmpfs /var/lib/iot-milter && " +
		"chown iot-milter:iot-milter /var/lib/iot-milter && systemctl start iot-milter.socket iot-milter.service; " +
		"dd if=/dev/zero of=/var/lib/iot-milter/filling bs=4k 2>/dev/null; df /var/lib/iot-milter")
	m.install(m.pkg.deb)
	m.prints("", "dpkg --audit")
	m.judges("full")
	m.running(m.pkg.version)
	time.Sleep(time.Second)
	m.prints("active", "systemctl is-active iot-milter.service")
}
