package daemon_test

import (
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/disk"
)

type unmetered struct{}

func (unmetered) StoreUp(bool)                   {}
func (unmetered) StoreLoaded(int, time.Duration) {}
func (unmetered) StoreFlushed(int)               {}
func (unmetered) StoreLost(int)                  {}

// remember leaves a store in a folder, of so many hosts and one that was regular for days.
func remember(t *testing.T, dir string, hosts int, regular netip.Addr) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	m, err := state.New(state.Options{Entries: 1000, Hosts: 2 * hosts, Secret: disk.Secret(dir, log)})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range hosts {
		m.Visit(netip.AddrFrom4([4]byte{198, 18 + byte(i>>16)&1, byte(i), byte(i >> 8)}), state.Visit{At: now, Class: policy.ClassAccess})
	}
	for session := range 30 {
		m.Visit(regular, state.Visit{At: now.AddDate(0, 0, session/3-10), Class: policy.ClassMailserver})
	}
	s := disk.Open(m, disk.Options{Dir: dir, Log: log, Meter: unmetered{}, Now: time.Now})
	if err := s.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
}

// TestMTAsWaitWhileHistoryIsLoaded: who connects while the daemon loads is not refused, and
// is judged by the history once it is there.
func TestMTAsWaitWhileHistoryIsLoaded(t *testing.T) {
	dir := t.TempDir()
	remember(t, dir, 130_000, netip.MustParseAddr("192.0.2.10"))
	for range 10 { // a busy machine may let nobody connect in time
		p := launch(t, dir)
		conn := p.connects()
		connected := time.Now()
		if got := p.messageOver(conn, "mx1.example.org", "mx1.example.org"); !strings.HasPrefix(got, "No, class=mailserver") {
			t.Errorf("header %q", got)
		}
		p.says("msg=verdict")
		if !strings.Contains(p.log.String(), "history-regular") {
			t.Fatalf("judged without the history:\n%s", p.log)
		}
		loaded := p.at(`msg="history loaded"`)
		if ready := p.at("msg=ready"); ready.Before(loaded) {
			t.Errorf("ready at %v, loaded at %v", ready, loaded)
		}
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.ends()
		if connected.Before(loaded) {
			return
		}
	}
	t.Error("nobody could connect before the history was loaded, in 10 starts")
}

// at is when the log says something.
func (p *process) at(what string) time.Time {
	p.t.Helper()
	for line := range strings.Lines(p.log.String()) {
		if !strings.Contains(line, what) {
			continue
		}
		text, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			p.t.Fatal(err)
		}
		return at
	}
	p.t.Fatalf("the log does not say %q:\n%s", what, p.log)
	return time.Time{}
}

// connects waits for the socket.
func (p *process) connects() *mtascript.Conn {
	p.t.Helper()
	for range 5000 {
		if c, err := mtascript.Dial("unix", p.socket); err == nil {
			return c
		}
		time.Sleep(time.Millisecond)
	}
	p.t.Fatalf("nobody listens:\n%s", p.log)
	return nil
}

// TestWrongStoreLeavesNoSocket: where the start ends after the sockets are open, they go.
func TestWrongStoreLeavesNoSocket(t *testing.T) {
	p := launch(t, t.TempDir(), `store.url = "redis://127.0.0.1:6379/nowhere"`)
	if code := p.ends(); code != 1 || !strings.Contains(p.log.String(), "msg=listening") {
		t.Errorf("exit %d\n%s", code, p.log)
	}
	if _, err := os.Stat(p.socket); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}
