package obs

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// bound are a vector's metrics by what they are of, each bound when it is first wanted:
// from then on it is found without the vector's checks of label values, its hash and its
// lock. Keys are of closed sets, so that there are few. It is safe for concurrent use.
type bound[K comparable, M any] struct {
	prometheus.Collector
	bind  func(K) M
	mu    sync.Mutex
	known atomic.Pointer[map[K]M]
}

// counters binds those of a vector with the labels of a key.
func counters[K comparable](v *prometheus.CounterVec, labels func(K) []string) *bound[K, prometheus.Counter] {
	return &bound[K, prometheus.Counter]{Collector: v, bind: func(k K) prometheus.Counter { return v.WithLabelValues(labels(k)...) }}
}

// histograms does the same.
func histograms[K comparable](v *prometheus.HistogramVec, labels func(K) []string) *bound[K, prometheus.Observer] {
	return &bound[K, prometheus.Observer]{Collector: v, bind: func(k K) prometheus.Observer { return v.WithLabelValues(labels(k)...) }}
}

// itself are the labels of a metric with one.
func itself(value string) []string { return []string{value} }

func (b *bound[K, M]) of(key K) M {
	if known := b.known.Load(); known != nil {
		if m, ok := (*known)[key]; ok {
			return m
		}
	}
	return b.add(key)
}

func (b *bound[K, M]) add(key K) M {
	b.mu.Lock()
	defer b.mu.Unlock()
	more := map[K]M{key: b.bind(key)}
	if known := b.known.Load(); known != nil {
		maps.Copy(more, *known)
	}
	b.known.Store(&more)
	return more[key]
}
