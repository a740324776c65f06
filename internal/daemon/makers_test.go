package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// With the registry a MAC address in a PTR name is known by its maker alone; a
// broken registry leaves the old one in force.
func TestReloadOfMakers(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "oui.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("00155D     (base 16)\t\tExample Cards\n")
	p := launch(t, dir, "[identify]", fmt.Sprintf("oui = %q", file))
	p.says("msg=ready")
	known := func() bool {
		t.Helper()
		return strings.Contains(p.messageFrom("fcffa8ab12cd.isp.example", "mail.example.org"), "ptr-access")
	}
	if known() {
		t.Fatal("fcffa8 is known without a row")
	}
	write("FCFFA8     (base 16)\t\tExample Modems\n")
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.says("msg=reloaded")
	if !known() {
		t.Error("the row does not count")
	}
	write("FCFFA8     (base 16)\t\tExample\x00\n")
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.says("the maker of FCFFA8 is no text")
	if !known() {
		t.Error("after a broken registry the old one does not count")
	}
}
