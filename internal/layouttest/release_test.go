package layouttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRelease holds `.ci/release check` to what it must not let through.
func TestRelease(t *testing.T) {
	const good = "# Changelog\n\n## 1.2.0 (2026-01-02)\n\n- [FEATURE] One\n  and its second line.\n\n## 1.1.0 (2025-01-02)\n\n- [BUGFIX] Two.\n"
	change := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, c := range []struct{ name, changelog, tag, want string }{
		{"good", good, "v1.2.0", "1.2.0"},
		{"candidate", good, "v1.2.0-rc.1", "1.2.0-rc.1"},
		{"no tag", good, "", "HEAD has no tag of a version; hint: git tag -a v1.2.0 -m v1.2.0"},
		{"no version", good, "v1.2", "v1.2 is no version"},
		{"another version", good, "v1.3.0", `CHANGELOG.md begins with "## 1.2.0 (2026-01-02)"; hint: write ## 1.3.0`},
		{"unreleased", change("2026-01-02", "unreleased"), "v1.2.0", "CHANGELOG.md says (unreleased) of 1.2.0"},
		{"no day", change("2026-01-02", "2026-02-31"), "v1.2.0", "CHANGELOG.md says (2026-02-31) of 1.2.0"},
		{"to come", change("2026-01-02", "2999-01-02"), "v1.2.0", "that is to come"},
		{"nothing new", change("- [FEATURE] One\n  and its second line.\n", ""), "v1.2.0", "CHANGELOG.md has no entry for 1.2.0"},
		{"no kind", change("[FEATURE]", "[NEWS]"), "v1.2.0", "an entry for 1.2.0 is of no kind: 1:- [NEWS] One"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if out := releaseCheck(t, c.changelog, c.tag, false); !strings.Contains(out, c.want) {
				t.Errorf("%s\nwant %s", out, c.want)
			}
		})
	}
	if out := releaseCheck(t, good, "v1.2.0", true); !strings.Contains(out, "not committed") {
		t.Error(out)
	}
}

// releaseCheck is what the check says of a project with that change log and tag.
func releaseCheck(t *testing.T, changelog, tag string, dirty bool) string {
	t.Helper()
	dir := t.TempDir()
	script, err := os.ReadFile("../../.ci/release")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"CHANGELOG.md": changelog, ".ci/release": string(script)} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.org"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "all")
	if tag != "" {
		git("tag", "-am", tag, tag)
	}
	if dirty {
		os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(changelog+"\n"), 0o644)
	}
	cmd := exec.Command(filepath.Join(dir, ".ci/release"), "check")
	out, _ := cmd.CombinedOutput() // what it says tells whether it went well
	return string(out)
}
