package daemon_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startRedis starts a server on a UNIX socket.
func startRedis(t *testing.T, socket string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no redis-server; hint: .ci/setup test installs it")
		}
		t.Skip("no redis-server; hint: apt-get install redis-server")
	}
	cmd := exec.Command(path, "--port", "0", "--unixsocket", socket, "--dir", filepath.Dir(socket), "--save", "", "--appendonly", "no")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 500 {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return cmd
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("redis-server does not listen within 5 s")
	return nil
}

// TestSharedStore: two hosts count in one limit, and go on each by itself when the
// store is gone.
func TestSharedStore(t *testing.T) {
	socket := filepath.Join(short(t), "r.sock")
	redis := startRedis(t, socket)
	host := func() *process {
		return controlled(t, t.TempDir(), `mode = "enforce"`, `class.device.action = "limit"`, `store.url = "unix://`+socket+`"`,
			"[[limit]]", `name = "one"`, `class = ["device", "access"]`, `key = ["prefix"]`, `rate = "1/1h"`, "burst = 1")
	}
	a, b := host(), host()
	if got := a.sends("203.0.113.7"); !strings.HasPrefix(got, "Yes,") {
		t.Fatalf("the first message: %q\n%s", got, a.log)
	}
	if got := b.sends("203.0.113.9"); got != "" {
		t.Errorf("the other host lets the network's second message pass: %q", got)
	}
	if got := b.sends("203.0.112.9"); !strings.HasPrefix(got, "Yes,") {
		t.Errorf("another network: %q", got)
	}
	redis.Process.Kill()
	redis.Wait()
	start := time.Now()
	for range 5 {
		if got := b.sends("198.51.100.9"); got == "" {
			break // the own memory counts, too
		}
	}
	if gone := time.Since(start); gone > 3*time.Second {
		t.Errorf("five messages took %v without the store", gone)
	}
	if got := a.sends("198.51.100.77"); !strings.HasPrefix(got, "Yes,") {
		t.Errorf("without the store: %q\n%s", got, a.log)
	}
	if log := a.log.String() + b.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("%s", log)
	}
}

// asksRedis asks a server as its admin.
func asksRedis(t *testing.T, socket string, args ...string) string {
	t.Helper()
	out, err := exec.Command("redis-cli", append([]string{"-s", socket}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// short is a folder with a short path, as a socket needs.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "iot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestStoreDownAtStart: a host whose store does not answer at the start calls things as
// the hosts agreed, and finds on its disk who was deferred; the store gets the secret back
// when it comes up empty, and wins where it has another one.
func TestStoreDownAtStart(t *testing.T) {
	socket, dir := filepath.Join(short(t), "r.sock"), t.TempDir()
	redis := startRedis(t, socket)
	host := func(dir string) *process {
		return controlled(t, dir, `mode = "enforce"`, `class.device.action = "defer"`, `defer.delay = "1s"`, `store.url = "unix://`+socket+`"`)
	}
	stop := func(p *process) {
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.ends()
	}
	first := host(t.TempDir()) // whose secret is the store's
	a := host(dir)
	if got := a.sends("203.0.113.7"); got != "" {
		t.Fatalf("not deferred: %q", got)
	}
	time.Sleep(1200 * time.Millisecond)
	if got := a.sends("203.0.113.7"); !strings.HasPrefix(got, "Yes,") {
		t.Fatalf("deferred again: %q\n%s", got, a.log)
	}
	stop(first)
	stop(a)
	secret := asksRedis(t, socket, "GET", "iot-milter:secret")
	kept := func() string {
		b, err := os.ReadFile(filepath.Join(dir, "secret.shared"))
		if info, e := os.Stat(filepath.Join(dir, "secret.shared")); err != nil || e != nil || info.Mode().Perm() != 0o600 {
			t.Error(err, e, info.Mode())
		}
		return strings.TrimSpace(string(b))
	}
	if kept() != secret {
		t.Error("the secret is not kept")
	}
	redis.Process.Kill()
	redis.Wait()

	a = host(dir)
	if got := a.sends("203.0.113.7"); !strings.HasPrefix(got, "Yes,") {
		t.Errorf("without the store it is deferred again: %q\n%s", got, a.log)
	}
	redis = startRedis(t, socket)
	a.says("the shared store answers again")
	if got := asksRedis(t, socket, "GET", "iot-milter:secret"); got != secret {
		t.Errorf("the empty store has the secret %q, not that of before", got)
	}
	stop(a)
	redis.Process.Kill()
	redis.Wait()

	a = host(dir)
	startRedis(t, socket)
	other := strings.Repeat("0f", 16)
	asksRedis(t, socket, "SET", "iot-milter:secret", other) // the first look is after a second
	a.says("the shared store answers again")
	a.says("the shared store has another secret")
	if kept() != other || strings.Count(a.log.String(), "another secret") != 1 || strings.Contains(a.log.String(), other) {
		t.Errorf("%s\n%s", kept(), a.log)
	}
	if got := a.sends("203.0.113.7"); got != "" {
		t.Errorf("known under another secret: %q", got)
	}
}

// TestRoundTrips counts what the server is asked for one message. It waits for one answer,
// at its end; one that a limit counts for three, the first at its recipient. Beside them
// the store is asked about the host, and told of the session and of the sender.
func TestRoundTrips(t *testing.T) {
	for action, want := range map[string][2]int{"tag": {3, 1}, "limit": {5, 1}} {
		t.Run(action, func(t *testing.T) {
			socket := filepath.Join(short(t), "r.sock")
			startRedis(t, socket)
			p := controlled(t, t.TempDir(), `mode = "enforce"`, `class.device.action = "`+action+`"`, `store.url = "unix://`+socket+`"`)
			p.sends("203.0.113.7") // after which the server has the scripts
			calls := func(command string) (n int) {
				_, rest, _ := strings.Cut(asksRedis(t, socket, "INFO", "commandstats"), "cmdstat_"+command+":calls=")
				fmt.Sscan(rest, &n)
				return n
			}
			time.Sleep(200 * time.Millisecond)
			asksRedis(t, socket, "CONFIG", "RESETSTAT")
			if got := p.sends("203.0.113.9"); !strings.HasPrefix(got, "Yes,") {
				t.Fatalf("%q", got)
			}
			time.Sleep(200 * time.Millisecond)
			if got := [2]int{calls("evalsha"), calls("mget")}; got != want {
				t.Errorf("scripts and look-ups %v, not %v\n%s", got, want, asksRedis(t, socket, "INFO", "commandstats"))
			}
		})
	}
}
