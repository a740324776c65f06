// Package daemon puts the parts together: configuration → settings → decider →
// milter server, with the sockets, signals and health around them.
package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/time/rate"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/state/allow"
)

// maxGrace is how long a session without an open message may go on when the
// daemon stops: its client would have to begin its mail anew, or say QUIT.
const maxGrace = 2 * time.Second

// maxNotify is how long the supervisor may take to read.
const maxNotify = time.Second

// Daemon is a running iot-milter.
type Daemon struct {
	path      string
	version   string
	config    *conf.Config // that it started with …
	running   *conf.Config // … and that holds now
	level     slog.LevelVar
	log       *slog.Logger
	metrics   *obs.Metrics
	decider   *decider.Decider
	server    *milter.Server
	control   *control
	facts     *evidence.Facts
	events    *events
	sources   atomic.Pointer[Sources]
	listening atomic.Bool
	notifies  rate.Sometimes // lines about a supervisor that does not read
}

// Run serves with the configuration at path until SIGTERM or SIGINT, logging to
// w. It returns nil after an orderly end, conf.Errors when the configuration is
// wrong, and another error when it cannot serve. It calls serving once, when all is
// loaded and MTAs are answered from then on.
func Run(path, version string, w io.Writer, serving func()) error {
	// Signals first: a TERM or HUP that comes while starting must not kill, nor
	// must the death of who reads the log.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	config, warnings, err := conf.Load(path)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(int64(config.Limits.Memory) + int64(len(ballast()))) // which is not there
	d := &Daemon{path: path, version: version, config: config, running: config, metrics: obs.NewMetrics(version), notifies: rate.Sometimes{Interval: time.Minute}}
	lines := obs.NewLines(w, d.metrics.LogDropped)
	defer lines.Close()
	d.metrics.Loaded(time.Now())
	for data, built := range dates() {
		d.metrics.Built(data, built)
	}
	d.level.Set(config.Log.Level)
	d.log = obs.NewLog(lines, config.Log.Format == "json", &d.level)
	// Sockets first: MTAs that connect while history is loaded wait in them for the answer.
	// Nobody is judged before, for the history may be what pardons.
	listeners, err := listen(config)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	for _, l := range listeners {
		d.log.Info("listening", "socket", l.Addr().String())
	}
	memory, err := openMemory(config, d.log, d.metrics)
	if err != nil {
		return err
	}
	defer memory.close()
	d.metrics.WatchTables(memory.local)
	d.warn(warnings)
	d.facts = evidence.NewFacts(memory.facts(), time.Now)
	settings := Settings(config)
	settings.Evidence = d.openSources(config).evidence()
	defer func() { d.sources.Load().Close() }()
	d.metrics.WatchSources(func() obs.SourceSizes { return d.sources.Load().sizes() })
	list, broken := d.openAllowed()
	d.metrics.WatchAllowed(func() int { return len(list.Entries()) })
	top := admin.NewTop(&obs.Recorder{Log: d.log, Metrics: d.metrics}, time.Now)
	d.events = openEvents(config, top, memory.state(), d.log, d.metrics)
	defer d.events.close()
	d.control = newControl(d, memory.view(), top, list, broken)
	d.decider = decider.New(decider.Options{
		Recorder: d.events.addresses, Meter: d.metrics, Log: d.log, Now: time.Now, State: memory.state(), Allow: list,
	}, settings)
	d.server = milter.New(milter.Options{
		Decider: d.decider, Log: d.log, Meter: d.metrics, Now: time.Now, NewID: newID,
		Limits: milter.Limits{
			Sessions: config.Limits.Sessions, Idle: config.Limits.Idle, Frame: config.Limits.Frame,
			Grace: min(maxGrace, config.Limits.Drain),
		},
	})
	serving()
	return d.serve(listeners, signals)
}

func (d *Daemon) serve(listeners []net.Listener, signals <-chan os.Signal) error {
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- d.server.Serve(l) }()
	}
	d.listening.Store(true)
	defer d.startAdmin()()
	defer d.startControl()()
	d.log.Info("ready", "version", d.version, "mode", d.config.Mode.String())
	d.notify(sd.SdNotifyReady)
	stop := d.startWatchdog()
	defer stop()
	for {
		select {
		case err := <-failed:
			return fmt.Errorf("listener: %w", err)
		case s := <-signals:
			if s == syscall.SIGHUP {
				d.reload()
				continue
			}
			return d.drain(s, signals)
		case done := <-d.control.reloads:
			done <- d.reload()
		}
	}
}

// drain stops in order: no new sessions, open messages come to their end. A
// second signal ends it at once.
func (d *Daemon) drain(s os.Signal, signals <-chan os.Signal) error {
	d.log.Info("stopping", "signal", s.String(), "drain", d.config.Limits.Drain.String())
	d.listening.Store(false)
	d.notify(sd.SdNotifyStopping)
	ctx, cancel := context.WithTimeout(context.Background(), d.config.Limits.Drain)
	defer cancel()
	go func() {
		for s := range signals {
			if s != syscall.SIGHUP {
				cancel()
				return
			}
		}
	}()
	if err := d.server.Shutdown(ctx); err != nil {
		d.log.Warn("stopped with sessions still open; the MTA does its default action for them", "err", err)
	}
	d.log.Info("stopped")
	return nil
}

// reload reads the configuration again. A wrong one changes nothing.
func (d *Daemon) reload() admin.Reloaded {
	d.notify(sd.SdNotifyReloading + "\n" + sd.SdNotifyMonotonicUsec())
	defer d.notify(sd.SdNotifyReady)
	config, warnings, err := conf.Load(d.path)
	if err == nil {
		wrong, more := CheckSources(d.path, config)
		if len(wrong) > 0 {
			err = wrong
		}
		warnings = append(warnings, more...)
	}
	d.metrics.Reload(err == nil, time.Now())
	if err != nil {
		d.log.Error("reload: the old configuration stays", "err", err)
		return d.control.reloaded(err, warnings, nil)
	}
	d.warn(warnings)
	later := fixed(d.config, config)
	for _, key := range later {
		d.log.Warn("reload: takes effect at the next start", "key", key)
	}
	d.level.Set(config.Log.Level)
	settings := Settings(config)
	settings.Evidence = d.reopenSources(config).evidence()
	d.decider.Swap(settings)
	d.events.apply(config)
	d.running = config
	d.control.holds.Store(config)
	d.log.Info("reloaded", "mode", config.Mode.String())
	return d.control.reloaded(nil, warnings, later)
}

// openAllowed reads the list of clients that the admin allows. One that cannot be read
// allows nobody.
func (d *Daemon) openAllowed() (*allow.List, error) {
	list, err := allow.Open(filepath.Join(d.config.StateDir, "allow.json"))
	if err != nil {
		d.log.Error("the list of allowed clients is not used", "err", err)
	}
	return list, err
}

// openSources puts the sources of evidence in force. What cannot be had is told of,
// and mail is judged without it.
func (d *Daemon) openSources(config *conf.Config) *Sources {
	o := SourceOptions{Log: d.log, Metrics: d.metrics, Facts: d.facts}
	if old := d.sources.Load(); old != nil {
		o.Prober, o.Before = old.prober(d.running, config)
	}
	s, errs := OpenSources(config, o)
	for _, err := range errs {
		d.log.Error("a source of evidence is missing", "err", err, "hint", "mail is judged without it; iot-milter check says more")
	}
	d.sources.Store(s)
	return s
}

// sourcesGrace is how long connections that began before a reload may use the
// sources of then.
const sourcesGrace = time.Minute

// reopenSources keeps the sources where the configuration wants the same and they
// are all there: what was missing may be had now.
func (d *Daemon) reopenSources(config *conf.Config) *Sources {
	old := d.sources.Load()
	if sameSources(d.running, config) && len(old.absent) == 0 {
		return old
	}
	s := d.openSources(config)
	time.AfterFunc(sourcesGrace, old.Close)
	return s
}

// fixed names the keys that differ and that a reload cannot change.
func fixed(old, new *conf.Config) (keys []string) {
	differs := func(key string, changed bool) {
		if changed {
			keys = append(keys, key)
		}
	}
	differs("listen", fmt.Sprint(old.Listen) != fmt.Sprint(new.Listen))
	differs("socket_mode", old.SocketMode != new.SocketMode)
	differs("socket_group", old.SocketGroup != new.SocketGroup)
	differs("admin.listen", old.Admin.Listen != new.Admin.Listen)
	differs("admin.control", old.Admin.Control != new.Admin.Control)
	differs("admin.hosts", fmt.Sprint(old.Admin.Hosts) != fmt.Sprint(new.Admin.Hosts))
	differs("store.url", old.Store.URL != new.Store.URL)
	differs("limits.memory", old.Limits.Memory != new.Limits.Memory)
	differs("state_dir", old.StateDir != new.StateDir)
	differs("store.hosts", old.Store.Hosts != new.Store.Hosts)
	differs("log.events", old.Log.Events != new.Log.Events)
	differs("log.format", old.Log.Format != new.Log.Format)
	differs("limits.sessions", old.Limits.Sessions != new.Limits.Sessions)
	differs("limits.idle", old.Limits.Idle != new.Limits.Idle)
	differs("limits.frame", old.Limits.Frame != new.Limits.Frame)
	differs("limits.drain", old.Limits.Drain != new.Limits.Drain)
	return keys
}

// startAdmin serves metrics and health. That its address is taken is no reason
// not to serve mail.
func (d *Daemon) startAdmin() (stop func()) {
	if d.config.Admin.Listen == "" {
		return func() {}
	}
	l, err := net.Listen("tcp", d.config.Admin.Listen)
	if err != nil {
		d.log.Error("metrics and health are not served", "err", err, "hint", "choose another [admin] listen, or \"\" for none")
		return func() {}
	}
	a := admin.New(admin.Options{
		Page: d.page().OverTCP(), Hosts: d.config.Admin.Hosts, Registry: d.metrics.Registry, Log: d.log,
		Ready: func() admin.Readiness {
			up := d.listening.Load()
			return admin.Readiness{Ready: up, Listening: up, ClientHidden: d.decider.ClientHidden(), Sources: d.sources.Load().States()}
		},
	})
	d.log.Info("serving metrics and health", "address", l.Addr().String())
	go a.Serve(l)
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		a.Close(ctx)
	}
}

// notify tells the supervisor (sd_notify(3)). The library's SdNotify would wait for one
// that does not read for as long as that takes, and signals with it.
func (d *Daemon) notify(state string) {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err == nil {
		defer conn.Close()
		conn.SetWriteDeadline(time.Now().Add(maxNotify))
		_, err = conn.Write([]byte(state))
	}
	if err != nil {
		d.notifies.Do(func() { d.log.Warn("notify systemd", "err", err) })
	}
}

func (d *Daemon) warn(warnings []conf.Warning) {
	for _, w := range warnings {
		d.log.Warn("configuration", "problem", w.String())
	}
}

// newID names a session: 60 random bits in base 32, short enough to be read out
// on the telephone.
func newID() string {
	const letters, length = "abcdefghjkmnpqrstuvwxyz23456789x", 12
	var b [length]byte
	bits := rand.Uint64()
	for i := range b {
		b[i] = letters[bits&31]
		bits >>= 5
	}
	return string(b[:])
}
