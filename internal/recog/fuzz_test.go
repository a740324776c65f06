package recog_test

import (
	"testing"
	"testing/fstest"

	"github.com/iot-milter/iot-milter/internal/recog"
)

// FuzzLoad: whatever a file of fingerprints holds, it is read or refused, and what was
// read can be asked.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(sample), "springfield box")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		r, report, err := recog.Load(fstest.MapFS{"a.xml": {Data: data}})
		if err != nil {
			return
		}
		if report.Used+report.Elsewhere+len(report.Unusable) != report.Fingerprints {
			t.Errorf("%+v", report)
		}
		for _, kind := range []string{"http", "ftp", "upnp", "smtp"} {
			r.Identify(kind, text)
		}
	})
}
