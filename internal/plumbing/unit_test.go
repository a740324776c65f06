package plumbing

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
)

// TestUnitsOfThePackages: with them, and the configuration as it is installed, the MTA's line is
// all that is to be written.
func TestUnitsOfThePackages(t *testing.T) {
	needPostfix(t)
	const (
		postfix = "smtpd_milters = { unix:iot-milter/iot-milter.sock, connect_timeout=2s, command_timeout=8s, content_timeout=30s, default_action=accept }"
		line    = "INPUT_MAIL_FILTER(`iot-milter', `S=unix:/run/iot-milter/iot-milter.sock, T=C:2s;S:8s;R:8s;E:30s')dnl"
		etc     = "etc/systemd/system/"
	)
	dropIn := "/" + etc + "iot-milter-postfix.socket.d/local.conf"
	for name, c := range map[string]struct {
		mta, queue, chroot string
		listen             string
		files              map[string]string // beside the packages'
		want               []string          // file: line
	}{
		"in a chroot":    {mta: "postfix", chroot: "y", want: []string{"main.cf: " + postfix}},
		"no chroot":      {mta: "postfix", chroot: "n", want: []string{"main.cf: " + postfix}},
		"by fd":          {mta: "postfix", chroot: "y", listen: `listen = ["fd:systemd"]`, want: []string{"main.cf: " + postfix}},
		"sendmail":       {mta: "sendmail", want: []string{"sendmail.mc: " + line}},
		"no systemd":     {mta: "postfix", chroot: "y", files: map[string]string{"run/systemd/system": ""}, want: []string{"install -d", `listen = ["unix:/var/spool/postfix/iot-milter/iot-milter.sock"]`, postfix}},
		"own service":    {mta: "postfix", chroot: "y", files: map[string]string{etc + "iot-milter.service": "[Service]\n"}, want: []string{"install -d", `listen = ["unix:/var/spool/postfix/iot-milter/iot-milter.sock"]`, postfix}},
		"second Postfix": {mta: "postfix", chroot: "n", queue: "/srv/queue", want: []string{"smtpd_milters = { unix:/var/spool/postfix/iot-milter/iot-milter.sock, "}},
		"other queue":    {mta: "postfix", chroot: "y", queue: "/srv/queue", want: []string{dropIn + ": [Socket]\nListenStream=/srv/queue/iot-milter/iot-milter.sock", "systemctl restart", postfix}},
		"with drop-in":   {mta: "postfix", chroot: "y", queue: "/srv/queue", files: map[string]string{dropIn: "[Socket]\nListenStream=/srv/queue/iot-milter/iot-milter.sock\n"}, want: []string{"main.cf: " + postfix}},
		"masked":         {mta: "postfix", chroot: "y", files: map[string]string{etc + "iot-milter-postfix.socket": os.DevNull}, want: []string{"install -d", `listen = ["unix:/var/spool/postfix/iot-milter/iot-milter.sock"]`, postfix}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := openDir(t)
			if c.queue == "" {
				c.queue = "/var/spool/postfix"
			}
			put(t, filepath.Join(dir, "main.cf"), "compatibility_level = 3.6\nmynetworks = 127.0.0.0/8\nqueue_directory = "+c.queue+"\n")
			old := time.Now().Add(-time.Minute) // Postfix's programs wait for a main.cf that has just been written
			_ = os.Chtimes(filepath.Join(dir, "main.cf"), old, old)
			put(t, filepath.Join(dir, "master.cf"), "smtp inet n - "+c.chroot+" - - smtpd\n")
			put(t, filepath.Join(dir, "sendmail.mc"), "OSTYPE(`debian')dnl\n")
			for _, unit := range []string{"iot-milter.service", "iot-milter.socket", "iot-milter-postfix.socket"} {
				text, err := os.ReadFile("../../packaging/systemd/" + unit)
				if err != nil {
					t.Fatal(err)
				}
				put(t, filepath.Join(dir, "usr/lib/systemd/system", unit), string(text))
			}
			if _, none := c.files["run/systemd/system"]; !none {
				put(t, filepath.Join(dir, "run/systemd/system/keep"), "")
			}
			for file, text := range c.files {
				put(t, filepath.Join(dir, file), text)
			}
			config, _, err := conf.Parse("", []byte(c.listen))
			if err != nil {
				t.Fatal(err)
			}
			r, err := Advise(c.mta, Options{Config: config, MTA: dir, Root: dir})
			if err != nil {
				t.Fatal(err)
			}
			for i, l := range r.Lines {
				if text := l.In + ": " + l.Line; i >= len(c.want) || !strings.Contains(text, c.want[i]) {
					t.Errorf("line %d is %q", i, text)
				}
			}
			if len(r.Lines) != len(c.want) {
				t.Errorf("%d lines, wanted %q", len(r.Lines), c.want)
			}
		})
	}
}

// put writes a file with its folders; a text of os.DevNull is a link to there.
func put(t *testing.T, path, text string) {
	t.Helper()
	if filepath.Base(filepath.Dir(path)) == "systemd" { // only a name
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	err := os.WriteFile(path, []byte(text), 0o644)
	if text == os.DevNull {
		_ = os.Remove(path)
		err = os.Symlink(text, path)
	}
	if err != nil {
		t.Fatal(err)
	}
}
