package daemon

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/disk"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

const (
	maxEntries = 200_000         // of the tables of deferrals, limits and habits
	maxFlush   = 5 * time.Second // for what was not written yet, when the daemon stops
)

// memory is what the daemon remembers: in the process, on its disk, and, where there
// are several hosts, in a store that they share.
type memory struct {
	log    *slog.Logger
	local  *state.Memory
	disk   *disk.Store
	shared *remote.Store // nil for one host
}

// openMemory loads what was kept. Only a wrong address of the shared store is an
// error: a store that does not answer is tried again, and so is a disk.
func openMemory(c *conf.Config, log *slog.Logger, metrics *obs.Metrics) (m *memory, err error) {
	m = &memory{log: log}
	o := remote.Options{URL: c.Store.URL, Join: evidence.Join, Log: log, Meter: metrics.Store(), Now: time.Now}
	if o.URL != "" {
		if err := remote.Check(o.URL); err != nil {
			return nil, err
		}
	}
	o.Secret = secretOf(c, o)
	m.local, err = state.New(state.Options{
		Entries: min(c.Store.Hosts, maxEntries), Hosts: c.Store.Hosts, Secret: o.Secret,
	})
	if err != nil {
		return nil, err
	}
	m.disk = disk.Open(m.local, disk.Options{Dir: c.StateDir, Log: log, Meter: metrics, Now: time.Now})
	if o.URL != "" {
		o.Local = m.local
		o.Learned = func(secret [16]byte) { disk.KeepShared(c.StateDir, secret, log) }
		if m.shared, err = remote.Open(o); err != nil {
			return nil, errors.Join(err, m.disk.Close(maxFlush))
		}
	}
	return m, nil
}

// secretOf is the secret of the keys: the one that the hosts share, so that they all
// call a thing the same, or that of this installation. The first host has its own shared.
func secretOf(c *conf.Config, o remote.Options) [16]byte {
	if o.URL == "" {
		return disk.Secret(c.StateDir, o.Log)
	}
	kept, shared := disk.SharedSecret(c.StateDir, o.Log)
	if !shared {
		kept = disk.Secret(c.StateDir, o.Log)
		o.Log = slog.New(slog.DiscardHandler) // that others have another one is as it should be
	}
	o.Secret = kept
	if secret, err := remote.Secret(o); err == nil {
		return secret
	}
	return kept
}

// state is what the decider asks.
func (m *memory) state() decider.State {
	if m.shared != nil {
		return m.shared
	}
	return m.local
}

// facts is where look-ups keep what they find.
func (m *memory) facts() evidence.Memory {
	if m.shared != nil {
		return m.shared
	}
	return m.local
}

// view is what the admin asks.
func (m *memory) view() remembered {
	if m.shared != nil {
		return m.shared.View()
	}
	return own{m.local}
}

// own is a memory without others, which can be asked at any time.
type own struct{ *state.Memory }

func (o own) Forget(within netip.Prefix) (entries int, err error) {
	return o.Memory.Forget(within), nil
}

// close writes what changed.
func (m *memory) close() {
	if m.shared != nil {
		m.shared.Close()
	}
	if err := m.disk.Close(maxFlush); err != nil {
		m.log.Warn("stopping", "err", err)
	}
}
