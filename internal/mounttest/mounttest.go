//go:build linux

// Package mounttest gives tests file systems of their own: full ones, read-only ones.
// It is for tests alone.
package mounttest

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const inside = "IOT_MILTER_TEST_MOUNTED" // set in a mount namespace of the test's own

// Own runs the test again in a mount namespace of its own, and reports whether this is
// that run; the other one has nothing more to do. It needs root: in CI that it cannot
// is a failure, elsewhere a skip.
func Own(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		const why = "no mount namespace; hint: run as root, in a container with CAP_SYS_ADMIN"
		if os.Getenv("CI") != "" {
			t.Fatal(why, ": ", err)
		}
		t.Skip(why, ": ", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}
