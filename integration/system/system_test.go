//go:build integration

package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/conf"
)

// root is the module's folder.
const root = "../.."

// unpacked is a file below a folder that .ci/setup fills.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "build", path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; hint: .ci/setup test", err)
	}
	return path
}

// program is the daemon's binary: that of IOT_MILTER, or one built now.
func program(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("IOT_MILTER"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "iot-milter")
	run(t, "go", "build", "-o", path, root)
	return path
}

// run is what a command prints; that it fails fails the test.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestOpenRC(t *testing.T) {
	t.Log(run(t, root+"/packaging/openrc/test.sh", unpacked(t, "openrc"), program(t)))
}

// TestAppArmor has the profile compiled by AppArmor's parser, as for a kernel that knows all
// of its abi; warnings are errors. No kernel takes it.
func TestAppArmor(t *testing.T) {
	dir := unpacked(t, "apparmor")
	args := []string{"--config-file", "/dev/null", "--skip-kernel-load", "--skip-cache", "--warn=all", "--Werror",
		"--base", dir + "/etc/apparmor.d", "--policy-features", dir + "/etc/apparmor.d/abi/3.0",
		"--kernel-features", dir + "/etc/apparmor.d/abi/3.0", "--ofile", filepath.Join(t.TempDir(), "profile")}
	run(t, dir+"/usr/sbin/apparmor_parser", append(args, root+"/packaging/apparmor/iot-milter")...)
}

// rule matches a rule for files: where, and what is allowed.
var rule = regexp.MustCompile(`(?m)^  (/[^ ]+|@\{[^ ]+) ([a-z]+),$`)

// glob is AppArmor's pattern as a regular expression.
func glob(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.NewReplacer(".", `\.`, "**", ".+", "*", "[^/]*", "{", "(", "}", ")", ",", "|",
		"@{PROC}", "/proc", "@{sys}", "/sys", "@{pid}", "(self|[0-9]+)").Replace(pattern) + "$")
}

// TestAppArmorAllowsWhatTheDaemonOpens: its own files and sockets at their default places,
// and those of the units, with what is done to them.
func TestAppArmorAllowsWhatTheDaemonOpens(t *testing.T) {
	text, err := os.ReadFile(root + "/packaging/apparmor/iot-milter")
	if err != nil {
		t.Fatal(err)
	}
	rules := rule.FindAllStringSubmatch(string(text), -1)
	c := conf.Default()
	socket := c.Listen[0].Address
	for path, wants := range map[string]string{
		"/usr/bin/iot-milter": "mr", "/etc/iot-milter/iot-milter.toml": "r", socket: "rw", socket + ".lock": "rwk", c.Admin.Control: "rw",
		"/var/spool/postfix/iot-milter/iot-milter.sock": "rw", c.StateDir + "/": "r", c.StateDir + "/state.db": "rwk",
		c.StateDir + "/history/1": "rw", c.StateDir + "/secret": "rw", "/run/systemd/notify": "w", "/etc/resolv.conf": "r", "/etc/group": "r",
		"/proc/sys/net/core/somaxconn": "r", "/proc/self/net/netstat": "r", "/proc/sys/net/ipv4/tcp_sack": "r", "/etc/localtime": "r",
		"/etc/shadow": "", "/root/.ssh/id_rsa": "", "/var/spool/postfix/active/1": "", "/bin/sh": "", "/usr/sbin/postconf": "", "/proc/1/environ": "",
	} {
		got := ""
		for _, r := range rules {
			if glob(r[1]).MatchString(path) {
				got += r[2]
			}
		}
		if strings.Trim(wants, got) != "" || wants == "" && got != "" {
			t.Errorf("%s: %q is allowed, want %q", path, got, wants)
		}
	}
}
