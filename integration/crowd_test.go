//go:build integration

package integration

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSafety16SessionLimit: above the session limit mail is accepted and forged
// fields are removed all the same; when there is room again all is as before.
func TestSafety16SessionLimit(t *testing.T) {
	all := setUp(t)
	for _, m := range []*mta{postfix, sendmail} {
		t.Run(m.name, func(t *testing.T) { crowd(t, m, scenarioNamed(t, all, "09-forged-header")) })
	}
}

func crowd(t *testing.T, m *mta, s *scenario) {
	m.start(t)
	m.Lock()
	defer m.Unlock()
	m.clear()
	d := startDaemon(t, m, "mode = \"enforce\"\nlimits.sessions = 1")
	talk := func() *dialogue { return &dialogue{t: t, s: s, mta: m, daemon: d, client: s.client} }
	first := talk()
	first.connect(nil)
	first.all("hello DiskStation", "C: MAIL FROM:<admin@diskstation.local>", "S: 250", "C: RCPT TO:<user@example.test>", "S: 550")
	second := talk()
	second.connect(nil)
	second.all("hello DiskStation", "mail <admin@diskstation.local> <user@example.test> forged.eml")
	for _, d := range []*dialogue{first, second} {
		d.all("C: QUIT", "S: 221")
		d.end(false)
	}
	got := m.sink.Wait(1, 10*time.Second)
	time.Sleep(300 * time.Millisecond) // the MTA closes its side on its own time
	third := talk()
	third.connect(nil)
	third.all("hello DiskStation", "C: MAIL FROM:<admin@diskstation.local>", "S: 250", "C: RCPT TO:<user@example.test>", "S: 550")
	third.end(false)
	if len(got) != 1 {
		t.Fatalf("%d messages are stored, not 1\n%s", len(got), d.log.String())
	}
	fields, _ := parseMessage(got[0].Data)
	for _, f := range named(fields, headerName) {
		if !strings.Contains(f.value, "reason=fail-open") {
			t.Errorf("above the limit the message has %s", f.raw)
		}
	}
	d.stop(syscall.SIGTERM)
	checkLog(t, "", d.log.String())
}
