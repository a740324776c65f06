package daemon_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	dir, err := os.MkdirTemp("", "iot") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "r.sock")
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
