package layouttest

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// metric is what Prometheus sees of one.
type metric struct {
	kind   string
	labels []string
}

// counted is a registry in which each metric has been counted at least once, as those
// with labels must be to be seen.
func counted(t *testing.T) *prometheus.Registry {
	t.Helper()
	memory, err := state.New(state.Options{Entries: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := obs.NewMetrics("0.1.0")
	m.WatchTables(memory)
	m.WatchSources(func() obs.SourceSizes { return obs.SourceSizes{} })
	m.WatchAllowed(func() int { return 0 })
	m.Built("networks", time.Now())
	m.Lookup("dns", "answer", 0)
	m.Busy("helo")
	m.ListUp("list.example", true)
	m.Source("networks").Reloaded(true)
	m.Source("dns").Cached(true)
	m.Store().Call("take", "ok", 0)
	m.Store().Behind("visits", "done", 1)
	recorder := obs.Recorder{Log: slog.New(slog.DiscardHandler), Metrics: m}
	recorder.Record(&policy.Record{Facts: &policy.Facts{}, Reason: policy.ReasonDevice})
	recorder.Record(&policy.Record{Facts: &policy.Facts{}, Exempt: policy.ExemptNetwork})
	return m.Registry
}

// metrics are all that are registered.
func metrics(t *testing.T) map[string]metric {
	t.Helper()
	registry := counted(t)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]metric{}
	for _, f := range families {
		m := metric{kind: strings.ToLower(f.GetType().String())}
		for _, l := range f.GetMetric()[0].GetLabel() {
			m.labels = append(m.labels, l.GetName())
		}
		slices.Sort(m.labels)
		all[f.GetName()] = m
	}
	described := make(chan *prometheus.Desc)
	go func() { defer close(described); registry.Describe(described) }()
	for d := range described {
		if name := metricName.FindStringSubmatch(d.String()); name != nil && strings.HasPrefix(name[1], "iot_milter_") {
			if _, ok := all[name[1]]; !ok {
				t.Errorf("%s is registered, and counted() does not count it", name[1])
			}
		}
	}
	return all
}

var metricName = regexp.MustCompile(`fqName: "([a-z0-9_]+)"`)

func TestMetricsAreNamedAsPrometheusWants(t *testing.T) {
	families, err := counted(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

var metricRow = regexp.MustCompile("(?m)^\\| `(iot_milter_[a-z0-9_]+)` \\| ([a-z]+) \\|([^|]*)\\|")

// noMetrics only look like some: of rc.conf(5), and of SELinux.
var noMetrics = []string{"iot_milter_enable", "iot_milter_t"}

// TestDocsListEachMetric: docs/monitoring.md has a row for each metric, with its type and
// its labels, and no other; documents name no metric that there is not.
func TestDocsListEachMetric(t *testing.T) {
	known := metrics(t)
	text, err := os.ReadFile(filepath.Join(root, "docs", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
		name := row[1]
		labels := strings.Fields(strings.ReplaceAll(row[3], "`", ""))
		slices.Sort(labels)
		if m, ok := known[name]; ok && (m.kind != row[2] || !slices.Equal(m.labels, labels)) {
			t.Errorf("%s is a %s with the labels %q, and the page says %s with %q", name, m.kind, m.labels, row[2], labels)
		}
		if listed[name] {
			t.Errorf("%s has two rows", name)
		}
		listed[name] = true
	}
	for name := range known {
		if strings.HasPrefix(name, "iot_milter_") && !listed[name] {
			t.Errorf("%s is not on the page", name)
		}
	}
	for _, p := range pages(t) {
		for _, name := range metricWord.FindAllString(p.Text, -1) {
			if _, ok := known[name]; !ok && !slices.Contains(noMetrics, name) {
				t.Errorf("%s: there is no metric %s", p.Path, name)
			}
		}
	}
}

var metricWord = regexp.MustCompile(`\biot_milter_[a-z0-9_]+`)

// expressions checks what is asked of Prometheus.
type expressions struct {
	known    map[string]metric
	recorded map[string][]string // by the alerts' file, with their labels
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	selector = regexp.MustCompile(`\b(iot_milter[_:][a-z0-9_:]+|go_[a-z0-9_]+|process_[a-z0-9_]+|up)\b(?:\{([^}]*)\})?`)
	grouping = regexp.MustCompile(`\b(?:by|on|without|ignoring|group_left) ?\(([^)]*)\)`)
	matcher  = regexp.MustCompile(`([a-z_]+) *(?:=~|!~|!=|=)`)
	ours     = []string{"instance", "job"} // what Prometheus adds
)

// check returns what is wrong with an expression: names and labels that there are not.
func (e expressions) check(expr string) (wrong []string) {
	bare := quoted.ReplaceAllString(expr, "")
	labels := slices.Clone(ours)
	found := selector.FindAllStringSubmatch(bare, -1)
	if len(found) == 0 {
		wrong = append(wrong, "it asks for nothing")
	}
	for _, s := range found {
		has, ok := e.labels(s[1])
		if !ok {
			wrong = append(wrong, "there is no metric "+s[1])
		}
		labels = append(labels, has...)
		for _, l := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(has, l[1]) && !slices.Contains(ours, l[1]) {
				wrong = append(wrong, s[1]+" has no label "+l[1])
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(bare, -1) {
		for l := range strings.SplitSeq(g[1], ",") {
			if l = strings.TrimSpace(l); !slices.Contains(labels, l) {
				wrong = append(wrong, "nothing has the label "+l)
			}
		}
	}
	return wrong
}

// labels are those of a metric, of a part of a histogram, or of a recorded series.
func (e expressions) labels(name string) ([]string, bool) {
	if l, ok := e.recorded[name]; ok || name == "up" {
		return l, true
	}
	if m, ok := e.known[name]; ok {
		return m.labels, m.kind != "histogram"
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if m, ok := e.known[strings.TrimSuffix(name, part)]; ok && m.kind == "histogram" && strings.HasSuffix(name, part) {
			return append(slices.Clone(m.labels), "le"), true
		}
	}
	return nil, false
}

// rule is an alert or a recorded series of the alerts' file.
type rule struct{ kind, name, expr, text string }

var (
	ruleStart = regexp.MustCompile(`(?m)^ {6}- (alert|record): (\S+)\n`)
	ruleExpr  = regexp.MustCompile(`(?m)^ {8}expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)`)
)

func rules(t *testing.T) (all []rule) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "packaging", "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	starts := ruleStart.FindAllStringSubmatchIndex(string(text), -1)
	for i, s := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		r := rule{kind: string(text[s[2]:s[3]]), name: string(text[s[4]:s[5]]), text: string(text[s[0]:end])}
		expr := ruleExpr.FindStringSubmatch(r.text)
		if expr == nil {
			t.Fatalf("%s has no expression", r.name)
		}
		r.expr = strings.Join(strings.Fields(expr[1]+expr[2]), " ")
		all = append(all, r)
	}
	return all
}

// asked is what expressions may ask for.
func asked(t *testing.T) expressions {
	e := expressions{metrics(t), map[string][]string{}}
	for _, r := range rules(t) {
		if by := grouping.FindStringSubmatch(r.expr); r.kind == "record" && by != nil {
			e.recorded[r.name] = strings.Split(by[1], ", ")
		}
	}
	return e
}

// TestAlertsAskForWhatThereIs: each alert says what it means and what to do, has its
// place in docs/monitoring.md, and series of its own in its test.
func TestAlertsAskForWhatThereIs(t *testing.T) {
	e := asked(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	series, err := os.ReadFile(filepath.Join(root, "packaging", "prometheus", "alerts_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	alerts := 0
	for _, r := range rules(t) {
		for _, wrong := range e.check(r.expr) {
			t.Errorf("%s: %s", r.name, wrong)
		}
		if r.kind == "record" {
			continue
		}
		alerts++
		for _, want := range []string{"severity: ", "summary: ", "description: ", "/docs/monitoring.md#" + strings.ToLower(r.name) + "\"\n"} {
			if strings.Count(r.text, want) != 1 {
				t.Errorf("%s has not one %q", r.name, want)
			}
		}
		if !strings.Contains(string(page), "\n### "+r.name+"\n") {
			t.Errorf("%s is not explained in docs/monitoring.md", r.name)
		}
		if !strings.Contains(string(series), `alertname="`+r.name+`"`) {
			t.Errorf("no series of alerts_test.yml make %s fire", r.name)
		}
	}
	if explained := strings.Count(string(page), "\n### IotMilter"); alerts < 20 || explained != alerts {
		t.Errorf("%d alerts, %d of them explained", alerts, explained)
	}
}

// TestDashboardAsksForWhatThereIs reads each question of the dashboard.
func TestDashboardAsksForWhatThereIs(t *testing.T) {
	e := asked(t)
	text, err := os.ReadFile(filepath.Join(root, "packaging", "grafana", "iot-milter.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Type, Title, Description string
			Targets                  []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, p := range dashboard.Panels {
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("%s: %q, %d questions", p.Title, p.Description, len(p.Targets))
		}
		for _, q := range p.Targets {
			for _, wrong := range e.check(q.Expr) {
				t.Errorf("%s: %s: %s", p.Title, q.Expr, wrong)
			}
			all += q.Expr + "\n"
		}
	}
	for name := range e.known {
		if strings.HasPrefix(name, "iot_milter_") && !strings.Contains(all, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// TestExpressionsAreRead: the reader of expressions sees what is wrong with them.
func TestExpressionsAreRead(t *testing.T) {
	e := asked(t)
	for expr, want := range map[string]bool{
		`sum by (class) (rate(iot_milter_decisions_total{action="tag",instance="a"}[5m]))`:   true,
		`histogram_quantile(0.9, sum by (le) (rate(iot_milter_message_seconds_bucket[5m])))`: true,
		`rate(iot_milter_decision_total[5m])`:                                                false, `iot_milter_message_seconds`: false, `rate(iot_milter_sessions_bucket[5m])`: false,
		`iot_milter_decisions_total{kind="nas"}`: false, `sum by (color) (iot_milter_sessions)`: false, `1 + 1`: false, `iot_milter:unknown:ratio`: false,
	} {
		if wrong := e.check(expr); len(wrong) == 0 != want {
			t.Errorf("%s: %q", expr, wrong)
		}
	}
}
