package allow

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

var now = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

func open(t testing.TB, path string) *List {
	t.Helper()
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func clientOf(addr, name string, iprev policy.Iprev) *policy.Client {
	return &policy.Client{At: now, Addr: netip.MustParseAddr(addr), Name: policy.Seen(name), Iprev: iprev}
}

func TestHas(t *testing.T) {
	l := open(t, "")
	for _, what := range []string{"192.0.2.7", "198.51.100.9/24", "2001:db8:1::/48", "Office.Example.ORG."} {
		if err := l.Add(Entry{What: what, Added: now}); err != nil {
			t.Fatal(err)
		}
	}
	until := now.Add(-time.Second)
	if err := l.Add(Entry{What: "203.0.113.0/24", Until: &until}); err != nil {
		t.Fatal(err)
	}
	if err := l.Add(Entry{What: "198.51.100.9", Until: &until}); err != nil { // the network around it holds
		t.Fatal(err)
	}
	for _, tt := range []struct {
		client *policy.Client
		want   bool
	}{
		{clientOf("192.0.2.7", "", policy.IprevPermError), true},
		{clientOf("192.0.2.8", "", policy.IprevPermError), false},
		{clientOf("198.51.100.200", "", policy.IprevPermError), true},
		{clientOf("198.51.100.9", "", policy.IprevPermError), true},
		{clientOf("2001:db8:1:2::3", "", policy.IprevPermError), true},
		{clientOf("2001:db8:2::3", "", policy.IprevPermError), false},
		{clientOf("192.0.2.9", "office.example.org", policy.IprevPass), true},
		{clientOf("192.0.2.9", "mail.Office.example.org.", policy.IprevPass), true},
		{clientOf("192.0.2.9", "office.example.org", policy.IprevFail), false}, // anybody can claim it
		{clientOf("192.0.2.9", "notoffice.example.org", policy.IprevPass), false},
		{clientOf("192.0.2.9", "example.org", policy.IprevPass), false},
		{clientOf("203.0.113.7", "", policy.IprevPass), false}, // its time is over
		{&policy.Client{At: now}, false},
	} {
		if got := l.Has(tt.client); got != tt.want {
			t.Errorf("%v %q %v: %v", tt.client.Addr, tt.client.Name, tt.client.Iprev, got)
		}
	}
	if got := l.Entries()[0].What; got != "192.0.2.7" {
		t.Errorf("first is %q", got)
	}
}

func TestWrongEntries(t *testing.T) {
	l := open(t, "")
	for _, what := range []string{"", "org", "0.0.0.0/0", "::/0", "203.0.113", "300.1.2.3", "a..example.org", ".example.org", "a b.example.org", "x/24",
		strings.Repeat("a.", 200) + "example.org"} {
		if err := l.Add(Entry{What: what}); err == nil {
			t.Errorf("%q is taken", what)
		}
	}
	if n := len(l.Entries()); n > 0 {
		t.Errorf("%d entries", n)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allow.json")
	l := open(t, path)
	until := now.Add(time.Hour)
	evidence := &policy.Decision{ID: "s1.1", Class: "access"}
	if err := l.Add(Entry{What: "192.0.2.7", Note: "a customer\x1b[2J\n" + strings.Repeat("x", 300), Added: now, Until: &until, Evidence: evidence}); err != nil {
		t.Fatal(err)
	}
	if err := l.Add(Entry{What: "example.org", Added: now}); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	e := again.Entries()
	if len(e) != 2 || e[0].What != "192.0.2.7" || len(e[0].Note) != maxNote || strings.ContainsAny(e[0].Note, "\x1b\n") || e[0].Evidence.ID != "s1.1" || !e[0].Until.Equal(until) {
		t.Fatalf("%+v", e)
	}
	if ok, err := again.Remove("192.0.2.7/32"); ok || err != nil {
		t.Errorf("a network in the place of an address: %v %v", ok, err)
	}
	if ok, err := again.Remove("192.0.2.7"); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if again.Has(clientOf("192.0.2.7", "", policy.IprevPass)) || len(open(t, path).Entries()) != 1 {
		t.Error("it is still there")
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%v", files)
	}
}

// TestSafety16Disk: a file that cannot be written changes nothing, one that cannot be
// read exempts nobody.
func TestSafety16Disk(t *testing.T) {
	dir := t.TempDir()
	l := open(t, filepath.Join(dir, "gone", "allow.json"))
	if err := l.Add(Entry{What: "192.0.2.7"}); err == nil || len(l.Entries()) > 0 {
		t.Errorf("%v, %v", err, l.Entries())
	}
	for i, text := range []string{"{", "[{\"what\":\"0.0.0.0/0\"}]", "\x00\x01", `[{"what":"example"}]`} {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := Open(path); err == nil || l == nil || len(l.Entries()) > 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFull(t *testing.T) {
	entries := make([]Entry, MaxEntries)
	for i := range entries {
		entries[i] = Entry{What: fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)}
		if err := entries[i].parse(); err != nil {
			t.Fatal(err)
		}
	}
	l := open(t, "")
	l.current.Store(indexOf(entries))
	if err := l.Add(Entry{What: "192.0.2.7"}); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	if err := l.Add(Entry{What: "10.0.1.0/24", Note: "another note"}); err != nil {
		t.Error(err)
	}
}

func TestConcurrent(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "allow.json"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 10 {
				what := fmt.Sprintf("192.0.2.%d", i*10+k)
				if err := l.Add(Entry{What: what, Added: now}); err != nil {
					t.Error(err)
				}
				l.Has(clientOf(what, "", policy.IprevPass))
			}
		})
	}
	wg.Wait()
	if n := len(l.Entries()); n != 80 {
		t.Errorf("%d entries", n)
	}
}

func BenchmarkHas(b *testing.B) {
	l := open(b, "")
	for i := range 100 {
		l.Add(Entry{What: fmt.Sprintf("10.0.%d.0/24", i)})
		l.Add(Entry{What: fmt.Sprintf("host%d.example.org", i)})
	}
	c := clientOf("192.0.2.7", "mail.example.com", policy.IprevPass)
	b.ReportAllocs()
	for b.Loop() {
		l.Has(c)
	}
}
