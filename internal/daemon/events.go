package daemon

import (
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/event"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
)

// events are where decisions go behind the mail path: the history, the event file, and
// who watches.
type events struct {
	log       *slog.Logger
	addresses *obs.Addresses
	stream    *event.Stream
	history   *history.Store
	file      *event.File // nil where there is none
}

// openEvents puts them behind the recorder. What the disk does not take is said, and
// mail is judged all the same.
func openEvents(c *conf.Config, next policy.Recorder, memory decider.State, log *slog.Logger, metrics *obs.Metrics) *events {
	e := &events{log: log, history: history.Open(history.Options{
		Dir: filepath.Join(c.StateDir, "history"), Keep: keep(c), Size: int64(c.History.Size), Log: log, Meter: metrics, Now: time.Now,
	})}
	sinks := []event.Sink{e.history}
	if c.Log.Events != "" {
		e.file = event.NewFile(c.Log.Events, log, time.Now, metrics.FileDropped)
		sinks = append(sinks, e.file)
	}
	e.stream = event.New(next, metrics, sinks...)
	e.addresses = obs.NewAddresses(e.stream, func(address string) string {
		return strconv.FormatUint(uint64(memory.Key("address", address)), 36)
	})
	e.apply(c)
	return e
}

func keep(c *conf.Config) time.Duration { return time.Duration(c.History.Days) * 24 * time.Hour }

// apply takes over what a reload can change.
func (e *events) apply(c *conf.Config) {
	form, err := policy.ParseAddressForm(c.Log.Addresses)
	if err != nil { // conf has checked it
		form = policy.AddressNone
	}
	e.addresses.Show(form)
	e.history.Bound(keep(c), int64(c.History.Size))
}

// close hands on what waits.
func (e *events) close() {
	e.stream.Close()
	if err := e.history.Close(); err != nil {
		e.log.Warn("stopping: the history of decisions", "err", err)
	}
	if e.file != nil {
		if err := e.file.Close(); err != nil {
			e.log.Warn("stopping: the event file", "err", err)
		}
	}
}
