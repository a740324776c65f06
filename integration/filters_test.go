//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy"
)

// The tests of this file give mail as Postfix and the daemon leave it to real filters, each set up
// as docs/mailbox.md says.

// storedMail is a message as it was stored, with the line ends of files.
type storedMail struct {
	kind string
	text string
}

// judgedMails are one message of each kind that a filter can meet.
func judgedMails(t *testing.T) (all []storedMail) {
	t.Helper()
	setUp(t)
	postfix.start(t)
	postfix.Lock()
	defer postfix.Unlock()
	postfix.clear()
	d := startDaemon(t, postfix, "")
	forged := "class=device confidence=0.99 action=tag signals=helo-device host=mx.example.test"
	send := func(kind string, c client, helo, field string) {
		t.Helper()
		if code, err := postfix.submit(c, helo, "user@example.test", letter{subject: kind, field: field}.text()); err != nil || code != 250 {
			t.Fatalf("%s: %d %v", kind, code, err)
		}
	}
	send("device", aDisk, "DiskStation", "")
	send("line", aLine, aLine.name, "")
	send("server", aServer, aServer.name, "")
	send("exempt", client{"10.1.2.3", "pc.example.test", "pass"}, "DiskStation", "")
	send("server that forges", aServer, aServer.name, "Yes, "+forged)
	send("device that forges", aDisk, "DiskStation", "No, "+forged)
	postfix.settle(t)
	d.stop(syscall.SIGTERM)
	send("not judged", aDisk, "DiskStation", "")
	send("other fields", aDisk, "DiskStation", "No, "+forged+"\r\nX-IoT-Spamming: Yes, "+forged+"\r\nX-Note: X-IoT-Spam: Yes, "+forged)
	send("two fields", aDisk, "DiskStation", "No, "+forged+"\r\nX-IoT-Spam: Yes, "+forged)
	postfix.settle(t)
	for _, m := range postfix.sink.Wait(9, 10*time.Second) {
		fields, _ := parseMessage(m.Data)
		all = append(all, storedMail{named(fields, "Subject")[0].value, strings.ReplaceAll(string(m.Data), "\r\n", "\n")})
	}
	all = append(all, storedMail{"fail-open", "X-IoT-Spam: " + strings.ReplaceAll(policy.FailOpenMark("mx.example.test"), "\r\n", "\n") + "\n" +
		strings.ReplaceAll(letter{subject: "fail-open"}.text(), "\r\n", "\n")})
	if len(all) != 10 {
		t.Fatalf("%d messages, not 10", len(all))
	}
	return all
}

// verdictOf says by kind what a filter must make of a message: "yes", "suspect", "unjudged", or "".
var verdictOf = map[string]string{
	"device": "yes", "line": "suspect", "server": "", "exempt": "", "server that forges": "", "device that forges": "yes",
	"not judged": "unjudged", "other fields": "", "two fields": "", "fail-open": "unjudged",
}

// byAnyField are the verdicts of a filter that looks at all fields of our name, not at the first alone.
func byAnyField(kind string) string {
	if kind == "two fields" {
		return "yes"
	}
	return verdictOf[kind]
}

// reader is a user of the machine, whose home is that of no user outside the test; root's is another
// one too.
const (
	reader     = 4242
	readerHome = "/srv/reader"
)

// newReader makes the user and his home.
func newReader(t *testing.T) {
	t.Helper()
	users, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^root:.*$`).ReplaceAllString(string(users), "root:x:0:0:root:/srv/root:/bin/bash")
	write(t, "/srv/passwd", text+fmt.Sprintf("reader:x:%d:%d::%s:/bin/bash\n", reader, nobody, readerHome))
	if err := unix.Mount("/srv/passwd", "/etc/passwd", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/srv/root", readerHome, readerHome + "/Maildir"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{readerHome, readerHome + "/Maildir"} {
		if err := os.Chown(dir, reader, nobody); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_ = unix.Unmount("/etc/passwd", unix.MNT_DETACH)
		_ = os.RemoveAll(readerHome)
	})
}

// asReader runs a program as that user and returns what it prints.
func asReader(t *testing.T, stdin string, command ...string) string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = []string{"HOME=" + readerHome, "PATH=" + os.Getenv("PATH"), "USER=reader", "LOGNAME=reader"}
	cmd.Dir = readerHome
	cmd.Stdin = strings.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: reader, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return string(out)
}

var hitRule = regexp.MustCompile(`(?m)^ *(-?[0-9.]+) (IOT_MILTER_[A-Z]+) `)

// TestSpamAssassin gives the messages to the real one, without look-ups.
func TestSpamAssassin(t *testing.T) {
	mails := judgedMails(t)
	newReader(t)
	cover(t, "/etc/spamassassin")
	if said := run(t, "/srv/root", documented(t, "SpamAssassin")[0]); said != "" {
		t.Errorf("the commands say %q", said)
	}
	want := map[string]string{"yes": "3.0 IOT_MILTER_YES", "suspect": "1.5 IOT_MILTER_SUSPECT", "unjudged": "0.0 IOT_MILTER_UNJUDGED", "": ""}
	const begin = "From test@example.com Sat Nov 28 12:00:00 2026\n" // one process for all: each takes seconds to start
	box := ""
	for _, m := range mails {
		box += begin + m.text + "\n"
	}
	reports := strings.Split(asReader(t, box, "spamassassin", "-L", "-x", "-t", "--mbox"), "From test@example.com ")[1:]
	if len(reports) != len(mails) {
		t.Fatalf("%d reports of %d messages", len(reports), len(mails))
	}
	for _, m := range mails {
		i := slices.IndexFunc(reports, func(r string) bool { return strings.Contains(r, "\nSubject: "+m.kind+"\n") }) // in no order
		hits := []string{}
		for _, h := range hitRule.FindAllStringSubmatch(reports[i], -1) {
			if hit := h[1] + " " + h[2]; !slices.Contains(hits, hit) { // the report stands there twice
				hits = append(hits, hit)
			}
		}
		if got := strings.Join(hits, " "); got != want[verdictOf[m.kind]] {
			t.Errorf("%s: %q, not %q\n%s", m.kind, got, want[verdictOf[m.kind]], reports[i])
		}
	}
}

// TestProcmail and TestMaildrop deliver the messages to a Maildir.
func TestProcmail(t *testing.T) {
	mails := judgedMails(t)
	newReader(t)
	asReader(t, "", "bash", "-c", placed(t, documented(t, "procmail")[0]))
	for _, m := range mails {
		asReader(t, m.text, "procmail")
	}
	checkMaildir(t, mails)
}

func TestMaildrop(t *testing.T) {
	mails := judgedMails(t)
	newReader(t)
	if err := os.Remove(readerHome + "/Maildir"); err != nil { // the commands make it
		t.Fatal(err)
	}
	asReader(t, "", "bash", "-c", placed(t, documented(t, "maildrop")[0]))
	for _, m := range mails {
		asReader(t, m.text, "maildrop")
	}
	checkMaildir(t, mails)
	// Without the folder nothing is lost.
	if err := os.RemoveAll(readerHome + "/Maildir/.Junk"); err != nil {
		t.Fatal(err)
	}
	asReader(t, strings.Replace(mails[0].text, "Subject: "+mails[0].kind, "Subject: without Junk", 1), "maildrop")
	if n := strings.Count(contents(t, readerHome+"/Maildir/new"), "Subject: without Junk\n"); n != 1 {
		t.Errorf("without Junk the message is %d times in the inbox", n)
	}
}

// contents are all files of a folder.
func contents(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(dir + "/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
		all.WriteString("\n\n")
	}
	return all.String()
}

func checkMaildir(t *testing.T, mails []storedMail) {
	t.Helper()
	inbox, junk := contents(t, readerHome+"/Maildir/new"), contents(t, readerHome+"/Maildir/.Junk/new")
	for _, m := range mails {
		subject := "Subject: " + m.kind + "\n"
		there, other := inbox, junk
		if byAnyField(m.kind) == "yes" {
			there, other = junk, inbox
		}
		if strings.Count(there, subject) != 1 || strings.Contains(other, subject) {
			t.Errorf("%s is in the wrong folder\nJunk:\n%s\nInbox:\n%s", m.kind, clip(junk), clip(inbox))
		}
	}
	labelled := regexp.MustCompile(`(?m)^Subject: (.*)\n(?:.+\n)*X-Label: IoT-Suspect$`).FindAllStringSubmatch(inbox, -1)
	if len(labelled) != 1 || labelled[0][1] != "line" || strings.Contains(junk, "X-Label") {
		t.Errorf("labelled are %q", labelled)
	}
}

// rspamdSettings keep rspamd from compiling expressions and thousands of names for a minute, and from
// asking outside; its log is ours.
var rspamdSettings = map[string]string{
	"options.inc":      "disable_hyperscan = true;\nurl_tld = \"/etc/rspamd/local.d/names.dat\";\n",
	"names.dat":        "com\norg\ntest\n",
	"logging.inc":      "type = \"console\";\nlevel = \"info\";\n",
	"fuzzy_check.conf": "enabled = false;\n",
}

// startRspamd runs one with what is in /etc/rspamd, and returns its log.
func startRspamd(t *testing.T) *logBuffer {
	t.Helper()
	log := new(logBuffer)
	cmd := exec.Command("rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", "/etc/rspamd/rspamd.conf", "--var=RUNDIR=/srv/rspamd")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("rspamd's log:\n%s", clip(log.String()))
		}
	})
	for range 600 {
		if resp, err := http.Get("http://127.0.0.1:11333/ping"); err == nil {
			resp.Body.Close()
			await(t, "127.0.0.1:11332")
			return log
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("rspamd does not listen within a minute\n%s", log.String())
	return nil
}

// symbols asks rspamd about a message.
func symbols(t *testing.T, text string) string {
	t.Helper()
	resp, err := http.Post("http://127.0.0.1:11333/checkv2", "message/rfc822", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Symbols map[string]struct{ Score float64 }
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&answer); err != nil || len(answer.Symbols) == 0 {
		t.Fatalf("%v: %s", err, body)
	}
	var ours []string
	for name, s := range answer.Symbols {
		if strings.HasPrefix(name, "IOT_MILTER_") {
			ours = append(ours, fmt.Sprintf("%s %.1f", name, s.Score))
		}
	}
	slices.Sort(ours)
	return strings.Join(ours, " ")
}

// TestRspamd gives the messages to the real one by HTTP, and then mail by the milter protocol:
// the field is there for who comes after iot-milter in Postfix's list.
func TestRspamd(t *testing.T) {
	mails := judgedMails(t)
	cover(t, "/etc/rspamd")
	cover(t, "/var/lib/rspamd")
	for name, text := range rspamdSettings {
		write(t, "/etc/rspamd/local.d/"+name, text)
	}
	if said := run(t, "/", documented(t, "rspamd")[0]); !strings.HasSuffix(said, "syntax OK\n") || strings.Contains(said, "IOT_MILTER") {
		t.Errorf("rspamadm says %q", said)
	}
	run(t, "/", "mkdir -p /srv/rspamd; chown -R _rspamd:_rspamd /var/lib/rspamd /srv/rspamd")
	log := startRspamd(t)
	want := map[string]string{"yes": "IOT_MILTER_YES 3.5", "suspect": "IOT_MILTER_SUSPECT 2.0", "unjudged": "IOT_MILTER_UNJUDGED 0.0", "": ""}
	for _, m := range mails {
		if got := symbols(t, m.text); got != want[byAnyField(m.kind)] {
			t.Errorf("%s: %q, not %q\n%s", m.kind, got, want[byAnyField(m.kind)], m.text)
		}
	}
	t.Run("as the next milter", func(t *testing.T) { afterUs(t, log) })
}

func afterUs(t *testing.T, log *logBuffer) {
	postfix.Lock()
	defer postfix.Unlock()
	postfix.clear()
	ours := "{ unix:" + postfix.socket() + ", default_action=accept }"
	const theirs = "{ inet:127.0.0.1:11332, default_action=accept }"
	before := strings.TrimSpace(run(t, "/", "postconf -c "+postfix.dir+" -h smtpd_milters"))
	t.Cleanup(func() { postfix.milters(t, before) })
	startDaemon(t, postfix, "")
	for _, c := range []struct{ list, want string }{{ours + ", " + theirs, "IOT_MILTER_YES(3.50)"}, {theirs + ", " + ours, "IOT_MILTER_UNJUDGED(0.00)"}} {
		postfix.milters(t, c.list)
		got := ""
		for range 5 { // a process of smtpd may still have the old list
			if got = seenBy(t, log); got == c.want {
				break
			}
		}
		if got != c.want {
			t.Errorf("smtpd_milters = %s: rspamd finds %q, not %q", c.list, got, c.want)
		}
	}
	postfix.settle(t)
}

// seenBy sends a message of a device through Postfix and returns what rspamd logs of our field.
func seenBy(t *testing.T, log *logBuffer) (symbols string) {
	t.Helper()
	mark := len(log.String())
	if _, err := postfix.submit(aDisk, "DiskStation", "user@example.test", letter{subject: "two milters"}.text()); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		symbols = strings.Join(regexp.MustCompile(`IOT_MILTER_\w+\([0-9.]+\)`).FindAllString(log.String()[mark:], -1), " ")
		if symbols != "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return symbols
}

// milters sets the list of them. Processes of smtpd that run end after their session.
func (m *mta) milters(t *testing.T, list string) {
	t.Helper()
	run(t, "/", "postconf -c "+m.dir+" -e 'smtpd_milters = "+list+"'; postfix -c "+m.dir+" reload; sleep 1")
}
