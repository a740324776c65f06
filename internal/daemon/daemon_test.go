package daemon_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/daemon"
	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// The test binary is also the daemon, so that signals, exit codes and sockets are
// those of a real process.
func TestMain(m *testing.M) {
	if path := os.Getenv("IOT_MILTER_TEST_CONFIG"); path != "" {
		err := daemon.Run(path, "test", os.Stderr, func() {})
		var broken conf.Errors
		switch {
		case errors.As(err, &broken):
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		case err != nil:
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process is a running daemon.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	dir    string
	socket string
	log    *lockedBuffer
	exit   chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// config writes the configuration with the lines and returns the socket's path.
func config(t testing.TB, dir string, lines ...string) (path, socket string) {
	t.Helper()
	path, socket = filepath.Join(dir, "iot-milter.toml"), filepath.Join(dir, "m.sock")
	text := strings.Join(lines, "\n")
	if !strings.Contains(text, "listen = [") {
		text = fmt.Sprintf("listen = [%q]\n", "unix:"+socket) + text
	}
	if !strings.Contains(text, "state_dir") { // nothing of this machine's own daemon
		text = fmt.Sprintf("state_dir = %q\n", dir) + text
	}
	if !strings.Contains(text, "[admin]") {
		text += fmt.Sprintf("\n[admin]\nlisten = \"\"\ncontrol = %q\n", filepath.Join(dir, "c.sock"))
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path, socket
}

func launch(t *testing.T, dir string, lines ...string) *process {
	t.Helper()
	path, socket := config(t, dir, lines...)
	p := &process{t: t, dir: dir, socket: socket, log: &lockedBuffer{}, exit: make(chan error, 1)}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), "IOT_MILTER_TEST_CONFIG="+path)
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.exit <- p.cmd.Wait() }()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

func (p *process) says(what string) {
	p.t.Helper()
	for range 500 {
		if strings.Contains(p.log.String(), what) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.t.Fatalf("the log does not say %q within 5 s:\n%s", what, p.log)
}

// ends waits for the process and returns its exit code.
func (p *process) ends() int {
	p.t.Helper()
	select {
	case <-p.exit:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(15 * time.Second):
		p.t.Fatalf("the daemon goes on:\n%s", p.log)
		return -1
	}
}

func (p *process) message(helo string) string {
	p.t.Helper()
	return p.messageFrom("mx1.example.org", helo)
}

// messageFrom is message from a client with that PTR name.
func (p *process) messageFrom(name, helo string) string {
	p.t.Helper()
	conn, err := mtascript.Dial("unix", p.socket)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.log)
	}
	return p.messageOver(conn, name, helo)
}

func (p *process) messageOver(conn *mtascript.Conn, name, helo string) string {
	p.t.Helper()
	s := mtascript.Session{
		Client: mtascript.Client{Host: name, Port: 4000, Addr: "192.0.2.10"}, Helo: helo,
		Messages: []mtascript.Message{{From: "a@example.org", Rcpts: []string{"u@example.test"}}},
	}
	tr, err := s.Run(conn)
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

func TestServesAndStops(t *testing.T) {
	p := launch(t, t.TempDir())
	p.says("msg=ready")
	if got := p.message("mx1.example.org"); !strings.HasPrefix(got, "No, class=mailserver") {
		t.Errorf("header %q", got)
	}
	p.says("msg=verdict id=")
	info, err := os.Stat(p.socket)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	if code := p.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(p.socket); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestStaleSocketIsReplacedALivingOneIsNot(t *testing.T) {
	dir := t.TempDir()
	first := launch(t, dir)
	first.says("msg=ready")
	second := launch(t, dir)
	if code := second.ends(); code != 1 || !strings.Contains(second.log.String(), "a living process listens there") {
		t.Errorf("second daemon: exit %d\n%s", code, second.log)
	}
	first.message("mx1.example.org") // still serving
	first.cmd.Process.Kill()
	first.ends()
	if _, err := os.Stat(first.socket); err != nil {
		t.Fatalf("a killed process leaves its socket: %v", err)
	}
	third := launch(t, dir)
	third.says("msg=ready")
	third.message("mx1.example.org")
}

// Daemons that start at once on the socket of a dead one: one serves, the others
// say so and end.
func TestOneOfManyServes(t *testing.T) {
	dir := t.TempDir()
	dead := launch(t, dir)
	dead.says("msg=ready")
	dead.cmd.Process.Kill()
	dead.ends()
	var all []*process
	for range 6 {
		all = append(all, launch(t, dir))
	}
	serving := 0
	for _, p := range all {
		p.t.Helper()
		for range 500 {
			if l := p.log.String(); strings.Contains(l, "msg=ready") || strings.Contains(l, "a living process listens there") {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if strings.Contains(p.log.String(), "msg=ready") {
			serving++
		} else if code := p.ends(); code != 1 {
			t.Errorf("exit %d:\n%s", code, p.log)
		}
	}
	if serving != 1 {
		t.Errorf("%d of 6 serve", serving)
	}
	all[0].message("mx1.example.org")
}

func TestListenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for listen, want := range map[string]string{
		"unix:" + file:                         "is no socket; hint:",
		"unix:" + filepath.Join(dir, "no/m.s"): "make the folder",
		"fd:systemd":                           "no such socket was handed over; hint:",
		"inet:8899@192.0.2.1":                  "cannot assign requested address",
	} {
		p := launch(t, t.TempDir(), fmt.Sprintf("listen = [%q]", listen))
		if code := p.ends(); code != 1 || !strings.Contains(p.log.String(), want) {
			t.Errorf("%s: exit %d, want 1 and %q\n%s", listen, code, want, p.log)
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("a file that is no socket was removed: %v", err)
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	p := launch(t, dir)
	p.says("msg=ready")
	path, _ := config(t, dir, `mode = "observe"`)
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.says("msg=reloaded mode=observe")
	if got := p.message("mx1.example.org"); got != "" {
		t.Errorf("observe wrote %q", got)
	}
	os.WriteFile(path, []byte("mode = \"obsrve\"\n"), 0o644)
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.says("the old configuration stays")
	if got := p.message("mx1.example.org"); got != "" {
		t.Errorf("after a wrong reload: %q", got)
	}
	config(t, dir, `mode = "tag"`, "[limits]", "sessions = 7")
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.says("takes effect at the next start")
	p.says("msg=reloaded mode=tag")
	if got := p.message("mx1.example.org"); got == "" {
		t.Error("tag wrote nothing")
	}
}

// Sessions that are open while the configuration is read again lose nothing.
func TestReloadUnderLoad(t *testing.T) {
	p := launch(t, t.TempDir())
	p.says("msg=ready")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 40 {
				if p.message("mx1.example.org") == "" {
					t.Error("a message without a header")
				}
			}
		})
	}
	for range 20 {
		p.cmd.Process.Signal(syscall.SIGHUP)
		time.Sleep(5 * time.Millisecond)
	}
	wait.Wait()
	verdicts := func() int { return strings.Count(p.log.String(), "msg=verdict") }
	for range 500 { // the log is written a moment later
		if verdicts() >= 320 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := verdicts(); n != 320 {
		t.Errorf("%d verdict lines of 320 messages", n)
	}
}

func TestTermLetsAnOpenMessageEnd(t *testing.T) {
	p := launch(t, t.TempDir())
	p.says("msg=ready")
	c, err := mtascript.Dial("unix", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Negotiate(mtascript.FullOffer()); err != nil {
		t.Fatal(err)
	}
	for _, f := range []mtascript.Frame{mtascript.Connect("mx1.example.org", '4', 1, "192.0.2.1"), mtascript.Mail("<a@example.org>"), mtascript.Rcpt("<u@example.test>")} {
		if _, err := c.Event(f); err != nil {
			t.Fatal(err)
		}
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.says("msg=stopping")
	time.Sleep(200 * time.Millisecond)
	if r, err := c.Event(mtascript.EOM()); err != nil || len(r.Edits) == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if code := p.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSecondTermEndsAtOnce(t *testing.T) {
	p := launch(t, t.TempDir())
	p.says("msg=ready")
	c, err := mtascript.Dial("unix", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	c.Negotiate(mtascript.FullOffer())
	c.Event(mtascript.Connect("mx1.example.org", '4', 1, "192.0.2.1"))
	c.Event(mtascript.Mail("<a@example.org>"))
	if _, err := c.Event(mtascript.Rcpt("<u@example.test>")); err != nil {
		t.Fatal(err)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.says("msg=stopping")
	began := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.ends()
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("a second TERM took %s; the first one's drain is 5s", d)
	}
}

// Who reads the log may die, or stop reading: mail goes on, and so does TERM.
func TestTheLogsReaderDies(t *testing.T) {
	for _, stalls := range []bool{false, true} {
		dir := t.TempDir()
		path, socket := config(t, dir)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := &process{t: t, dir: dir, socket: socket, log: &lockedBuffer{}, exit: make(chan error, 1)}
		p.cmd = exec.Command(os.Args[0])
		p.cmd.Env = append(os.Environ(), "IOT_MILTER_TEST_CONFIG="+path)
		p.cmd.Stderr = w
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.cmd.Process.Kill() })
		w.Close()
		r.Read(make([]byte, 1)) // it has begun to log
		if !stalls {
			r.Close()
		}
		go func() { p.exit <- p.cmd.Wait() }()
		for range 500 {
			if _, err := os.Stat(socket); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		for range 400 {
			if p.message("mx1.example.org") == "" {
				t.Fatal("no header")
			}
		}
		p.cmd.Process.Signal(syscall.SIGTERM)
		if code := p.ends(); code != 0 {
			t.Errorf("stalls %t: exit code %d", stalls, code)
		}
		r.Close()
	}
}

func TestSystemd(t *testing.T) {
	dir := t.TempDir()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "m.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	socket, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	l2, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "u.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l3, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "v.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := l3.File()
	if err != nil {
		t.Fatal(err)
	}
	// The first is named by its path, the last by its unit's name, the second not at all.
	path, _ := config(t, dir, fmt.Sprintf(`listen = ["unix:%s/m.sock", "fd:second"]`, dir))
	unnamed, err := l2.File()
	if err != nil {
		t.Fatal(err)
	}
	// LISTEN_PID must be the daemon's own: sh becomes the daemon.
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), "IOT_MILTER_TEST_CONFIG="+path, "LISTEN_FDS=3", "LISTEN_FDNAMES=milter:unnamed:second",
		"NOTIFY_SOCKET="+filepath.Join(dir, "notify"), "WATCHDOG_USEC=200000")
	cmd.ExtraFiles = []*os.File{socket, unnamed, second}
	log := &lockedBuffer{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, dir: dir, socket: filepath.Join(dir, "m.sock"), log: log, exit: make(chan error, 1)}
	go func() { p.exit <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	expect := func(want string) {
		t.Helper()
		notify.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 512)
		for {
			n, err := notify.Read(b)
			if err != nil {
				t.Fatalf("no %s: %v\n%s", want, err, log)
			}
			if strings.Contains(string(b[:n]), want) {
				return
			}
		}
	}
	expect("READY=1")
	for _, name := range []string{"v.sock", "u.sock", "m.sock"} {
		p.socket = filepath.Join(dir, name)
		if p.message("mx1.example.org") == "" {
			t.Errorf("no header through the handed-over socket %s", name)
		}
	}
	expect("WATCHDOG=1")
	cmd.Process.Signal(syscall.SIGHUP)
	expect("RELOADING=1\nMONOTONIC_USEC=")
	expect("READY=1")
	cmd.Process.Signal(syscall.SIGTERM)
	expect("STOPPING=1")
	if code := p.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(p.socket); err != nil {
		t.Errorf("systemd's socket is gone: %v", err)
	}
}

// A supervisor that does not read what it is told keeps neither reloads nor TERM.
func TestSupervisorDoesNotRead(t *testing.T) {
	dir := t.TempDir()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "notify"))
	p := launch(t, dir)
	p.says("msg=ready")
	const reloads = 8 // two words each: more than the kernel keeps for it (unix(7), max_dgram_qlen)
	for i := range reloads {
		p.cmd.Process.Signal(syscall.SIGHUP)
		for range 500 {
			if strings.Count(p.log.String(), "msg=reloaded") > i {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if n := strings.Count(p.log.String(), "msg=reloaded"); n != reloads {
		t.Fatalf("%d reloads", n)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	if code := p.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(p.log.String(), "notify systemd"); n != 1 {
		t.Errorf("%d lines about the supervisor", n)
	}
}

func TestAdmin(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() // and not before, by the collector
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	p := launch(t, t.TempDir(), "[admin]", fmt.Sprintf("listen = %q", address))
	p.says("msg=ready")
	p.message("mx1.example.org")
	get := func(path, host string) (int, string) {
		t.Helper()
		r, _ := http.NewRequest("GET", "http://"+address+path, nil)
		if host != "" {
			r.Host = host
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(body)
	}
	if code, body := get("/metrics", ""); code != 200 || !strings.Contains(body, `iot_milter_decisions_total{action="accept",class="mailserver",device="",stage="eom"} 1`) {
		t.Errorf("/metrics: %d\n%s", code, body)
	}
	if code, body := get("/ready", ""); code != 200 || !strings.Contains(body, `"listening":true`) {
		t.Errorf("/ready: %d %s", code, body)
	}
	if code, _ := get("/healthy", ""); code != 200 {
		t.Errorf("/healthy: %d", code)
	}
	if code, _ := get("/", ""); code != 404 {
		t.Errorf("/: %d", code)
	}
	if code, _ := get("/metrics", "evil.example"); code != 421 {
		t.Errorf("a foreign Host header: %d, want 421", code)
	}
	q := launch(t, t.TempDir(), "[admin]", fmt.Sprintf("listen = %q", taken.Addr()))
	q.says("metrics and health are not served")
	q.says("msg=ready")
	if q.message("mx1.example.org") == "" {
		t.Error("a taken metrics port stops the mail service")
	}
}

func TestWrongConfiguration(t *testing.T) {
	p := launch(t, t.TempDir(), `mode = "tagg"`)
	if code := p.ends(); code != 2 || !strings.Contains(p.log.String(), ":3:8: mode: ") {
		t.Errorf("exit %d\n%s", code, p.log)
	}
}
