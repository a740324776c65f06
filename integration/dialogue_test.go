//go:build integration

package integration

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// replyTimeout is longer than any deadline on the way: the MTAs give a milter
// 30 seconds at end of message.
const replyTimeout = 40 * time.Second

// roundTrip is how far away the clients of the step "mail" are.
const roundTrip = "20ms"

// dialogue is the SMTP session of one case as it goes on.
type dialogue struct {
	t      *testing.T
	s      *scenario
	mta    *mta
	told   bool // the client is told by XCLIENT
	alone  bool // nobody else sends through this MTA
	daemon *daemon
	client client
	conn   net.Conn
	reader *bufio.Reader
	line   string
	said   string // the greeting of an XCLIENT session, not yet expected
}

// run plays the whole dialogue.
func (d *dialogue) run() {
	d.t.Helper()
	d.client = d.s.client
	for _, line := range lines(only(d.mta.family(), d.s.sections["dialogue"])) {
		d.line = line
		if d.conn == nil && !strings.HasPrefix(line, "daemon") && !strings.HasPrefix(line, "connect") &&
			!strings.HasPrefix(line, "wait") && !strings.HasPrefix(line, "stored") {
			d.connect(nil)
		}
		d.step(line)
	}
	d.end(false)
}

func (d *dialogue) step(line string) {
	d.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "C:":
		if d.alone && strings.HasPrefix(rest, "MAIL FROM:") {
			// An MTA delivers in any order; so the store keeps ours.
			d.mta.settle(d.t)
		}
		d.send(rest)
	case "S:", "S?":
		d.expect(rest, verb == "S?")
	case "M:", "M-":
		d.message(strings.Fields(rest), verb == "M:")
	case "hello":
		d.all("S: 220", "C: EHLO "+rest, "S: 250")
	case "mail":
		d.mail(strings.Fields(rest))
	case "TLS":
		d.encrypt()
	case "close", "reset":
		d.end(verb == "reset")
	case "connect":
		d.end(false)
		d.connect(strings.Fields(rest))
	case "wait":
		pause, err := time.ParseDuration(rest)
		d.check(err)
		time.Sleep(pause)
	case "stored":
		n, err := strconv.Atoi(rest)
		d.check(err)
		d.mta.sink.Wait(n, 10*time.Second)
	case "daemon":
		d.control(strings.Fields(rest))
	default:
		d.t.Fatalf("no step is called %q", line)
	}
}

// all plays lines that a shorthand stands for.
func (d *dialogue) all(steps ...string) {
	d.t.Helper()
	whole := d.line
	for _, step := range steps {
		d.line = step + " (" + whole + ")"
		d.step(step)
	}
}

func (d *dialogue) mail(w []string) {
	d.t.Helper()
	if len(w) != 3 {
		d.t.Fatalf("%s: mail FROM TO MESSAGE", d.line)
	}
	steps := []string{"C: MAIL FROM:" + w[0], "S: 250"}
	for _, to := range strings.Split(w[1], ",") {
		steps = append(steps, "C: RCPT TO:"+to, "S: 250")
	}
	// Look-ups about clients that are let in are not awaited. A message of a client
	// next door would come before the answers.
	d.all(append(steps, "wait "+roundTrip, "C: DATA", "S: 354", "M: "+w[2], "S: 250")...)
}

func (d *dialogue) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%s: %v", d.line, err)
	}
}

// connect opens the next session, as another client where one is named.
func (d *dialogue) connect(who []string) {
	d.t.Helper()
	if len(who) > 0 {
		c, err := parseClient(who)
		d.check(err)
		d.client = c
	}
	from, v6 := d.client.addr, strings.Contains(d.client.addr, ":")
	if d.told {
		from, v6 = "127.0.0.1", false
	}
	proxied := d.s.listener == "proxy"
	if proxied {
		from, v6 = proxyAddr, false
	}
	conn, err := dial(d.s.network(), from, d.mta.listener(d.s.listener, v6))
	d.check(err)
	d.conn, d.reader = conn, bufio.NewReader(conn)
	if proxied {
		d.write(proxyHeader(d.client.addr))
	}
	if d.told {
		d.tell()
	}
}

// proxyHeader is what a TCP proxy says of the client at the beginning of a
// connection, in version 1 of the PROXY protocol (haproxy's proxy-protocol.txt).
func proxyHeader(client string) string {
	if strings.Contains(client, ":") {
		return "PROXY TCP6 " + client + " " + postfixAddr6 + " 40000 25\r\n"
	}
	return "PROXY TCP4 " + client + " " + postfixAddr + " 40000 25\r\n"
}

// tell describes the client to Postfix, which then greets a second time.
func (d *dialogue) tell() {
	d.t.Helper()
	d.reply()
	d.write("EHLO test.example.test\r\n")
	d.reply()
	c := d.client
	name, reverse := "[UNAVAILABLE]", "[UNAVAILABLE]"
	if c.name != "" {
		reverse = c.name
	}
	switch c.iprev {
	case "pass":
		name = c.name
	case "temperror":
		name = "[TEMPUNAVAIL]"
	}
	addr := c.addr
	if strings.Contains(addr, ":") {
		addr = "IPV6:" + addr
	}
	d.write(fmt.Sprintf("XCLIENT NAME=%s REVERSE_NAME=%s ADDR=%s PORT=40000\r\n", name, reverse, addr))
	var err error
	if d.said, err = d.reply(); err != nil || !strings.HasPrefix(d.said, "220") {
		d.t.Fatalf("XCLIENT: %q %v", d.said, err)
	}
}

// end closes the session, if one is open.
func (d *dialogue) end(reset bool) {
	if d.conn == nil {
		return
	}
	if tcp, ok := d.conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = d.conn.Close()
	d.conn, d.said = nil, ""
}

func (d *dialogue) write(text string) {
	d.t.Helper()
	_ = d.conn.SetWriteDeadline(time.Now().Add(replyTimeout))
	if _, err := d.conn.Write([]byte(text)); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		d.check(err)
	}
}

func (d *dialogue) send(text string) {
	d.t.Helper()
	line, err := expand(text)
	d.check(err)
	d.write(line + "\r\n")
}

// reply reads one whole reply, its lines joined by "\n".
func (d *dialogue) reply() (string, error) {
	if d.said != "" {
		said := d.said
		d.said = ""
		return said, nil
	}
	_ = d.conn.SetReadDeadline(time.Now().Add(replyTimeout))
	var all []string
	for {
		line, err := d.reader.ReadString('\n')
		if err != nil {
			return strings.Join(all, "\n"), err
		}
		line = strings.TrimRight(line, "\r\n")
		all = append(all, line)
		if len(line) < 4 || line[3] != '-' {
			return strings.Join(all, "\n"), nil
		}
	}
}

func (d *dialogue) expect(pattern string, orNothing bool) {
	d.t.Helper()
	re, err := regexp.Compile("^(?s:" + pattern + ")")
	d.check(err)
	got, err := d.reply()
	if err != nil && orNothing && got == "" {
		return
	}
	if err != nil || !re.MatchString(got) {
		d.t.Fatalf("%s\nthe server says: %q %v", d.line, got, err)
	}
}

// message sends a message with dots stuffed; the first n lines only, without
// the final dot, for a client that gives up.
func (d *dialogue) message(w []string, whole bool) {
	d.t.Helper()
	if len(w) == 0 {
		d.t.Fatalf("%s: which message?", d.line)
	}
	text, ok := d.s.sections[w[0]]
	if !ok {
		b, err := os.ReadFile("mails/" + w[0])
		d.check(err)
		text = string(b)
	}
	text, err := expand(text)
	d.check(err)
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(w) > 1 {
		n, err := strconv.Atoi(w[1])
		d.check(err)
		all = all[:min(n, len(all))]
	}
	for i, line := range all {
		if strings.HasPrefix(line, ".") {
			all[i] = "." + line
		}
	}
	if whole {
		all = append(all, ".")
	}
	d.write(strings.Join(all, "\r\n") + "\r\n")
}

func (d *dialogue) encrypt() {
	d.t.Helper()
	// Nobody trusts the test's certificate, and no MTA asks for that.
	c := tls.Client(d.conn, &tls.Config{InsecureSkipVerify: true})
	_ = c.SetDeadline(time.Now().Add(replyTimeout))
	d.check(c.Handshake())
	d.conn, d.reader = c, bufio.NewReader(c)
}

func (d *dialogue) control(w []string) {
	d.t.Helper()
	if len(w) == 0 {
		d.t.Fatalf("%s: what about it?", d.line)
	}
	if w[0] == "says" {
		d.check(d.daemon.says(strings.Join(w[1:], " ")))
		return
	}
	if len(w) > 1 {
		text, ok := d.s.sections[strings.Join(w[1:], " ")]
		if !ok {
			d.t.Fatalf("%s: no such section", d.line)
		}
		d.daemon.configure(text)
	}
	switch w[0] {
	case "stop":
		d.daemon.stop(syscall.SIGTERM)
	case "kill":
		d.daemon.stop(syscall.SIGKILL)
	case "start":
		d.daemon.start()
	case "term":
		d.daemon.signal(syscall.SIGTERM)
	case "reload":
		d.daemon.reload()
	default:
		d.t.Fatalf("%s: no such verb", d.line)
	}
}
