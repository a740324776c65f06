//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// postfix is a private instance with one listener for each filter.
type postfix struct {
	dir   string
	ports map[*filter]int
	sent  int // messages delivered according to the log read so far
	bad   string
	log   *os.File
	part  []byte
}

const mainCF = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/maillog
maillog_file_prefixes = %[1]s
myhostname = mx.example.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = example.test
virtual_transport = discard:
disable_dns_lookups = yes
smtpd_relay_restrictions = reject_unauth_destination
`

const masterCF = `postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
`

// startPostfix has a listener for each filter; more is further lines of main.cf.
func startPostfix(ctx context.Context, dir string, filters []*filter, more string) (*postfix, error) {
	p := &postfix{dir: dir, ports: map[*filter]int{}}
	if err := p.configure(filters, more); err != nil {
		return nil, err
	}
	if out, err := p.command(ctx, "start"); err != nil {
		return nil, fmt.Errorf("postfix start: %w\n%s%s", err, out, tail(filepath.Join(dir, "maillog")))
	}
	for _, f := range filters {
		if err := p.await(f); err != nil {
			p.stop()
			return nil, err
		}
	}
	var err error
	if p.log, err = os.Open(filepath.Join(dir, "maillog")); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *postfix) command(ctx context.Context, verb string) ([]byte, error) {
	return exec.CommandContext(ctx, "postfix", "-c", filepath.Join(p.dir, "etc"), verb).CombinedOutput()
}

func (p *postfix) configure(filters []*filter, more string) error {
	for _, d := range []string{"etc", "queue", "data"} {
		if err := os.MkdirAll(filepath.Join(p.dir, d), 0o755); err != nil {
			return err
		}
	}
	u, err := user.Lookup("postfix")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	if err := os.Chown(filepath.Join(p.dir, "data"), uid, -1); err != nil {
		return fmt.Errorf("%w; hint: Postfix needs root", err)
	}
	master := masterCF
	for _, f := range filters {
		port, err := freePort()
		if err != nil {
			return err
		}
		p.ports[f] = port
		milters := ""
		if f.socket != "" {
			milters = "unix:" + f.socket
		}
		master += fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd -o smtpd_milters=%s\n", port, milters)
	}
	etc := filepath.Join(p.dir, "etc")
	main := append(fmt.Appendf(nil, mainCF, p.dir), more...)
	if err := os.WriteFile(filepath.Join(etc, "main.cf"), main, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(etc, "master.cf"), []byte(master), 0o644)
}

// freePort may lose the port again before Postfix takes it; await then says so.
func freePort() (int, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

func (p *postfix) await(f *filter) error {
	for range 100 {
		nc, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", p.ports[f]))
		if err == nil {
			return nc.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("postfix does not listen for %s\n%s", f.name, tail(filepath.Join(p.dir, "maillog")))
}

func (p *postfix) stop() {
	if p.log != nil {
		p.log.Close()
	}
	// The run's own context may be what ended it.
	if out, err := p.command(context.Background(), "stop"); err != nil {
		fmt.Fprintf(os.Stderr, "bench: postfix stop: %v\n%s", err, out)
	}
}

// drained waits until Postfix has delivered want messages more and fails for a
// warning or a refusal in its log: a run that loses messages measures nothing.
func (p *postfix) drained(want int) error {
	p.sent -= want
	for range 600 {
		if err := p.readLog(); err != nil {
			return err
		}
		if p.sent >= 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("postfix did not deliver %d of the messages in a minute\n%s", -p.sent,
		tail(filepath.Join(p.dir, "maillog")))
}

func (p *postfix) readLog() error {
	buf := make([]byte, 1<<20)
	for {
		n, err := p.log.Read(buf)
		if n == 0 || err != nil {
			break
		}
		p.part = append(p.part, buf[:n]...)
	}
	end := bytes.LastIndexByte(p.part, '\n') + 1
	for line := range bytes.Lines(p.part[:end]) {
		s := string(line)
		switch {
		case strings.Contains(s, "status=sent"):
			p.sent++
		case strings.Contains(s, "resetting file time stamps"), strings.Contains(s, "file system clock is"):
			// Postfix's words on a file system whose clock differs from the system's
			// by a moment: it happens on busy virtual machines and loses nothing.
		case strings.Contains(s, "warning:"), strings.Contains(s, "reject:"), strings.Contains(s, "fatal:"):
			p.bad = s
		}
	}
	p.part = append(p.part[:0], p.part[end:]...)
	if p.bad != "" {
		return fmt.Errorf("postfix: %s", p.bad)
	}
	return nil
}

// cpu is the processor time of all of Postfix, of processes that have ended, too: those in
// steps of 10 ms, as master(8) is told when it waits for them.
func (p *postfix) cpu() (time.Duration, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "queue/pid/master.pid"))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, err
	}
	if b, err = os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil {
		return 0, err
	}
	// proc(5): the second field may hold blanks; cutime and cstime are 16 and 17.
	_, rest, ok := bytes.Cut(b, []byte(") "))
	fields := strings.Fields(string(rest))
	if !ok || len(fields) < 15 {
		return 0, errors.New("unexpected /proc/PID/stat")
	}
	user, err1 := strconv.Atoi(fields[13])
	system, err2 := strconv.Atoi(fields[14])
	// USER_HZ is 100 on every Linux that Go runs on.
	return familyCPU(pid) + time.Duration(user+system)*10*time.Millisecond, errors.Join(err1, err2)
}
