// Package decider is the one path from facts to verdict, the same for run,
// explain and replay: facts → evidence → class → state → verdict. It is the only
// caller of evidence and state, and writes each decision once, to a Recorder.
package decider

import (
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/allow"
)

// Meter is told what the decider counts. It must be safe for concurrent use.
type Meter interface {
	FailOpen(cause string)  // a message passed unjudged: panic, deadline, source, table
	NamesSuspended(on bool) // the MTA's DNS is ill
	ClientHidden(on bool)   // all clients seem to have one private address
	LimitedBystander()      // a client that is no suspect was limited
	CampaignBegan()         // one template comes from many suspects
	CampaignMessage()       // a message of such a template was acted on
}

// State is the memory: state.Memory, or one that several hosts share. It must be safe
// for concurrent use and never wait long: what it cannot know in time it does not
// know, and then it says that there was no room.
type State interface {
	// Key and Hashed name entries under the installation's secret.
	Key(parts ...string) state.Key
	Hashed(n uint64) state.Key

	// Host and Visit are an address' history. Prefetch says that Host will soon be asked
	// about one; none of them waits for other hosts.
	Prefetch(addr netip.Addr)
	Host(addr netip.Addr, at time.Time) (state.Host, bool)
	Visit(addr netip.Addr, v state.Visit) (before state.Host)

	// Retried and Passed are about deferrals, Available, Take and Tried about limits, Known
	// and Learn about habits, Mailed about both and campaigns. Learn waits for nobody.
	Retried(it state.Attempt, at time.Time, delay, keep time.Duration) (passed, room bool)
	Passed(it state.Attempt, at time.Time, keep time.Duration) bool
	Available(at time.Time, draws []state.Draw) (empty int)
	Take(at time.Time, draws []state.Draw) (empty int, room bool)
	Tried(it state.Item, at time.Time) (times int)
	Known(it state.Item, at time.Time) bool
	Learn(it state.Item, at time.Time)
	Mailed(m state.Mail, rule state.CampaignRule) state.MailAnswer
}

var _ State = (*state.Memory)(nil)

// Settings is what a reload changes. A connection keeps the settings that it
// began with.
type Settings struct {
	Rules      policy.Rules
	Limits     []Limit
	Campaign   Campaign // none where Hosts is 0
	Ramp       *Ramp    // nil: mode enforce acts on all clients
	DeferDelay time.Duration
	DeferKeep  time.Duration
	Table      *device.Table // what names are parsed by; nil is the built-in one

	Evidence policy.Evidence // nil: the MTA's word is all there is
	Deadline time.Duration   // of waiting for it, per judgement
	// Patient judges only when all look-ups are done or Deadline is over, whatever
	// would follow: for those who ask what a client is, not for mail.
	Patient bool
	// Explain has records say which limits would count the client, and by what, in any
	// mode: for those who ask without a memory.
	Explain bool
}

// Options are what a Decider needs. All but Allow are required.
type Options struct {
	Recorder policy.Recorder
	Meter    Meter
	Log      *slog.Logger
	Now      func() time.Time // measures own work; the time of a judgement is Client.At
	State    State
	Allow    *allow.List // nil: the configuration says all
}

// Decider implements policy.Decider. It is safe for concurrent use.
type Decider struct {
	opts     Options
	settings atomic.Pointer[Settings]
	hosts    atomic.Pointer[hostList]
	health   health

	complained atomic.Int64 // unix nanoseconds of the last line about own trouble
}

var _ policy.Decider = (*Decider)(nil)

// New returns a Decider with its first settings.
func New(o Options, s *Settings) *Decider {
	d := &Decider{opts: o, health: health{meter: o.Meter, log: o.Log}}
	d.settings.Store(s)
	return d
}

// Swap puts other settings in force for connections that begin from now on. The
// caller must not change them afterwards.
func (d *Decider) Swap(s *Settings) { d.settings.Store(s) }

// Wishes implements policy.Decider.
func (d *Decider) Wishes() policy.Wishes {
	s := d.settings.Load()
	r := &s.Rules
	w := policy.Wishes{
		Earliest:   policy.StageRcpt,
		Prompt:     s.Evidence != nil,
		Body:       s.Campaign.reads(),
		Mark:       r.Mode >= policy.ModeTag,
		AuthResult: r.AuthResult && r.Mode >= policy.ModeTag,
		Authserv:   r.Authserv,
		Hostname:   r.Hostname,
	}
	if r.Mode == policy.ModeEnforce {
		w.Earliest = min(r.EnforceAt, policy.StageRcpt)
		w.Quarantine = r.Notify != ""
	}
	return w
}

// Pass implements policy.Decider.
func (d *Decider) Pass(client policy.Client, cause string) policy.Case {
	c := d.open(client)
	c.broken = cause
	return c
}

func (d *Decider) open(client policy.Client) *decision {
	c := &decision{decider: d, settings: d.settings.Load()}
	c.facts.Client, c.facts.Table = client, c.settings.Table
	c.facts.Hosts = d.ownHosts(c.settings, client.MTA)
	c.exempt = c.exemption()
	if c.exempt == policy.ExemptNone && !client.At.IsZero() {
		d.opts.State.Prefetch(client.Addr)
	}
	return c
}

// exemption is why the connection is not judged, by the configuration or by the list
// that the admin keeps beside it.
func (c *decision) exemption() string {
	client := &c.facts.Client
	why := c.rules().Exempt.Client(client)
	if list := c.decider.opts.Allow; why == policy.ExemptNone && list != nil && list.Has(client) {
		return policy.ExemptAllowed
	}
	return why
}

// Open implements policy.Decider.
func (d *Decider) Open(client policy.Client) policy.Case {
	c := d.open(client)
	c.facts.NamesSuspended = d.health.session(&c.facts.Client, c.exempt != policy.ExemptNone)
	if e := c.settings.Evidence; c.exempt == policy.ExemptNone && e != nil {
		c.lookups = e.Start(client)
	}
	return c
}

// hostList are the names by which an MTA and its siblings go. Nearly all
// connections come from one MTA, so the last list is kept.
type hostList struct {
	settings *Settings
	mta      string
	names    []string
}

// ownHosts are the names by which the MTA and its siblings go, lower case.
func (d *Decider) ownHosts(s *Settings, mta string) []string {
	if l := d.hosts.Load(); l != nil && l.settings == s && l.mta == mta {
		return l.names
	}
	names := make([]string, 0, 2+len(s.Rules.OwnHosts))
	for _, h := range [...]string{mta, s.Rules.Hostname} {
		if h != "" {
			names = append(names, strings.ToLower(h))
		}
	}
	names = append(names, s.Rules.OwnHosts...)
	d.hosts.Store(&hostList{s, strings.Clone(mta), names})
	return names
}

// complain logs own trouble, at most once a minute.
func (d *Decider) complain(cause, session string) {
	now := d.opts.Now().UnixNano()
	last := d.complained.Load()
	if last != 0 && now-last < int64(time.Minute) && now >= last || !d.complained.CompareAndSwap(last, now) {
		return
	}
	d.opts.Log.Warn("passed unjudged", "cause", cause, "session", session,
		"hint", "mail passes with reason=fail-open; more of it within a minute is counted only")
}

// ClientHidden reports whether nearly all of the last thousand connections came
// from one private address: something between the world and the MTA hides the
// clients.
func (d *Decider) ClientHidden() bool { return d.health.isHidden() }
