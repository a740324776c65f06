package device_test

import (
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
		"001132     (base 16)\t\tAnother Name\r\nxyz     (base 16)\t\tNobody\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if vendor, kind, ok := m.OUI([3]byte{2, 0, 1}); vendor != "Example Cards Inc." || kind != device.None || !ok {
		t.Error(vendor, kind, ok)
	}
	if vendor, kind, _ := m.OUI([3]byte{0, 0x11, 0x32}); vendor != "Synology" || kind != device.NAS {
		t.Error("the built-in row is lost:", vendor, kind)
	}
	for _, bad := range []string{"", "no registry", strings.Repeat("x", 20<<10)} {
		if _, err := device.ParseMakers(strings.NewReader(bad)); err == nil {
			t.Errorf("%.20q: no error", bad)
		}
	}
}

func FuzzParseMakers(f *testing.F) {
	f.Add("001132     (base 16)\t\tName\r\n")
	f.Fuzz(func(t *testing.T, text string) { device.ParseMakers(strings.NewReader(text)) })
}
