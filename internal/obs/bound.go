package obs

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// labels are the values of a metric's labels, as many as it has.
type labels [4]string

// bound are a vector's metrics, each bound when it is first wanted: from then on it is
// found without the vector's checks of label values, its hash and its lock. Labels are of
// closed sets, so that there are few. It is safe for concurrent use. (One for each kind of
// key and metric, by type parameters, makes the program 70 KiB larger.)
type bound struct {
	prometheus.Collector
	bind  func(values ...string) prometheus.Metric
	count int // of labels
	mu    sync.Mutex
	known atomic.Value // a map[labels]prometheus.Metric, which is never changed
}

// counters are bound to a new vector.
func counters(name, help string, names ...string) *bound {
	v := vector(name, help, names...)
	return newBound(v, len(names), func(values ...string) prometheus.Metric { return v.WithLabelValues(values...) })
}

func newBound(v prometheus.Collector, count int, bind func(values ...string) prometheus.Metric) *bound {
	b := &bound{Collector: v, count: count, bind: bind}
	b.known.Store(map[labels]prometheus.Metric{})
	return b
}

func (b *bound) inc(of labels) { b.metric(of).(prometheus.Counter).Inc() }

func (b *bound) observe(of labels, value float64) { b.metric(of).(prometheus.Histogram).Observe(value) }

func (b *bound) metric(of labels) prometheus.Metric {
	if m, ok := b.known.Load().(map[labels]prometheus.Metric)[of]; ok {
		return m
	}
	return b.add(of)
}

// add binds one more; its labels move to the heap.
func (b *bound) add(of labels) prometheus.Metric {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.bind(of[:b.count]...)
	more := maps.Clone(b.known.Load().(map[labels]prometheus.Metric))
	more[of] = m
	b.known.Store(more)
	return m
}
