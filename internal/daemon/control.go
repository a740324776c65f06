package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/event"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/allow"
)

// controlMode is that of the control socket: its user's and its group's.
const controlMode = 0o660

// remembered is the memory, as far as the admin may look into it.
type remembered interface {
	Tables(yield func(name string, entries int, lost int64))
	Campaigns(at time.Time, most int) []state.Campaign
	Hosts(yield func(netip.Addr, state.Host) bool)
	Host(addr netip.Addr, at time.Time) (state.Host, bool)
	Forget(within netip.Prefix) (entries int, err error)
}

// control is the daemon as its control socket sees it. It implements admin.Running.
type control struct {
	daemon  *Daemon
	memory  remembered
	top     *admin.Top
	list    *allow.List
	broken  error                       // why the list could not be read; then it is not written either
	holds   atomic.Pointer[conf.Config] // the configuration in force
	reloads chan chan admin.Reloaded    // taken by the daemon's loop
	gone    chan struct{}               // closed when that ends
}

func newControl(d *Daemon, memory remembered, top *admin.Top, list *allow.List, broken error) *control {
	c := &control{daemon: d, memory: memory, top: top, list: list, broken: broken,
		reloads: make(chan chan admin.Reloaded), gone: make(chan struct{})}
	c.holds.Store(d.config)
	return c
}

// startControl serves the control socket. That it cannot is no reason not to serve
// mail.
func (d *Daemon) startControl() (stop func()) {
	gone := func() { close(d.control.gone) }
	path := d.config.Admin.Control
	if path == "" {
		return gone
	}
	l, err := listenUnix(path, controlMode, d.config.SocketGroup)
	if err != nil {
		d.log.Error("the control socket is not served", "socket", path, "err", err,
			"hint", "the commands that ask the running daemon need it; choose another [admin] control, or \"\" for none")
		return gone
	}
	d.log.Info("serving the control socket", "socket", path)
	c := admin.NewControl(d.control, admin.ControlOptions{
		Log: d.log, Now: time.Now, MayChange: d.control.mayChange, Page: d.page().OverSocket(),
	})
	go c.Serve(l)
	return func() {
		gone()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			d.log.Debug("closing the control socket", "err", err)
		}
	}
}

// Top implements admin.Running.
func (c *control) Top(networks, campaigns int) (s admin.Snapshot) {
	c.top.Fill(&s, networks)
	s.Mode = c.holds.Load().Mode.String()
	s.Campaigns = c.Campaigns(campaigns)
	c.memory.Tables(func(name string, entries int, lost int64) {
		s.Tables = append(s.Tables, admin.Table{Name: name, Entries: entries, Lost: lost})
	})
	s.Sources, s.ClientHidden = c.daemon.sources.Load().States(), c.daemon.decider.ClientHidden()
	return s
}

// Campaigns implements admin.Running.
func (c *control) Campaigns(most int) []admin.Campaign {
	on := []admin.Campaign{}
	for _, f := range c.memory.Campaigns(time.Now(), most) {
		on = append(on, admin.Campaign{ID: decider.CampaignID(f.Template), Networks: f.Networks, Messages: f.Messages,
			Since: f.Since.UTC(), Last: f.Last.UTC()})
	}
	return on
}

// Hosts implements admin.Running.
func (c *control) Hosts(within netip.Prefix, most int) admin.Hosts {
	type known struct {
		addr netip.Addr
		host state.Host
	}
	var kept []known
	total := 0
	latest := func() {
		slices.SortFunc(kept, func(a, b known) int {
			return cmp.Or(cmp.Compare(b.host.Last, a.host.Last), a.addr.Compare(b.addr))
		})
		kept = kept[:min(most, len(kept))]
	}
	c.memory.Hosts(func(addr netip.Addr, h state.Host) bool {
		if within.IsValid() && (!within.Contains(addr) || h.Wide && within.Bits() > state.Network(addr).Bits()) {
			return true
		}
		total++
		if kept = append(kept, known{addr, h}); len(kept) > 2*most {
			latest()
		}
		return true
	})
	latest()
	found := admin.Hosts{Hosts: make([]admin.Host, len(kept)), Total: total}
	for i := range kept {
		found.Hosts[i] = host(kept[i].addr, &kept[i].host)
	}
	return found
}

// Host implements admin.Running.
func (c *control) Host(addr netip.Addr) (admin.Host, bool) {
	now := time.Now()
	h, ok := c.memory.Host(addr, now)
	found := admin.Host{Addr: addr}
	if ok {
		found = host(addr, &h)
	}
	for _, f := range c.daemon.facts.List(addr) {
		found.Facts = append(found.Facts, admin.Fact{Kind: f.Kind, List: f.What, Text: f.Text, Left: int(f.Left / time.Second)})
	}
	found.Allowed = c.list.Has(&policy.Client{Addr: addr, At: now})
	return found, ok || len(found.Facts) > 0
}

func host(addr netip.Addr, h *state.Host) admin.Host {
	to := admin.Host{
		Addr: addr, First: h.First.Time().UTC(), Last: h.Last.Time().UTC(),
		Sessions: int(h.Sessions), Suspect: int(h.Suspect), Flagged: int(h.Flagged), Days: int(h.Days),
		Device: h.Device.String(), Shows: int(h.Shows), Classes: map[string]int64{},
	}
	if h.Wide {
		to.Network = state.Network(addr).String()
	}
	if h.Shown != 0 {
		shown := h.Shown.Time().UTC()
		to.Shown = &shown
	}
	for class, n := range h.Classes {
		if n > 0 {
			to.Classes[policy.Class(class).String()] = int64(n)
		}
	}
	return to
}

// Forget implements admin.Running.
func (c *control) Forget(within netip.Prefix) (entries int, err error) {
	c.top.Forget(within)
	entries, err = c.memory.Forget(within)
	if err != nil {
		err = &admin.Refusal{Status: http.StatusServiceUnavailable, What: fmt.Sprintf("%d entries are forgotten, "+
			"but not all of the shared store's: %v; hint: ask again when iot_milter_shared_degraded is 0", entries, err)}
	}
	return entries, err
}

// Allowed implements admin.Running.
func (c *control) Allowed() []admin.Allowed {
	all := []admin.Allowed{}
	for _, e := range c.list.Entries() {
		all = append(all, allowed(&e))
	}
	return all
}

func allowed(e *allow.Entry) admin.Allowed {
	return admin.Allowed{What: e.What, Note: e.Note, Added: e.Added, Until: e.Until, Evidence: e.Evidence}
}

// Allow implements admin.Running.
func (c *control) Allow(p admin.Permit) (admin.Allowed, error) {
	e := allow.Entry{What: p.What, Note: p.Note, Added: time.Now().UTC(), Until: p.Until, Evidence: p.Evidence}
	if c.broken != nil {
		return admin.Allowed{}, c.unreadable()
	}
	if err := c.list.Add(e); err != nil {
		return admin.Allowed{}, refusal(err)
	}
	for _, kept := range c.list.Entries() {
		if kept.Added.Equal(e.Added) { // What and Note are in the form that is kept
			return allowed(&kept), nil
		}
	}
	return allowed(&e), nil
}

// Search implements admin.Decisions.
func (c *control) Search(ctx context.Context, q *history.Query, yield func(*policy.Decision) bool) error {
	return c.daemon.events.history.Search(ctx, q, yield)
}

// ForgetDecisions implements admin.Decisions.
func (c *control) ForgetDecisions(ctx context.Context, q *history.Query) (int, error) {
	return c.daemon.events.history.Forget(ctx, q)
}

// Tail implements admin.Decisions.
func (c *control) Tail() (*event.Tail, bool) { return c.daemon.events.stream.Tail() }

// Leave implements admin.Decisions.
func (c *control) Leave(t *event.Tail) { c.daemon.events.stream.Leave(t) }

// Disallow implements admin.Running.
func (c *control) Disallow(what string) (bool, error) {
	if c.broken != nil {
		return false, c.unreadable()
	}
	was, err := c.list.Remove(what)
	return was, refusal(err)
}

// unreadable keeps a list that a slip of the pen made unreadable from being written
// over.
func (c *control) unreadable() error {
	return fmt.Errorf("the list could not be read at the start, and is not written over: %w", c.broken)
}

// refusal says of an error of the list whose it is: the disk's, or who asked.
func refusal(err error) error {
	var file *fs.PathError
	var system syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &file), errors.As(err, &system):
		return fmt.Errorf("%w; hint: the daemon's user must be able to write to state_dir", err)
	case errors.Is(err, allow.ErrFull):
		return &admin.Refusal{Status: http.StatusConflict, What: err.Error()}
	}
	return &admin.Refusal{Status: http.StatusBadRequest, What: err.Error()}
}

// Reload implements admin.Running.
func (c *control) Reload(ctx context.Context) (r admin.Reloaded, err error) {
	stopping := &admin.Refusal{Status: http.StatusServiceUnavailable, What: "the daemon is stopping"}
	if !c.daemon.listening.Load() {
		return r, stopping
	}
	done := make(chan admin.Reloaded, 1)
	select {
	case c.reloads <- done:
	case <-c.gone:
		return r, stopping
	case <-ctx.Done():
		return r, ctx.Err()
	}
	select {
	case r = <-done:
		return r, nil
	case <-ctx.Done():
		return r, fmt.Errorf("the reload goes on: %w; hint: the log tells its end", ctx.Err())
	}
}

// reloaded is what the admin is told of a reload.
func (c *control) reloaded(err error, warnings []conf.Warning, later []string) admin.Reloaded {
	r := admin.Reloaded{OK: err == nil, Mode: c.holds.Load().Mode.String(),
		Errors: []admin.Problem{}, Warnings: []admin.Problem{}, Later: append([]string{}, later...)}
	var wrong conf.Errors
	if errors.As(err, &wrong) {
		for _, p := range wrong {
			r.Errors = append(r.Errors, admin.Problem{File: p.File, Line: p.Line, Col: p.Col, Key: p.Key, What: p.What, Hint: p.Hint})
		}
	} else if err != nil {
		r.Errors = append(r.Errors, admin.Problem{File: c.daemon.path, What: err.Error()})
	}
	for _, p := range warnings {
		r.Warnings = append(r.Warnings, admin.Problem{File: p.File, Line: p.Line, Col: p.Col, Key: p.Key, What: p.What, Hint: p.Hint})
	}
	return r
}
