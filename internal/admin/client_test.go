package admin

import (
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestPermissionHint(t *testing.T) {
	denied := &url.Error{Op: "Get", URL: "http://x/", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}}
	got := NewClient("/run/c.sock").explained(denied).Error()
	if !strings.HasPrefix(got, "control socket /run/c.sock: ") || !strings.Contains(got, "permission denied; hint: be root, the daemon's user, or a member of socket_group") {
		t.Error(got)
	}
}
