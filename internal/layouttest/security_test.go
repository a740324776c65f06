package layouttest

import (
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoProgramIsStarted: who imports os/exec is said by the homes of libraries; this is
// about the other ways.
func TestNoProgramIsStarted(t *testing.T) {
	tests := []string{"integration/...", "internal/mounttest"}
	starts := []string{"os.StartProcess", "syscall.ForkExec", "syscall.StartProcess", "syscall.Exec", "unix.Exec"}
	goFiles(t, func(path string, _ *token.FileSet, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") || covers(tests, filepath.Dir(path)) {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if from, ok := s.X.(*ast.Ident); ok && slices.Contains(starts, from.Name+"."+s.Sel.Name) {
					t.Errorf("%s uses %s.%s", path, from.Name, s.Sel.Name)
				}
			}
			return true
		})
	})
}

// TestLibrariesAreListed: docs/hacking.md says of each module that go.mod requires why it
// is there, and lists no other.
func TestLibrariesAreListed(t *testing.T) {
	mod := read(t, "go.mod")
	_, section, _ := strings.Cut(read(t, "docs/hacking.md"), "\n## Libraries, and why\n")
	var listed []string
	for _, row := range regexp.MustCompile(`(?m)^\|[^|]+\| ([^|]+) \|`).FindAllStringSubmatch(section, -1) {
		listed = append(listed, regexp.MustCompile(`[a-zA-Z0-9.-]+/[\w./-]+`).FindAllString(row[1], -1)...)
	}
	within := func(library, module string) bool {
		module = strings.TrimPrefix(module, "github.com/")
		return library == module || strings.HasPrefix(library, module+"/")
	}
	var modules []string
	for _, line := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(mod, -1) { // direct ones have no comment
		modules = append(modules, line[1])
		if !slices.ContainsFunc(listed, func(l string) bool { return within(l, line[1]) }) {
			t.Errorf("docs/hacking.md does not say why %s is needed", line[1])
		}
	}
	for _, l := range listed {
		_, err := os.Stat(filepath.Join(goroot(t), "src", l))
		if err != nil && !slices.ContainsFunc(modules, func(m string) bool { return within(l, m) }) {
			t.Errorf("docs/hacking.md lists %s, which go.mod does not require", l)
		}
	}
	if len(modules) == 0 || len(listed) == 0 {
		t.Errorf("%d modules, %d listed", len(modules), len(listed))
	}
}

// TestFuzzTargetsAreListed: docs/hacking.md names the fuzz target of each parser of foreign
// bytes, and each target.
func TestFuzzTargetsAreListed(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "docs/hacking.md"), "\n## Foreign bytes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	listed := regexp.MustCompile("`([a-z0-9/]+\\.Fuzz[A-Za-z]+)`").FindAllString(section, -1)
	goFiles(t, func(path string, _ *token.FileSet, file *ast.File) {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Fuzz") || !strings.HasSuffix(path, "_test.go") {
				continue
			}
			name := "`" + filepath.Dir(path) + "." + f.Name.Name + "`"
			if i := slices.Index(listed, name); i < 0 {
				t.Errorf("%s is not listed", name)
			} else {
				listed = slices.Delete(listed, i, i+1)
			}
		}
	})
	for _, name := range listed {
		t.Errorf("%s is listed, and is not there or is there twice", name)
	}
}

// goroot is where the standard library is.
func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
