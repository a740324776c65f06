//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy"
)

// The tests of this file give the daemon's log to a real fail2ban.

const banFilter = "../packaging/fail2ban/filter.d/iot-milter.conf"

// forgedAddr is what attackers would have shut out instead of themselves.
const forgedAddr = "198.51.100.66"

// enforcing refuses devices; of a line the first message is tagged, the next put off.
const enforcing = "mode = \"enforce\"\nlimit = [{name=\"few\", class=[\"access\"], key=[\"address\"], rate=\"1/1h\", burst=1}]\n"

// forgeries are what they write into greeting and sender for that.
var forgeries = []string{
	"x client=" + forgedAddr + " ",
	`x" client=` + forgedAddr + ` ptr="`,
	`DiskStation client=` + forgedAddr + ` ptr=x iprev=pass helo=x from=x rcpts=0 stage=rcpt class=device device=nas confidence=0.99 flag=yes mode=enforce verdict=reject action=reject exempt="" reason=device`,
	`x","client":"` + forgedAddr + `","ptr":"x`,
	`x\" client=` + forgedAddr + ` \`,
	`x\`,
}

// aDisk6 is one with IPv6, from the cases.
var aDisk6 = client{"2001:db8:99::36", "cpe-2001-db8-99--36.dyn.isp.example", "pass"}

// refused are the clients of refused recipients and messages, one for each, read from the log by
// parsers that have nothing to do with the filter.
func refused(t *testing.T, log string) (all []string) {
	t.Helper()
	for _, line := range lines(log) {
		if !strings.HasPrefix(line, "{") {
			if w := words(line); w["msg"] == "verdict" && w["action"] == "reject" && w["reason"] != "no-recipient" {
				all = append(all, w["client"])
			}
			continue
		}
		var d struct{ Msg, Client, Action, Reason string }
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		if d.Msg == "verdict" && d.Action == "reject" && d.Reason != "no-recipient" {
			all = append(all, d.Client)
		}
	}
	return all
}

// banned are the addresses that fail2ban-regex finds in a file of lines, or in a journal.
func banned(t *testing.T, log string) []string {
	t.Helper()
	return matches(t, "ip", log)
}

// matches prints something of each match, in another time zone than the daemon's.
func matches(t *testing.T, what, log string) []string {
	t.Helper()
	cmd := exec.Command("fail2ban-regex", "-o", what, log, banFilter)
	cmd.Env = append(os.Environ(), "TZ=TST-9")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	_ = cmd.Run() // its code tells whether there are any
	if said.Len() > 0 {
		t.Errorf("fail2ban-regex says %s", said.String())
	}
	return strings.Fields(out.String())
}

// inJournal writes lines as journald would have them of the daemon's unit.
func inJournal(t *testing.T, path string, log []string) {
	t.Helper()
	var entries strings.Builder
	at := time.Now().Add(-time.Minute)
	for i, line := range log {
		fmt.Fprintf(&entries, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\n_HOSTNAME=mx\nSYSLOG_IDENTIFIER=iot-milter\n"+
			"_PID=42\n_SYSTEMD_UNIT=iot-milter.service\nMESSAGE=%s\n\n", at.UnixMicro()+int64(i), 1000+i, 1, line)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/lib/systemd/systemd-journal-remote", "-o", path, "-")
	cmd.Stdin = strings.NewReader(entries.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("systemd-journal-remote: %v %s", err, out)
	}
}

// attack is what real clients do to a daemon that enforces: devices that are refused, a
// line that is tagged and then put off, both with greetings and senders that forge.
func attack(t *testing.T, m *mta) {
	t.Helper()
	for _, c := range []client{aDisk, aDisk6} {
		for range 3 {
			try(t, m, c, "DiskStation", "<a@example.com>", 550)
		}
	}
	for _, evil := range forgeries {
		try(t, m, aDisk, "DiskStation", `<"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(evil)+`"@example.com>`, 550)
		try(t, m, aLine, evil, "<a@example.com>", 0)
		try(t, m, aDisk, evil, "<a@example.com>", 0)
	}
	for range 4 {
		if _, err := m.submit(aLine, aLine.name, "user@example.test", letter{subject: "bans"}.text()); err != nil {
			t.Error(err)
		}
	}
	m.settle(t)
}

// try is one session with one recipient and no message; a code of 0 is any.
func try(t *testing.T, m *mta, c client, helo, from string, want int) {
	t.Helper()
	if code, err := m.ask(c, helo, from, 1); err != nil || want != 0 && code != want {
		t.Errorf("%s with %q and %q: %d %v, not %d", c.addr, helo, from, code, err, want)
	}
}

// ask names n recipients and returns the code of the last answer. What net/smtp would not send
// is sent.
func (m *mta) ask(c client, helo, from string, n int) (code int, err error) {
	s, err := m.introduce(c)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	steps := []string{"EHLO " + helo, "MAIL FROM:" + from}
	for range n {
		steps = append(steps, "RCPT TO:<user@example.test>")
	}
	for _, step := range steps {
		if err := s.Text.PrintfLine("%s", step); err != nil {
			return 0, err
		}
		if code, _, err = s.Text.ReadResponse(0); err != nil {
			return 0, err
		}
	}
	return code, s.Text.PrintfLine("QUIT")
}

// TestBanFilter compares what fail2ban finds with what the daemon did.
func TestBanFilter(t *testing.T) {
	setUp(t)
	postfix.start(t)
	postfix.Lock()
	defer postfix.Unlock()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			d := startDaemon(t, postfix, enforcing+"log.format = \""+format+"\"\n")
			attack(t, postfix)
			d.stop(syscall.SIGTERM)
			checkBanned(t, d.log.String())
		})
	}
}

func checkBanned(t *testing.T, log string) {
	t.Helper()
	want := refused(t, log)
	if len(want) < 12 || !slices.Contains(want, aDisk6.addr) || slices.Contains(want, forgedAddr) {
		t.Fatalf("the daemon refused %v\n%s", want, clip(log))
	}
	for _, action := range []string{"tag", "limit"} {
		if !strings.Contains(log, "action="+action+" ") && !strings.Contains(log, `"action":"`+action+`"`) {
			t.Errorf("no line has action=%s\n%s", action, clip(log))
		}
	}
	plain := lines(log)
	places := map[string]func() string{
		"a file": func() string { return "" },
		"syslog": func() string { return time.Now().Format(time.Stamp) + " mx iot-milter[42]: " },
		"rsyslog": func() string {
			return time.Now().Format("2006-01-02T15:04:05.000000-07:00") + " mx iot-milter[42]: "
		},
	}
	for name, prefix := range places {
		write(t, "/srv/ban/"+name, prefix()+strings.Join(plain, "\n"+prefix())+"\n")
		if got := banned(t, "/srv/ban/"+name); !slices.Equal(got, want) {
			t.Errorf("in %s fail2ban finds\n%v\nand refused were\n%v", name, got, want)
		}
	}
	for _, at := range matches(t, "<time>", "/srv/ban/a file") {
		if seconds, err := strconv.ParseFloat(at, 64); err != nil || math.Abs(time.Since(time.Unix(int64(seconds), 0)).Seconds()) > 600 {
			t.Errorf("fail2ban takes a refusal of just now for one of %s: %v", at, err)
		}
	}
	inJournal(t, "/srv/ban/system.journal", plain)
	defer os.RemoveAll("/srv/ban")
	if got := banned(t, "systemd-journal[journalfiles=/srv/ban/system.journal]"); !slices.Equal(got, want) {
		t.Errorf("in the journal fail2ban finds\n%v\nand refused were\n%v", got, want)
	}
}

// TestBanFilterReadsEveryText has the daemon's own log write what no MTA would let
// through, in each place that strangers write to.
func TestBanFilterReadsEveryText(t *testing.T) {
	evils := append(slices.Clone(forgeries), "", "-", "é", "a\tb", "\x1b[2J", "x\ny", "x\r\n", "\x00", "\xff", "\u2028", "\u00a0client="+forgedAddr+"\u00a0",
		"x\nmsg=verdict client="+forgedAddr, strings.Repeat(`\"`, 2000), strings.Repeat("x ", 2000))
	for _, asJSON := range []bool{false, true} {
		var b bytes.Buffer
		rec := obs.Recorder{Log: obs.NewLog(&b, asJSON, slog.LevelInfo), Metrics: obs.NewMetrics("test")}
		for i := range 3 * len(evils) {
			for _, action := range []policy.Action{policy.ActionReject, policy.ActionTag, policy.ActionLimit, policy.ActionDefer, policy.ActionQuarantine} {
				text := []string{"x", "x", "x"}
				text[i%3] = evils[i/3]
				f := &policy.Facts{Client: policy.Client{Session: "s1", MTA: "mx.example.test", Addr: netip.MustParseAddr("203.0.113.7"),
					Name: policy.Seen(text[0]), Iprev: policy.IprevPass}, Greeting: policy.Greeting{Name: policy.Seen(text[1])}}
				rec.Record(&policy.Record{ID: "s1.1", Facts: f, Sender: text[2], Stage: policy.StageRcpt, Mode: policy.ModeEnforce,
					Verdict: action, Action: action, End: policy.EndRefused})
			}
		}
		write(t, "/srv/ban/any.log", b.String())
		want := slices.Repeat([]string{"203.0.113.7"}, 3*len(evils))
		if got := banned(t, "/srv/ban/any.log"); !slices.Equal(got, want) {
			t.Errorf("json %v: fail2ban finds %d addresses, not %d: %v", asJSON, len(got), len(want), slices.Compact(got))
		}
	}
}

// record is an action that only writes down whom it would shut out.
const record = "[Definition]\nactionban = echo \"<ip>\" >>/srv/bans\nactionunban =\n"

// startFail2ban runs a server on what is in /etc/fail2ban, and the journal.
func startFail2ban(t *testing.T) {
	t.Helper()
	cover(t, "/etc/fail2ban")
	run(t, "/", "install -m 0644 "+installed+"/fail2ban/filter.d/* /etc/fail2ban/filter.d; install -m 0644 "+installed+"/fail2ban/jail.d/* /etc/fail2ban/jail.d")
	if err := os.Remove("/etc/fail2ban/jail.d/defaults-debian.conf"); err != nil { // watches sshd
		t.Fatal(err)
	}
	write(t, "/etc/fail2ban/action.d/record.conf", record)
	write(t, "/etc/fail2ban/jail.d/00-test.local", "[DEFAULT]\nbanaction = record\n")
	write(t, "/etc/fail2ban/fail2ban.local", "[Definition]\nsocket = /srv/fail2ban.sock\npidfile = /srv/fail2ban.pid\ndbfile = None\nlogtarget = /srv/fail2ban.log\n")
	cmd := exec.Command("fail2ban-server", "-f")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if log, _ := os.ReadFile("/srv/fail2ban.log"); t.Failed() {
			t.Logf("fail2ban's log:\n%s", clip(string(log)))
		}
	})
	for range 200 {
		if exec.Command("fail2ban-client", "ping").Run() == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("fail2ban-server does not answer")
}

// TestBan: the jail, as it is shipped and switched on as docs/mailbox.md says, shuts out who
// was refused 20 times, and nobody else.
func TestBan(t *testing.T) {
	setUp(t)
	postfix.start(t)
	postfix.Lock()
	defer postfix.Unlock()
	d := startDaemon(t, postfix, enforcing)
	for c, n := range map[client]int{aDisk: 10, aDisk6: 19} {
		if _, err := postfix.ask(c, "DiskStation", "<a@example.com>", n); err != nil {
			t.Fatal(err)
		}
	}
	for range 25 {
		if _, err := postfix.submit(aLine, aLine.name, "user@example.test", letter{subject: "bans"}.text()); err != nil {
			t.Fatal(err)
		}
	}
	try(t, postfix, aDisk, "DiskStation", `<"x client=`+forgedAddr+` "@example.com>`, 550)
	if code, err := postfix.ask(aDisk, "DiskStation", "<>", 9); err != nil || code != 550 {
		t.Fatal(code, err)
	}
	d.stop(syscall.SIGTERM)
	if err := unix.Mount("tmpfs", "/var/log", "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount("/var/log", unix.MNT_DETACH) })
	inJournal(t, "/var/log/journal/system.journal", lines(d.log.String()))
	startFail2ban(t)
	if jails := run(t, "/", "fail2ban-client status"); !strings.Contains(jails, "Number of jail:\t0") {
		t.Errorf("the jail is on as it is shipped: %s", jails)
	}
	blocks := documented(t, "fail2ban")
	if out := run(t, "/", blocks[0]); !strings.Contains(out, ", 39 matched") {
		t.Errorf("fail2ban-regex does not find 39 refusals: %s", out)
	}
	run(t, "/", blocks[1])
	checkShutOut(t)
	run(t, "/", strings.ReplaceAll(blocks[2], "203.0.113.7", aDisk.addr))
	if status := run(t, "/", "fail2ban-client status iot-milter"); !strings.Contains(status, "Currently banned:\t0") {
		t.Errorf("still shut out: %s", status)
	}
	// The same from a file.
	if err := os.Remove("/srv/bans"); err != nil {
		t.Fatal(err)
	}
	write(t, "/var/log/iot-milter.log", d.log.String())
	write(t, "/etc/fail2ban/jail.d/iot-milter.local", "[iot-milter]\nenabled = true\nbackend = auto\nlogpath = /var/log/iot-milter.log\n")
	run(t, "/", "fail2ban-client reload")
	checkShutOut(t)
}

// checkShutOut waits for the device that was refused 20 times to be shut out, and a moment longer for
// whoever else would be.
func checkShutOut(t *testing.T) {
	t.Helper()
	shut := ""
	for range 400 {
		if data, _ := os.ReadFile("/srv/bans"); len(data) > 0 {
			time.Sleep(3 * time.Second)
			data, _ = os.ReadFile("/srv/bans")
			shut = string(data)
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if shut != aDisk.addr+"\n" {
		t.Errorf("shut out are %q, not %s\n%s", shut, aDisk.addr, run(t, "/", "fail2ban-client status iot-milter"))
	}
}
