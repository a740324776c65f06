package conf

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
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

// sampleKeys are the keys of the sample, those that are commented out included.
func sampleKeys(t *testing.T) []string {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#(\[\[|[a-z_]+ = )`).ReplaceAll(Sample, []byte("$1"))
	var raw map[string]any
	md, err := toml.Decode(string(text), &raw)
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
		out = append(out, name)
	}
	return out
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
	for i, line := range lines {
		if key.MatchString(line) && (i == 0 || !strings.HasPrefix(lines[i-1], "# ")) {
			t.Errorf("line %d: %s: no comment above", i+1, line)
		}
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
	want := "testdata/absent.toml: no such file; hint: without -c all defaults hold; iot-milter check prints them"
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
