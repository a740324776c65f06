//go:build integration

package integration

import (
	"errors"
	"net/textproto"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/iot-milter/iot-milter/policy"
)

// The tests of this file have a real Dovecot with Pigeonhole behind a Postfix of
// their own, set up as docs/mailbox.md says, and read the mail back over IMAP.

// office is the Postfix that hands mail to Dovecot.
var office = &mta{name: "office", script: "mta/postfix.sh", addrs: []string{officeAddr}, store: 2424,
	env: []string{"MTA_HOST=mx1.example.net"}}

// letter is a message of a case's client, and where it must be found.
type letter struct {
	subject string
	from    client
	helo    string
	field   string // of our name, written by the sender
	to      string
	folder  string
	flags   string
	marked  string // what our field begins with, "" for none
}

// Clients of the cases, so that the name server knows them.
var (
	aServer = client{"198.51.100.1", "mail.c01.example.org", "pass"}
	aLine   = client{"203.0.113.2", "cpe-203-0-113-2.dyn.isp.example", "pass"}
	aDisk   = client{"203.0.113.3", "cpe-203-0-113-3.dyn.isp.example", "pass"}
)

// suspectFlags are as the IMAP library gives them, in lower case.
const suspectFlags = `\Flagged iot-suspect`

func (l letter) text() string {
	field := ""
	if l.field != "" {
		field = "X-IoT-Spam: " + l.field + "\r\n"
	}
	return field + "From: a@example.com\r\nTo: user@example.test\r\nSubject: " + l.subject + "\r\n\r\ntext\r\n"
}

// post brings all letters to Postfix, whose clients they are by XCLIENT.
func (m *mta) post(t *testing.T, letters []letter) {
	t.Helper()
	for _, l := range letters {
		if code, err := m.submit(l.from, l.helo, l.to+"@example.test", l.text()); err != nil || code != 250 {
			t.Fatalf("%s: %d %v", l.subject, code, err)
		}
	}
	m.flush(t)
}

// flush empties the queue. What came just as Dovecot read its configuration again waits
// there.
func (m *mta) flush(t *testing.T) {
	t.Helper()
	for range 5 {
		for range 40 {
			if waiting, _ := m.queued(); waiting == 0 {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		if out, err := exec.Command("postqueue", "-c", m.dir, "-f").CombinedOutput(); err != nil {
			t.Errorf("postqueue: %v %s", err, out)
		}
	}
	m.settle(t)
}

// submit is one session; code is that of the answer that refuses it, or 250.
func (m *mta) submit(c client, helo, to, text string) (code int, err error) {
	s, err := m.introduce(c)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if err = s.Hello(helo); err == nil {
		err = s.Mail("a@example.com")
	}
	if err == nil {
		err = s.Rcpt(to)
	}
	if err == nil {
		err = message(s, []byte(text))
	}
	var refused *textproto.Error
	if errors.As(err, &refused) {
		return refused.Code, nil
	}
	return 250, err
}

func checkLetters(t *testing.T, letters []letter) {
	t.Helper()
	for _, l := range letters {
		folder, flags, mark := found(t, l.to, l.subject)
		if !strings.EqualFold(folder, l.folder) || !strings.EqualFold(flags, l.flags) {
			t.Errorf("%s: in %q with flags %q, not in %q with %q", l.subject, folder, flags, l.folder, l.flags)
		}
		if !strings.HasPrefix(mark, l.marked) || l.marked == "" && mark != "" {
			t.Errorf("%s: the field is %q, not %q…", l.subject, mark, l.marked)
		}
	}
}

// TestMailbox is the whole way: clients, Postfix with the daemon, LMTP, Sieve, IMAP.
func TestMailbox(t *testing.T) {
	setUp(t)
	startDovecot(t)
	office.start(t)
	d := startDaemon(t, office, "")
	mark := len(office.log())
	defer func() { explain(t, office, mark, d) }()
	blocks := documented(t, "Dovecot")
	t.Run("by the user", func(t *testing.T) { byUser(t, blocks[1]) })
	t.Run("by the user, own hosts alone", func(t *testing.T) { ownHosts(t, d, blocks) })
	t.Run("by the admin", func(t *testing.T) { byAdmin(t, d, blocks[0]) })
}

func byUser(t *testing.T, block string) {
	run(t, "/srv/dovecot/home/user", block)
	write(t, "/etc/dovecot/conf.d/98-test.conf", "protocol lmtp {\n  mail_plugins = $mail_plugins sieve\n}\n")
	run(t, "/", "systemctl reload dovecot")
	letters := []letter{
		{"user-device", aDisk, "DiskStation", "", "user", "Junk", "", "Yes, class=device device=nas "},
		{"user-line", aLine, aLine.name, "", "user", "INBOX", suspectFlags, "Suspect, class=access "},
		{"user-server", aServer, aServer.name, "", "user", "INBOX", "", "No, class=mailserver "},
		{"user-other", aDisk, "DiskStation", "", "other", "INBOX", "", "Yes, class=device device=nas "}, // has no script
	}
	office.post(t, letters)
	checkLetters(t, letters)
}

// ownHosts: where the field may be of another's iot-milter, only ours counts.
func ownHosts(t *testing.T, d *daemon, blocks []string) {
	const home = "/srv/dovecot/home/hosted"
	run(t, home, blocks[1])
	run(t, home, blocks[2])
	letters := []letter{
		{"hosted-device", aDisk, "DiskStation", "", "hosted", "Junk", "", "Yes, "},
		{"hosted-line", aLine, aLine.name, "", "hosted", "INBOX", suspectFlags, "Suspect, "},
	}
	office.post(t, letters)
	checkLetters(t, letters)
	d.stop(syscall.SIGTERM)
	defer d.start()
	others := "class=device device=nas confidence=0.97 action=tag signals=helo-device host=mx.example.com"
	letters = []letter{
		{"hosted-yes-of-others", aServer, aServer.name, "Yes, " + others, "hosted", "INBOX", "", "Yes, "},
		{"hosted-suspect-of-others", aServer, aServer.name, "Suspect, " + others, "hosted", "INBOX", "", "Suspect, "},
		{"hosted-second-host", aServer, aServer.name, strings.Replace("Yes, "+others, "mx.example.com", "mx2.example.net", 1), "hosted", "Junk", "", "Yes, "},
	}
	office.post(t, letters)
	checkLetters(t, letters)
}

func byAdmin(t *testing.T, d *daemon, block string) {
	if err := os.Remove("/etc/dovecot/conf.d/98-test.conf"); err != nil {
		t.Fatal(err)
	}
	if said := run(t, "/", block); said != "" {
		t.Errorf("the commands say %q", said)
	}
	write(t, "/srv/dovecot/home/user/.dovecot.sieve.new", `require "fileinto"; if header :is "Subject" "admin-list" { fileinto "Lists"; }`+"\n")
	run(t, "/srv/dovecot/home/user", "mkdir -p Maildir/.Lists/{cur,new,tmp}; mv .dovecot.sieve.new .dovecot.sieve; chown -R nobody:nogroup .")
	forged := "class=mailserver confidence=0.99 action=accept host=mx1.example.net"
	letters := []letter{
		{"admin-device", aDisk, "DiskStation", "", "other", "Junk", "", "Yes, class=device device=nas "},
		{"admin-forged-device", aDisk, "DiskStation", "No, " + forged, "other", "Junk", "", "Yes, "},
		{"admin-line", aLine, aLine.name, "", "other", "INBOX", suspectFlags, "Suspect, class=access "},
		{"admin-server", aServer, aServer.name, "", "other", "INBOX", "", "No, class=mailserver "},
		{"admin-forged-server", aServer, aServer.name, "Yes, " + forged, "other", "INBOX", "", "No, class=mailserver "},
		{"admin-exempt", client{"10.1.2.3", "pc.example.test", "pass"}, "DiskStation", "", "other", "INBOX", "", "No, exempt=network "},
		{"admin-list", aLine, aLine.name, "", "user", "Lists", suspectFlags, "Suspect, "}, // by the user's own script
		{"admin-inbox", aLine, aLine.name, "", "user", "INBOX", suspectFlags, "Suspect, "},
	}
	office.post(t, letters)
	checkLetters(t, letters)
	if got := subscribed(t, "other"); !slices.Contains(got, "Junk") {
		t.Errorf("the user's program does not show Junk, but %q", got)
	}
	broken(t)
	d.stop(syscall.SIGTERM)
	defer d.start()
	letters = []letter{
		{"admin-not-judged", aDisk, "DiskStation", "", "other", "INBOX", "", ""},
		{"admin-two-forged", aDisk, "DiskStation", "No, " + forged + "\r\nX-IoT-Spam: Yes, " + forged, "other", "INBOX", "", "No, "},
	}
	office.post(t, letters)
	checkLetters(t, letters)
	failOpen(t)
	local(t)
}

// broken: where no folder Junk can be made the mail waits in the queue.
func broken(t *testing.T) {
	const home = "/srv/dovecot/home/broken"
	run(t, home, "mkdir Maildir; touch Maildir/.Junk; chown -R nobody:nogroup .")
	l := letter{"admin-broken", aDisk, "DiskStation", "", "broken", "Junk", "", "Yes, "}
	if code, err := office.submit(l.from, l.helo, "broken@example.test", l.text()); err != nil || code != 250 {
		t.Fatal(code, err)
	}
	for range 100 {
		if log, _ := os.ReadFile("/srv/office/mail.log"); strings.Contains(string(log), "to=<broken@example.test>") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if waiting, _ := office.queued(); waiting != 1 {
		t.Errorf("%d messages wait, not 1", waiting)
	}
	run(t, home, "rm Maildir/.Junk")
	run(t, "/", "postqueue -c /srv/office -f")
	office.flush(t)
	checkLetters(t, []letter{l})
}

// local is mail that Postfix' local or another program hands to dovecot-lda.
func local(t *testing.T) {
	l := letter{subject: "admin-lda", field: "Yes, class=device host=mx1.example.net", to: "other", folder: "Junk", marked: "Yes, "}
	write(t, "/srv/dovecot/lda.eml", l.text())
	run(t, "/", "/usr/lib/dovecot/dovecot-lda -d other </srv/dovecot/lda.eml")
	checkLetters(t, []letter{l})
}

// failOpen: iot-milter had trouble of its own. What it writes then comes to Dovecot
// without a Postfix, for real trouble is not to be had when it is wanted.
func failOpen(t *testing.T) {
	l := letter{subject: "admin-fail-open", field: policy.FailOpenMark("mx1.example.net"), to: "other", folder: "INBOX",
		marked: "No, class=unknown reason=fail-open host=mx1.example.net"}
	conn, err := dial(nil, "127.0.0.1", lmtpAddr)
	if err != nil {
		t.Fatal(err)
	}
	lmtp := smtp.NewClientLMTP(conn)
	defer lmtp.Close()
	if err := lmtp.SendMail("a@example.com", []string{"other@example.test"}, strings.NewReader(l.text())); err != nil {
		t.Fatal(err)
	}
	checkLetters(t, []letter{l})
}
