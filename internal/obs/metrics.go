package obs

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/policy"
)

// Metrics are the daemon's counters and gauges, all with the prefix iot_milter_
// and closed label sets. It implements milter.Meter, decider.Meter,
// evidence.Meter and disk.Meter, and is safe for concurrent use.
type Metrics struct {
	Registry *prometheus.Registry

	events    map[milter.Event]prometheus.Counter
	sessions  prometheus.Gauge
	decisions *bound
	reasons   *bound
	exempt    *bound
	failOpen  *prometheus.CounterVec
	took      prometheus.Histogram
	suspended prometheus.Gauge
	hidden    prometheus.Gauge
	bystander prometheus.Counter
	campaigns prometheus.Counter
	campaign  prometheus.Counter
	running   running
	dropped   prometheus.Counter
	sources   *sources
	store     store
	history   history
}

// store are the metrics of what is kept on the disk.
type store struct {
	up, loaded, took prometheus.Gauge
	flushed, lost    prometheus.Counter
}

// Tables reports how full the daemon's memory is.
type Tables interface {
	Sizes() (defers, buckets int, evicted int64)
	// Tables yields each table's name, entries, and how many were forgotten for want of
	// room.
	Tables(yield func(name string, entries int, lost int64))
}

// NewMetrics returns registered metrics. The version is a label of build_info.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		Registry:  prometheus.NewRegistry(),
		events:    map[milter.Event]prometheus.Counter{},
		sessions:  gauge("sessions", "milter sessions served now"),
		decisions: counters("decisions_total", "decisions on messages and on refused recipients", "class", "device", "action", "stage"),
		reasons:   counters("reasons_total", "decisions by their reason", "reason"),
		exempt:    counters("exempt_total", "messages that were not judged, by why", "reason"),
		failOpen:  vector("fail_open_total", "messages that passed unjudged because of own trouble", "cause"),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "message_seconds", Help: "own work over a whole message, in seconds",
			Buckets: prometheus.ExponentialBuckets(0.000_005, 4, 10),
		}),
		suspended: gauge("names_suspended", "1 while name evidence is suspended: the MTA's DNS is ill"),
		hidden:    gauge("client_hidden", "1 while nearly all clients have one private address"),
		bystander: counter("limited_bystander_total", "clients limited without being suspect themselves"),
		campaigns: counter("campaigns_total", "templates that came from many suspect networks at once"),
		campaign:  counter("campaign_messages_total", "messages of such templates that were acted on"),
		dropped:   counter("log_dropped_total", "log lines that nobody took in time"),
		sources:   newSources(),
		store: store{
			up:      gauge("store_up", "1 while the disk takes what is to outlive the process"),
			loaded:  gauge("store_loaded_entries", "entries read from the disk at start"),
			took:    gauge("store_load_seconds", "how long that took"),
			flushed: counter("store_flushed_total", "changes written to the disk"),
			lost:    counter("store_lost_total", "changes that found no room while they waited for the disk: everything was written anew"),
		},
		history: newHistory(),
		running: newRunning(),
	}
	m.bind()
	events := vector("events_total", "what happened to milter sessions", "event")
	for _, e := range milter.Events {
		m.events[e] = events.WithLabelValues(string(e))
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "1, with the version as label"}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.Registry.MustRegister(events, build, m.sessions, m.decisions, m.reasons, m.exempt, m.failOpen, m.took, m.suspended,
		m.hidden, m.bystander, m.campaigns, m.campaign, m.dropped, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Registry.MustRegister(m.sources.all()...)
	m.Registry.MustRegister(m.history.all()...)
	m.Registry.MustRegister(m.running.all()...)
	m.Registry.MustRegister(m.store.up, m.store.loaded, m.store.took, m.store.flushed, m.store.lost)
	return m
}

// bind makes what is counted from nought on: an alert cannot see the first of what was
// not there before.
func (m *Metrics) bind() {
	for _, cause := range []string{"deadline", "limit", "panic", "table"} {
		m.failOpen.WithLabelValues(cause)
	}
}

const namespace = "iot_milter"

// WatchTables has the daemon's memory asked whenever the metrics are read. It is
// called once.
func (m *Metrics) WatchTables(tables Tables) {
	m.Registry.MustRegister(tableCollector{tables})
	size := func(name, help string, value func() float64) {
		m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, value))
	}
	size("defer_entries", "deferred messages remembered", func() float64 { n, _, _ := tables.Sizes(); return float64(n) })
	size("limit_entries", "rate limit buckets remembered", func() float64 { _, n, _ := tables.Sizes(); return float64(n) })
	m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: namespace, Name: "evictions_total", Help: "entries forgotten for want of room",
	}, func() float64 { _, _, n := tables.Sizes(); return float64(n) }))
}

// tableCollector has one metric of each table's entries, and one of those that it
// forgot.
type tableCollector struct{ tables Tables }

var (
	tableEntries = prometheus.NewDesc(namespace+"_table_entries", "entries of the tables in memory", []string{"table"}, nil)
	tableLost    = prometheus.NewDesc(namespace+"_table_lost_total", "entries forgotten or turned away for want of room", []string{"table"}, nil)
)

// Describe implements prometheus.Collector.
func (c tableCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- tableEntries
	descs <- tableLost
}

// Collect implements prometheus.Collector.
func (c tableCollector) Collect(metrics chan<- prometheus.Metric) {
	c.tables.Tables(func(name string, entries int, lost int64) {
		metrics <- prometheus.MustNewConstMetric(tableEntries, prometheus.GaugeValue, float64(entries), name)
		metrics <- prometheus.MustNewConstMetric(tableLost, prometheus.CounterValue, float64(lost), name)
	})
}

// StoreUp implements disk.Meter.
func (m *Metrics) StoreUp(on bool) { set(m.store.up, on) }

// StoreLoaded implements disk.Meter.
func (m *Metrics) StoreLoaded(entries int, took time.Duration) {
	m.store.loaded.Set(float64(entries))
	m.store.took.Set(took.Seconds())
}

// StoreFlushed implements disk.Meter.
func (m *Metrics) StoreFlushed(changes int) { m.store.flushed.Add(float64(changes)) }

// StoreLost implements disk.Meter.
func (m *Metrics) StoreLost(changes int) { m.store.lost.Add(float64(changes)) }

// Event implements milter.Meter.
func (m *Metrics) Event(e milter.Event) { m.events[e].Inc() }

// Sessions implements milter.Meter.
func (m *Metrics) Sessions(delta int) { m.sessions.Add(float64(delta)) }

// FailOpen implements decider.Meter.
func (m *Metrics) FailOpen(cause string) { m.failOpen.WithLabelValues(cause).Inc() }

// NamesSuspended implements decider.Meter.
func (m *Metrics) NamesSuspended(on bool) { set(m.suspended, on) }

// ClientHidden implements decider.Meter.
func (m *Metrics) ClientHidden(on bool) { set(m.hidden, on) }

// LimitedBystander implements decider.Meter.
func (m *Metrics) LimitedBystander() { m.bystander.Inc() }

// CampaignBegan implements decider.Meter.
func (m *Metrics) CampaignBegan() { m.campaigns.Inc() }

// CampaignMessage implements decider.Meter.
func (m *Metrics) CampaignMessage() { m.campaign.Inc() }

// LogDropped counts log lines that were lost.
func (m *Metrics) LogDropped(lines int) { m.dropped.Add(float64(lines)) }

func (m *Metrics) record(r *policy.Record) {
	if r.Exempt != policy.ExemptNone {
		if r.Reason != policy.ReasonKept { // another of the admin's hosts counted it
			m.exempt.inc(labels{r.Exempt})
		}
		return
	}
	class, device := policy.ClassUnknown.String(), ""
	if r.Judgement != nil {
		class, device = r.Judgement.Class.String(), r.Judgement.Device.String()
	}
	m.decisions.inc(labels{class, device, r.Action.String(), r.Stage.String()})
	if r.Reason != "" {
		m.reasons.inc(labels{r.Reason})
	}
	m.took.Observe(r.Took.Seconds())
}

func set(g prometheus.Gauge, on bool) {
	if on {
		g.Set(1)
	} else {
		g.Set(0)
	}
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func vector(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}
