//go:build integration

package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
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
