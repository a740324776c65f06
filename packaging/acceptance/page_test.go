//go:build acceptance

package acceptance

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/document"
)

// TestFirstTenMinutes types what docs/first-ten-minutes.md says, with the real apt, package and systemd: each command
// must succeed. What they print and what becomes of mail in between is integration/guide's, beside the few mails here.
func TestFirstTenMinutes(t *testing.T) {
	t.Parallel()
	m := boot(t, "postfix")
	m.write("/usr/local/bin/sudo", "#!/bin/sh\nexec \"$@\"\n") // root types
	m.sh("chmod +x /usr/local/bin/sudo && mkdir /root/page && cp /srv/" + filepath.Base(m.pkg.deb) + " /root/page/")
	pages, err := document.Read("../..", "docs/first-ten-minutes.md")
	if err != nil {
		t.Fatal(err)
	}
	met := 0
	for _, b := range pages[0].Blocks {
		switch b.Language {
		case "sh":
			met += m.typed(b.Text)
		case "toml":
			m.settings(b.Text)
		case "cf":
			m.sh("postconf -e '" + strings.TrimSpace(b.Text) + "'")
		}
	}
	if met != len(cues) {
		t.Errorf("%d of %d cues were met: the page has other commands now", met, len(cues))
	}
	m.prints("running", "systemctl is-system-running --wait")
}

// typed runs commands of the page, with what happens before and after them, and says how many cues they have.
func (m *machine) typed(script string) (met int) {
	m.t.Helper()
	for _, c := range cues {
		if strings.Contains(script, c.at) {
			met++
			if c.before != nil {
				c.before(m)
			}
		}
	}
	said := script
	if strings.Contains(script, exampleID) {
		said = strings.ReplaceAll(script, exampleID, m.history(nas).ID)
	}
	m.t.Logf("%s\n%s", said, last(m.sh("cd /root/page && USER=anna && set -e\n"+said), 500))
	for _, c := range cues {
		if strings.Contains(script, c.at) && c.after != nil {
			c.after(m)
		}
	}
	return met
}

// exampleID is the decision that all documents speak of.
const exampleID = "9mxde4ke8mrm.1"

// cues are what happens before and after commands of the page, by a text in them.
var cues = []struct {
	at            string
	before, after func(*machine)
}{
	{at: "history --limit", before: func(m *machine) {
		if err := m.send(nas, "observed"); err != nil {
			m.t.Fatal(err)
		}
		if marks := m.letter("observed").marks(); len(marks) != 0 { // not even the forged one
			m.t.Errorf("in mode observe mail is marked %q", marks)
		}
		m.eventually(5*time.Second, "iot-milter history | grep -q DiskStation")
	}},
	{at: "grep -A2", before: func(m *machine) { m.judges("tagged") }},
	{at: "allow add", after: func(m *machine) {
		m.marked(nas, "allowed", "No, exempt=allowed")
		m.sh("iot-milter allow remove " + nas.addr)
	}},
	{at: "/var/log/mail.log", before: func(m *machine) { // which rsyslog writes where it is installed
		m.sh("journalctl -u 'postfix*' -o short-iso >/var/log/mail.log")
	}},
	{at: "systemctl stop", after: func(m *machine) { m.marked(nas, "stopped", "") }},
	{at: "systemctl start", after: func(m *machine) {
		m.eventually(20*time.Second, "iot-milter mta-config postfix --verify >/dev/null")
		if err := m.send(nas, "refused"); err == nil || !strings.HasPrefix(err.Error(), `550 "5.7.1 `) || !strings.Contains(err.Error(), "https://example.com/mail") {
			m.t.Errorf("in mode enforce a device is answered: %v", err)
		}
	}},
}

// settings writes a block of the page into the configuration.
func (m *machine) settings(block string) {
	m.t.Helper()
	table := ""
	for line := range strings.Lines(block) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "["):
			table = line + "\n"
		case line != "":
			m.configure(table + line)
		}
	}
}
