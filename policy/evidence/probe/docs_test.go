package probe

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocsShowWhatIsSent: docs/probe.md promises the bytes, the ports and the bounds.
func TestDocsShowWhatIsSent(t *testing.T) {
	data, err := os.ReadFile("../../../docs/probe.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	const agent = "iot-milter (+https://mx.example.org/probe)"
	at := host(netip.MustParseAddrPort("203.0.113.7:80"), false)
	for _, sent := range []string{http.request(at, agent), rtsp.request(at, agent)} {
		shown := "    " + strings.ReplaceAll(strings.TrimSuffix(sent, "\r\n\r\n"), "\r\n", "\n    ") + "\n\n"
		if !strings.Contains(text, shown) {
			t.Errorf("not shown:\n%s", shown)
		}
	}
	table := strings.Join(regexp.MustCompile(`(?m)^\| [\d].*$`).FindAllString(text, -1), "\n")
	for port, pr := range protocols {
		if !regexp.MustCompile(fmt.Sprintf(`\b%d\b`, port)).MatchString(table) {
			t.Errorf("port %d is not shown", port)
		}
		if pr.request != nil {
			if path := strings.Fields(pr.request("", ""))[:2]; !strings.Contains(table, "`"+strings.Join(path, " ")+"`") {
				t.Errorf("port %d: %s is not shown", port, path)
			}
		}
	}
	for _, s := range []string{OptOut, fmt.Sprintf("most %d bytes", MaxText), fmt.Sprintf("%d KiB", maxWire>>10), fmt.Sprintf("%d addresses in an hour", PerHour),
		fmt.Sprintf("%.0f seconds for a connection and %.0f", usual.connect.Seconds(), usual.read.Seconds()),
		fmt.Sprintf("%.0f for the whole", usual.whole.Seconds()), "24 hours", fmt.Sprintf("%d bytes, without", maxKept)} {
		if !strings.Contains(text, s) {
			t.Errorf("%q is not said", s)
		}
	}
}
