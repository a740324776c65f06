package conf

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/iot-milter/iot-milter/policy"
)

func TestParseListen(t *testing.T) {
	for _, c := range []struct{ in, network, address, text string }{
		{"/run/a.sock", "unix", "/run/a.sock", "unix:/run/a.sock"},
		{"unix:/run/a.sock", "unix", "/run/a.sock", "unix:/run/a.sock"},
		{"local:/run/a.sock", "unix", "/run/a.sock", "unix:/run/a.sock"},
		{"inet:8899@localhost", "tcp4", "localhost:8899", "inet:8899@localhost"},
		{"inet:127.0.0.1:8899", "tcp4", "127.0.0.1:8899", "inet:8899@127.0.0.1"},
		{"inet:[::1]:8899", "tcp6", "[::1]:8899", "inet6:8899@::1"},
		{"inet6:[::1]:8899", "tcp6", "[::1]:8899", "inet6:8899@::1"},
		{"inet6:8899@::1", "tcp6", "[::1]:8899", "inet6:8899@::1"},
		{"inet6:8899@mx.example.org", "tcp6", "mx.example.org:8899", "inet6:8899@mx.example.org"},
		{"inet:0025@0.0.0.0", "tcp4", "0.0.0.0:25", "inet:25@0.0.0.0"},
		{"fd:systemd", "fd", "systemd", "fd:systemd"},
	} {
		l, err := ParseListen(c.in)
		if err != nil || l != (Listen{c.network, c.address}) || l.String() != c.text {
			t.Errorf("%s: %+v %q %v", c.in, l, l, err)
		}
		if again, err := ParseListen(l.String()); err != nil || again != l {
			t.Errorf("%s: again %+v %v", c.in, again, err)
		}
	}
	_, err := ParseListen("8899")
	if want := `"8899" is a bare port; hint: "inet:8899@localhost"`; err == nil || err.Error() != want {
		t.Errorf("bare port: %v", err)
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"5s": 5 * time.Second, "35d": 35 * day, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute,
		"0s": 0, "1.5s": 1500 * time.Millisecond, "250ms": 250 * time.Millisecond,
	} {
		d, err := parseDuration(in)
		if err != nil || d != want {
			t.Errorf("%s: %v %v", in, d, err)
		}
		if again, err := parseDuration(formatDuration(d)); err != nil || again != d {
			t.Errorf("%s: again %v %v", in, again, err)
		}
	}
	for _, in := range []string{"", "5", "-5s", "5 s", "s", "d", "1h1", "99999d9999999h", "9999999999999h", "1w"} {
		if d, err := parseDuration(in); err == nil {
			t.Errorf("%q: %v", in, d)
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]Size{"64MiB": 64 << 20, "0B": 0, "1024KiB": 1 << 20, "1TiB": 1 << 40} {
		s, err := parseSize(in)
		if err != nil || s != want {
			t.Errorf("%s: %v %v", in, s, err)
		}
		if again, err := parseSize(s.String()); err != nil || again != s {
			t.Errorf("%s: again %v %v", in, again, err)
		}
	}
	for _, in := range []string{"", "64", "-1B", "1.5MiB", "64MB", "99999999TiB", "MiB"} {
		if s, err := parseSize(in); err == nil {
			t.Errorf("%q: %v", in, s)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"enabled", "mode", "listen", "ptr"}
	for in, want := range map[string]string{
		"enabeld": "enabled", "Mode": "mode", "lsiten": "listen", "prt": "ptr", "xyz": "", "p0f": "",
		strings.Repeat("a", 100): "",
	} {
		if got := nearest(in, words); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestMarks(t *testing.T) {
	src := strings.Join([]string{
		`a = "x = [1] # \" no" # [comment]`,
		`'b c' . "d\u002ee" = 'c:\'`,
		`m = """one`,
		`[no] = "" ' \""" """"" # two quotes before the end`,
		`n = '''`,
		`[[no]] '' '''''`,
		"\tl = [ 1, # ]",
		`  [2, "]"], { k.x = 5, o = [ ] }, ]`,
		`[ t . "u" ] # x`,
		`d = 1979-05-27 07:32:00Z`,
		`[[e]]`, `k = 1`, `[[e]]`, `k = 2`, `[e.sub]`, `k=3`,
	}, "\r\n")
	var raw map[string]any
	md, err := toml.Decode(src, &raw)
	if err != nil {
		t.Fatal(err)
	}
	at := findMarks(src)
	starts := lineStarts(src)
	for path, want := range map[string][4]int{
		"a": {1, 1, 1, 5}, `"b c"`: {2, 1, 2, 1}, `"b c"."d.e"`: {2, 9, 2, 22}, "m": {3, 1, 3, 5}, "n": {5, 1, 5, 5},
		"l": {7, 2, 7, 6}, "l[1]": {8, 3, 8, 3}, "l[1][1]": {8, 7, 8, 7}, "l[2]": {8, 13, 8, 13}, "l[2].k.x": {8, 17, 8, 21},
		"l[2].o": {8, 24, 8, 28}, "t": {9, 3, 9, 3}, "t.u": {9, 7, 9, 7}, "t.u.d": {10, 1, 10, 5},
		"e": {11, 3, 11, 3}, "e[0]": {11, 3, 11, 3}, "e[1]": {13, 3, 13, 3}, "e[1].k": {14, 1, 14, 5}, "e[1].sub.k": {16, 1, 16, 3},
	} {
		m, ok := at[path]
		kl, kc := lineCol(src, starts, m.key)
		vl, vc := lineCol(src, starts, m.value)
		if got := [4]int{kl, kc, vl, vc}; !ok || got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if len(md.Keys()) == 0 || at["no"] != (mark{}) {
		t.Error("a header within a text was taken for one")
	}
}

func TestRedacted(t *testing.T) {
	if err := checkHash(redactedHash); err != nil {
		t.Error(err)
	}
	c := Default()
	c.Admin.Password = "$2y$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
	c.Admin.ChangePassword = c.Admin.Password
	c.Store.URL = "redis-sentinel://user:secret@a.example.org:1,b.example.org:2/0?sentinel_password=secret&db=1#secret"
	c.DNSList = []DNSList{{Zone: "secretkey.zen.dq.spamhaus.net", Weight: 3, Kind: "access"}}
	text := string(Effective(&c))
	if strings.Contains(text, "secret") || strings.Contains(text, "abcdefgh") || !strings.Contains(text, "redacted@a.example.org:1,b") {
		t.Error(text)
	}
	roundTrip(t, "redacted", &c)
}

func TestDefaultsAreOwn(t *testing.T) {
	a, b := Default(), Default()
	a.Listen[0].Address, a.Limit[0].Class[0], a.Device[1] = "x", 0, Override{}
	if reflect.DeepEqual(a, b) || b.Listen[0].Address == "x" || b.Limit[0].Class[0] == 0 || len(b.Device) != 1 {
		t.Error("two defaults share memory")
	}
	roundTrip(t, "default", &b)
}

func seeds(f *testing.F) []string {
	files, _ := filepath.Glob("testdata/*/*.toml")
	var out []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, string(data))
	}
	return out
}

func check(t *testing.T, text string) (*Config, []Warning, error) {
	t.Helper()
	return Parse("t", []byte(text))
}

func TestSafety02(t *testing.T) {
	const entry = "[[dnslist]]\nzone = \"l.example.org\"\nkind = \"abuse\"\nweight = "
	if _, _, err := check(t, entry+"5"); err != nil {
		t.Error(err)
	}
	if _, _, err := check(t, entry+"5.1"); err == nil {
		t.Error("a list without a measured rate may weigh more than 5 decibans")
	}
}

func TestSafety08(t *testing.T) {
	for _, code := range []string{"450 4.7.1", "421 4.7.1", "550 5.7.1", "551 5.7.1"} {
		if _, _, err := check(t, "[reply]\nlimit = \""+code+" Text\""); err == nil {
			t.Errorf("a limit may say %s", code)
		}
	}
	for _, class := range []string{"mailserver", "hosting", "business"} {
		text := "[class.access]\naction = \"tag\"\n[[limit]]\nname = \"a\"\nrate = \"1/1h\"\nclass = [\"" + class + "\"]\nkey = "
		if _, _, err := check(t, text+`["prefix"]`); err == nil {
			t.Errorf("others can fill a bucket of class %s", class)
		}
		if _, _, err := check(t, text+`["address"]`); err != nil {
			t.Error(err)
		}
	}
}

func TestSafety12(t *testing.T) {
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{`enforce_at = "connect"`, false},
		{`enforce_at = "helo"`, false},
		{"enforce_at = \"helo\"\nexempt.authenticated = false", false},
		{"enforce_at = \"helo\"\nexempt.recipients = []", false},
		{"enforce_at = \"helo\"\nexempt.recipients = []\nexempt.authenticated = false", true},
		{`enforce_at = "mail"`, true},
		{`enforce_at = "eom"`, true},
	} {
		if _, _, err := check(t, c.text); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

func TestSafety15(t *testing.T) {
	for _, table := range []string{"class.device", "class.access", "campaign", "device.nas", "device.printer"} {
		text := "[" + table + "]\naction = \"quarantine\"\n"
		if _, _, err := check(t, text); err == nil {
			t.Errorf("%s: quarantine without notify", table)
		}
		if _, _, err := check(t, text+"[quarantine]\nnotify = \"postmaster@example.org\""); err != nil {
			t.Error(err)
		}
	}
}

func TestSafety17(t *testing.T) {
	if c := Default(); c.Mode != policy.ModeTag || c.Probe.Enabled || c.ASN.Cymru || len(c.DNSList) > 0 {
		t.Error("the defaults act on mail or ask third parties")
	}
}

func TestSafety21(t *testing.T) {
	for _, text := range []string{
		"admin.password = \"secret\"", "admin.change_password = \"secret\"", "admin.password = 123456", "store.url = \"ftp://u:secret@h\"", "store.url = \"redis://u:se cret@%zz\"",
	} {
		_, _, err := check(t, text)
		if err == nil || strings.Contains(err.Error(), "cret") || strings.Contains(err.Error(), "123456") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNaNIsInNoRange(t *testing.T) {
	v := reflect.ValueOf(math.NaN())
	if checkRange(v, math.NaN(), "0..1") == nil || checkRange(v, math.NaN(), "(0..1)") == nil {
		t.Error("not a number passes")
	}
}

// Any input gives a configuration or sorted problems with positions in the
// text, and a configuration loads again from what Effective writes.
func FuzzParse(f *testing.F) {
	f.Add(string(Sample))
	for _, text := range seeds(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			t.Skip("the TOML library is quadratic in the depth of keys")
		}
		cfg, _, err := Parse("fuzz", []byte(text))
		if (cfg == nil) == (err == nil) {
			t.Fatal("neither or both of configuration and error")
		}
		if err == nil {
			roundTrip(t, "fuzz", cfg)
			return
		}
		lines := strings.Count(text, "\n") + 1
		problems := err.(Errors)
		for i, p := range problems {
			if p.Line > lines || p.Line > 0 && p.Col < 1 || p.What == "" {
				t.Errorf("odd problem %+v", p)
			}
			if i > 0 && byPosition(problems[i-1], p) > 0 {
				t.Errorf("not sorted: %v", err)
			}
		}
	})
}
