package device_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy/device"
)

func TestOUI(t *testing.T) {
	// The registry's own rows, as ieee-data of 2022-08-27 has them.
	vendor, kind, ok := device.OUI([3]byte{0x00, 0x11, 0x32})
	if vendor != "Synology" || kind != device.NAS || !ok {
		t.Error(vendor, kind, ok)
	}
	if vendor, kind, ok = device.OUI([3]byte{0x00, 0x40, 0x8c}); vendor != "Axis" || kind != device.Camera || !ok {
		t.Error(vendor, kind, ok)
	}
	if vendor, kind, ok = device.OUI([3]byte{2, 0, 0}); ok {
		t.Error(vendor, kind)
	}
}

func TestParseMakers(t *testing.T) {
	m, err := device.ParseMakers(strings.NewReader("OUI/MA-L\tOrganization\r\n\r\n" +
		"02-00-01   (hex)\t\tExample Cards Inc.\r\n020001     (base 16)\t\tExample Cards Inc.\r\n\t\t\t\tStreet 1\r\n" +
		"001132     (base 16)\t\tAnother Name\r\n" +
		"020002     (base 16)\t\tPrivate\r\n020003     (base 16)\t\tIEEE Registration Authority\r\n" +
		"020001     (base 16)\t\tExample Cards Ltd.\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if vendor, kind, ok := m.OUI([3]byte{2, 0, 1}); vendor != "Example Cards Ltd." || kind != device.None || !ok {
		t.Error(vendor, kind, ok)
	}
	if vendor, kind, _ := m.OUI([3]byte{0, 0x11, 0x32}); vendor != "Synology" || kind != device.NAS {
		t.Error("the built-in row is lost:", vendor, kind)
	}
	for _, part := range [][3]byte{{2, 0, 2}, {2, 0, 3}, {2, 0, 0}, {0xff, 0xff, 0xff}} {
		if vendor, _, ok := m.OUI(part); ok {
			t.Errorf("%x is %s's", part, vendor)
		}
	}
	if want := builtinLen(t) + 1; m.Len() != want {
		t.Errorf("%d OUIs, want %d", m.Len(), want)
	}
}

func builtinLen(t *testing.T) int {
	t.Helper()
	m, err := device.ParseMakers(strings.NewReader("001132     (base 16)\t\tSynology\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return m.Len()
}

func TestParseMakersRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "1: no OUI"},
		{"no\nregistry\n", "2: no OUI"},
		{strings.Repeat("x", 20<<10), "1: a line longer"},
		{"\nE00000-EFFFFF     (base 16)\t\tName\n", `2: "E00000-EFFFFF" is no OUI`}, // mam.txt
		{"xyzxyz     (base 16)\t\tName\n", `1: "xyzxyz" is no OUI`},
		{"001132     (base 16)\t\tN\x00me\n", "1: the maker of 001132 is no text"},
		{"001132     (base 16)\t\tN\xffme\n", "1: the maker of 001132 is no text"},
	} {
		_, err := device.ParseMakers(strings.NewReader(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || !strings.Contains(err.Error(), "; hint: ") {
			t.Errorf("%.30q: %v, want %s", c.text, err, c.want)
		}
	}
}

// BenchmarkParseMakers is the registry's cost at start and reload.
func BenchmarkParseMakers(b *testing.B) {
	var text strings.Builder
	for i := range 33_000 {
		fmt.Fprintf(&text, "%06X     (base 16)\t\tExample Maker of Things %d Inc.\r\n\t\t\t\tStreet\r\n", i*4, i/2)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := device.ParseMakers(strings.NewReader(text.String())); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseMakers(f *testing.F) {
	f.Add("001132     (base 16)\t\tName\r\n")
	f.Fuzz(func(t *testing.T, text string) { device.ParseMakers(strings.NewReader(text)) })
}
