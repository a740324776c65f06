package daemon

import (
	"errors"
	"net/netip"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// startWatchdog tells systemd's watchdog (sd_watchdog_enabled(3)) that mail is served.
func (d *Daemon) startWatchdog() (stop func()) {
	every, err := sd.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return func() {}
	}
	done := make(chan struct{})
	// A check may take as long as the pause between two: one that fails does not end the
	// daemon yet, for a machine may be slow.
	go d.watch(every/4, d.serves, done)
	return func() { close(done) }
}

// watch tells the watchdog of each check that goes well. While one hangs there is no other.
func (d *Daemon) watch(pause time.Duration, check func(within time.Duration) error, done <-chan struct{}) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	checked := make(chan error, 1)
	begin := func() { checked <- check(pause) }
	running := false
	for {
		select {
		case <-done:
			return
		case err := <-checked:
			running = false
			if err != nil {
				d.notifies.Do(func() { d.log.Error("watchdog: mail is not served", "err", err) })
				continue
			}
			d.notify(sd.SdNotifyWatchdog)
		case <-tick.C:
			if running {
				d.notifies.Do(func() { d.log.Error("watchdog: mail is not served", "err", errHangs) })
				continue
			}
			running = true
			go begin()
		}
	}
}

var errHangs = errors.New("the check of the daemon itself hangs")

// serves goes where each judgement goes: the milter server, the memory and the decider, and
// their locks.
func (d *Daemon) serves(within time.Duration) error {
	d.control.memory.Host(netip.IPv6Loopback(), time.Now())
	d.decider.ClientHidden()
	return d.server.Answers(within)
}
