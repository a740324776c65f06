package conf

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/iot-milter/iot-milter/policy"
)

func TestSampleIsDefault(t *testing.T) {
	cfg, warnings, err := Parse("iot-milter.toml", Sample)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if def := Default(); !reflect.DeepEqual(*cfg, def) {
		t.Errorf("sample is\n%s\ndefault is\n%s", Effective(cfg), Effective(&def))
	}
}

// wholeSample is the sample with what is commented out.
func wholeSample() []byte {
	return regexp.MustCompile(`(?m)^#(\[\[|[a-z_]+ = )`).ReplaceAll(Sample, []byte("$1"))
}

// sampleKeys are the keys of the sample, those that are commented out included;
// those of several entries once.
func sampleKeys(t *testing.T) []string {
	t.Helper()
	var raw map[string]any
	md, err := toml.Decode(string(wholeSample()), &raw)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, k := range md.Keys() {
		if kind := md.Type(k...); kind == "Hash" || kind == "ArrayHash" {
			continue
		}
		name := strings.NewReplacer("device.printer.", "device.KIND.").Replace(k.String())
		for _, list := range []string{"limit", "dnslist"} {
			if rest, ok := strings.CutPrefix(name, list+"."); ok {
				name = list + "[]." + rest
			}
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func TestSampleLoadsWhole(t *testing.T) {
	cfg, warnings, err := Parse("iot-milter.toml", wholeSample())
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if n := strings.Count(string(Sample), "\n#[[dnslist]]\n"); len(cfg.DNSList) != n || n < 2 {
		t.Errorf("%d lists of %d in the sample", len(cfg.DNSList), n)
	}
	for _, l := range cfg.DNSList {
		for _, wrong := range []string{"127.255.255.254", "127.0.0.255"} {
			if slices.ContainsFunc(l.Codes, func(c policy.Codes) bool { return c.Contains(netip.MustParseAddr(wrong)) }) {
				t.Errorf("%s: %v has %s", l.Zone, l.Codes, wrong)
			}
		}
	}
}

func TestSampleHasEveryKey(t *testing.T) {
	got, want := sampleKeys(t), Keys()
	if !slices.Equal(got, want) {
		t.Errorf("sample has\n%q\nConfig has\n%q", got, want)
	}
}

func TestSampleExplainsEveryKey(t *testing.T) {
	lines := strings.Split(string(Sample), "\n")
	key := regexp.MustCompile(`^#?[a-z_]+ = `)
	explained := map[string]bool{} // of keys that are commented out: further entries repeat them
	for i, line := range lines {
		word := key.FindString(line)
		if word == "" {
			continue
		}
		above := i > 0 && strings.HasPrefix(lines[i-1], "# ")
		if !above && !(word[0] == '#' && explained[word]) {
			t.Errorf("line %d: %s: no comment above", i+1, line)
		}
		explained[word] = true
	}
}

// Every range must read back in the notation of its type, or it would be 0..0.
func TestRangesParse(t *testing.T) {
	var walk func(reflect.Type)
	walk = func(rt reflect.Type) {
		for _, f := range fieldsOf(rt) {
			ft := rt.Field(f.index).Type
			for ft.Kind() == reflect.Slice || ft.Kind() == reflect.Map {
				ft = ft.Elem()
			}
			walk(ft)
			if form := f.tag.Get("form"); form != "" && forms[form] == nil {
				t.Errorf("%s.%s: no form %q", rt, f.name, form)
			}
			tag := f.tag.Get("range")
			if tag == "" {
				continue
			}
			lo, hi, _ := cutRange(tag)
			if bound(lo, ft) >= bound(hi, ft) {
				t.Errorf("%s.%s: range %q is empty", rt, f.name, tag)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
}

func TestLoad(t *testing.T) {
	cfg, warnings, err := Load("")
	if def := Default(); err != nil || warnings != nil || !reflect.DeepEqual(*cfg, def) {
		t.Errorf("no path: %v, %v", warnings, err)
	}
	_, _, err = Load("testdata/absent.toml")
	want := "testdata/absent.toml: no such file; hint: with -c \"\" all defaults hold; iot-milter check -c \"\" prints them"
	if err == nil || err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, _, err = Load("testdata"); err == nil || err.Error() != "testdata: is a directory" {
		t.Errorf("directory: %v", err)
	}
	big := filepath.Join(t.TempDir(), "big.toml")
	if err := os.WriteFile(big, bytes.Repeat([]byte("#\n"), maxFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err = Load(big); err == nil || err.Error() != big+": is larger than 1MiB; hint: is it the right file?" {
		t.Errorf("big: %v", err)
	}
}

// TestOpenSecret: a secret belongs into a file that not all may read.
func TestOpenSecret(t *testing.T) {
	const secret = "store.url = \"redis://:secret@127.0.0.1\"\n"
	path := filepath.Join(t.TempDir(), "iot-milter.toml")
	for _, c := range []struct {
		text string
		mode fs.FileMode
		want int
	}{
		{secret, 0o640, 0},
		{secret, 0o644, 1},
		{"mode = \"tag\"\nstore.url = \"redis://127.0.0.1\"\n", 0o644, 0},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, warnings, err := Load(path)
		if err != nil || len(warnings) != c.want {
			t.Errorf("%s %o: %v %v", c.text, c.mode, warnings, err)
		}
		if len(warnings) > 0 && !strings.Contains(warnings[0].String(), "chmod 0640 "+path) {
			t.Error(warnings)
		}
	}
}

// A bad configuration NN-name.toml gives exactly the lines of NN-name.err.
func TestBad(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.toml")
	if len(files) < 20 {
		t.Fatalf("only %d broken configurations", len(files))
	}
	for _, file := range files {
		want, err := os.ReadFile(strings.TrimSuffix(file, ".toml") + ".err")
		if err != nil {
			t.Error(err)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cfg, _, err := Parse(filepath.Base(file), data)
		if err == nil || cfg != nil {
			t.Errorf("%s: no error", file)
			continue
		}
		if got := err.Error() + "\n"; got != string(want) {
			t.Errorf("%s:\ngot\n%swant\n%s", file, got, want)
		}
	}
}

// A good configuration NN-name.toml gives exactly the warnings of NN-name.warn,
// or none, and loads again from what Effective writes.
func TestGood(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.toml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cfg, warnings, err := Parse(filepath.Base(file), data)
		if err != nil {
			t.Errorf("%s:\n%v", file, err)
			continue
		}
		want, _ := os.ReadFile(strings.TrimSuffix(file, ".toml") + ".warn")
		var got strings.Builder
		for _, w := range warnings {
			got.WriteString(w.String() + "\n")
		}
		if got.String() != string(want) {
			t.Errorf("%s:\ngot\n%swant\n%s", file, got.String(), want)
		}
		roundTrip(t, file, cfg)
	}
}

func roundTrip(t *testing.T, name string, cfg *Config) {
	t.Helper()
	text := Effective(cfg)
	again, _, err := Parse("effective", text)
	if err != nil {
		t.Errorf("%s: the effective configuration does not load:\n%v\n%s", name, err, text)
		return
	}
	if want := cfg.Redacted(); !reflect.DeepEqual(*again, want) {
		t.Errorf("%s: not the same again:\n%s\n%s", name, text, Effective(again))
	}
}
