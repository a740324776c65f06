package obs

import "github.com/prometheus/client_golang/prometheus"

// history are the metrics of decisions on their way to the disk and to who watches.
type history struct {
	up, bytes  prometheus.Gauge
	dropped    *prometheus.CounterVec
	unreadable prometheus.Counter
}

func newHistory() history {
	h := history{
		up:         gauge("history_up", "1 while the disk takes the history of decisions"),
		bytes:      gauge("history_bytes", "what the history of decisions takes on the disk, in bytes"),
		dropped:    vector("events_dropped_total", "decisions that did not get to where they were to go", "to"),
		unreadable: counter("history_unreadable_total", "parts of the history that a search could not read"),
	}
	for _, to := range []string{"queue", "history", "file", "tail"} {
		h.dropped.WithLabelValues(to)
	}
	return h
}

func (h *history) all() []prometheus.Collector {
	return []prometheus.Collector{h.up, h.bytes, h.dropped, h.unreadable}
}

// HistoryUp implements history.Meter.
func (m *Metrics) HistoryUp(on bool) { set(m.history.up, on) }

// HistoryBytes implements history.Meter.
func (m *Metrics) HistoryBytes(n int64) { m.history.bytes.Set(float64(n)) }

// HistoryDropped implements history.Meter.
func (m *Metrics) HistoryDropped(lines int) { m.lost("history", lines) }

// HistoryUnreadable implements history.Meter.
func (m *Metrics) HistoryUnreadable(segments int) { m.history.unreadable.Add(float64(segments)) }

// EventsDropped implements event.Meter.
func (m *Metrics) EventsDropped(n int) { m.lost("queue", n) }

// TailDropped implements event.Meter.
func (m *Metrics) TailDropped(n int) { m.lost("tail", n) }

// FileDropped counts decisions that the event file did not take.
func (m *Metrics) FileDropped(lines int) { m.lost("file", lines) }

func (m *Metrics) lost(to string, n int) { m.history.dropped.WithLabelValues(to).Add(float64(n)) }
