//go:build acceptance

package acceptance

import (
	"fmt"
	"net/smtp"
	"strings"
	"testing"
	"time"
)

// replaced waits until another process than this one serves.
func (m *machine) replaced(old string, within time.Duration) {
	m.t.Helper()
	m.eventually(within, fmt.Sprintf("p=$(systemctl show -P MainPID iot-milter.service); test $p != 0 -a $p != %s && systemctl -q is-active iot-milter.service", old))
}

// TestReboot: all is there again when the machine comes back, before Postfix takes mail.
func TestReboot(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	m.judges("before")
	before := m.history(nas)
	m.down()
	m.up()
	m.eventually(30*time.Second, "systemctl -q is-active postfix@-.service")
	m.judges("after")
	m.verified("postfix")
	says(t, m.sh("iot-milter history "+before.ID), nas.addr)
	m.sound()
}

// TestWatchdog: a daemon that stands still is replaced, and mail flows meanwhile.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	m.judges("before")
	old := m.pid()
	m.sh("kill -STOP " + old)
	begin := time.Now()
	m.marked(nas, "standing still", "")
	t.Logf("a message to a daemon that stands still passes after %.1f s", time.Since(begin).Seconds())
	m.replaced(old, 2*time.Minute) // WatchdogSec= is one
	t.Logf("replaced after %.1f s", time.Since(begin).Seconds())
	m.judges("after")
	says(t, m.ours(), "Watchdog timeout")
}

// TestKilled: a daemon that is killed is replaced; what it knew is known. What stops the daemon
// unasked closes the sockets, too (PropagatesStopTo=), until it is back: mail of that second passes
// unjudged.
func TestKilled(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	m.judges("before")
	before := m.history(nas)
	time.Sleep(2 * time.Second) // the history is written every second
	l := m.load()
	for range 3 {
		old := m.pid()
		begin := time.Now()
		m.sh("kill -9 " + old)
		m.replaced(old, 20*time.Second)
		t.Logf("replaced after %.1f s", time.Since(begin).Seconds())
		time.Sleep(3 * time.Second)
	}
	if passed := l.judged(false); passed > int(l.sent.Load())/2 {
		t.Errorf("%d of %d messages passed unjudged", passed, l.sent.Load())
	}
	m.judges("after")
	says(t, m.sh("iot-milter history "+before.ID), nas.addr)
	m.prints("running", "systemctl is-system-running")
}

// TestReload: under load, a good and a bad configuration; each message is judged.
func TestReload(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	old, whole := m.pid(), m.read(config)
	l := m.load()
	for i := range 5 {
		m.configure(fmt.Sprintf("hostname = \"mx%d.example.org\"", i))
		m.sh("systemctl reload iot-milter")
		time.Sleep(300 * time.Millisecond)
	}
	m.write(config, whole+"\nmodus = \"tag\"\n")
	out, err := m.try("systemctl reload iot-milter")
	if err == nil {
		t.Error("systemctl reload says nothing of a bad configuration")
	}
	t.Logf("systemctl reload says: %s", out)
	time.Sleep(time.Second)
	l.judged(true)
	m.prints(old, "systemctl show -P MainPID iot-milter.service")
	m.marked(nas, "with the last good one", "Yes, .*host=mx4.example.org")
	if log := m.ours(); !strings.Contains(log, "modus") {
		t.Errorf("the journal does not name the unknown key:\n%s", last(log, 2000))
	}
}

// TestDrain: a message that is open when the daemon is stopped is judged yet.
func TestDrain(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	conn, err := m.dial(nas, server+":25")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, err := smtp.NewClient(conn, server)
	if err != nil {
		t.Fatal(err)
	}
	if err := firstOf(s.Hello(nas.helo), s.Mail("sender@sender.example"), s.Rcpt(anna)); err != nil {
		t.Fatal(err)
	}
	w, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	m.sh("systemctl stop --no-block 'iot-milter*.socket' iot-milter.service")
	time.Sleep(time.Second)
	m.prints("deactivating", "systemctl is-active iot-milter.service")
	_, err = fmt.Fprintf(w, "Subject: open\r\n\r\ntext\r\n")
	if err := firstOf(err, w.Close(), s.Quit()); err != nil {
		t.Fatal(err)
	}
	if marks := m.letter("open").marks(); len(marks) != 1 || !strings.HasPrefix(marks[0], "Yes, class=device") {
		t.Errorf("marked %q", marks)
	}
	m.eventually(15*time.Second, "systemctl is-active iot-milter.service | grep -x inactive")
	if bad := complaints(m.ours()); bad != "" {
		t.Errorf("complaints:\n%s", bad)
	}
}
