package recog_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/iot-milter/iot-milter/internal/recog"
	"github.com/iot-milter/iot-milter/policy/device"
)

const sample = `<?xml version="1.0" encoding="UTF-8"?>
<fingerprints matches="ftp.banner" protocol="ftp" database_type="service">
  <fingerprint pattern="^springfield .*box$" flags="REG_ICASE,REG_DOT_NEWLINE">
    <description>Two
      lines</description>
    <example hw.device="NAS">ignored</example>
    <param pos="0" name="hw.device" value="NAS"/>
    <param pos="0" name="hw.vendor" value="Springfield {loop}"/>
    <param pos="0" name="loop" value="{loop}"/>
    <param pos="7" name="hw.product"/>
  </fingerprint>
  <fingerprint pattern="^(DiskStation) FTP">
    <description>No device</description>
    <param pos="1" name="service.product"/>
  </fingerprint>
  <fingerprint pattern="^x(?&lt;=y)"><description>Lookbehind</description></fingerprint>
  <fingerprint pattern="x" flags="REG_NEW"><description>New flag</description></fingerprint>
</fingerprints>`

func load(t *testing.T, text string) (*recog.Database, recog.Report) {
	t.Helper()
	r, report, err := recog.Load(fstest.MapFS{"ftp.xml": {Data: []byte(text)}, "README": {Data: []byte("no XML")}})
	if err != nil {
		t.Fatal(err)
	}
	return r, report
}

func TestLoad(t *testing.T) {
	r, report := load(t, sample)
	if report.Files != 1 || report.Fingerprints != 4 || report.Used != 2 || len(report.Unusable) != 2 {
		t.Errorf("%+v", report)
	}
	for i, part := range []string{"ftp.xml: Lookbehind: ", `flag "REG_NEW" is not known`} {
		if !strings.Contains(report.Unusable[i], part) {
			t.Error(report.Unusable[i])
		}
	}
	a := r.Identify("ftp", "220 SPRINGFIELD first\nsecond box")
	if a.Device != device.NAS || a.Vendor != "Springfield" || a.Model != "" || a.Words[0] != "Two lines" {
		t.Errorf("%+v", a)
	}
	// A fingerprint without a device leaves the answer to the built-in tables.
	if a := r.Identify("ftp", "DiskStation FTP server ready."); a.Device != device.NAS || a.Vendor != "Synology" {
		t.Errorf("%+v", a)
	}
	if a := r.Identify("gopher", "springfield box"); a.Device != device.None {
		t.Errorf("%+v", a)
	}
}

func TestLoadBad(t *testing.T) {
	if _, _, err := recog.Load(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, bad := range []string{"", "<fingerprints", "<other/>"} {
		if _, _, err := recog.Load(fstest.MapFS{"a.xml": {Data: []byte(bad)}}); err == nil || !strings.HasPrefix(err.Error(), "a.xml: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
