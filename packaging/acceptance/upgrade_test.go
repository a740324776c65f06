//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// running checks that the daemon is the program that is installed, in this version.
func (m *machine) running(version string) {
	m.t.Helper()
	m.prints("/usr/bin/iot-milter", "readlink /proc/"+m.pid()+"/exe")
	m.eventually(10*time.Second, fmt.Sprintf("journalctl -b -o cat _PID=%s | grep -F 'msg=ready version=%s '", m.pid(), version))
}

// history is the newest decision about a client.
func (m *machine) history(c client) policy.Decision {
	m.t.Helper()
	out := m.sh("iot-milter history --json --limit 1 --client " + c.addr)
	var found struct{ Decisions []policy.Decision }
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found.Decisions) != 1 {
		m.t.Fatalf("history of %s: %v\n%s", c.addr, err, out)
	}
	return found.Decisions[0]
}

// older makes the previous package with another conffile, as a release that changed the sample has.
func (m *machine) older() string {
	m.t.Helper()
	dir := m.t.TempDir()
	deb := filepath.Join(dir, filepath.Base(m.pkg.old))
	script := fmt.Sprintf("dpkg-deb -R %s %s/tree && sed -i '1i # A line that the next version has not.' %s/tree%s && dpkg-deb --root-owner-group -Zgzip -b %s/tree %s",
		m.pkg.old, dir, dir, config, dir, deb)
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
	m.copyIn(deb)
	return deb
}

// TestUpgrade: under load no connection is refused and nothing lost, what was known is known.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.install(m.older())
	m.joined()
	m.judges("before")
	m.configure(`authserv_id = "mx.example.org"`)
	m.sh("systemctl reload iot-milter")
	m.running(m.pkg.oldVersion)
	before, old := m.history(nas), m.pid()
	kept := m.read(config)

	l := m.load()
	time.Sleep(2 * time.Second)
	said := m.sh("apt-get -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install /srv/" + filepath.Base(m.pkg.deb))
	t.Logf("apt-get says:\n%s", said)
	time.Sleep(2 * time.Second)
	l.judged(false)
	l.open()

	if m.pid() == old {
		t.Error("the old process still serves")
	}
	m.running(m.pkg.version)
	if m.read(config) != kept {
		t.Error("the changed configuration was not kept")
	}
	m.sh("test -e " + config + ".dpkg-dist")
	if out := m.sh("iot-milter history " + before.ID); !strings.Contains(out, "203.0.113.8") {
		t.Errorf("the decision from before the upgrade is not found: %s", out)
	}
	says(t, m.sh("iot-milter cache show "+nas.addr), "nas")
	m.judges("after")
	m.prints("running", "systemctl is-system-running")
	m.prints("", "dpkg --audit")
}

// TestUpgradeWithAnotherConfiguration: a drop-in names another file, and that one is asked about.
func TestUpgradeWithAnotherConfiguration(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.install(m.pkg.old)
	m.joined()
	const other = "/etc/iot-milter/other.toml"
	m.sh("mkdir /etc/systemd/system/iot-milter.service.d && cp " + config + " " + other)
	m.write("/etc/systemd/system/iot-milter.service.d/other.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/iot-milter run -c "+other+"\n")
	m.sh("systemctl daemon-reload && systemctl restart iot-milter && echo 'mode = ' >>" + other)
	old := m.pid()
	says(t, m.install(m.pkg.deb), other+":", "the old process goes on")
	m.prints(old, "systemctl show -P MainPID iot-milter.service")
	m.judges("meanwhile")
}

// TestUpgradeWithHalfAConfiguration: somebody was in the middle of editing. The old daemon goes
// on, and the message says where the fault is.
func TestUpgradeWithHalfAConfiguration(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.install(m.pkg.old)
	m.joined()
	whole := m.read(config)
	half, _, _ := strings.Cut(whole, "[exempt]")
	m.write(config, half+"[exempt]\nnetworks = [\"127.0.0")

	l := m.load()
	said := m.install(m.pkg.deb)
	time.Sleep(2 * time.Second)
	l.judged(true)
	t.Logf("apt-get says:\n%s", said)
	if !regexp.MustCompile(regexp.QuoteMeta(config) + `:\d+:\d+: `).MatchString(said) {
		t.Errorf("no word of where the fault is:\n%s", said)
	}
	m.prints("", "dpkg --audit")
	m.prints("ii", `dpkg-query -W -f '${db:Status-Abbrev}' iot-milter`)
	m.prints(m.pkg.version, `dpkg-query -W -f '${Version}' iot-milter`)
	m.judges("meanwhile")

	// Restarted by hand it does not start, and mail passes.
	_, _ = m.try("systemctl restart iot-milter")
	if err := m.send(nas, "broken"); err != nil {
		t.Errorf("while the configuration is broken: %v", err)
	}
	m.letter("broken")

	m.write(config, whole)
	m.sh("systemctl reset-failed 'iot-milter.*'; systemctl restart iot-milter.socket iot-milter.service")
	m.running(m.pkg.version)
	m.judges("mended")
	m.healthy()
}
