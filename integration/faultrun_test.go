//go:build integration

package integration

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// The faults of this file leave the daemon alive.

func dnsBlackHole(r *faultRun) {
	r.dnsDoes("!drop *")
	r.recovered(time.Now())
	r.load.more(60)
	// The load's clients were asked about before; these were not.
	server, line, device := r.all()
	server.within(r.t, "the server", 0)
	line.within(r.t, "the line", evidenceMax)
	device.within(r.t, "the device", evidenceMax)
	r.note = fmt.Sprintf("RCPT of new clients after %s, %s and %s", short(server.rcpt), short(line.rcpt), short(device.rcpt))
	r.dnsDoes("!clear *\n" + loadNames(r.t))
}

var faultStore = &redis{}

func startStore(t *testing.T) {
	faultStore.start(t)
	t.Cleanup(faultStore.kill)
}

func storeDead(r *faultRun) {
	faultStore.kill()
	r.recovered(time.Now())
	r.load.more(60)
	r.until("the daemon answers alone", func() bool { return r.metrics()["iot_milter_shared_degraded"] == 1 })
	faultStore.start(r.t)
	back := r.until("the store is used again", func() bool { return r.metrics()["iot_milter_shared_degraded"] == 0 })
	r.note = "store used again after " + short(back)
}

// until waits, and says how long.
func (r *faultRun) until(what string, ok func() bool) time.Duration {
	r.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > 40*time.Second {
			r.t.Fatalf("not within 40 s: %s\n%s", what, clip(r.daemon.log.String()))
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

// diskFull gives the daemon a small disk of its own, and fills it.
func diskFull(r *faultRun) {
	r.daemon.stop(syscall.SIGTERM)
	dir := r.daemon.dir + "/state"
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0777,size=4m"); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		r.daemon.stop(syscall.SIGKILL)
		_ = unix.Unmount(dir, 0)
	})
	r.restart()
	r.until("the store is up", func() bool { return r.metrics()["iot_milter_store_up"] == 1 })
	f, err := os.Create(dir + "/filler")
	if err != nil {
		r.t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		r.t.Fatal(err)
	}
	r.recovered(time.Now())
	r.load.more(60)
	r.until("the store is down", func() bool { return r.metrics()["iot_milter_store_up"] == 0 })
	r.load.more(20)
	if err := os.Remove(f.Name()); err != nil {
		r.t.Fatal(err)
	}
	r.note = "store back after " + short(r.until("the store is up again", func() bool { return r.metrics()["iot_milter_store_up"] == 1 }))
}

func descriptorsExhausted(r *faultRun) {
	var held []net.Conn
	for range 200 {
		c, err := net.Dial("unix", postfix.socket())
		if err != nil {
			r.t.Fatal(err)
		}
		held = append(held, c)
	}
	if err := r.daemon.says("msg=accept .*too many open files"); err != nil {
		r.t.Error(err)
	}
	time.Sleep(2 * time.Second)
	for _, c := range held {
		c.Close()
	}
	r.recovered(time.Now())
	if r.load.more(20); r.load.longest > 8*time.Second+slack {
		r.t.Errorf("a legitimate session took %v", r.load.longest)
	}
}

func memoryLimit(r *faultRun) {
	var fields []mtascript.Header
	for i := range 200 {
		fields = append(fields, mtascript.Header{Name: fmt.Sprintf("X-Filler-%d", i), Value: strings.Repeat("x", 200)})
	}
	r.crowd(1000, func(s *mtascript.Session) { s.Messages[0].Headers = fields })
	r.note = fmt.Sprintf("%d MiB resident", r.resident()>>20)
}

// resident is the daemon's memory in bytes.
func (r *faultRun) resident() int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", r.daemon.cmd.Process.Pid))
	if err != nil {
		r.t.Fatal(err)
	}
	var all, pages int
	if _, err := fmt.Sscan(string(b), &all, &pages); err != nil {
		r.t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// crowd has n sessions open at once, all at their first recipient, and lets them go on.
func (r *faultRun) crowd(n int, change func(*mtascript.Session)) {
	r.t.Helper()
	var ready, done sync.WaitGroup
	var failed atomic.Int64
	on := make(chan struct{})
	ready.Add(n)
	for range n {
		done.Go(func() {
			c, err := mtascript.Dial("unix", postfix.socket())
			if err == nil {
				_, err = c.Negotiate(mtascript.FullOffer())
			}
			if err == nil {
				_, err = c.Event(mtascript.Connect(faultServer.name, '4', 4000, faultServer.addr))
			}
			for _, f := range []mtascript.Frame{mtascript.Helo(faultServer.name), mtascript.Mail("<anna@fault.example.org>"), mtascript.Rcpt("<user@example.test>")} {
				if err == nil {
					_, err = c.Event(f)
				}
			}
			ready.Done()
			if err != nil {
				failed.Add(1)
				return
			}
			<-on
			s := direct()
			if change != nil {
				change(&s)
			}
			for _, h := range s.Messages[0].Headers {
				if err == nil {
					_, err = c.Event(mtascript.HeaderField(h.Name, h.Value))
				}
			}
			reply, err := c.Event(mtascript.EOM())
			if err != nil || len(reply.Edits) != 1 || strings.Contains(reply.Edits[0].Value, "fail-open") {
				failed.Add(1)
			}
			_ = c.Finish()
		})
	}
	ready.Wait()
	r.until("all are served", func() bool { return r.metrics()["iot_milter_sessions"] >= float64(n) })
	close(on)
	done.Wait()
	if failed.Load() > 0 {
		r.t.Errorf("%d of %d sessions were not judged", failed.Load(), n)
	}
}

func manySessions(r *faultRun) { r.crowd(2000, nil) }

func slowDrip(r *faultRun) {
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			c, err := mtascript.Dial("unix", postfix.socket())
			if err != nil {
				r.t.Error(err)
				return
			}
			c.Drip = 2 * time.Millisecond
			s := direct()
			if tr, err := s.Run(c); err != nil || !marked(tr.Messages[0]) {
				r.t.Errorf("byte by byte: %v", err)
			}
		})
	}
	s := direct()
	s.Fault = &mtascript.Fault{Kind: mtascript.FaultStall, At: mtascript.CmdEOM, Limit: 5 * time.Second}
	tr, err := s.Dial("unix", postfix.socket())
	if err != nil {
		r.t.Errorf("a stalled frame: %v", err)
	}
	r.load.more(40)
	wait.Wait()
	r.note = "the stalled one was ended after " + short(tr.Closed)
}

// garbageFrames sends frames of any command with any content, until the daemon hangs up.
func garbageFrames(r *faultRun) {
	var sent, sessions atomic.Int64
	var wait sync.WaitGroup
	before := r.metrics()["go_goroutines"]
	for seed := range 4 {
		wait.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(seed), 1))
			for sent.Load() < int64(*faultsFrames) {
				c, err := mtascript.Dial("unix", postfix.socket())
				if err != nil {
					r.t.Error(err)
					return
				}
				sessions.Add(1)
				c.Timeout = time.Second
				if dice.IntN(8) > 0 {
					_, _ = c.Negotiate(mtascript.FullOffer())
				}
				for range 64 {
					payload := make([]byte, dice.IntN(64))
					for i := range payload {
						payload[i] = byte(dice.Uint32())
					}
					// Mostly commands that there are: others end the session at once.
					code := "CHMRTLNBEADU"[dice.IntN(12)]
					if dice.IntN(64) == 0 {
						code = byte(dice.Uint32())
					}
					if c.Send(code, payload) != nil {
						break
					}
					sent.Add(1)
				}
				_ = c.Close()
			}
		})
	}
	wait.Wait()
	r.recovered(time.Now())
	values := r.metrics()
	if n := values[`iot_milter_events_total{event="panic"}`]; n > 0 {
		r.t.Errorf("%g panics", n)
	}
	if n := strings.Count(r.daemon.log.String(), "not the milter protocol"); n != 1 {
		r.t.Errorf("%d lines about the protocol", n)
	}
	r.until("the sessions' goroutines end", func() bool { return r.metrics()["go_goroutines"] < before+100 })
	r.note = fmt.Sprintf("%d frames in %d sessions", sent.Load(), sessions.Load())
}

func reloads(r *faultRun) {
	for i := range 20 {
		r.daemon.configure([]string{"campaign.hosts = 30\n", "campaign.hosts = 40\n"}[i%2])
		r.daemon.reload()
		if out, err := exec.Command(program, "reload", "-c", r.daemon.dir+"/iot-milter.toml").CombinedOutput(); err != nil {
			r.t.Errorf("iot-milter reload: %v %s", err, out)
		}
		r.load.more(3)
	}
	r.recovered(time.Now())
	r.allJudged()
	if n := r.metrics()[`iot_milter_reloads_total{result="ok"}`]; n != 40 {
		r.t.Errorf("%g reloads", n)
	}
}

// allJudged checks the messages that have arrived so far.
func (r *faultRun) allJudged() {
	r.t.Helper()
	for _, m := range postfix.sink.Messages() {
		if !judged(m.Data) {
			r.t.Errorf("a message is not judged:\n%.400s", m.Data)
			return
		}
	}
}

func brokenReload(r *faultRun) {
	for _, broken := range []string{"mode = \"enfroce\"\n", "[[limit]\n", "class.device.action = 7\n"} {
		r.daemon.configure(broken)
		r.daemon.reload()
		if err := exec.Command(program, "reload", "-c", r.daemon.dir+"/iot-milter.toml").Run(); err == nil {
			r.t.Error("iot-milter reload is content")
		}
		r.recovered(time.Now())
		r.load.more(20)
	}
	r.allJudged()
	if n := r.metrics()[`iot_milter_reloads_total{result="error"}`]; n < 3 {
		r.t.Errorf("%g wrong reloads are counted", n)
	}
	r.daemon.configure("")
	r.daemon.reload()
}

func logBlocked(r *faultRun) {
	r.daemon.stop(syscall.SIGTERM)
	out, in, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	defer out.Close()
	r.daemon.stderr = in
	r.daemon.start()
	in.Close()
	r.load.more(40)
	for range 300 { // their lines are more than a pipe holds
		if !serves() {
			r.t.Fatal("a message is not judged")
		}
	}
	r.load.more(40)
	began := time.Now()
	r.daemon.stop(syscall.SIGTERM)
	r.note = "ended after " + short(time.Since(began))
	r.daemon.stderr = nil
	r.restart()
}

// networkClient is the nth client of one /40.
func networkClient(n int) mtascript.Client {
	return mtascript.Client{Host: fmt.Sprintf("mail%d.flood.example.org", n), Family: mtascript.FamilyInet6, Port: 4000,
		Addr: fmt.Sprintf("2001:db8:ab%02x:%x::7", n>>16&255, n&0xffff)}
}

func manyNetworks(r *faultRun) {
	known := func(i int) string { return fmt.Sprintf("198.51.%d.%d", 101+i/8, i%8+1) }
	r.direct(100, func(i int, s *mtascript.Session) { s.Client.Addr = known(i) })
	r.direct(*faultsNetworks, func(i int, s *mtascript.Session) {
		s.Client = networkClient(i)
		s.Helo = s.Client.Host
	})
	lost := 0
	for i := range 100 {
		out, err := exec.Command(program, "cache", "show", known(i), "--json", "-c", r.daemon.dir+"/iot-milter.toml").Output()
		if err != nil || !strings.Contains(string(out), `"sessions":1`) {
			lost++
		}
	}
	if lost > 0 {
		r.t.Errorf("%d of 100 known clients are forgotten", lost)
	}
	r.note = fmt.Sprintf("%d networks, %g MiB resident", *faultsNetworks, float64(r.resident()>>20))
}

// direct plays n sessions on the milter socket, eight at once.
func (r *faultRun) direct(n int, change func(int, *mtascript.Session)) {
	r.t.Helper()
	var next atomic.Int64
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				s := direct()
				change(i, &s)
				if _, err := s.Dial("unix", postfix.socket()); err != nil {
					r.t.Errorf("session %d: %v", i, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// hiddenClients slows the load: of the sessions that the daemon sees nine tenths must
// have the one address, on a quick machine, too.
func hiddenClients(r *faultRun) {
	r.load.pause.Store(int64(time.Second))
	defer r.load.pause.Store(int64(loadPause))
	r.direct(1500, func(_ int, s *mtascript.Session) {
		s.Client = mtascript.Client{Host: "[172.17.0.1]", Port: 4000, Addr: "172.17.0.1"}
	})
	r.until("/ready tells", func() bool { return strings.Contains(r.ready(), `"client_hidden":true`) })
	if n := strings.Count(r.daemon.log.String(), "private address"); n != 1 {
		r.t.Errorf("%d lines about it", n)
	}
	r.direct(150, func(i int, s *mtascript.Session) { s.Client.Addr = fmt.Sprintf("198.51.100.%d", i+1) })
	r.until("/ready tells of the end", func() bool { return strings.Contains(r.ready(), `"client_hidden":false`) })
}

func (r *faultRun) ready() string {
	resp, err := http.Get("http://" + adminAddr + "/ready")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}
