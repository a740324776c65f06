//go:build integration

package integration

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTwoMTAs lets Postfix and Sendmail send to one daemon at the same time,
// through a socket each, and from several clients each.
func TestTwoMTAs(t *testing.T) {
	all := setUp(t)
	both := []*mta{postfix, sendmail}
	var sockets []string
	for _, m := range both {
		m.start(t)
		m.Lock()
		defer m.Unlock()
		m.clear()
		sockets = append(sockets, m.socket())
	}
	d := newDaemon(t, sockets...)
	d.configure("")
	d.start()
	t.Cleanup(func() { d.stop(syscall.SIGKILL) })
	const clients, rounds = 4, 5
	t.Run("clients", func(t *testing.T) {
		for _, m := range both {
			for i := range clients {
				s := scenarioNamed(t, all, []string{"01-mail-server", "03-nas-on-a-line"}[i%2])
				t.Run(m.name, func(t *testing.T) {
					t.Parallel()
					for range rounds {
						(&dialogue{t: t, s: s, mta: m, daemon: d}).run()
					}
				})
			}
		}
	})
	lines := d.verdicts(2 * clients * rounds)
	d.stop(syscall.SIGTERM)
	if len(lines) != 2*clients*rounds {
		t.Errorf("%d verdict lines, not %d", len(lines), 2*clients*rounds)
	}
	for _, line := range lines {
		checkKeys(t, line)
	}
	for _, m := range both {
		checkBoth(t, m, clients*rounds)
	}
}

// checkBoth: every message has the verdict of its own client.
func checkBoth(t *testing.T, m *mta, n int) {
	t.Helper()
	got := m.sink.Wait(n, 20*time.Second)
	if len(got) != n {
		t.Errorf("%s: %d messages are stored, not %d", m.name, len(got), n)
	}
	for _, msg := range got {
		fields, _ := parseMessage(msg.Data)
		want := "No, class=mailserver "
		if msg.From == "admin@diskstation.local" {
			want = "Yes, class=device "
		}
		ours := named(fields, headerName)
		if len(ours) != 1 || !strings.HasPrefix(ours[0].value, want) || !strings.Contains(ours[0].value, "host="+m.host()) {
			t.Errorf("%s: message of %s has %+v", m.name, msg.From, ours)
		}
	}
	m.settle(t)
}
