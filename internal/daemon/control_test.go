package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// controlled launches a daemon that keeps its state in its folder and asks no DNS.
func controlled(t *testing.T, dir string, lines ...string) *process {
	t.Helper()
	p := launch(t, dir, append([]string{fmt.Sprintf("state_dir = %q", dir), "dns.enabled = false"}, lines...)...)
	p.says("msg=ready")
	return p
}

func (p *process) control() string { return filepath.Join(p.dir, "c.sock") }

// asks asks over the control socket.
func asks[T any](p *process, method, path string, body any) (answer T, err error) {
	p.t.Helper()
	err = admin.NewClient(p.control()).Do(context.Background(), method, path, body, &answer)
	return answer, err
}

// sends sends a message as that client, which its HELO makes a NAS, and returns the
// header.
func (p *process) sends(addr string) string {
	p.t.Helper()
	s := mtascript.Session{
		Client: mtascript.Client{Host: "cpe-203-0-113-7.dyn.isp.example", Port: 4000, Addr: addr}, Helo: "DiskStation",
		Messages: []mtascript.Message{{
			From: "a@example.org", Rcpts: []string{"u@example.test"}, Headers: []mtascript.Header{{Name: "Subject", Value: "alert"}},
		}},
	}
	tr, err := s.Dial("unix", p.socket)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.log)
	}
	for _, h := range tr.Messages[0].Headers {
		if h.Name == "X-IoT-Spam" {
			return h.Value
		}
	}
	return ""
}

func TestControlSocket(t *testing.T) {
	dir := t.TempDir()
	first := controlled(t, dir)
	info, err := os.Stat(first.control())
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info, err)
	}
	first.cmd.Process.Kill()
	first.ends()
	second := controlled(t, dir) // in the place of what the dead one left
	if s, err := asks[admin.Snapshot](second, "GET", "/v1/top", nil); err != nil || s.Mode != "tag" || len(s.Tables) == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	other := launch(t, t.TempDir(), "[admin]", `listen = ""`, fmt.Sprintf("control = %q", second.control()))
	other.says("the control socket is not served")
	other.says("msg=ready")
	if other.message("mx1.example.org") == "" {
		t.Error("a taken control socket stops the mail service")
	}
	if _, err := asks[admin.Snapshot](second, "GET", "/v1/top", nil); err != nil {
		t.Errorf("the other daemon took the socket away: %v", err)
	}
	second.cmd.Process.Signal(syscall.SIGTERM)
	if code := second.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(second.control()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestNoControlSocket(t *testing.T) {
	p := launch(t, t.TempDir(), "[admin]", `listen = ""`, `control = ""`)
	p.says("msg=ready")
	if p.message("mx1.example.org") == "" || strings.Contains(p.log.String(), "control") {
		t.Errorf("%s", p.log)
	}
}

func TestControlReloads(t *testing.T) {
	dir := t.TempDir()
	p := controlled(t, dir)
	path, _ := config(t, dir, fmt.Sprintf("state_dir = %q", dir), `mode = "observe"`, "[limits]", "sessions = 7")
	r, err := asks[admin.Reloaded](p, "POST", "/v1/reload", nil)
	if err != nil || !r.OK || r.Mode != "observe" || len(r.Later) != 1 || r.Later[0] != "limits.sessions" {
		t.Errorf("%+v, %v", r, err)
	}
	if got := p.sends("203.0.113.7"); got != "" {
		t.Errorf("observe wrote %q", got)
	}
	if err := os.WriteFile(path, []byte("mode = \"obsrve\"\nlisen = []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err = asks[admin.Reloaded](p, "POST", "/v1/reload", nil)
	if err != nil || r.OK || r.Mode != "observe" || len(r.Errors) != 2 || r.Errors[0].Line != 1 || r.Errors[0].Key != "mode" {
		t.Errorf("%+v, %v", r, err)
	}
	if got := p.sends("203.0.113.7"); got != "" {
		t.Errorf("after a wrong reload: %q", got)
	}
	p.says("msg=control does=reload uid=" + strconv.Itoa(os.Getuid()))
}

// TestSafety19ChangeGroup: who may open the socket and is not in the group reads.
func TestSafety19ChangeGroup(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be others")
	}
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	p := controlled(t, dir)
	os.Chmod(p.control(), 0o666)
	status := func(method, path string) (got int) {
		done := make(chan int)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends
			syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), 65534, ^uintptr(0))
			conn, err := net.Dial("unix", p.control())
			if err != nil {
				t.Error(err)
				done <- 0
				return
			}
			client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}}
			r, _ := http.NewRequest(method, "http://localhost"+path, nil)
			a, err := client.Do(r)
			if err != nil {
				t.Error(err)
				done <- 0
				return
			}
			a.Body.Close()
			done <- a.StatusCode
		}()
		return <-done
	}
	if got := status("DELETE", "/v1/hosts?prefix=203.0.113.7"); got != 200 {
		t.Errorf("no group is named: %d", got)
	}
	config(t, dir, fmt.Sprintf("state_dir = %q", dir), "dns.enabled = false", `admin.change_group = "no-such-group"`)
	if r, err := asks[admin.Reloaded](p, "POST", "/v1/reload", nil); err != nil || !r.OK || len(r.Later) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := status("DELETE", "/v1/hosts?prefix=203.0.113.7"); got != 403 {
		t.Errorf("not of the group: %d", got)
	}
	if got := status("GET", "/v1/top"); got != 200 {
		t.Errorf("reading: %d", got)
	}
	if got := status("GET", "/"); got != 200 {
		t.Errorf("the page: %d", got)
	}
	if _, err := asks[admin.Forgotten](p, "DELETE", "/v1/hosts?prefix=203.0.113.7", nil); err != nil {
		t.Errorf("root: %v", err)
	}
}

func TestControlReloadsByMany(t *testing.T) {
	p := controlled(t, t.TempDir())
	done := make(chan error, 8)
	for range 8 {
		go func() {
			r, err := asks[admin.Reloaded](p, "POST", "/v1/reload", nil)
			if err == nil && !r.OK {
				err = fmt.Errorf("%+v", r)
			}
			done <- err
		}()
		p.cmd.Process.Signal(syscall.SIGHUP)
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestControlAllows(t *testing.T) {
	dir := t.TempDir()
	p := controlled(t, dir)
	if got := p.sends("203.0.113.7"); !strings.HasPrefix(got, "Yes, class=device device=nas") {
		t.Fatalf("%q", got)
	}
	e, err := asks[admin.Allowed](p, "POST", "/v1/allow", admin.Permit{What: "203.0.113.0/28 ", Note: "office\x1b[2J", For: "1h"})
	if err != nil || e.What != "203.0.113.0/28" || e.Note != "office [2J" || e.Until == nil {
		t.Errorf("%+v, %v", e, err)
	}
	if got := p.sends("203.0.113.7"); !strings.HasPrefix(got, "No, exempt=allowed") {
		t.Errorf("the next connection: %q", got)
	}
	if h, err := asks[admin.Host](p, "GET", "/v1/hosts/203.0.113.7", nil); err != nil || !h.Allowed || h.Sessions != 1 {
		t.Errorf("%+v, %v", h, err)
	}
	var no *admin.Refusal
	if _, err := asks[admin.Allowed](p, "POST", "/v1/allow", admin.Permit{What: "0.0.0.0/0"}); !errors.As(err, &no) || no.Status != http.StatusBadRequest {
		t.Errorf("everybody: %v", err)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.ends()
	again := controlled(t, dir) // the list outlives the daemon
	if got := again.sends("203.0.113.7"); !strings.HasPrefix(got, "No, exempt=allowed") {
		t.Errorf("after a restart: %q", got)
	}
	if _, err := asks[map[string]string](again, "DELETE", "/v1/allow?what=203.0.113.0/28", nil); err != nil {
		t.Error(err)
	}
	if got := again.sends("203.0.113.7"); !strings.HasPrefix(got, "Yes, class=device") {
		t.Errorf("removed: %q", got)
	}
}

// A list that cannot be read allows nobody, and is not written over.
func TestControlKeepsABrokenList(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "allow.json")
	if err := os.WriteFile(file, []byte(`[{"what":"203.0.113.7"},]`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := controlled(t, dir)
	for _, ask := range []func() error{
		func() error {
			_, err := asks[admin.Allowed](p, "POST", "/v1/allow", admin.Permit{What: "198.51.100.1"})
			return err
		},
		func() error {
			_, err := asks[map[string]string](p, "DELETE", "/v1/allow?what=198.51.100.1", nil)
			return err
		},
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), "is not written over") {
			t.Errorf("%v", err)
		}
	}
	if data, err := os.ReadFile(file); err != nil || !strings.HasSuffix(string(data), ",]") {
		t.Errorf("%q, %v", data, err)
	}
}

func TestControlForgets(t *testing.T) {
	p := controlled(t, t.TempDir())
	for _, addr := range []string{"203.0.113.7", "203.0.113.8", "198.51.100.1"} {
		p.sends(addr)
	}
	all, err := asks[admin.Hosts](p, "GET", "/v1/hosts?limit=2", nil)
	if err != nil || all.Total != 3 || len(all.Hosts) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	some, err := asks[admin.Hosts](p, "GET", "/v1/hosts?prefix="+url.QueryEscape("203.0.113.0/24"), nil)
	if err != nil || some.Total != 2 || some.Hosts[0].Device != "nas" || some.Hosts[0].Classes["device"] != 1 {
		t.Errorf("%+v, %v", some, err)
	}
	if s, err := asks[admin.Snapshot](p, "GET", "/v1/top", nil); err != nil || len(s.Networks) != 2 || s.Decisions.Device["nas"] != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	f, err := asks[admin.Forgotten](p, "DELETE", "/v1/hosts?prefix=203.0.113.0/24", nil)
	if err != nil || f.Entries < 2 {
		t.Errorf("%+v, %v", f, err)
	}
	var no *admin.Refusal
	if _, err := asks[admin.Host](p, "GET", "/v1/hosts/203.0.113.7", nil); !errors.As(err, &no) || no.Status != http.StatusNotFound {
		t.Errorf("%v", err)
	}
	if s, err := asks[admin.Snapshot](p, "GET", "/v1/top", nil); err != nil || len(s.Networks) != 1 {
		t.Errorf("%+v, %v", s.Networks, err)
	}
}

// TestControlShowsCampaigns: by the id that the log gives them.
func TestControlShowsCampaigns(t *testing.T) {
	p := controlled(t, t.TempDir(), "[campaign]", "hosts = 3")
	for _, addr := range []string{"203.0.113.7", "198.51.100.7", "192.0.2.7", "203.0.112.7"} {
		p.sends(addr)
	}
	found, err := asks[map[string][]admin.Campaign](p, "GET", "/v1/campaigns", nil)
	if err != nil || len(found["campaigns"]) == 0 {
		t.Fatalf("%+v, %v\n%s", found, err, p.log)
	}
	c := found["campaigns"][0]
	p.says("msg=campaign id=" + c.ID)
	if c.Networks < 3 || c.Messages < 3 {
		t.Errorf("%+v", c)
	}
	if s, err := asks[admin.Snapshot](p, "GET", "/v1/top", nil); err != nil || len(s.Campaigns) != len(found["campaigns"]) {
		t.Errorf("%+v, %v", s.Campaigns, err)
	}
}
