//go:build integration

package integration

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap"
	imapclient "github.com/emersion/go-imap/client"
)

// This file starts Dovecot and reads its mailboxes over IMAP.

const (
	lmtpAddr = "127.0.0.1:2424"
	imapAddr = "127.0.0.1:1143"
)

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
	for _, dir := range []string{"/srv/dovecot/state", "/srv/dovecot/home/user", "/srv/dovecot/home/other", "/srv/dovecot/home/hosted", "/srv/dovecot/home/broken"} {
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
