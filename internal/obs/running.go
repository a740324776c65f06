package obs

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// running are the metrics of what the daemon runs with: its configuration, and data
// that grow old.
type running struct {
	reloads  *prometheus.CounterVec
	ok, read prometheus.Gauge
	built    *prometheus.GaugeVec
}

func newRunning() running {
	r := running{
		reloads: vector("reloads_total", "reloads of the configuration, by result", "result"),
		ok:      gauge("config_ok", "1 while the configuration that was read last is in force, 0 when it was wrong and an older one stayed"),
		read:    gauge("config_loaded_timestamp_seconds", "when the configuration in force was read, in seconds since 1970"),
		built: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "data_built_timestamp_seconds",
			Help: "when data in use were built, in seconds since 1970"}, []string{"data"}),
	}
	for _, result := range []string{"ok", "error"} {
		r.reloads.WithLabelValues(result)
	}
	return r
}

func (r *running) all() []prometheus.Collector {
	return []prometheus.Collector{r.reloads, r.ok, r.read, r.built}
}

// Loaded says that the configuration is in force which was read at that time.
func (m *Metrics) Loaded(at time.Time) {
	m.running.ok.Set(1)
	m.running.read.Set(float64(at.Unix()))
}

// Reload counts a reload of the configuration at a time. One that failed left the older
// one in force.
func (m *Metrics) Reload(ok bool, at time.Time) {
	if !ok {
		m.running.ok.Set(0)
		m.running.reloads.WithLabelValues("error").Inc()
		return
	}
	m.Loaded(at)
	m.running.reloads.WithLabelValues("ok").Inc()
}

// Built says when data in use were built: weights, suffixes or networks. One whose date
// is unknown, the zero time, is not told.
func (m *Metrics) Built(data string, at time.Time) {
	if !at.IsZero() {
		m.running.built.WithLabelValues(data).Set(float64(at.Unix()))
	}
}

// WatchAllowed has the number of clients that the admin allows beside the configuration
// asked whenever the metrics are read. It is called once.
func (m *Metrics) WatchAllowed(entries func() int) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "allowed_entries", Help: "clients and names on the list of iot-milter allow",
	}, func() float64 { return float64(entries()) }))
}
