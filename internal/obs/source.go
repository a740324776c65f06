package obs

import (
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/iot-milter/iot-milter/policy/evidence"
)

// sources are the metrics of evidence.
type sources struct {
	lookups *bound
	seconds *bound
	cache   *bound
	busy    *prometheus.CounterVec
	facts   *prometheus.CounterVec
	fact    map[string][2]prometheus.Counter // of facts: missed and hit
	reloads *prometheus.CounterVec
	listUp  *prometheus.GaugeVec
	down    prometheus.Gauge

	calls       *prometheus.CounterVec
	callSeconds prometheus.Histogram
	behind      *prometheus.CounterVec
	degraded    prometheus.Gauge
}

func newSources() *sources {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "lookup_seconds", Help: "how long a look-up took, in seconds",
		Buckets: prometheus.ExponentialBuckets(0.000_01, 4, 10),
	}, []string{"source"})
	s := &sources{
		facts:   vector("facts_total", "facts of addresses that were wanted, by whether they were in hand", "fact", "result"),
		fact:    map[string][2]prometheus.Counter{},
		lookups: counters("lookups_total", "look-ups about clients, and questions to each source", "source", "outcome"),
		seconds: newBound(seconds, 1, func(values ...string) prometheus.Metric {
			return seconds.WithLabelValues(values...).(prometheus.Metric)
		}),
		cache:   counters("lookup_cache_total", "questions to a source's memory, by result", "source", "result"),
		busy:    vector("lookup_busy_total", "look-ups not made: too many were under way", "source"),
		reloads: vector("lookup_reloads_total", "databases that were replaced, by result", "source", "result"),
		listUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "list_up",
			Help: "1 while a DNS list of the configuration passes its self-test"}, []string{"zone"}),
		calls: vector("shared_calls_total", "questions to the memory that several hosts share", "op", "outcome"),
		callSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "shared_call_seconds", Help: "how long such a question took, in seconds",
			Buckets: prometheus.ExponentialBuckets(0.000_02, 2, 13),
		}),
		behind:   vector("shared_behind_total", "hosts that the shared memory was asked about, and visits, habits and facts that it was told, while no mail waited", "op", "outcome"),
		degraded: gauge("shared_degraded", "1 while the shared memory is ill and the own one answers alone"),
		down:     gauge("dns_servers_down", "DNS servers that are left alone because they do not answer"),
	}
	for _, kind := range evidence.FactKinds {
		s.fact[kind] = [2]prometheus.Counter{s.facts.WithLabelValues(kind, "miss"), s.facts.WithLabelValues(kind, "hit")}
	}
	return s
}

func (s *sources) all() []prometheus.Collector {
	return []prometheus.Collector{s.lookups, s.seconds, s.cache, s.busy, s.facts, s.reloads, s.listUp, s.down,
		s.calls, s.callSeconds, s.behind, s.degraded}
}

var _ evidence.Meter = (*Metrics)(nil)

// Lookup implements evidence.Meter.
func (m *Metrics) Lookup(source, outcome string, took time.Duration) {
	m.sources.lookups.inc(labels{source, outcome})
	m.sources.seconds.observe(labels{source}, took.Seconds())
}

// Busy implements evidence.Meter.
func (m *Metrics) Busy(source string) { m.sources.busy.WithLabelValues(source).Inc() }

// Fact implements evidence.Meter.
func (m *Metrics) Fact(kind string, hit bool) {
	result := 0
	if hit {
		result = 1
	}
	m.sources.fact[kind][result].Inc()
}

// ListUp implements evidence.Meter. Zones are the configuration's.
func (m *Metrics) ListUp(zone string, up bool) { set(m.sources.listUp.WithLabelValues(zone), up) }

// Store feeds the metrics of a memory that several hosts share; it implements
// remote.Meter.
type Store struct{ m *Metrics }

// Store returns the metrics of the shared memory.
func (m *Metrics) Store() Store { return Store{m} }

// Call counts a question by what was asked and how that ended, both of closed sets.
func (s Store) Call(op, outcome string, took time.Duration) {
	s.m.sources.calls.WithLabelValues(op, outcome).Inc()
	s.m.sources.callSeconds.Observe(took.Seconds())
}

// Behind counts what no mail waits for, by how it ended: done or dropped.
func (s Store) Behind(op, outcome string, n int) {
	s.m.sources.behind.WithLabelValues(op, outcome).Add(float64(n))
}

// Degraded says that the own memory answers alone, or no longer.
func (s Store) Degraded(on bool) { set(s.m.sources.degraded, on) }

// SourceSizes are how full the sources are.
type SourceSizes struct {
	Underway             int // look-ups
	DNSEntries, DNSBytes int // answers that are kept
}

// WatchSources has sizes asked whenever the metrics are read. It is called once.
func (m *Metrics) WatchSources(sizes func() SourceSizes) {
	size := func(name, help string, value func(SourceSizes) int) {
		m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help},
			func() float64 { return float64(value(sizes())) }))
	}
	size("lookups_underway", "look-ups under way; limits.lookups is the most", func(s SourceSizes) int { return s.Underway })
	size("dns_cache_entries", "answers of DNS that are kept", func(s SourceSizes) int { return s.DNSEntries })
	size("dns_cache_bytes", "what they take, in bytes", func(s SourceSizes) int { return s.DNSBytes })
}

// Source feeds the metrics of one source of evidence. It implements the Meter of
// each package below policy/evidence, and is safe for concurrent use.
type Source struct {
	m    *Metrics
	name string

	mu   sync.Mutex
	down map[netip.AddrPort]bool
}

// Source returns the metrics of the named source.
func (m *Metrics) Source(name string) *Source {
	return &Source{m: m, name: name, down: map[netip.AddrPort]bool{}}
}

// Lookup counts a question by its outcome, one of a closed set.
func (s *Source) Lookup(outcome string, took time.Duration) { s.m.Lookup(s.name, outcome, took) }

// Query is Lookup.
func (s *Source) Query(outcome string, took time.Duration) { s.Lookup(outcome, took) }

// Probe is Lookup.
func (s *Source) Probe(outcome string, took time.Duration) { s.Lookup(outcome, took) }

// Cached counts a question to the source's own memory.
func (s *Source) Cached(hit bool) {
	result := "miss"
	if hit {
		result = "hit"
	}
	s.m.sources.cache.inc(labels{s.name, result})
}

// Reloaded counts a database that was replaced, or could not be.
func (s *Source) Reloaded(ok bool) {
	result := "ok"
	if !ok {
		result = "error"
	}
	s.m.sources.reloads.WithLabelValues(s.name, result).Inc()
}

// Age says when the database in use was built.
func (s *Source) Age(built time.Time) { s.m.Built(s.name, built) }

// ServerDown says that a DNS server is left alone, or asked again.
func (s *Source) ServerDown(server netip.AddrPort, down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch { // by steps: beside a source that a reload replaced there is another
	case down && !s.down[server]:
		s.down[server] = true
		s.m.sources.down.Inc()
	case !down && s.down[server]:
		delete(s.down, server)
		s.m.sources.down.Dec()
	}
}
