package history

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/internal/mounttest"
)

// TestDiskFull: lines are dropped, counted and said; when there is room again they are
// kept again, and none is spoiled.
func TestDiskFull(t *testing.T) {
	if !mounttest.Own(t) {
		return
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	p := newPast(t, filepath.Join(dir, "history")).open(week, 64<<20)
	p.add(0, 2000)
	p.Flush()
	if p.up || p.dropped == 0 || !strings.Contains(p.log.String(), "no space left") {
		t.Errorf("up %v, %d dropped: %s", p.up, p.dropped, &p.log)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	p.at = p.at.Add(time.Minute)
	p.add(2000, 2100)
	p.Flush()
	if ids := p.ids(Query{}); !p.up || len(ids)+p.dropped != 2100 || ids[0] != "s2099.1" {
		t.Errorf("up %v, %d kept, %d dropped", p.up, len(ids), p.dropped)
	}
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
}
