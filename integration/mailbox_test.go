//go:build integration

package integration

import (
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap"
	imapclient "github.com/emersion/go-imap/client"
	"github.com/emersion/go-smtp"

	"github.com/iot-milter/iot-milter/policy"
)

// The tests of this file have a real Dovecot with Pigeonhole behind a Postfix of
// their own, set up as docs/mailbox.md says, and read the mail back over IMAP.

const (
	lmtpAddr = "127.0.0.1:2424"
	imapAddr = "127.0.0.1:1143"
)

// office is the Postfix that hands mail to Dovecot.
var office = &mta{name: "office", script: "mta/postfix.sh", addrs: []string{officeAddr}, store: 2424,
	env: []string{"MTA_HOST=mx1.example.net"}}

// dovecotSettings come on top of what Debian's package has in /etc/dovecot: paths and
// ports of the test's own, users that need no system, Maildirs that anybody can read.
const dovecotSettings = `base_dir = /srv/dovecot/run
state_dir = /srv/dovecot/state
log_path = /srv/dovecot/log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_username_format = %Ln
mail_location = maildir:~/Maildir
mail_privileged_group =
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/srv/dovecot/home/%n allow_all_users=yes
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = 2424
  }
}
service imap-login {
  inet_listener imap {
    port = 1143
  }
  inet_listener imaps {
    port = 0
  }
}
`

// startDovecot returns when it takes mail.
func startDovecot(t *testing.T) {
	t.Helper()
	cover(t, "/etc/dovecot")
	for _, dir := range []string{"/srv/dovecot/state", "/srv/dovecot/home/user", "/srv/dovecot/home/other", "/srv/dovecot/home/hosted"} {
		write(t, dir+"/.keep", "")
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "/etc/dovecot/conf.d/auth-system.conf.ext", "") // asks PAM
	write(t, "/etc/dovecot/conf.d/99-test.conf", dovecotSettings)
	cmd := exec.Command("dovecot", "-F")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if log, _ := os.ReadFile("/srv/dovecot/log"); t.Failed() {
			t.Logf("Dovecot's log:\n%s", clip(string(log)))
		}
	})
	await(t, lmtpAddr)
	await(t, imapAddr)
}

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

// found looks for a message in all folders of a user, over IMAP.
func found(t *testing.T, user, subject string) (folder, flags, mark string) {
	t.Helper()
	c, err := imapclient.Dial(imapAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Logout()
	if err := c.Login(user, "secret"); err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders(t, c) {
		if _, err := c.Select(folder, true); err != nil {
			t.Fatal(err)
		}
		criteria := imap.NewSearchCriteria()
		criteria.Header.Set("Subject", subject)
		ids, err := c.UidSearch(criteria)
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) > 1 {
			t.Errorf("%q is in %s %d times", subject, folder, len(ids))
		}
		if len(ids) > 0 {
			flags, mark := fetch(t, c, ids[0])
			return folder, flags, mark
		}
	}
	return "", "", ""
}

// subscribed are the folders that a user's program shows.
func subscribed(t *testing.T, user string) (names []string) {
	t.Helper()
	c, err := imapclient.Dial(imapAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Logout()
	if err := c.Login(user, "secret"); err != nil {
		t.Fatal(err)
	}
	boxes := make(chan *imap.MailboxInfo, 100)
	if err := c.Lsub("", "*", boxes); err != nil {
		t.Fatal(err)
	}
	for b := range boxes {
		names = append(names, b.Name)
	}
	return names
}

func folders(t *testing.T, c *imapclient.Client) (names []string) {
	t.Helper()
	boxes := make(chan *imap.MailboxInfo, 100)
	if err := c.List("", "*", boxes); err != nil {
		t.Fatal(err)
	}
	for b := range boxes {
		if !slices.Contains(b.Attributes, imap.NoSelectAttr) && !slices.Contains(b.Attributes, `\NonExistent`) {
			names = append(names, b.Name)
		}
	}
	return names
}

// fetch is the flags of a message, without \Recent, and our fields of its header.
func fetch(t *testing.T, c *imapclient.Client, id uint32) (flags, mark string) {
	t.Helper()
	set := new(imap.SeqSet)
	set.AddNum(id)
	section := &imap.BodySectionName{BodyPartName: imap.BodyPartName{Specifier: imap.HeaderSpecifier}, Peek: true}
	messages := make(chan *imap.Message, 1)
	if err := c.UidFetch(set, []imap.FetchItem{imap.FetchFlags, section.FetchItem()}, messages); err != nil {
		t.Fatal(err)
	}
	m := <-messages
	header, err := io.ReadAll(m.GetBody(section))
	if err != nil {
		t.Fatal(err)
	}
	fields, _ := parseMessage(header)
	for _, f := range named(fields, headerName) {
		mark += f.value
	}
	kept := slices.DeleteFunc(m.Flags, func(f string) bool { return f == imap.RecentFlag })
	slices.Sort(kept)
	return strings.Join(kept, " "), mark
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
	d.stop(syscall.SIGTERM)
	defer d.start()
	letters = []letter{
		{"admin-not-judged", aDisk, "DiskStation", "", "other", "INBOX", "", ""},
		{"admin-two-forged", aDisk, "DiskStation", "No, " + forged + "\r\nX-IoT-Spam: Yes, " + forged, "other", "INBOX", "", "No, "},
	}
	office.post(t, letters)
	checkLetters(t, letters)
	failOpen(t)
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

// await returns when somebody listens there.
func await(t *testing.T, addr string) {
	t.Helper()
	var err error
	for range 600 {
		conn, e := dial(nil, "127.0.0.1", addr)
		if err = e; err == nil {
			conn.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal(fmt.Errorf("nobody listens at %s: %w", addr, err))
}
