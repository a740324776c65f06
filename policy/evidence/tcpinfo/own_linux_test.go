package tcpinfo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// proc makes a folder with those files of /proc.
func proc(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		write(t, root, path, text)
	}
	return root
}

func write(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const netstat = "self/net/netstat"

func counter(n int) string {
	return fmt.Sprintf("TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed\nTcpExt: 9 %d 7\nIpExt: InNoRoutes\nIpExt: 0\n", n)
}

func TestOwnCookies(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	type step struct {
		after   time.Duration // since the step before
		depends bool
		counter string // of then; "" leaves it
		cookies bool
	}
	for _, test := range []struct {
		name, first string
		steps       []step
	}{
		{"never any", counter(0), []step{{0, true, "", false}, {time.Hour, true, "", false}}},
		{"perhaps just before the start", counter(3), []step{
			{0, true, "", true}, {cookieMemory - 1, true, "", true}, {1, true, "", false}}},
		{"now", counter(0), []step{
			{time.Hour, true, counter(1), true}, {cookieMemory - 1, true, "", true}, {1, true, "", false}}},
		{"again", counter(0), []step{
			{time.Hour, true, counter(1), true}, {cookieMemory - 1, true, counter(2), true}, {cookieMemory - 1, true, "", true}}},
		{"seen a tenth of a second later", counter(0), []step{
			{urgentInterval - 1, true, counter(1), false}, {1, true, "", true}}},
		{"seen a second later by those who do not depend on it", counter(0), []step{
			{ownInterval - 1, false, counter(1), false}, {1, false, "", true}}},
		{"unknown", "", []step{{0, true, "", true}, {time.Hour, true, "", true}}},
		{"another form", "Tcp: a b\nTcp: 1 2\n", []step{{0, true, "", true}}},
		{"no such counter", "TcpExt: a b\nTcpExt: 1 2\n", []step{{0, true, "", true}}},
		{"no values", "TcpExt: SyncookiesRecv\n", []step{{0, true, "", true}}},
		{"a negative one", counter(-4), []step{{0, true, "", true}}},
		{"longer than the buffer", "TcpExt: " + strings.Repeat("Other ", 10000) + "SyncookiesRecv\nTcpExt: " +
			strings.Repeat("1 ", 10000) + "0\n", []step{{0, true, "", false}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := proc(t, nil)
			if test.first != "" {
				write(t, root, netstat, test.first)
			}
			now := start
			o := openOwn(root, now)
			defer o.close()
			for i, s := range test.steps {
				now = now.Add(s.after)
				if s.counter != "" {
					write(t, root, netstat, s.counter)
				}
				if got := o.settings(now, optOffered, s.depends); got.cookies != s.cookies {
					t.Errorf("step %d: cookies %v", i, got.cookies)
				}
			}
		})
	}
}

func TestOwnSettings(t *testing.T) {
	const sys = "sys/net/ipv4/"
	o := openOwn(proc(t, map[string]string{
		netstat: counter(0), sys + "tcp_timestamps": "2\n", sys + "tcp_sack": "0\n", sys + "tcp_window_scaling": "1\n",
		sys + "tcp_mtu_probing": "1\n",
	}), time.Time{})
	defer o.close()
	if got, want := o.settings(time.Time{}, 0, false), (settings{spoken: optTimestamps | optScale, probing: probeStuck}); got != want {
		t.Errorf("%+v", got)
	}

	hidden := openOwn(proc(t, map[string]string{netstat: counter(0)}), time.Time{}) // ProcSubset=pid
	defer hidden.close()
	if got, want := hidden.settings(time.Time{}, optSACK|optECN, true), (settings{probing: probeStuck}); got != want {
		t.Errorf("nothing is known: %+v", got)
	}
	if got, want := hidden.settings(time.Time{}.Add(time.Hour), 0, true), (settings{spoken: optSACK, probing: probeStuck}); got != want {
		t.Errorf("a connection showed that we speak SACK: %+v", got)
	}

	root := proc(t, map[string]string{netstat: counter(0), sys + "tcp_sack": "no number", sys + "tcp_mtu_probing": "7"})
	odd := openOwn(root, time.Time{})
	defer odd.close()
	if got, want := odd.settings(time.Time{}, 0, true), (settings{probing: probeAlways}); got != want {
		t.Errorf("%+v", got)
	}
}

func TestSettingsCorrect(t *testing.T) {
	all := settings{spoken: optOffered}
	cookies := settings{spoken: optOffered, cookies: true}
	for _, test := range []struct {
		name    string
		own     settings
		options uint8
		retrans uint32
		whole   bool
		mss     bool
	}{
		{"all options", all, optOffered, 0, true, true},
		{"all options, nothing known of us", settings{}, optOffered, 0, true, true},
		{"one missing", all, optTimestamps | optSACK, 0, true, true},
		{"one missing that we do not speak", settings{spoken: optTimestamps | optSACK}, optTimestamps | optSACK, 0, false, true},
		{"all missing", all, 0, 0, true, true},
		{"cookies, all options", cookies, optOffered, 0, true, false},
		{"cookies, timestamps keep what there was", cookies, optTimestamps, 0, true, false},
		{"cookies, no timestamps", cookies, 0, 0, false, false},
		{"cookies of others, no timestamps", cookies, optSACK | optScale, 0, false, false},
		{"probing", settings{spoken: optOffered, probing: probeAlways}, optOffered, 0, true, false},
		{"probing when stuck", settings{spoken: optOffered, probing: probeStuck}, optOffered, 0, true, true},
		{"probing, stuck", settings{spoken: optOffered, probing: probeStuck}, optOffered, 1, true, false},
	} {
		s := policy.Stack{Known: true, Whole: missing(test.options) == 0, Timestamps: test.options&optTimestamps != 0,
			MSS: 1452, Retransmits: test.retrans}
		if test.own.correct(&s, test.options); s.Whole != test.whole || s.MSS != 0 != test.mss {
			t.Errorf("%s: %+v", test.name, s)
		}
	}
}
