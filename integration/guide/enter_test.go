//go:build integration

package guide

import (
	"errors"
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
const insideEnv = "IOT_MILTER_GUIDE_INSIDE"

// root is the module's folder.
const root = "../.."

// tools are programs that the tests run.
var tools = []string{"postfix", "m4", "ip", "useradd", "systemd-sysusers", "systemd-tmpfiles"}

func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) == "" {
		os.Exit(enter())
	}
	if err := cover(); err != nil {
		fmt.Fprintln(os.Stderr, "guide: cannot set up:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// enter starts this test again in namespaces that end with it.
func enter() int {
	runtime.LockOSThread() // the death signal is tied to the thread
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "guide:", err)
		return 1
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "guide:", err)
		return 1
	}
	cmd := exec.Command("bash", append([]string{"-c", `"$@"; exit $?`, "test", self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "guide: no namespaces:", err, "hint: run as root, in a container with CAP_SYS_ADMIN")
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

func prepare() error {
	if os.Getuid() != 0 {
		return errors.New("these tests start mail servers; hint: run them as root")
	}
	for _, p := range tools {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s is missing; hint: .ci/setup test", p)
		}
	}
	if out, err := exec.Command(filepath.Join(root, "integration/mta/fetch-sendmail.sh")).Output(); err != nil {
		return fmt.Errorf("no Sendmail: %w", err)
	} else if err := os.Setenv("SENDMAIL_ROOT", strings.TrimSpace(string(out))); err != nil {
		return err
	}
	if os.Getenv("IOT_MILTER") != "" {
		return nil
	}
	bin, err := filepath.Abs(filepath.Join(root, "build", "iot-milter"))
	if err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-o", bin, root).CombinedOutput(); err != nil {
		return fmt.Errorf("the daemon does not build: %s", out)
	}
	return os.Setenv("IOT_MILTER", bin)
}

// cover puts file systems in memory over the folders that packages and MTAs write to. What lies there is seen through
// them, and what is written is gone with the test.
func cover() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	mounts := [][3]string{{"proc", "/proc", ""}, {"tmpfs", "/srv", "mode=0755"}}
	for _, dir := range []string{"etc", "usr", "var"} {
		mounts = append(mounts, [3]string{"overlay", "/" + dir,
			fmt.Sprintf("lowerdir=/%s,upperdir=/srv/upper/%s,workdir=/srv/scratch/%s", dir, dir, dir)})
	}
	mounts = append(mounts, [3]string{"tmpfs", "/run", "mode=0755"})
	for _, m := range mounts {
		if m[0] == "overlay" {
			for _, part := range []string{"upper", "scratch"} {
				if err := os.MkdirAll("/srv/"+part+m[1], 0o755); err != nil {
					return err
				}
			}
		}
		if err := unix.Mount(m[0], m[1], m[0], 0, m[2]); err != nil {
			return fmt.Errorf("%s on %s: %w", m[0], m[1], err)
		}
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("no loopback: %s", out)
	}
	return unix.Sethostname([]byte("mx.example.com"))
}
