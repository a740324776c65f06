package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A table of the admin's own names a device; once it is broken the old one holds.
func TestReloadOfTables(t *testing.T) {
	const heading = "stem\thex\tkind\tvendor\tsource\n"
	dir, tables := t.TempDir(), t.TempDir()
	file := filepath.Join(tables, "hosts.tsv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(heading+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := launch(t, dir, "[tables]", fmt.Sprintf("dir = %q", tables))
	p.says("msg=ready")
	named := func() bool { t.Helper(); return strings.Contains(p.message("gizmo12ab"), "helo-device") }
	if named() {
		t.Fatal("gizmo12ab is a device without a row")
	}
	write("gizmo\t4\tcamera\tMaker\tmine\n")
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.says("msg=reloaded")
	if !named() {
		t.Error("the row does not count")
	}
	write("gizmo\tfour\tcamera\tMaker\tmine\n")
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.says("hosts.tsv:2:1: hex is")
	if !named() {
		t.Error("after a broken table the old row does not count")
	}
}
