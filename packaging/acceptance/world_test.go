//go:build acceptance

package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// insideEnv marks the second start of the test, in its own namespaces.
const insideEnv = "IOT_MILTER_TEST_INSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) == "" {
		os.Exit(enter())
	}
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "acceptance: cannot set up:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// enter starts this test again in new namespaces and returns its exit code: when the shell
// that is process 1 there ends, the kernel ends every machine and its mounts.
func enter() int {
	runtime.LockOSThread() // the death signal is tied to the thread
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "acceptance:", err)
		return 1
	}
	args := append([]string{"-c", `"$@"; exit $?`, "test", "exe"}, os.Args[1:]...)
	args[3], _ = os.Executable()
	cmd := exec.Command("bash", args...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "acceptance: no namespaces:", err, "hint: run as root, in a container with CAP_SYS_ADMIN")
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// prepare does what needs the machine's own network: the roots.
func prepare() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("these tests boot machines; hint: run them as root")
	}
	for _, p := range []string{"debootstrap", "systemd-nspawn", "nsenter", "ip", "dpkg-deb", "qemu-aarch64-static"} {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s is missing; hint: .ci/setup acceptance", p)
		}
	}
	if _, err := packages(); err != nil {
		return err
	}
	cmd := exec.Command("./roots.sh")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("no roots: %w", err)
	}
	return os.Setenv("ACCEPTANCE_ROOTS", strings.TrimSpace(string(out)))
}

// build makes the world inside the namespaces.
func build() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount("proc", "/proc", "proc", 0, "")
}

// files are the packages under test. The previous version is built from the same source
// under a lower number, until there is a release to upgrade from.
type files struct {
	deb, old, arm, rpm, oldRPM string
	version, oldVersion        string
}

// packages finds what make acceptance has built, in ACCEPTANCE_NEW and ACCEPTANCE_OLD.
func packages() (f files, err error) {
	for _, p := range []struct {
		to            *string
		from, pattern string
	}{
		{&f.deb, "NEW", "iot-milter_*_amd64.deb"}, {&f.arm, "NEW", "iot-milter_*_arm64.deb"}, {&f.rpm, "NEW", "iot-milter-*.x86_64.rpm"},
		{&f.old, "OLD", "iot-milter_*_amd64.deb"}, {&f.oldRPM, "OLD", "iot-milter-*.x86_64.rpm"},
	} {
		dir := os.Getenv("ACCEPTANCE_" + p.from)
		found, _ := filepath.Glob(filepath.Join(dir, p.pattern))
		if len(found) != 1 {
			return f, fmt.Errorf("%d packages %s in ACCEPTANCE_%s=%s; hint: make acceptance", len(found), p.pattern, p.from, dir)
		}
		*p.to = found[0]
	}
	f.version, f.oldVersion = version(f.deb), version(f.old)
	return f, nil
}

func version(deb string) string {
	_, rest, _ := strings.Cut(filepath.Base(deb), "_")
	v, _, _ := strings.Cut(rest, "_")
	return v
}
