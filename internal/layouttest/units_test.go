package layouttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// units are those that the packages bring.
var units = []string{"iot-milter.service", "iot-milter.socket", "iot-milter-postfix.socket", "iot-milter-new-postfix.service"}

// systemdRoot is a root folder with the units and nothing but what they start.
func systemdRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	place := func(text []byte, mode os.FileMode, path string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, unit := range units {
		text, err := os.ReadFile(filepath.Join(root, "packaging/systemd", unit))
		if err != nil {
			t.Fatal(err)
		}
		place(text, 0o644, "usr/lib/systemd/system/"+unit)
	}
	for _, unit := range []string{"sysinit.target", "basic.target", "shutdown.target", "network.target", "sockets.target", "multi-user.target", "-.mount"} {
		place([]byte("[Unit]\nDescription=of systemd\n"), 0o644, "usr/lib/systemd/system/"+unit)
	}
	place(nil, 0o755, "usr/bin/iot-milter")
	place(nil, 0o755, "usr/bin/systemctl")
	return dir
}

func systemdAnalyze(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("systemd is not installed: ", err, "; hint: .ci/setup test")
	}
	cmd := exec.Command("systemd-analyze", args...)
	cmd.Env = append(os.Environ(), "SYSTEMD_COLORS=0", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze %v: %v", args, err)
	}
	return string(out)
}

// TestUnitsAreClean: systemd understands each line of the units.
func TestUnitsAreClean(t *testing.T) {
	dir := systemdRoot(t)
	for _, unit := range units {
		out := systemdAnalyze(t, "verify", "--man=no", "--root="+dir, filepath.Join(dir, "usr/lib/systemd/system", unit))
		if strings.TrimSpace(out) != "" {
			t.Errorf("%s: systemd-analyze verify says\n%s", unit, out)
		}
	}
}

// TestTheServiceIsConfined: its exposure is 1.5 of 10 at most.
func TestTheServiceIsConfined(t *testing.T) {
	out := systemdAnalyze(t, "security", "--offline=true", "--no-pager", "--threshold=15", "--root="+systemdRoot(t), "iot-milter.service")
	m := regexp.MustCompile(`Overall exposure level for iot-milter\.service: (\d+\.\d)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("systemd-analyze security says no level:\n%s", out)
	}
	t.Log("exposure", m[1])
}
