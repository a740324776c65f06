//go:build integration

package integration

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/plumbing"
)

// TestPlumbingSendmail makes each fault on a running Sendmail.
func TestPlumbingSendmail(t *testing.T) {
	p := newPlumber(t, sendmail)
	mc := p.m.dir + "/sendmail.mc"
	keep(t, mc)
	p.write = func(f plumbing.Fix) { edit(t, f) }
	p.reload = func() { p.rebuild(true) }
	t.Cleanup(p.reload)
	p.sound()
	run := p.m.dir + "/run"
	const ours = "INPUT_MAIL_FILTER(`iot-milter', `S=unix:/srv/sendmail/run/milter.sock"
	const times = ", T=C:2s;S:8s;R:8s;E:30s')dnl"
	for _, f := range []struct {
		check  string
		line   string // in place of our filter's
		breaks func()
	}{
		{check: "not-listed", line: "dnl"},
		{check: "not-listed", line: "M" + strings.TrimPrefix(ours, "INPUT_M") + times},
		{check: "wrong-path", line: "INPUT_MAIL_FILTER(`iot-milter', `S=unix:/srv/sendmail/run/wrong.sock" + times},
		{check: "default-action", line: ours + ", F=T" + times},
		{check: "timeout", line: ours + "')dnl"},
		{check: "order", line: "INPUT_MAIL_FILTER(`openarc', `S=unix:/srv/sendmail/run/openarc.sock, T=C:1s')dnl\n" + ours + times},
		{check: "macros", line: "define(`confMILTER_MACROS_ENVFROM', `i, {mail_addr}')dnl\n" + ours + times},
		{check: "dont-blame", line: "define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe')dnl\n" + ours + times},
		{check: "writable-folder", breaks: func() { p.shell("chmod g+w " + run) }},
		{check: "socket-missing", breaks: func() { p.d.stop(syscall.SIGTERM) }},
		{check: "stale-socket", breaks: func() { p.d.stop(syscall.SIGKILL) }},
		{check: "restart", breaks: func() { time.Sleep(time.Second); p.rebuild(false) }},
	} {
		t.Run(f.check, func(sub *testing.T) {
			p.t, p.d.t = sub, sub
			defer func() { p.t, p.d.t = t, t }()
			if f.line != "" {
				p.replaceFilter(f.line)
				p.reload()
			}
			if f.breaks != nil {
				f.breaks()
			}
			p.mends(f.check)
		})
	}
}

// replaceFilter puts lines in place of all filters and of what an earlier fault left.
func (p *plumber) replaceFilter(lines string) {
	p.t.Helper()
	path := p.m.dir + "/sendmail.mc"
	b, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	var kept []string
	for _, line := range strings.Split(string(b), "\n") {
		switch {
		case strings.HasPrefix(line, "MAILER(`local')"):
			kept = append(kept, lines, line)
		case strings.Contains(line, "MAIL_FILTER") || strings.Contains(line, "MACROS") || strings.Contains(line, "DONT_BLAME") || line == "dnl":
		default:
			kept = append(kept, line)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Join(kept, "\n")), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// rebuild makes sendmail.cf of sendmail.mc as its Makefile does, and has Sendmail read it.
func (p *plumber) rebuild(read bool) {
	p.t.Helper()
	root, err := exec.Command("mta/fetch-sendmail.sh").Output()
	if err != nil {
		p.t.Fatal(err)
	}
	cf := strings.TrimSpace(string(root)) + "/usr/share/sendmail/cf/"
	p.shell("cd " + cf + " && m4 -D_CF_DIR_=" + cf + " " + p.m.dir + "/sendmail.mc >" + p.m.dir + "/sendmail.cf")
	if !read {
		return
	}
	before := modified(p.m.dir + "/sendmail.pid")
	p.shell("kill -HUP " + p.m.state["pid"])
	for range 100 {
		if modified(p.m.dir+"/sendmail.pid") != before {
			time.Sleep(100 * time.Millisecond)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("Sendmail does not start again\n%s", clip(p.m.log()))
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// TestPlumbingSendmailLines applies what mta-config prints to a Sendmail that knows nothing of the daemon.
func TestPlumbingSendmailLines(t *testing.T) {
	p := newPlumber(t, sendmail)
	keep(t, p.m.dir+"/sendmail.mc")
	p.write = func(f plumbing.Fix) {
		if f.At == 0 {
			p.replaceFilter(f.Line)
			return
		}
		edit(t, f)
	}
	p.reload = func() { p.rebuild(true) }
	t.Cleanup(p.reload)
	p.replaceFilter("dnl")
	p.reload()
	r, ok := p.ask()
	if !ok || len(r.Lines) != 1 {
		t.Fatalf("no line: %+v", r)
	}
	p.apply(r.Lines)
	p.sound()
}
