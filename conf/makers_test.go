package conf

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestMakers(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"good", "OUI/MA-L\r\n00155D     (base 16)\t\tExample Cards\r\n", ""},
		{"other", "something else\n", ":1:1: identify.oui: no OUI in the whole file; hint: oui.txt of IEEE"},
		{"part", "\nE00000-EFFFFF     (base 16)\t\tName\n", `:2:1: identify.oui: "E00000-EFFFFF" is no OUI of six digits; hint: `},
		{"damaged", "00155D     (base 16)\t\tN\x00\n", ":1:1: identify.oui: the maker of 00155D is no text; hint: fetch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			oui, file := filepath.Join(dir, "oui.txt"), filepath.Join(dir, "iot-milter.toml")
			write(t, oui, c.text)
			write(t, file, fmt.Sprintf("[identify]\noui = %q\n", oui))
			cfg, warnings, err := Load(file)
			if c.want != "" {
				if err == nil || cfg != nil || !strings.HasPrefix(err.Error(), oui+c.want) {
					t.Errorf("%v, want %s", err, oui+c.want)
				}
				return
			}
			if err != nil || len(warnings) > 0 {
				t.Fatal(err, warnings)
			}
			if vendor, _, ok := cfg.Identify.Makers.OUI([3]byte{0, 0x15, 0x5d}); vendor != "Example Cards" || !ok {
				t.Errorf("00155D is %q's", vendor)
			}
		})
	}
}

func TestMakersMissing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "iot-milter.toml")
	for path, want := range map[string]string{
		"/nowhere/oui.txt": "/nowhere/oui.txt: identify.oui: no such file; hint: Debian's package ieee-data",
		t.TempDir():        ": identify.oui: is a directory",
	} {
		write(t, file, fmt.Sprintf("[identify]\noui = %q\n", path))
		if _, _, err := Load(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
