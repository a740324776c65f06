//go:build integration

package integration

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/plumbing"
)

// plumber makes faults in how an MTA and a daemon are joined, and mends them by the lines that
// mta-config prints.
type plumber struct {
	t      *testing.T
	m      *mta
	d      *daemon
	as     *syscall.Credential
	config string // settings of the daemon beside its base
	// write puts a line into a file of the MTA, and reload makes the MTA see it.
	write  func(plumbing.Fix)
	reload func()
}

func newPlumber(t *testing.T, m *mta) *plumber {
	setUp(t)
	m.start(t)
	m.Lock()
	t.Cleanup(m.Unlock)
	m.clear()
	p := &plumber{t: t, m: m, d: newDaemon(t, m.socket())}
	p.start()
	t.Cleanup(func() { p.d.stop(syscall.SIGKILL) })
	return p
}

func (p *plumber) start() {
	p.d.configure(p.config)
	p.d.start()
}

func (p *plumber) restart() {
	p.d.stop(syscall.SIGTERM)
	p.start()
}

// ask runs mta-config and says whether it found no fault.
func (p *plumber) ask(arguments ...string) (*plumbing.Report, bool) {
	p.t.Helper()
	arguments = append([]string{"mta-config", p.m.family(), "-c", p.d.dir + "/iot-milter.toml", "--mta", p.m.dir, "--json"}, arguments...)
	cmd := exec.Command(program, arguments...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		p.t.Fatalf("%v: %v\n%s", arguments, err, exit.Stderr)
	}
	var r plumbing.Report
	if err := json.Unmarshal(out, &r); err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	if (err == nil) != (r.Faults() == 0) {
		p.t.Errorf("%d faults, and the exit code says %v", r.Faults(), err)
	}
	return &r, err == nil
}

// sound checks that no fault is found and that mail passes with its header.
func (p *plumber) sound() {
	p.t.Helper()
	r, ok := p.ask("--verify")
	if !ok {
		p.t.Fatalf("still faults: %+v", r.Findings)
	}
	p.m.clear()
	d := &dialogue{t: p.t, s: scenarioNamed(p.t, world, "01-mail-server"), mta: p.m, daemon: p.d}
	d.run()
	got := p.m.sink.Wait(1, 10*time.Second)
	if len(got) != 1 {
		p.t.Fatalf("%d messages arrived\n%s", len(got), clip(p.m.log()))
	}
	fields, _ := parseMessage(got[0].Data)
	if ours := named(fields, headerName); len(ours) != 1 {
		p.t.Errorf("the message has %d fields %s\n%s", len(ours), headerName, clip(p.m.log()))
	}
}

// mends checks that a fault is named, and applies the lines of it and of what comes to
// light behind it, until there is none.
func (p *plumber) mends(check string) {
	p.t.Helper()
	named := false
	for range 4 {
		r, ok := p.ask("--verify")
		if ok {
			break
		}
		i := slices.IndexFunc(r.Findings, func(f plumbing.Finding) bool { return !named && f.Check == check })
		if i < 0 {
			if !named {
				p.t.Fatalf("no finding %s: %+v", check, r.Findings)
			}
			i = 0
		}
		named = true
		p.apply(r.Findings[i].Fix)
	}
	if !named {
		p.t.Fatalf("%s: no fault was found", check)
	}
	p.sound()
}

func (p *plumber) apply(fixes []plumbing.Fix) {
	p.t.Helper()
	again := false
	for _, f := range fixes {
		switch f.In {
		case plumbing.Shell:
			switch {
			case strings.HasSuffix(f.Line, "restart iot-milter"):
				again = true
			case strings.HasSuffix(f.Line, "restart sendmail"): // by reload, as there is no systemd
			default:
				p.shell(strings.ReplaceAll(f.Line, "-o iot-milter ", "-o nobody ")) // there is no such user here
			}
		case p.d.dir + "/iot-milter.toml":
			p.config = dotted(f.Line)
			again = true
		default:
			p.write(f)
		}
	}
	if again {
		p.restart()
	}
	p.reload()
}

func (p *plumber) shell(line string) {
	p.t.Helper()
	if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// dotted writes "[table]" and a line of it as one line, which may stand anywhere.
func dotted(line string) string {
	if table, key, ok := strings.Cut(line, "\n"); ok {
		return strings.Trim(table, "[]") + "." + key
	}
	return line
}

// edit puts a line in place of a line of a file, or below it.
func edit(t *testing.T, f plumbing.Fix) {
	t.Helper()
	b, err := os.ReadFile(f.In)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Split(string(b), "\n")
	switch {
	case f.At == 0:
		text = append(text, f.Line)
	case f.Below:
		text = slices.Insert(text, f.At, f.Line)
	default:
		text[f.At-1] = f.Line
	}
	if err := os.WriteFile(f.In, []byte(strings.Join(text, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// keep restores files at the end of a test.
func keep(t *testing.T, files ...string) {
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.WriteFile(path, b, 0o644); cool(path) })
	}
}

// postfixPlumber is one for the private Postfix.
func postfixPlumber(t *testing.T) *plumber {
	p := newPlumber(t, postfix)
	keep(t, p.m.dir+"/main.cf", p.m.dir+"/master.cf")
	p.write = func(f plumbing.Fix) {
		if strings.HasSuffix(f.In, "main.cf") {
			p.set(f.Line)
		} else {
			edit(t, f)
		}
	}
	p.reload = func() {
		if r, err := exec.Command("postfix", "-c", p.m.dir, "reload").CombinedOutput(); err != nil {
			t.Fatalf("postfix reload: %s", r)
		}
		time.Sleep(300 * time.Millisecond) // the master ends old processes meanwhile
	}
	t.Cleanup(func() { p.reload() })
	return p
}

func (p *plumber) set(line string) {
	p.t.Helper()
	if out, err := exec.Command("postconf", "-c", p.m.dir, "-e", line).CombinedOutput(); err != nil {
		p.t.Fatalf("postconf: %s", out)
	}
	cool(p.m.dir + "/main.cf")
}

// cool makes a file look old: Postfix's programs wait two seconds for one that has just been written.
func cool(path string) {
	old := time.Now().Add(-time.Minute)
	_ = os.Chtimes(path, old, old)
}

const (
	aside  = "connect_timeout=2s, command_timeout=8s, content_timeout=30s"
	proper = "{ unix:/srv/postfix/run/milter.sock, " + aside + ", default_action=accept }"
)

// TestPlumbingPostfix makes each fault on a running Postfix.
func TestPlumbingPostfix(t *testing.T) {
	p := postfixPlumber(t)
	p.sound()
	run := p.m.dir + "/run"
	for _, f := range []struct {
		check  string
		main   []string
		breaks func()
	}{
		{check: "not-listed", main: []string{"smtpd_milters ="}},
		{check: "wrong-path", main: []string{"smtpd_milters = { unix:/srv/postfix/run/wrong.sock, " + aside + ", default_action=accept }"}},
		{check: "twice", main: []string{"smtpd_milters = " + proper + " " + proper}},
		{check: "default-action", main: []string{"smtpd_milters = { unix:/srv/postfix/run/milter.sock, " + aside + " }"}},
		{check: "default-action", main: []string{"milter_default_action = accept", "smtpd_milters = { unix:/srv/postfix/run/milter.sock, " + aside + " }"}},
		{check: "default-action", main: []string{"smtpd_milters = { unix:/srv/postfix/run/milter.sock, " + aside + ", default_action=reject }"}},
		{check: "timeout", main: []string{"smtpd_milters = { unix:/srv/postfix/run/milter.sock, default_action=accept }"}},
		{check: "order", main: []string{"smtpd_milters = { unix:openarc.sock, default_action=accept } " + proper}},
		{check: "non-smtpd", main: []string{"non_smtpd_milters = unix:/srv/postfix/run/milter.sock"}},
		{check: "protocol", main: []string{"milter_protocol = 2"}},
		{check: "macros", main: []string{"milter_mail_macros = i {mail_addr}"}},
		{check: "soft-bounce", main: []string{"soft_bounce = yes"}},
		{check: "mynetworks", main: []string{"mynetworks = 127.0.0.0/8 203.0.113.192/26"}},
		{check: "re-injection", breaks: func() { p.config = "exempt.relays = []"; p.restart() }},
		{check: "bypass", breaks: func() {
			edit(t, plumbing.Fix{In: p.m.dir + "/master.cf", At: 1, Below: true, Line: "  -o smtpd_milters="})
		}},
		{check: "unreachable", breaks: func() { p.shell("chmod 0700 " + run) }},
		{check: "unreachable", breaks: func() { p.shell("chgrp root " + run + "/milter.sock && chmod 0660 " + run + "/milter.sock") }},
		{check: "socket-missing", breaks: func() { p.d.stop(syscall.SIGTERM) }},
		{check: "stale-socket", breaks: func() { p.d.stop(syscall.SIGKILL) }},
	} {
		t.Run(f.check, func(sub *testing.T) {
			p.t, p.d.t, p.config = sub, sub, ""
			defer func() { p.t, p.d.t = t, t }()
			for _, line := range f.main {
				p.set(line)
			}
			if f.breaks != nil {
				f.breaks()
			}
			p.reload()
			p.mends(f.check)
		})
	}
}

// TestPlumbingChroot: smtpd in a chroot, as on Debian, sees no socket outside of the queue's folder.
func TestPlumbingChroot(t *testing.T) {
	p := postfixPlumber(t)
	master := p.m.dir + "/master.cf"
	b, err := os.ReadFile(master)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), " inet n - n - - smtpd", " inet n - y - - smtpd")
	if err := os.WriteFile(master, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p.reload()
	r, _ := p.ask("--verify")
	if !slices.ContainsFunc(r.Findings, func(f plumbing.Finding) bool {
		return f.Check == "wrong-path" && strings.Contains(f.What, "chroot") && strings.Contains(f.What, "/srv/postfix/queue/srv/postfix/run/milter.sock")
	}) {
		t.Errorf("no word of the chroot: %+v", r.Findings)
	}
	p.mends("wrong-path")
}

// TestPlumbingLines applies what mta-config prints to a Postfix that knows nothing of the daemon.
func TestPlumbingLines(t *testing.T) {
	p := postfixPlumber(t)
	p.set("smtpd_milters =")
	p.reload()
	r, ok := p.ask()
	if !ok || len(r.Lines) == 0 {
		t.Fatalf("no lines: %+v", r)
	}
	p.apply(r.Lines)
	p.sound()
}

// TestPlumbingStopped: a Postfix that does not run, or runs with another configuration.
func TestPlumbingStopped(t *testing.T) {
	p := postfixPlumber(t)
	p.shell("postfix -c " + p.m.dir + " stop")
	r, _ := p.ask("--verify")
	if len(r.Findings) == 0 || r.Findings[0].Check != "running" {
		t.Fatalf("not told that Postfix does not run: %+v", r.Findings)
	}
	p.apply(r.Findings[0].Fix)
	p.sound()
}

// TestPlumbingUnprivileged: who is not root is told what could not be looked at, and no fault that is none.
func TestPlumbingUnprivileged(t *testing.T) {
	p := postfixPlumber(t)
	p.as = &syscall.Credential{Uid: nobody, Gid: nobody}
	r, ok := p.ask("--verify")
	if !ok || !slices.ContainsFunc(r.Findings, func(f plumbing.Finding) bool {
		return f.Severity == plumbing.Note && f.Check == "running" && strings.Contains(f.What, "root")
	}) {
		t.Errorf("%+v", r.Findings)
	}
}
