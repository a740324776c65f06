package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	for _, tt := range []struct {
		done, total int64
		want        string
	}{
		{3 << 20, 0, "3.0 MiB"},
		{0, 4 << 20, "  0% [                              ] 0.0 of 4.0 MiB"},
		{1 << 20, 4 << 20, " 25% [#######                       ] 1.0 of 4.0 MiB, 30s left"},
		{4 << 20, 4 << 20, "100% [##############################] 4.0 of 4.0 MiB, 0s left"},
		{5 << 20, 4 << 20, "100% [##############################] 5.0 of 4.0 MiB, 0s left"},
	} {
		p := &progress{done: tt.done, total: tt.total}
		if got := p.line(10 * time.Second); got != tt.want {
			t.Errorf("%d of %d: %q, want %q", tt.done, tt.total, got, tt.want)
		}
	}
}

// TestProgress: a line is renewed ten times a second at most, and gives way to others.
func TestProgress(t *testing.T) {
	new(progress).add(1) // without a terminal nothing is written
	new(progress).clear()
	var out bytes.Buffer
	now := time.Now()
	p := &progress{out: &out, total: 100, began: now, now: func() time.Time { return now }}
	for range 50 {
		p.add(1)
		now = now.Add(10 * time.Millisecond)
	}
	if n := strings.Count(out.String(), "left"); n != 5 {
		t.Errorf("%d lines in half a second", n)
	}
	p.clear()
	if !strings.HasSuffix(out.String(), "left"+eraseLine) {
		t.Errorf("not cleared: %q", out.String())
	}
	p.add(1)
	if !strings.HasSuffix(out.String(), " 0s left") || !strings.Contains(out.String(), "\r\x1b[K 51%") {
		t.Errorf("not back at once: %q", out.String())
	}
}

func TestProgressSize(t *testing.T) {
	dir := t.TempDir()
	for name, n := range map[string]int{"a": 3, "b": 4} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n := size([]string{dir, filepath.Join(dir, "a")}); n != 10 {
		t.Errorf("%d bytes", n)
	}
	for _, path := range []string{filepath.Join(dir, "c"), os.DevNull} {
		if n := size([]string{dir, path}); n != 0 {
			t.Errorf("%s: %d bytes", path, n)
		}
	}
}
