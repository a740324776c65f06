//go:build integration

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMiltertest plays the Lua scripts of miltertest/ against the daemon: a second
// opinion on the protocol from a program that is not ours. A script whose first
// comment says "Mode: enforce" gets a daemon in that mode.
func TestMiltertest(t *testing.T) {
	setUp(t)
	scripts, err := filepath.Glob("miltertest/*.lua")
	if err != nil || len(scripts) < 2 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".lua")
		if name == "session" {
			continue
		}
		t.Run(name, func(t *testing.T) { playScript(t, script) })
	}
}

func playScript(t *testing.T, script string) {
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	socket := "/srv/miltertest/" + filepath.Base(script)
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Dir(socket), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t, socket)
	if strings.Contains(string(text), "Mode: enforce") {
		d.configure(`mode = "enforce"`)
	} else {
		d.configure("")
	}
	d.start()
	t.Cleanup(func() { d.stop(syscall.SIGKILL) })
	cmd := exec.Command("miltertest", "-D", "socket=unix:"+socket, "-s", script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, d.log.String())
	}
	d.stop(syscall.SIGTERM)
	checkLog(t, "", d.log.String())
}
