//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// benchNetwork is the network for benchmarks of RFC 2544: no filter takes its hosts for neighbours,
// as all of them do with those of loopback. What comes from 127.0.0.0/8 is not judged by rspamd,
// and is signed by opendkim rather than verified.
var benchNetwork = netip.MustParsePrefix("198.18.0.0/15")

// elsewhere has this program measure in a network of its own, where each address of
// benchNetwork is one of this machine and the system's resolver is the bench's: so clients are told
// apart by real connections, which the kernel can be asked about (XCLIENT would have Postfix begin each
// session with the filter twice), filters run with the resolver that their packages know, and nothing can
// ask outside.
func elsewhere(ctx context.Context, o options) ([]measuredSize, error) {
	if _, err := os.Stat("/etc/resolv.conf"); err != nil {
		return nil, fmt.Errorf("%w; hint: an empty one is enough", err)
	}
	// The signal of a parent's death is that of the death of a thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append(os.Args[1:], "-inside", o.dir)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: unix.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) } // it has servers to stop
	cmd.WaitDelay = time.Minute
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("in a network of its own: %w; hint: that needs root, and what it said is above", err)
	}
	var all []measuredSize
	return all, json.Unmarshal(out.Bytes(), &all)
}

// inside is the other end of elsewhere.
func inside(ctx context.Context, o options) error {
	resolv := filepath.Join(o.dir, "resolv.conf")
	if err := os.WriteFile(resolv, []byte("nameserver 127.0.0.1\n"), 0o644); err != nil {
		return err
	}
	if err := unix.Mount(resolv, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("/etc/resolv.conf: %w", err)
	}
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"route", "add", "local", benchNetwork.String(), "dev", "lo"},
	} {
		if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w\n%s", args, err, out)
		}
	}
	all, err := timeSizes(ctx, o)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}
