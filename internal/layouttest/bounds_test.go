package layouttest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/event"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence/probe"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/allow"
)

// TestDocsBounds compares the table of bounds with the defaults and constants, and
// with the sources of those that no other package knows.
func TestDocsBounds(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Bounds\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \|`).FindAllStringSubmatch(section, -1) {
		rows[m[1]] = m[2]
	}
	d := conf.Default()
	for of, want := range map[string]string{
		"sessions that are judged":                                fmt.Sprint(d.Limits.Sessions),
		"sessions that are served unjudged beside them":           fmt.Sprint(d.Limits.Sessions),
		"a frame of the MTA":                                      fmt.Sprintf("%d MiB", mtascript.MaxFrame>>20),
		"a frame, from its first byte to its last":                fmt.Sprintf("%.0f s", d.Limits.Frame.Seconds()),
		"silence of the MTA":                                      fmt.Sprintf("%.0f h", d.Limits.Idle.Hours()),
		"waiting for look-ups, at each judgement":                 fmt.Sprintf("%.0f s", d.Limits.Evidence.Seconds()),
		"look-ups under way":                                      fmt.Sprint(d.Limits.Lookups),
		"memory that Go aims at":                                  fmt.Sprintf("%d MiB", d.Limits.Memory>>20),
		"hosts that are remembered":                               fmt.Sprint(d.Store.Hosts),
		"addresses with facts":                                    constant(t, "policy/state/facts.go", "maxFacts"),
		"deferrals, limits, habits, templates, each":              constant(t, "internal/daemon/memory.go", "maxEntries"),
		"of each table one network":                               fmt.Sprintf("%d %%", 100/number(constant(t, "policy/state/table.go", "shareOf"))),
		"log lines that wait":                                     constant(t, "internal/obs/lines.go", "maxLines"),
		"decisions that wait for disk":                            constant(t, "internal/event/event.go", "maxQueue"),
		"who watches (`tail`)":                                    fmt.Sprintf("%d, with %s ", event.MaxTails, constant(t, "internal/event/event.go", "maxTail")),
		"the history on disk":                                     fmt.Sprintf("%d MiB, %d days", d.History.Size>>20, d.History.Days),
		"entries of `iot-milter allow`":                           fmt.Sprint(allow.MaxEntries),
		"questions to the control socket at once":                 constant(t, "internal/admin/control.go", "maxRequests") + ", of " + constant(t, "internal/admin/control.go", "maxConns") + " ",
		"forged fields removed of a message":                      constant(t, "milter/edits.go", "maxRemovals"),
		"bytes read of a suspect's body":                          fmt.Sprintf("%d KiB, %s parts", policy.MaxBody>>10, constant(t, "policy/body.go", "maxParts")),
		"a reply":                                                 constant(t, "milter/reply.go", "maxReply") + " ",
		"probes":                                                  fmt.Sprintf("%d an hour", probe.PerHour),
		"facts that are kept of an address, in bytes of a record": fmt.Sprint(state.MaxFacts),
	} {
		if got, ok := rows[of]; !ok || !strings.HasPrefix(got+" ", want) {
			t.Errorf("%s: the page says %q, want %q", of, got, want)
		}
		delete(rows, of)
	}
	for of := range rows {
		if of != "of" && of != "---" {
			t.Errorf("%s: nothing compares this row", of)
		}
	}
}

// constant is the number that a constant of another package has in its source.
func constant(t *testing.T, path, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^(?:const|\t)\s*` + name + `\s+= ([0-9_]+)`).FindStringSubmatch(string(text))
	if m == nil {
		t.Fatalf("%s has no constant %s", path, name)
	}
	return strings.ReplaceAll(m[1], "_", "")
}

func number(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}
