package layouttest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	maxFunction = 80  // lines: what fits on a screen or two
	maxFile     = 400 // lines of a file that is no test
	maxMain     = 200 // lines of main.go: wiring only
)

// skipped are folders without sources of ours.
var skipped = []string{".git", "build", "dist", "testdata", "node_modules"}

// goFiles calls f with each Go file of the module, parsed; path is below the root.
func goFiles(t *testing.T, f func(path string, set *token.FileSet, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(skipped, d.Name()) {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, path)
		f(filepath.ToSlash(below), set, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	vague := []string{"util", "utils", "common", "helper", "helpers", "base", "manager", "misc", "shared", "types"}
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%q has no package comment: each package says what it is for and what it must not do", p.path())
		}
		if slices.Contains(vague, p.Name) {
			t.Errorf("%q: the name %s says nothing about what is in there", p.path(), p.Name)
		}
	}
}

func TestFunctionsAndFilesAreShort(t *testing.T) {
	goFiles(t, func(path string, set *token.FileSet, file *ast.File) {
		lines := set.Position(file.FileEnd).Line
		switch {
		case path == "main.go" && lines > maxMain:
			t.Errorf("main.go has %d lines, more than %d: it is wiring only", lines, maxMain)
		case !strings.HasSuffix(path, "_test.go") && lines > maxFile:
			t.Errorf("%s has %d lines, more than %d: split it by subject", path, lines, maxFile)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || strings.HasSuffix(path, "_test.go") { // tables of tests may be long
				continue
			}
			begin, end := set.Position(f.Pos()), set.Position(f.End())
			if n := end.Line - begin.Line + 1; n > maxFunction {
				t.Errorf("%s:%d: %s has %d lines, more than %d", path, begin.Line, f.Name.Name, n, maxFunction)
			}
		}
	})
}

// clockless packages are given the time: a recording of last year must be
// judged as it was then.
var clockless = []string{"policy", "policy/device", "policy/decider", "policy/state"}

// The functions of package time that ask the clock or wait for it.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func TestPolicyHasNoClockAndNoGoroutine(t *testing.T) {
	goFiles(t, func(path string, set *token.FileSet, file *ast.File) {
		folder := strings.TrimSuffix(path, "/"+filepath.Base(path))
		if strings.HasSuffix(path, "_test.go") || !slices.Contains(clockless, folder) {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
					t.Errorf("%s: time.%s: the time comes in with the facts", set.Position(n.Pos()), n.Sel.Name)
				}
			case *ast.GoStmt:
				t.Errorf("%s: a goroutine: a judgement has one caller and ends with it", set.Position(n.Pos()))
			}
			return true
		})
	})
}

// places are folders of a workplace: nothing that is published may speak of
// them. They are put together here so that this file does not.
var places = []string{"/" + "work" + "/", "/" + "farm" + "/", "." + "library"}

func TestNoWordOfAWorkplace(t *testing.T) {
	cmd := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z") // the checkout may be another user's
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skip("not a git checkout, so what is published is not known:", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // removed, not yet committed
		}
		for _, place := range places {
			if i := bytes.Index(data, []byte(place)); i >= 0 {
				t.Errorf("%s:%d: says %q, which exists only where it was written", name, bytes.Count(data[:i], []byte("\n"))+1, place)
			}
		}
	}
}
