package daemon_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// TestSafety19ControlIsForTheGroup: others may not open the socket.
func TestSafety19ControlIsForTheGroup(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be others")
	}
	group, err := user.LookupGroupId("1")
	if err != nil {
		t.Skip("no second group here:", err)
	}
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	p := controlled(t, dir, fmt.Sprintf("socket_group = %q", group.Name))
	info, err := os.Stat(p.control())
	if err != nil {
		t.Fatal(err)
	}
	if gid := info.Sys().(*syscall.Stat_t).Gid; strconv.Itoa(int(gid)) != group.Gid {
		t.Errorf("group %d, want %s", gid, group.Gid)
	}
	dial := func(uid, gid int) error {
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends
			syscall.Setfsgid(gid)
			syscall.Setfsuid(uid)
			c, err := net.Dial("unix", p.control())
			if err == nil {
				c.Close()
			}
			done <- err
		}()
		return <-done
	}
	if err := dial(65534, 65534); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("others: %v", err)
	}
	if err := dial(65534, 1); err != nil {
		t.Errorf("the group: %v", err)
	}
}
