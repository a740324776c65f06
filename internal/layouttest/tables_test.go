package layouttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/evidence/asn"
)

// TestDocsTablesLoad reads the examples of tables as the daemon would; each
// begins with a comment that names its file.
func TestDocsTablesLoad(t *testing.T) {
	path := filepath.Join(root, "docs", "tables.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows device.Rows
	seen := 0
	for _, b := range (page{path, string(text)}).blocks("tsv") {
		name, _, _ := strings.Cut(strings.TrimPrefix(b.text, "# "), "\n")
		if name == "networks.tsv" {
			if kinds, err := asn.ReadKinds([]byte(b.text)); err != nil || len(kinds) == 0 {
				t.Errorf("%s: %d kinds: %v", b.where, len(kinds), err)
			}
			continue
		}
		for _, wrong := range rows.Read(name, []byte(b.text)) {
			t.Errorf("%s: %v", b.where, wrong)
		}
		seen++
	}
	if seen != len(device.RowFiles) || len(rows.Words) == 0 || len(rows.Domains) == 0 || len(rows.Suffixes) == 0 || len(rows.Hosts) == 0 {
		t.Errorf("%s: %d examples with rows %+v, want one of each of %q", path, seen, rows, device.RowFiles)
	}
}
