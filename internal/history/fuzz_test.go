package history

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// FuzzSegment: whatever the files of a history hold, a search ends with decisions that
// the query means, and forgetting leaves none of them.
func FuzzSegment(f *testing.F) {
	f.Add([]byte(line(1)+line(2)), false, "203.0.0.1/32", "example.org")
	packed, err := compress([]byte(line(3) + "{}\n" + line(4)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed, true, "", "d3.example.test")
	f.Add([]byte("\n\n{\"id\":1}\nnull\n[]"), false, "", "")
	f.Fuzz(func(t *testing.T, data []byte, isPacked bool, client, domain string) {
		dir := t.TempDir()
		name := "1795377600000" + plainEnd
		if isPacked {
			name = "1795377600000" + packedEnd
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		s := Open(Options{Dir: dir, Keep: 24 * time.Hour, Size: 1 << 20, Meter: new(past), Now: func() time.Time { return began },
			Log: slog.New(slog.DiscardHandler)})
		defer s.Close()
		q := Query{To: domain}
		q.Client, _ = netip.ParsePrefix(client)
		found := func() (n int) {
			if err := s.Search(t.Context(), &q, func(d *policy.Decision) bool {
				if n++; domain != "" && !strings.Contains(strings.Join(d.To, "\n"), strings.ToLower(domain)) {
					t.Errorf("%q is not to %q", d.To, domain)
				}
				return true
			}); err != nil {
				t.Error(err)
			}
			return n
		}
		before := found()
		gone, err := s.Forget(t.Context(), &q)
		if after := found(); err == nil && after != 0 || gone < before && err == nil {
			t.Errorf("%d before, %d forgotten, %d after", before, gone, after)
		}
	})
}
