package layouttest

import (
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/evidence/asn"
)

// TestDocsTablesLoad reads the examples of tables as the daemon would; each
// begins with a comment that names its file.
func TestDocsTablesLoad(t *testing.T) {
	page := onePage(t, "docs/tables.md")
	var rows device.Rows
	seen := 0
	for _, b := range page.Of("tsv") {
		name, _, _ := strings.Cut(strings.TrimPrefix(b.Text, "# "), "\n")
		if name == "networks.tsv" {
			if kinds, err := asn.ReadKinds([]byte(b.Text)); err != nil || len(kinds) == 0 {
				t.Errorf("%s: %d kinds: %v", b.Where(), len(kinds), err)
			}
			continue
		}
		for _, wrong := range rows.Read(name, []byte(b.Text)) {
			t.Errorf("%s: %v", b.Where(), wrong)
		}
		seen++
	}
	if seen != len(device.RowFiles) || len(rows.Words) == 0 || len(rows.Domains) == 0 || len(rows.Suffixes) == 0 || len(rows.Hosts) == 0 {
		t.Errorf("%s: %d examples with rows %+v, want one of each of %q", page.Path, seen, rows, device.RowFiles)
	}
}
