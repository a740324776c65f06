//go:build acceptance

package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNoSystemd: nothing fails, the message says what to do, and that works.
func TestNoSystemd(t *testing.T) {
	t.Parallel()
	m := boot(t, "bare")
	m.postfix()
	_, _ = m.try("postfix start")
	m.eventually(20*time.Second, "postfix status")
	said := m.install(m.pkg.deb)
	t.Logf("apt-get says:\n%s", said)
	says(t, said, "systemd", "/usr/bin/iot-milter run", "/run/iot-milter")
	m.prints("", "dpkg --audit")
	m.sh("getent passwd iot-milter && test -d /run/iot-milter")
	m.follow("postfix")
	m.sh("setpriv --reuid=iot-milter --regid=iot-milter --init-groups /usr/bin/iot-milter run >/var/log/iot-milter 2>&1 & " +
		"while ! test -S /run/iot-milter/control.sock; do sleep 0.1; done")
	m.sh("postfix reload")
	m.prints("", "postfix check")
	m.eventually(20*time.Second, "iot-milter mta-config postfix --verify")
	m.judges("by hand")

	m.install(m.pkg.old) // an older version is a change of version, too
	m.judges("meanwhile")
	m.sh("apt-get -y purge iot-milter")
	m.prints("", "dpkg --audit")
	if err := m.send(nas, "purged"); err != nil {
		t.Error(err)
	}
	m.letter("purged")
}

// TestARM64: the package for the other architecture has the same files, and its program runs.
func TestARM64(t *testing.T) {
	pkg, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	if got := strings.TrimSpace(run("dpkg-deb", "-f", pkg.arm, "Architecture")); got != "arm64" {
		t.Errorf("architecture %s", got)
	}
	names := func(deb string) (all []string) {
		for line := range strings.Lines(run("dpkg-deb", "-c", deb)) {
			f := strings.Fields(line)
			all = append(all, f[0]+" "+f[1]+" "+strings.Join(f[5:], " "))
		}
		return all
	}
	if one, other := strings.Join(names(pkg.deb), "\n"), strings.Join(names(pkg.arm), "\n"); one != other || one == "" {
		t.Errorf("not the same files:\n%s\n\n%s", one, other)
	}
	dir := t.TempDir()
	run("dpkg-deb", "-x", pkg.arm, dir)
	program := filepath.Join(dir, "usr/bin/iot-milter")
	if _, err := os.Stat(program); err != nil {
		t.Fatal(err)
	}
	says(t, run("file", "-b", program), "aarch64", "statically linked")
	says(t, run("qemu-aarch64-static", program, "version"), pkg.version)
	says(t, run("qemu-aarch64-static", program, "explain", "--client", nas.addr, "--ptr", nas.name, "--iprev", "pass", "--helo", nas.helo), "device")
}
