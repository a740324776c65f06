//go:build integration

package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/smtp"
	"net/textproto"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The tests of this file have two Postfix, each with a daemon of its own, and one real
// redis-server that the daemons share.

const redisSocket = "/srv/redis.sock"

// second is the other MX of example.test.
var second = &mta{name: "second", script: "mta/postfix.sh", addrs: []string{secondAddr},
	env: []string{"MTA_HOST=mx2.example.test"}}

// redis is the store that the hosts share.
type redis struct{ cmd *exec.Cmd }

// start returns when it listens.
func (r *redis) start(t *testing.T) {
	t.Helper()
	r.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", redisSocket, "--unixsocketperm", "777",
		"--dir", "/srv", "--save", "", "--appendonly", "no")
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if exec.Command("redis-cli", "-s", redisSocket, "ping").Run() == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("redis-server does not answer within 5 s")
}

func (r *redis) kill() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

// mx is one MX: its Postfix, and its daemon with metrics.
type mx struct {
	*mta
	daemon *daemon
	admin  string
}

// twoHosts start, with one store and one configuration.
func twoHosts(t *testing.T, config string) (hosts [2]*mx, store *redis) {
	setUp(t)
	store = &redis{}
	store.start(t)
	t.Cleanup(store.kill)
	for i, m := range []*mta{postfix, second} {
		m.start(t)
		m.Lock()
		t.Cleanup(m.Unlock)
		m.clear()
		h := &mx{m, newDaemon(t, m.socket()), fmt.Sprintf("127.0.0.1:%d", 8894+i)}
		h.daemon.configure(fmt.Sprintf("mode = \"enforce\"\nadmin.listen = %q\nstore.url = \"unix://%s\"\n", h.admin, redisSocket) + config)
		h.daemon.start()
		t.Cleanup(func() {
			h.daemon.stop(syscall.SIGKILL)
			if t.Failed() {
				t.Logf("the daemon's log:\n%s", clip(h.daemon.log.String()))
			}
		})
		hosts[i] = h
	}
	return hosts, store
}

// send plays one session of a client whom XCLIENT describes, and returns the code of
// the answer to its message: what refuses it, or 250.
func (h *mx) send(c client, helo, from string) (code int, err error) {
	text, err := os.ReadFile("mails/spam.eml")
	if err != nil {
		return 0, err
	}
	return h.deliver(c, helo, from, text)
}

// deliver is send with a message of the caller's.
func (m *mta) deliver(c client, helo, from string, text []byte) (code int, err error) {
	s, err := m.introduce(c)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if err = s.Hello(helo); err == nil {
		err = s.Mail(from)
	}
	if err == nil {
		err = s.Rcpt("user@example.test")
	}
	if err == nil {
		err = message(s, text)
	}
	var refused *textproto.Error
	if errors.As(err, &refused) {
		return refused.Code, nil
	}
	return 250, err
}

// introduce connects and tells Postfix by XCLIENT who the client is.
func (m *mta) introduce(c client) (*smtp.Client, error) {
	conn, err := dial(nil, "127.0.0.1", m.listener("smtp", false))
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(replyTimeout))
	text := textproto.NewConn(conn)
	_, _, err = text.ReadResponse(220)
	if err == nil {
		err = text.PrintfLine("EHLO test.example.test")
	}
	if err == nil {
		_, _, err = text.ReadResponse(250)
	}
	addr := c.addr
	if strings.Contains(addr, ":") {
		addr = "IPV6:" + addr
	}
	if err == nil {
		err = text.PrintfLine("XCLIENT NAME=%s REVERSE_NAME=%s ADDR=%s PORT=40000", c.name, c.name, addr)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	s, err := smtp.NewClient(conn, m.host()) // Postfix greets the client that it was told of
	if err != nil {
		conn.Close()
	}
	return s, err
}

func message(s *smtp.Client, text []byte) error {
	w, err := s.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Close()
}

// metric is one of the daemon's, the sum over labels where the name has none.
func (h *mx) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	resp, err := http.Get("http://" + h.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), " ")
		if key == "iot_milter_"+name || strings.HasPrefix(key, "iot_milter_"+name+"{") {
			v, _ := strconv.ParseFloat(value, 64)
			sum += v
		}
	}
	return sum
}

// degraded waits until the host answers alone, or no longer.
func (h *mx) degraded(t *testing.T, want float64) {
	t.Helper()
	for range 1500 {
		if h.metric(t, "shared_degraded") == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: shared_degraded is not %g within 30 s\n%s", h.name, want, clip(h.daemon.log.String()))
}

// homeLine is a client on a consumer line, in a network of its own.
func homeLine(n int) client {
	return client{addr: fmt.Sprintf("2001:db8:%x::7", 0x100+n), name: fmt.Sprintf("cpe-%d-7.dyn.isp.example", n), iprev: "pass"}
}

// sends checks the answer to one session.
func (h *mx) sends(t *testing.T, c client, helo, from string, want int) {
	t.Helper()
	if code, err := h.send(c, helo, from); err != nil || code != want {
		t.Errorf("%s at %s: %d %v, not %d", c.addr, h.name, code, err, want)
	}
}

// knownLines has DNS know so many lines.
func knownLines(t *testing.T, n int) {
	t.Helper()
	z := newZone()
	for i := range n {
		if err := z.addClient(homeLine(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := names.Set(z.text.String()); err != nil {
		t.Fatal(err)
	}
}

// TestSharedMemory: a limit is counted over both hosts, who was deferred at one passes at
// the other, and a campaign is the sum of what both see, and is acted on at both.
func TestSharedMemory(t *testing.T) {
	hosts, _ := twoHosts(t, `class.device.action = "defer"
class.access.action = "limit"
defer.delay = "3s"
campaign.hosts = 6
limit = [{name = "few", class = ["access"], key = ["prefix"], rate = "1/1h", burst = 2}]
`)
	knownLines(t, 20)
	a, b := hosts[0], hosts[1]
	a.sends(t, homeLine(0), "DiskStation", "admin@diskstation.example", 451)
	b.sends(t, homeLine(0), "DiskStation", "admin@diskstation.example", 451)
	time.Sleep(3100 * time.Millisecond)
	b.sends(t, homeLine(0), "DiskStation", "admin@diskstation.example", 250)

	a.sends(t, homeLine(1), "user-pc", "a@sender.example", 250)
	b.sends(t, homeLine(1), "user-pc", "b@sender.example", 250)
	a.sends(t, homeLine(1), "user-pc", "c@sender.example", 451)
	b.sends(t, homeLine(1), "user-pc", "d@sender.example", 451)

	// The line above was let in with the template, at both hosts: it is one network.
	for n := 2; n < 6; n++ {
		hosts[n%2].sends(t, homeLine(n), "user-pc", "offer@sender.example", 250)
	}
	for n := 6; n < 12; n++ {
		hosts[n%2].sends(t, homeLine(n), "user-pc", "offer@sender.example", 451)
	}
	began := a.metric(t, "campaigns_total") + b.metric(t, "campaigns_total")
	if acted := min(a.metric(t, "campaign_messages_total"), b.metric(t, "campaign_messages_total")); began == 0 || acted < 3 {
		t.Errorf("%g campaigns, and at least %g messages at each host", began, acted)
	}
	for _, h := range hosts {
		out, err := exec.Command(program, "top", "campaigns", "--json", "-c", h.daemon.dir+"/iot-milter.toml").Output()
		if err != nil || !strings.Contains(string(out), `"networks":`) {
			t.Errorf("%s: top campaigns: %v %s", h.name, err, out)
		}
		out, err = exec.Command(program, "cache", "show", homeLine(1).addr, "--json", "-c", h.daemon.dir+"/iot-milter.toml").Output()
		if err != nil || !strings.Contains(string(out), `"sessions":4`) {
			t.Errorf("%s: cache show: %v %s", h.name, err, out)
		}
		h.settle(t)
	}
}

// TestSharedStoreKilled: the store dies under load and comes back. Every message is let in
// and stored, each host goes on alone meanwhile and comes back by itself.
func TestSharedStoreKilled(t *testing.T) {
	hosts, store := twoHosts(t, `class.access.action = "limit"
campaign.hosts = 1000
limit = [{name = "many", class = ["access"], key = ["prefix"], rate = "1000/1s", burst = 1000}]
`)
	const lines, senders, enough = 40, 6, 500
	knownLines(t, lines)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var wg sync.WaitGroup
	var sent [2]atomic.Int64
	for i := range senders {
		wg.Go(func() {
			for n := i; ctx.Err() == nil; n += senders {
				h := hosts[n%2]
				if code, err := h.send(homeLine(n%lines), "user-pc", fmt.Sprintf("m%d@sender.example", n)); err != nil || code != 250 {
					t.Errorf("message %d at %s: %d %v", n, h.name, code, err)
				}
				sent[n%2].Add(1)
			}
		})
	}
	total := func(n int64) {
		for end := time.Now().Add(60 * time.Second); sent[0].Load()+sent[1].Load() < n && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
	}
	total(100)
	store.kill()
	for _, h := range hosts {
		h.degraded(t, 1)
	}
	total(sent[0].Load() + sent[1].Load() + 100)
	store.start(t)
	for _, h := range hosts {
		h.degraded(t, 0)
	}
	total(max(enough, sent[0].Load()+sent[1].Load()+100))
	stop()
	wg.Wait()
	t.Logf("%d and %d messages", sent[0].Load(), sent[1].Load())
	for i, h := range hosts {
		n := int(sent[i].Load())
		if got := len(h.sink.Wait(n, 30*time.Second)); got != n {
			t.Errorf("%s: %d messages are stored, not %d", h.name, got, n)
		}
		ok, alone := h.metric(t, `shared_calls_total{op="mail",outcome="ok"}`), h.metric(t, `shared_calls_total{op="mail",outcome="local"}`)
		if ok == 0 || alone == 0 || h.metric(t, "fail_open_total") != 0 {
			t.Errorf("%s: %g questions answered, %g by the own memory, %g messages passed unjudged", h.name, ok, alone, h.metric(t, "fail_open_total"))
		}
		if n := strings.Count(h.daemon.log.String(), "the shared store does not answer"); n != 1 {
			t.Errorf("%s: %d lines about the store", h.name, n)
		}
		h.settle(t)
	}
}
