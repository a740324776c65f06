package allow

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpen: a file that cannot be read allows nobody, and one that can is the same when
// it is written and read again.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(`[{"what":"203.0.113.0/24","note":"office","added":"2026-11-22T20:00:00Z"},{"what":"mail.example.org","added":"2026-11-22T20:00:00Z"}]`))
	f.Add([]byte(`[{"what":"::ffff:192.0.2.7","until":"2026-11-22T20:00:00Z","evidence":{"id":"a.1","signals":[]}}]`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "allow.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path)
		if err != nil {
			if len(l.Entries()) > 0 {
				t.Errorf("%v, and %d entries", err, len(l.Entries()))
			}
			return
		}
		was := l.Entries()
		for _, addr := range []string{"203.0.113.7", "2001:db8::7"} {
			l.Has(clientOf(addr, "mail.example.org", 0))
		}
		if err := l.put(was); err != nil {
			t.Skip(err)
		}
		again, err := Open(path)
		if err != nil || len(again.Entries()) != len(was) {
			t.Errorf("%d entries, then %d: %v", len(was), len(again.Entries()), err)
		}
	})
}
