//go:build integration

package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The faults of this file end a program.

func daemonDown(r *faultRun) {
	r.daemon.stop(syscall.SIGKILL)
	r.load.more(60)
	r.restart()
}

// restart starts the daemon and waits until it serves.
func (r *faultRun) restart() {
	r.t.Helper()
	began := time.Now()
	r.daemon.start()
	r.recovered(began)
}

// stages are the commands that a session has given when the daemon dies, and how long
// header and body are then: longer than the socket's buffer for the MTA to be amid them.
var stages = []struct {
	name         string
	given        int
	header, body int // lines of 100 octets
}{
	{"connect", 0, 0, 1}, {"helo", 1, 0, 1}, {"mail", 2, 0, 1}, {"rcpt", 3, 0, 1}, {"data", 4, 0, 1},
	{"header", 5, 5000, 1}, {"body", 5, 0, 10000}, {"eom", 5, 0, 1},
}

// daemonKilled stops the daemon in its tracks, lets the MTA say the command that makes
// the stage, and kills it then: the command is never answered.
func daemonKilled(r *faultRun) {
	sendmail.Lock()
	defer sendmail.Unlock()
	for _, m := range []*mta{postfix, sendmail} {
		for _, at := range stages {
			id := m.name + "-killed-at-" + at.name
			filler := strings.TrimSuffix(strings.Repeat("X-Filler: "+strings.Repeat("x", 88)+"\n", at.header), "\n")
			mail := strings.Join(append(strings.Split(strings.TrimSpace(filler+"\n"+"X-Fault: "+id), "\n"), "",
				strings.TrimSuffix(strings.Repeat(strings.Repeat("y", 98)+"\n", at.body), "\n")), "\n")
			d := &dialogue{t: r.t, s: &scenario{sections: map[string]string{"mail": mail}}, mta: m, daemon: r.daemon,
				client: faultServer, line: id}
			steps := []string{"C: EHLO " + faultServer.name, "C: MAIL FROM:<anna@fault.example.org>", "C: RCPT TO:<user@example.test>", "C: DATA", "M: mail"}
			answers := []string{"S: 220", "S: 250", "S: 250", "S: 250", "S: 354", "S: 250"}
			kill := func() {
				time.Sleep(50 * time.Millisecond)
				r.daemon.stop(syscall.SIGKILL)
			}
			for i, answer := range answers {
				if i == at.given {
					_ = r.daemon.cmd.Process.Signal(syscall.SIGSTOP)
				}
				if i == 0 {
					d.connect(nil)
				} else {
					d.step(steps[i-1])
				}
				if i == at.given {
					kill()
				}
				d.step(answer)
			}
			d.end(false)
			r.load.accept(id)
			r.restart()
		}
	}
	r.note = fmt.Sprintf("%d kills", 2*len(stages))
}

// mtaKilled kills Postfix with all its processes. The sink refuses for a moment, or a
// message that is on its way to it might be delivered twice: that is Postfix's way.
func mtaKilled(r *faultRun) {
	postfix.sink.Refuse(true)
	r.load.more(20)
	time.Sleep(200 * time.Millisecond)
	master, err := strconv.Atoi(postfix.state["pid"])
	if err != nil {
		r.t.Fatal(err)
	}
	before := r.metrics()["iot_milter_sessions"]
	if err := syscall.Kill(-master, syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	began := time.Now()
	postfix.sink.Refuse(false)
	r.recovered(began)
	if out, err := exec.Command("postfix", "-c", postfix.dir, "start").CombinedOutput(); err != nil {
		r.t.Fatalf("postfix start: %v %s", err, out)
	}
	for range 200 {
		if pid, err := os.ReadFile(postfix.dir + "/queue/pid/master.pid"); err == nil {
			postfix.state["pid"] = strings.TrimSpace(string(pid))
		}
		if code, err := postfix.deliver(faultServer, faultServer.name, "anna@fault.example.org", text("after-kill")); err == nil && code == 250 {
			r.load.accept("after-kill")
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if out, err := exec.Command("postqueue", "-c", postfix.dir, "-f").CombinedOutput(); err != nil {
		r.t.Errorf("postqueue -f: %v %s", err, out)
	}
	r.load.more(40)
	r.note = fmt.Sprintf("%g sessions of the dead Postfix ended", before)
}

// upgrade plays systemd, which keeps the listening sockets, starts the daemon with them,
// and restarts it when the binary was replaced.
func upgrade(r *faultRun) {
	r.daemon.stop(syscall.SIGTERM)
	path := postfix.socket()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		r.t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	r.t.Cleanup(func() { os.Remove(path) })
	file, err := l.File()
	if err != nil {
		r.t.Fatal(err)
	}
	l.Close()
	r.t.Cleanup(func() { file.Close() })
	if err := os.Chmod(path, 0o666); err != nil {
		r.t.Fatal(err)
	}
	r.daemon.handed = []*os.File{file}
	r.daemon.configure("limits.drain = \"2s\"\nlisten = [\"fd:systemd\"]\n" + faultConfig)
	r.daemon.start()
	r.load.more(20) // what met the switch to systemd's socket is gone
	mark, stored := len(postfix.log()), len(postfix.sink.Messages())
	var longest time.Duration
	for i := range 3 {
		r.load.more(30)
		hangs := r.open(fmt.Sprintf("hangs-%d", i))
		if out, err := exec.Command("install", "-m", "0755", os.Getenv("IOT_MILTER"), program+".new").CombinedOutput(); err != nil {
			r.t.Fatalf("%s", out)
		}
		if err := os.Rename(program+".new", program); err != nil {
			r.t.Fatal(err)
		}
		began := time.Now()
		r.daemon.stop(syscall.SIGTERM)
		longest = max(longest, time.Since(began))
		r.restart()
		r.finish(hangs)
	}
	if n := strings.Count(postfix.log()[mark:], "connect to Milter service"); n > 0 {
		r.t.Errorf("Postfix found no milter %d times", n)
	}
	if longest > 2*time.Second+servesAgain {
		r.t.Errorf("the old process ended only after %v", longest)
	}
	passed, since := 0, postfix.sink.Messages()[stored:]
	for _, m := range since {
		if !judged(m.Data) {
			passed++
		}
	}
	if most := 3 * (1 + loadSenders); passed > most {
		r.t.Errorf("%d messages passed unjudged, and at most %d sessions met a restart", passed, most)
	}
	r.note = fmt.Sprintf("no refused connection; the old process ended after %s; with the socket systemd's %d of %d passed unjudged, whose sessions had begun before a restart",
		short(longest), passed, len(since))
}

// open is a session with an open message, whose id it has.
func (r *faultRun) open(id string) *dialogue {
	r.t.Helper()
	d := &dialogue{t: r.t, s: &scenario{sections: map[string]string{"mail": string(text(id))}}, mta: postfix, daemon: r.daemon,
		client: faultServer, line: id}
	d.s.sections["mail"] = strings.ReplaceAll(d.s.sections["mail"], "\r", "")
	d.connect(nil)
	d.all("hello "+faultServer.name, "C: MAIL FROM:<anna@fault.example.org>", "S: 250", "C: RCPT TO:<user@example.test>", "S: 250")
	return d
}

// finish ends the message of such a session.
func (r *faultRun) finish(d *dialogue) {
	r.t.Helper()
	d.all("C: DATA", "S: 354", "M: mail", "S: 250", "C: QUIT", "S: 221")
	d.end(false)
	id := faultID.FindStringSubmatch(d.s.sections["mail"])
	r.load.accept(id[1])
}

func drain(r *faultRun) {
	quick, slow := r.open("ends-in-time"), r.open("ends-too-late")
	began := time.Now()
	r.daemon.signal(syscall.SIGTERM)
	time.Sleep(300 * time.Millisecond)
	r.finish(quick)
	r.daemon.stop(syscall.SIGTERM)
	took := time.Since(began)
	if took < 1900*time.Millisecond || took > 2*time.Second+servesAgain {
		r.t.Errorf("the daemon ended after %v, and limits.drain is 2 s", took)
	}
	r.finish(slow)
	r.restart()
	for _, m := range postfix.sink.Messages() {
		if id := faultID.FindSubmatch(m.Data); id != nil && string(id[1]) == "ends-in-time" && !judged(m.Data) {
			r.t.Error("the message that ended in time is not judged")
		}
	}
	r.note = fmt.Sprintf("ended after %s", short(took))
}

func secondTerm(r *faultRun) {
	hangs := r.open("hangs")
	r.daemon.signal(syscall.SIGTERM)
	if err := r.daemon.says("msg=stopping"); err != nil {
		r.t.Fatal(err)
	}
	began := time.Now()
	_ = r.daemon.cmd.Process.Signal(syscall.SIGTERM)
	r.daemon.stop(syscall.SIGTERM)
	took := time.Since(began)
	if took > servesAgain {
		r.t.Errorf("a second TERM took %v", took)
	}
	r.finish(hangs)
	r.restart()
	r.note = fmt.Sprintf("ended after %s", short(took))
}
