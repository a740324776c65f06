package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// slice is how much of the scene goes through Postfix: some 6,000 messages.
const slice = 0.02

// throughPostfix plays a slice of the scene through a real Postfix, the judged
// configuration being its milter in this process, and compares each answer that the
// SMTP client gets with that of the decider asked directly.
func throughPostfix(ctx context.Context, o *options) (err error) {
	s := whole().by(slice)
	s.bursts = o.bursts
	sc := compose(s, o.seed, o.lines)
	i := slices.IndexFunc(configurations, func(c configuration) bool { return c.name == o.judge })
	if i < 0 {
		return fmt.Errorf("no configuration is called %q", o.judge)
	}
	c := &configurations[i]
	want, err := newFilter(c, sc, o)
	if err != nil {
		return err
	}
	got, err := newFilter(c, sc, o)
	if err != nil {
		return err
	}
	want.silent, got.silent = true, true
	dir, err := os.MkdirTemp("", "iot-milter-burst")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Postfix runs under users of its own
		return err
	}
	socket := filepath.Join(dir, "burst.sock")
	if err := got.listen(socket); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, got.close()) }()
	if err := os.Chmod(socket, 0o777); err != nil {
		return err
	}
	addr, stop, err := startPostfix(ctx, o.script, filepath.Join(dir, "postfix"), socket)
	if err != nil {
		return err
	}
	defer stop()
	m := &mirror{play: play{scene: sc, filter: got, tally: newTally()}, direct: play{scene: sc, filter: want}, addr: addr}
	m.through = m.session
	if err := m.run(ctx); err != nil {
		return err
	}
	for _, which := range m.differ[:min(len(m.differ), 20)] {
		fmt.Fprintln(os.Stderr, which)
	}
	b, l := m.tally.burst(0), m.tally.legit(phaseDay)
	fmt.Printf("through Postfix, %s: %d sessions, %d messages; bursts: %d of %d stopped, %d refused; legitimate: %d of %d deferred, %d refused, %d lost; %d answers differ from the decider's\n",
		c.name, m.sessions, m.messages, b.stopped(), b.Sent, b.Refused, l.Deferred, l.Sent, l.Refused, l.stopped(), len(m.differ))
	if len(m.differ) > 0 {
		return fmt.Errorf("%w: Postfix's clients get other answers", errMust)
	}
	return nil
}

// startPostfix returns the address that it listens on.
func startPostfix(ctx context.Context, script, dir, socket string) (addr string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, script, "start", dir)
	cmd.Env = append(os.Environ(), "MTA_MILTER="+socket, "MTA_HOST="+mxName)
	cmd.Stderr = os.Stderr
	stop = func() {
		if out, err := exec.Command(script, "stop", dir).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "burst: postfix does not stop: %v\n%s", err, out)
		}
	}
	out, err := cmd.Output()
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("%s: %w", script, err)
	}
	port := regexp.MustCompile(`(?m)^port=(\d+)$`).FindSubmatch(out)
	if port == nil {
		stop()
		return "", nil, fmt.Errorf("%s names no port", script)
	}
	// The services that read this start with the first connection.
	if out, err := exec.CommandContext(ctx, "postconf", "-c", dir, "-e", "virtual_mailbox_domains = "+strings.Join(domains, " ")).CombinedOutput(); err != nil {
		stop()
		return "", nil, fmt.Errorf("postconf: %w %s", err, out)
	}
	return "127.0.0.1:" + string(port[1]), stop, nil
}

// mirror plays each session twice: through Postfix, and directly.
type mirror struct {
	play
	direct             play
	addr               string
	sessions, messages int
	differ             []string
}

func (m *mirror) session(e *event) ([]answer, error) {
	want, err := m.direct.session(e)
	if err != nil {
		return nil, err
	}
	m.filter.begin(e)
	got, err := m.smtp(e)
	if err != nil {
		return nil, err
	}
	m.sessions++
	for i := range got {
		m.messages++
		if a, b := code(&got[i]), code(&want[i]); a != b {
			m.differ = append(m.differ, fmt.Sprintf("%s, %s, %s, %s: Postfix %s, decider %s",
				e.at.Format(time.DateTime), e.host.group, e.host.addr(), e.host.helo, got[i].text, want[i].text))
		}
	}
	return got, nil
}

// code is the reply's, 250 for a message that is accepted.
func code(a *answer) string {
	if a.delivered {
		return "250"
	}
	return a.text[:min(3, len(a.text))]
}

// smtp plays the session as an SMTP client whose address XCLIENT tells.
func (m *mirror) smtp(e *event) ([]answer, error) {
	nc, err := net.Dial("tcp", m.addr)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	c := textproto.NewConn(nc)
	h := e.host
	name, reverse := "[UNAVAILABLE]", "[UNAVAILABLE]"
	if h.iprev != nameNone {
		reverse = h.name
	}
	if h.iprev == nameConfirmed {
		name = h.name
	}
	for _, s := range []struct {
		line string
		code int
	}{
		{"", 220},
		{"EHLO burst.example.test", 250},
		{fmt.Sprintf("XCLIENT NAME=%s REVERSE_NAME=%s ADDR=%s PORT=40000", name, reverse, h.addr()), 220},
		{"EHLO " + h.helo, 250},
	} {
		if text, err := say(c, s.line, s.code); err != nil {
			return nil, fmt.Errorf("%q: %w %s", s.line, err, text)
		}
	}
	answers := make([]answer, len(e.mails))
	for i := range e.mails {
		if answers[i], err = m.transaction(c, e, &e.mails[i]); err != nil {
			return nil, err
		}
	}
	_, err = say(c, "QUIT", 221)
	return answers, err
}

func say(c *textproto.Conn, line string, code int) (string, error) {
	if line != "" {
		if err := c.PrintfLine("%s", line); err != nil {
			return "", err
		}
	}
	_, text, err := c.ReadResponse(code)
	return text, err
}

// transaction is one message; a refusal is an answer and no error.
func (m *mirror) transaction(c *textproto.Conn, e *event, mail *mail) (answer, error) {
	lines := []struct {
		line string
		code int
	}{{"MAIL FROM:<" + mail.from + ">", 250}, {"RCPT TO:<" + mail.rcpt + ">", 250}, {"DATA", 354}, {text(m.scene.headers(e, mail)), 250}}
	for i, s := range lines {
		_, err := say(c, s.line, s.code)
		var refused *textproto.Error
		if errors.As(err, &refused) && (i == 1 || i == 3) {
			if i == 1 {
				if _, err := say(c, "RSET", 250); err != nil {
					return answer{}, err
				}
			}
			return answer{text: refused.Error()}, nil
		}
		if err != nil {
			return answer{}, fmt.Errorf("%.40q: %w", s.line, err)
		}
	}
	return answer{delivered: true}, nil
}

// text is the message on the wire, but for the line's end after the dot.
func text(headers []mtascript.Header) string {
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h.Name + ": " + strings.ReplaceAll(h.Value, "\n", "\r\n") + "\r\n")
	}
	b.WriteString("\r\nText.\r\n.")
	return b.String()
}
