package admin

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Latency is how long the look-ups of a source took since the start. The times are upper
// ends of the histogram's buckets; 0 is beyond the last one.
type Latency struct {
	Source       string
	Lookups      uint64
	Half, Nearly time.Duration // that 50 % and 95 % of them took at most
}

// Latencies reads the metric lookup_seconds.
func Latencies(from prometheus.Gatherer) []Latency {
	families, _ := from.Gather() // what could be gathered is good enough to look at
	var all []Latency
	for _, f := range families {
		if !strings.HasSuffix(f.GetName(), "_lookup_seconds") {
			continue
		}
		for _, m := range f.GetMetric() {
			h := m.GetHistogram()
			if h.GetSampleCount() == 0 || len(m.GetLabel()) == 0 {
				continue
			}
			all = append(all, Latency{m.GetLabel()[0].GetValue(), h.GetSampleCount(), quantile(h, 0.5), quantile(h, 0.95)})
		}
	}
	return all
}

func quantile(h *dto.Histogram, q float64) time.Duration {
	for _, b := range h.GetBucket() {
		if float64(b.GetCumulativeCount()) >= q*float64(h.GetSampleCount()) {
			return time.Duration(b.GetUpperBound() * float64(time.Second))
		}
	}
	return 0
}
