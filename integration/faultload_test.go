//go:build integration

package integration

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is mail that goes on through Postfix while something breaks: of four messages
// two are mail servers', one a self-hoster's on a home line, one a disk station's. It
// remembers what each client was answered, for the count at the sink.
type load struct {
	t      *testing.T
	broken bool // sessions may break: the MTA itself is killed

	pause atomic.Int64 // between two messages of a session's sender, in nanoseconds
	stop  chan struct{}
	ended sync.Once
	wait  sync.WaitGroup

	mu       sync.Mutex
	next     int
	answers  map[string]int // id of a message → the code that decided it, 0 for none
	longest  time.Duration  // of a legitimate session
	suspects int            // refused
}

const (
	loadSenders = 4
	loadPause   = 2 * time.Millisecond // a hundred messages a second and more are enough
)

// loadClients are those of the load: mail servers, self-hosters and disk stations.
func loadClients() (all []client) {
	for i := range 8 {
		all = append(all,
			client{addr: fmt.Sprintf("198.51.100.%d", 210+i), name: fmt.Sprintf("mail%d.fault.example.org", i), iprev: "pass"},
			client{addr: fmt.Sprintf("203.0.113.%d", 210+i), name: fmt.Sprintf("cpe-203-0-113-%d.dyn.isp.example", 210+i), iprev: "pass"},
			client{addr: fmt.Sprintf("203.0.113.%d", 230+i), name: fmt.Sprintf("cpe-203-0-113-%d.dyn.isp.example", 230+i), iprev: "pass"})
	}
	return all
}

// loadNames has DNS know the clients, and the self-hosters' own names.
func loadNames(t *testing.T) string {
	t.Helper()
	z := newZone()
	for _, c := range loadClients() {
		if err := z.addClient(c); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		z.addAddr(fmt.Sprintf("mail.self%d.example.org", i), fmt.Sprintf("203.0.113.%d", 210+i))
	}
	return z.text.String()
}

func startLoad(t *testing.T, broken bool) *load {
	l := &load{t: t, broken: broken, stop: make(chan struct{}), answers: map[string]int{}}
	l.pause.Store(int64(loadPause))
	t.Cleanup(l.end)
	for range loadSenders {
		l.wait.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				case <-time.After(time.Duration(l.pause.Load())):
				}
				l.one()
			}
		})
	}
	return l
}

// text is a message that the sink can be asked for.
func text(id string) []byte {
	return []byte("From: <anna@fault.example.org>\r\nTo: <user@example.test>\r\nSubject: minutes\r\nX-Fault: " + id +
		"\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <" + id + "@fault.example.org>\r\n\r\nhello\r\n")
}

// one sends the next message.
func (l *load) one() {
	l.mu.Lock()
	n := l.next
	l.next++
	l.mu.Unlock()
	c, legitimate := loadClients()[n/4%8*3], true
	helo, from := c.name, "anna@fault.example.org"
	switch n % 4 {
	case 2:
		c = loadClients()[n/4%8*3+1]
		helo, from = fmt.Sprintf("mail.self%d.example.org", n/4%8), fmt.Sprintf("otto@self%d.example.org", n/4%8)
	case 3:
		c = loadClients()[n/4%8*3+2]
		helo, from, legitimate = "DiskStation", "admin@diskstation.local", false
	}
	id := fmt.Sprintf("load-%d", n)
	began := time.Now()
	code, err := postfix.deliver(c, helo, from, text(id))
	took := time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil && l.broken:
		code = 0
		time.Sleep(20 * time.Millisecond)
	case err != nil:
		l.t.Errorf("%s of %s: %v", id, helo, err)
		code = 0
	case code != 250 && legitimate:
		l.t.Errorf("%s of %s is answered %d: it is legitimate", id, helo, code)
	}
	l.answers[id] = code
	if code != 250 && code != 0 {
		l.suspects++
	}
	if legitimate && code == 250 {
		l.longest = max(l.longest, took)
	}
}

// accept notes a message that was accepted outside the load.
func (l *load) accept(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[id] = 250
}

// more waits for n messages more.
func (l *load) more(n int) {
	l.t.Helper()
	count := func() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.answers) }
	want := count() + n
	for end := time.Now().Add(90 * time.Second); count() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("%d messages of %d within 90 s", n-want+count(), n)
		}
	}
}

// end stops the load.
func (l *load) end() {
	l.ended.Do(func() { close(l.stop) })
	l.wait.Wait()
}

var faultID = regexp.MustCompile(`(?m)^X-Fault: (\S+)\r?$`)

// arrived counts at the sinks: whatever was answered 250 is there once, what was
// refused is not, and what got no answer at most once.
func (l *load) arrived(mtas ...*mta) (accepted, stored, unjudged int) {
	l.t.Helper()
	for _, code := range l.answers {
		if code == 250 {
			accepted++
		}
	}
	times := map[string]int{}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		clear(times)
		unjudged = 0
		for _, m := range mtas {
			for _, got := range m.sink.Messages() {
				if id := faultID.FindSubmatch(got.Data); id != nil {
					times[string(id[1])]++
					if !judged(got.Data) {
						unjudged++
					}
				}
			}
		}
		if l.complete(times) || time.Now().After(end) {
			break
		}
	}
	for id, code := range l.answers {
		if n := times[id]; code == 250 && n != 1 || code != 250 && code != 0 && n != 0 || n > 1 {
			l.t.Errorf("%s was answered %d and arrived %d times", id, code, n)
		}
	}
	return accepted, len(times), unjudged
}

func (l *load) complete(times map[string]int) bool {
	for id, code := range l.answers {
		if code == 250 && times[id] == 0 {
			return false
		}
	}
	return true
}

// judged says whether a stored message has a verdict.
func judged(data []byte) bool {
	fields, _ := parseMessage(data)
	mine := named(fields, headerName)
	return len(mine) == 1 && !strings.Contains(mine[0].value, "reason=fail-open")
}
