package layouttest

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDocsFaultsAreTheTable: each fault of the code is a row of the matrix, with the
// outcome that the code expects, and the matrix has no other.
func TestDocsFaultsAreTheTable(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "<!-- make faults -->\n")
	matrix, _, _ := strings.Cut(rest, "<!-- end of faults -->")
	faults := 0
	goFiles(t, func(path string, _ *token.FileSet, file *ast.File) {
		if path != "integration/faulttable_test.go" {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			row, ok := n.(*ast.CompositeLit)
			if !ok || row.Type != nil {
				return true
			}
			faults++
			if want := "\n| " + field(row, "name") + " | " + field(row, "expect") + " | "; !strings.Contains(matrix, want) {
				t.Errorf("docs/reliability.md lacks the row%s; hint: make faults FAULTFLAGS=-faults.write", want)
			}
			return true
		})
	})
	const head = 2
	if rows := strings.Count(matrix, "\n") - head; faults == 0 || rows != faults {
		t.Errorf("%d faults, and %d rows in docs/reliability.md", faults, rows)
	}
}

// field is the string that a composite literal has for a key.
func field(lit *ast.CompositeLit, key string) string {
	for _, e := range lit.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		name, _ := pair.Key.(*ast.Ident)
		value, _ := pair.Value.(*ast.BasicLit)
		if name != nil && value != nil && name.Name == key {
			if s, err := strconv.Unquote(value.Value); err == nil {
				return s
			}
		}
	}
	return ""
}
