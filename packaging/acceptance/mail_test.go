//go:build acceptance

package acceptance

import (
	"fmt"
	"io"
	"net/mail"
	"net/smtp"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// mailbox is that of anna, who reads her mail on the machine.
const (
	anna    = "anna@mx.example.org"
	mailbox = "/var/mail/anna"
)

// letter is a message as it was stored.
type letter struct {
	mail.Header
	body string
}

// marks are the values of its fields X-IoT-Spam.
func (l letter) marks() []string { return l.Header["X-Iot-Spam"] }

// user makes anna's account.
func (m *machine) user() {
	m.t.Helper()
	m.sh("useradd -m anna")
}

// send hands a message with this subject to the machine's MTA. It bears a forged field of ours.
func (m *machine) send(c client, subject string) error {
	conn, err := m.dial(c, server+":25")
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	s, err := smtp.NewClient(conn, server)
	if err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	if err := firstOf(s.Hello(c.helo), s.Mail("sender@sender.example"), s.Rcpt(anna)); err != nil {
		return err
	}
	w, err := s.Data()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "From: sender@sender.example\r\nTo: %s\r\nSubject: %s\r\n"+
		"X-IoT-Spam: No, class=mailserver confidence=0.99 host=mx.example.org\r\n\r\ntext\r\n", anna, subject)
	return firstOf(err, w.Close(), s.Quit())
}

// letters are all that anna has.
func (m *machine) letters() (all []letter) {
	b, err := os.ReadFile(m.root + mailbox)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		m.t.Fatal(err)
	}
	for _, text := range strings.Split("\n\n"+string(b), "\n\nFrom ")[1:] {
		_, text, _ = strings.Cut(text, "\n")
		msg, err := mail.ReadMessage(strings.NewReader(text + "\n"))
		if err != nil {
			continue // being delivered
		}
		body, _ := io.ReadAll(msg.Body)
		all = append(all, letter{msg.Header, string(body)})
	}
	return all
}

// letter waits for anna's message with this subject.
func (m *machine) letter(subject string) letter {
	m.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for _, l := range m.letters() {
			if l.Get("Subject") == subject {
				return l
			}
		}
	}
	m.t.Fatalf("%q is not in %s", subject, mailbox)
	return letter{}
}

// marked sends a message and checks that it is stored with one field X-IoT-Spam that
// begins like this regexp, the forged one being gone; "" is a message that nobody judged.
func (m *machine) marked(c client, subject, want string) string {
	m.t.Helper()
	if err := m.send(c, subject); err != nil {
		m.t.Fatalf("%s: %v", subject, err)
	}
	marks := m.letter(subject).marks()
	if want == "" {
		if len(marks) != 1 || !strings.HasPrefix(marks[0], "No, class=mailserver confidence=0.99 host=mx.example.org") {
			m.t.Errorf("%s: not as it was sent: %q", subject, marks)
		}
		return ""
	}
	if len(marks) != 1 || !regexp.MustCompile("^(?:"+want+")").MatchString(marks[0]) {
		m.t.Errorf("%s: marked %q, want %s", subject, marks, want)
		return ""
	}
	return marks[0]
}

// judges sends one message of each flag.
func (m *machine) judges(when string) {
	m.t.Helper()
	m.marked(partner, when+" partner", "No, class=mailserver .*host=mx.example.org")
	m.marked(line, when+" line", "Suspect, class=access .*host=mx.example.org")
	m.marked(nas, when+" nas", "Yes, class=device device=nas .*host=mx.example.org")
}

// load sends mail all the time from two clients, until its end is asked for.
type load struct {
	m       *machine
	stop    chan struct{}
	senders sync.WaitGroup
	sent    atomic.Int64
	mu      sync.Mutex
	faults  []error
}

func (m *machine) load() *load {
	l := &load{m: m, stop: make(chan struct{})}
	for i, c := range []client{partner, nas} {
		l.senders.Go(func() { l.run(i, c) })
	}
	m.t.Cleanup(l.halt)
	return l
}

func (l *load) run(i int, c client) {
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		if err := l.m.send(c, fmt.Sprintf("load %d.%d.", i, n)); err != nil {
			l.mu.Lock()
			l.faults = append(l.faults, err)
			l.mu.Unlock()
			continue
		}
		l.sent.Add(1)
	}
}

func (l *load) halt() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.senders.Wait()
}

// open checks that Postfix always found the milter's socket open. It lets mail pass where nobody
// listens, so that only its log tells.
func (l *load) open() {
	l.m.t.Helper()
	if log, _ := l.m.try("journalctl -b --no-pager -o cat -t postfix/smtpd | grep 'warning: connect to Milter'"); log != "" {
		l.m.t.Errorf("the milter's socket was closed:\n%s", last(log, 1000))
	}
}

// judged ends the load and checks that no message was refused, and that each was stored once; all of
// them judged, unless some may have passed unjudged. It says how many did.
func (l *load) judged(all bool) (unjudged int) {
	t := l.m.t
	t.Helper()
	l.halt()
	for _, err := range l.faults {
		t.Errorf("refused: %v", err)
	}
	want := int(l.sent.Load())
	var stored map[string]int
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && len(stored) < want; time.Sleep(200 * time.Millisecond) {
		stored, unjudged = map[string]int{}, 0
		for _, m := range l.m.letters() {
			if s := m.Get("Subject"); strings.HasPrefix(s, "load ") {
				stored[s]++
				if marks := m.marks(); len(marks) != 1 || strings.HasSuffix(marks[0], "confidence=0.99 host=mx.example.org") && len(marks[0]) < 70 {
					unjudged++
				}
			}
		}
	}
	if len(stored) != want || want < 20 {
		t.Errorf("%d messages were accepted, %d are stored", want, len(stored))
	}
	for subject, n := range stored {
		if n != 1 {
			t.Errorf("%s is stored %d times", subject, n)
		}
	}
	if unjudged > 0 && all {
		t.Errorf("%d of %d messages passed unjudged", unjudged, want)
	}
	t.Logf("%d messages under load, %d unjudged", want, unjudged)
	return unjudged
}
