package page

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-analyze/charts"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/policy"
)

// span is a time over which the overview looks.
type span struct {
	Name, Text string
	Step       time.Duration
	Steps      int
}

var spans = []span{{"1h", "last hour", 2 * time.Minute, 30}, {"24h", "last 24 hours", time.Hour, 24}}

func spanOf(r *http.Request) span {
	for _, s := range spans {
		if s.Name == r.URL.Query().Get("span") {
			return s
		}
	}
	return spans[0]
}

// numbers are what a chart shows, as a table: a row for each step or word.
type numbers struct {
	Name, Title, First string
	Series             []string // columns
	Labels             []string // rows
	Values             [][]float64
	Empty              bool
	Sideways           bool
}

// rateNumbers are decisions over time, by class or action.
func rateNumbers(by string, r *admin.Rates) numbers {
	n := numbers{Name: by, Title: "Decisions by " + by, First: "From (UTC)"}
	of := func(c *admin.Counts, word string) int64 {
		switch {
		case by == "action":
			return c.Action[word]
		case word == "exempt":
			return c.Exempt
		}
		return c.Class[word]
	}
	words := policy.Words(by)
	if by == "class" {
		words = append(slices.Clone(words), "exempt")
	}
	for _, word := range words {
		row, sum := make([]float64, len(r.Counts)), 0.0
		for i := range r.Counts {
			row[i] = float64(of(&r.Counts[i], word))
			sum += row[i]
		}
		if sum > 0 {
			n.Series, n.Values = append(n.Series, word), append(n.Values, row)
		}
	}
	for i := range r.Counts {
		n.Labels = append(n.Labels, r.Since.Add(time.Duration(i)*r.Step).Format("15:04"))
	}
	n.Empty = len(n.Series) == 0
	return n
}

// deviceNumbers are the kinds of devices over all of the time.
func deviceNumbers(r *admin.Rates) numbers {
	n := numbers{Name: "device", Title: "Kinds of devices", First: "Device", Series: []string{"decisions"}, Sideways: true}
	sums := map[string]float64{}
	for i := range r.Counts {
		for word, count := range r.Counts[i].Device {
			sums[word] += float64(count)
		}
	}
	var row []float64
	for _, word := range policy.Words("device") {
		if sums[word] > 0 {
			n.Labels, row = append(n.Labels, word), append(row, sums[word])
		}
	}
	n.Values, n.Empty = [][]float64{row}, len(row) == 0
	return n
}

// cell is the value of a row and column.
func (n *numbers) cell(label, series int) string { return whole(n.Values[series][label]) }

// whole is a number as a reader has it: an axis may end in 2.4000000000000004.
func whole(x float64) string { return strconv.FormatFloat(math.Round(100*x)/100, 'f', -1, 64) }

// policyOfChart lets a chart have its inline styles, which the page may not have; that is
// why charts are documents of their own.
const policyOfChart = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// chart answers /chart/NAME.svg.
func (p *Page) chart(w http.ResponseWriter, r *http.Request) {
	name, isSVG := strings.CutSuffix(r.PathValue("name"), ".svg")
	s := spanOf(r)
	rates := p.o.Running.Rates(s.Step, s.Steps)
	var n numbers
	switch {
	case isSVG && (name == "class" || name == "action"):
		n = rateNumbers(name, &rates)
	case isSVG && name == "device":
		n = deviceNumbers(&rates)
	default:
		http.NotFound(w, r)
		return
	}
	text, err := n.draw(r.URL.Query().Get("theme") == "dark", r.URL.Query().Get("width") == "narrow")
	if err != nil {
		p.o.Log.Error("chart", "name", name, "err", err)
		http.Error(w, "this chart could not be made; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", policyOfChart)
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Write(text)
}

// colours are those of the series of a chart, by their words, on light and on dark.
var colours = map[string][2]string{
	"mailserver": {"#1b7f4d", "#4cc38a"}, "hosting": {"#2563b8", "#6ea8fe"}, "business": {"#6d4bb5", "#b39df3"},
	"access": {"#c47f00", "#f0b429"}, "device": {"#c0392b", "#ff7b6b"}, "unknown": {"#6b7280", "#9aa4b2"}, "exempt": {"#94a3b8", "#5c6b80"},
	"accept": {"#1b7f4d", "#4cc38a"}, "tag": {"#2563b8", "#6ea8fe"}, "limit": {"#c47f00", "#f0b429"}, "defer": {"#6d4bb5", "#b39df3"},
	"quarantine": {"#8a5a2b", "#d9a066"}, "reject": {"#c0392b", "#ff7b6b"}, "decisions": {"#c0392b", "#ff7b6b"},
}

// theme draws on the page's own ground.
func (n *numbers) theme(dark bool) charts.ColorPalette {
	i, ground, text, line := 0, "#ffffff", "#3d4654", "#dfe3e8"
	if dark {
		i, ground, text, line = 1, "#1c222b", "#c3cad4", "#39424f"
	}
	o := charts.ThemeOption{IsDarkMode: dark, AxisStrokeColor: charts.ParseColor(text), AxisSplitLineColor: charts.ParseColor(line),
		BackgroundColor: charts.ParseColor(ground), TextColor: charts.ParseColor(text)}
	for _, word := range n.Series {
		o.SeriesColors = append(o.SeriesColors, charts.ParseColor(colours[word][i]))
	}
	return charts.MakeTheme(o)
}

func (n *numbers) draw(dark, narrow bool) ([]byte, error) {
	width, height, labels := 720, 260, 6
	if narrow {
		width, height, labels = 360, 240, 3
	}
	theme := n.theme(dark)
	if n.Empty { // the library draws no empty chart
		return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d"></svg>`, width, height), nil
	}
	painter := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: width, Height: height, Theme: theme})
	o := charts.NewBarChartOptionWithData(n.Values)
	o.Theme, o.Horizontal, o.StackSeries = theme, n.Sideways, charts.Ptr(!n.Sideways)
	o.Padding = charts.NewBoxEqual(8)
	o.CategoryAxis.Labels = n.Labels
	if !n.Sideways {
		o.CategoryAxis.LabelCount = labels
	}
	o.Legend = charts.LegendOption{SeriesNames: n.Series, Show: charts.Ptr(!n.Sideways)}
	for i := range o.ValueAxis {
		o.ValueAxis[i].Min = charts.Ptr(0.0)
	}
	o.BarMargin = charts.Ptr(0.0)
	o.ValueFormatter = whole
	if err := painter.BarChart(o); err != nil {
		return nil, err
	}
	return painter.Bytes()
}
