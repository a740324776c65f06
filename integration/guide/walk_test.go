//go:build integration

package guide

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/document"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// walk is the way through a page.
type walk struct {
	*systemd
	t       *testing.T
	printed string          // by the last commands
	met     map[string]bool // cues
	names   *dnstest.Server
	stored  int // messages in the mailbox
}

// newWalk makes the machine, and takes it away with the test.
func newWalk(t *testing.T) *walk {
	w := &walk{systemd: &systemd{t: t}, t: t, met: map[string]bool{}}
	w.machine()
	t.Cleanup(func() {
		if err := errors.Join(w.remove(), os.RemoveAll(state), os.RemoveAll(filepath.Dir(settings))); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", w.log.String())
		}
	})
	return w
}

// TestFirstTenMinutes does what the page says, from a machine with Postfix to refusals, and back.
func TestFirstTenMinutes(t *testing.T) {
	pages, err := document.Read(root, "docs/first-ten-minutes.md")
	if err != nil {
		t.Fatal(err)
	}
	w := newWalk(t)
	w.serve()
	for _, b := range pages[0].Blocks {
		w.block(b)
	}
	for _, c := range cues {
		if !w.met[c.at] {
			t.Errorf("the page has no command %q any more", c.at)
		}
	}
}

func (w *walk) block(b document.Block) {
	w.t.Helper()
	switch b.Language {
	case "sh":
		w.cue(b, func(c cue) func(*walk) { return c.before })
		w.printed = w.shell(b)
		w.cue(b, func(c cue) func(*walk) { return c.after })
	case "text":
		w.compare(b)
	case "toml":
		w.configure(b)
	case "cf":
		for line := range strings.Lines(b.Text) {
			w.command("postconf", "-e", strings.TrimSpace(line))
		}
	default:
		w.t.Fatalf("%s: a block of %q: nobody knows what to do with it here", b.Where(), b.Language)
	}
}

// cue does what comes before or after the commands of a block.
func (w *walk) cue(b document.Block, when func(cue) func(*walk)) {
	w.t.Helper()
	for _, c := range cues {
		if !strings.Contains(b.Text, c.at) {
			continue
		}
		w.met[c.at] = true
		if do := when(c); do != nil {
			do(w)
		}
	}
}

// exampleID is the decision that all documents speak of. A reader puts the id there that he sees.
const exampleID = "9mxde4ke8mrm.1"

// lastFlagged is the id of the last decision with flag yes.
func (w *walk) lastFlagged() string {
	w.t.Helper()
	var found struct{ Decisions []struct{ ID string } }
	if err := json.Unmarshal([]byte(w.command(program, "history", "--flag", "yes", "--limit", "1", "--json")), &found); err != nil || len(found.Decisions) != 1 {
		w.t.Fatalf("no decision: %v", err)
	}
	return found.Decisions[0].ID
}

// shell runs the commands of a block as who reads the page would: in a folder with the package, as berta.
func (w *walk) shell(b document.Block) string {
	w.t.Helper()
	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		w.t.Fatal(err)
	}
	script := b.Text
	if strings.Contains(script, exampleID) {
		script = strings.ReplaceAll(script, exampleID, w.lastFlagged())
	}
	cmd := exec.Command("timeout", "120", "bash", "-e", "-c", script)
	cmd.Dir = "/run/test"
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH")+":/usr/sbin", "USER=berta")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s: %v\n%s\nprinted\n%s", b.Where(), err, b.Text, out)
	}
	w.t.Logf("%s\n%s", b.Text, out)
	return string(out)
}

func (w *walk) command(name string, args ...string) string {
	w.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return string(out)
}

// compare wants what was printed to be what the page shows: "…" is anything within a line, and any lines if it stands
// alone; columns may be as wide as they are. A reply of SMTP is what a NAS gets.
func (w *walk) compare(b document.Block) {
	w.t.Helper()
	if code := b.Text[:4]; code == "550 " {
		w.printed = nas.sent(w.t, code) + "\n"
	}
	var re strings.Builder
	re.WriteString(`^`)
	for line := range strings.Lines(b.Text) {
		line = strings.TrimRight(line, " \n")
		if line == "…" {
			re.WriteString(`(?:.*\n)*`)
			continue
		}
		line = columns.ReplaceAllString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"), ` +`)
		re.WriteString(line + ` *\n`)
	}
	re.WriteString(`$`)
	if w.printed == "" || !regexp.MustCompile(re.String()).MatchString(w.printed) {
		w.t.Fatalf("%s: the page shows\n%s\nand what was printed is\n%s", b.Where(), b.Text, w.printed)
	}
}

// columns are the gaps between those of a table.
var columns = regexp.MustCompile(`  +`)

// configure writes keys into the configuration, each in the place of the one that is there.
func (w *walk) configure(b document.Block) {
	w.t.Helper()
	data, err := os.ReadFile(settings)
	if err != nil {
		w.t.Fatal(err)
	}
	file, table := strings.Split(string(data), "\n"), ""
	for line := range strings.Lines(b.Text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table = line
			continue
		}
		if key, _, ok := strings.Cut(line, " ="); ok && !replace(file, table, key, line) {
			w.t.Fatalf("%s: %s has no key %s in %q", b.Where(), settings, key, table)
		}
	}
	if err := os.WriteFile(settings, []byte(strings.Join(file, "\n")), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// replace sets a key of a table, "" being the first one, and reports whether it was there.
func replace(file []string, table, key, line string) bool {
	at := ""
	for i, l := range file {
		switch {
		case strings.HasPrefix(l, "["):
			at = strings.TrimSpace(l)
		case at == table && strings.HasPrefix(l, key+" ="):
			file[i] = line
			return true
		}
	}
	return false
}

// machine is a Debian with a Postfix that has never heard of iot-milter, with a mailbox of berta and a name server.
func (w *walk) machine() {
	names, err := dnstest.Start("127.0.0.1:53")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(names.Close)
	w.names = names
	w.command("sh", "-c", "rm -f /etc/resolv.conf; echo nameserver 127.0.0.1 >/etc/resolv.conf; echo '127.0.0.1 localhost mx.example.com' >/etc/hosts")
	w.command("sh", "-c", `
		id berta >/dev/null 2>&1 || useradd --create-home --home-dir /var/berta berta
		rm -f /var/mail/berta
		cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
		cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
		rm -rf /var/spool/postfix/iot-milter /var/lib/iot-milter
		mkdir -p /var/spool/postfix/etc /var/mail && chmod 1777 /var/mail
		cp /etc/resolv.conf /etc/hosts /etc/services /etc/nsswitch.conf /var/spool/postfix/etc/
		echo 'postmaster: berta' >/etc/aliases && newaliases`)
	for _, line := range []string{
		"myhostname = mx.example.com", "mydestination = $myhostname, example.com, localhost", "mynetworks = 127.0.0.0/8 [::1]/128",
		"smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination",
		"alias_maps = hash:/etc/aliases", "mailbox_size_limit = 0", "inet_interfaces = all", "maillog_file = /var/log/mail.log",
		"smtpd_authorized_xclient_hosts = 127.0.0.1", // for the clients of the test
	} {
		w.command("postconf", "-e", line)
	}
	w.command("postfix", "start")
	w.t.Cleanup(func() { _ = exec.Command("postfix", "stop").Run() })
}

// mailbox waits until so many more messages are in berta's mailbox, and returns the last of them.
func (w *walk) mailbox(more int) string {
	w.t.Helper()
	w.stored += more
	var text []byte
	for range 100 {
		text, _ = os.ReadFile("/var/mail/berta")
		if messages := strings.Split("\n"+string(text), "\nFrom "); len(messages)-1 == w.stored {
			return messages[w.stored]
		}
		time.Sleep(100 * time.Millisecond)
	}
	log, _ := os.ReadFile("/var/log/mail.log")
	w.t.Fatalf("berta has not %d messages:\n%s\n%s", w.stored, text, log)
	return ""
}
