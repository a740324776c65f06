//go:build acceptance

package acceptance

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// files is what lies on the machine's disk: path, mode, and a sum of the content.
// match is regexp.MatchString for a pattern that is one.
func match(pattern, s string) bool { return regexp.MustCompile(pattern).MatchString(s) }

func (m *machine) files() map[string]string {
	m.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(m.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // gone meanwhile
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		content := ""
		switch {
		case info.Mode().IsRegular():
			if b, err := os.ReadFile(path); err == nil {
				content = fmt.Sprintf(" %x", sha256.Sum256(b))
			}
		case info.Mode()&fs.ModeSymlink != 0:
			content, _ = os.Readlink(path)
		}
		all[strings.TrimPrefix(path, m.root)] = info.Mode().String() + content
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return all
}

// changed are the paths that differ, apart from those that do in any case.
func changed(before, after map[string]string, always *regexp.Regexp) (paths []string) {
	seen := maps.Clone(before)
	maps.Copy(seen, after)
	for _, path := range slices.Sorted(maps.Keys(seen)) {
		if before[path] != after[path] && !always.MatchString(path) {
			paths = append(paths, fmt.Sprintf("%s: %q, then %q", path, before[path], after[path]))
		}
	}
	return paths
}

// always changes on a machine on which packages come and go: dpkg's and apt's own books, logs, Postfix's
// queue and mail, and the list of users, of whom one stays.
var always = regexp.MustCompile(`^/var/lib/(dpkg/(status|triggers|lock|available|diversions|statoverride|alternatives)|apt/|systemd/(deb-systemd-helper-enabled$|timers|random-seed)|postfix/)` +
	`|^/var/(log|cache|backups|mail|spool/postfix)(/|$)|^/var/lib/dpkg/(info|updates)$|^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|^/etc/\.pwd\.lock$|^/etc/ld\.so\.cache$` +
	`|^/(root|tmp|run)(/|$)|^/usr/share/info/dir|^/etc/mtab$`)

// TestRemove: the program goes, state and configuration stay, mail flows, and a later installation
// takes them up. After a purge there is nothing.
func TestRemove(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.judgesNot("before")
	before := m.files()
	m.install(m.pkg.deb)
	m.joined()
	m.judges("installed")
	decision := m.history(nas)
	m.configure(`authserv_id = "mx.example.org"`)
	kept := m.read(config)

	conffiles := m.conffiles()
	t.Logf("apt-get remove says:\n%s", m.sh("apt-get -y remove iot-milter"))
	// What Debian keeps until a purge: the state, the configuration, and which units are to start.
	stays := `^/var/lib/(iot-milter|systemd/deb-systemd-helper-enabled)[/:]|^/etc/iot-milter[/:]|^/etc/systemd/system/[a-z.-]+\.wants[/:]|^/etc/postfix/` +
		`|^/var/lib/dpkg/info/iot-milter\.(list|postrm):|` + conffiles
	for _, diff := range changed(before, m.files(), always) {
		if !match(stays, diff) {
			t.Errorf("what a removal leaves: %s", diff)
		}
	}
	if m.read(config) != kept {
		t.Error("the configuration was not kept")
	}
	m.sh("test -e /var/lib/iot-milter/state.db")
	m.gone()
	m.judgesNot("removed")

	m.install(m.pkg.deb)
	m.judges("again")
	if out := m.sh("iot-milter history " + decision.ID); !strings.Contains(out, nas.addr) {
		t.Errorf("the decision from before is not found: %s", out)
	}
	m.healthy()

	t.Logf("apt-get purge says:\n%s", m.sh("apt-get -y purge iot-milter"))
	m.judgesNot("purged")
	m.sh("postconf -X smtpd_milters")
	if diff := changed(before, m.files(), always); len(diff) > 0 {
		t.Errorf("what a purge leaves:\n%s", strings.Join(diff, "\n"))
	}
	m.prints("", "find / -xdev -name '*iot-milter*' -not -path '/srv/*' -not -path '/proc/*' -not -path '/var/log/*' -not -path '/var/cache/*'")
	m.gone()
	m.prints("", "dpkg --audit")
	m.prints("running", "systemctl is-system-running")
}

// conffiles is a pattern of those of the package, and of the folders that they are in.
func (m *machine) conffiles() string {
	m.t.Helper()
	var all []string
	for line := range strings.Lines(m.sh("dpkg-query -W -f '${Conffiles}\\n' iot-milter")) {
		f := strings.Fields(line)
		for len(f) > 0 && len(f[0]) > len("/etc") {
			all = append(all, regexp.QuoteMeta(f[0]))
			f[0] = filepath.Dir(f[0])
		}
	}
	return "^(" + strings.Join(all, "|") + "):"
}

// gone checks that nothing of ours runs or listens.
func (m *machine) gone() {
	m.t.Helper()
	m.prints("", "systemctl list-units --no-legend --state=active,activating,failed 'iot-milter*'")
	m.prints("", "pgrep -x iot-milter")
	m.prints("", "grep iot-milter /proc/net/unix")
	m.prints("", "find /run /var/spool/postfix -name '*iot-milter*'")
}

// judgesNot checks that mail passes as it was sent.
func (m *machine) judgesNot(when string) {
	m.t.Helper()
	for _, c := range []client{partner, line, nas} {
		m.marked(c, "not judged, "+when+", "+c.helo, "")
	}
}
