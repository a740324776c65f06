// Package decider is the one path from facts to verdict, the same for run,
// explain and replay: facts → evidence → class → state → verdict. It is the only
// caller of evidence and state, and writes each decision once, to a Recorder.
package decider

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// Meter is told what the decider counts. It must be safe for concurrent use.
type Meter interface {
	FailOpen(cause string)  // a message passed unjudged: panic, deadline
	NamesSuspended(on bool) // the MTA's DNS is ill
	ClientHidden(on bool)   // all clients seem to have one private address
	LimitedBystander()      // a client that is no suspect was limited
}

// Evidence gathers facts that the MTA does not tell. It must be safe for
// concurrent use.
type Evidence interface {
	// Start begins the look-ups for a client and does not wait.
	Start(policy.Client) Lookups
}

// Lookups are the look-ups under way for one connection.
type Lookups interface {
	Greeting(policy.Greeting)
	// Await waits until they are done or ctx ends, and fills in what is known.
	Await(ctx context.Context, f *policy.Facts) error
}

// Settings is what a reload changes. A connection keeps the settings that it
// began with.
type Settings struct {
	Rules      policy.Rules
	Limits     []Limit
	DeferDelay time.Duration
	DeferKeep  time.Duration
	Deadline   time.Duration // of waiting for evidence, per judgement
}

// Options are what a Decider needs. All but Evidence are required.
type Options struct {
	Recorder policy.Recorder
	Meter    Meter
	Log      *slog.Logger
	Now      func() time.Time // measures own work; the time of a judgement is Client.At
	State    *state.Memory
	Evidence Evidence // nil: the MTA's word is all there is
}

// Decider implements policy.Decider. It is safe for concurrent use.
type Decider struct {
	opts     Options
	settings atomic.Pointer[Settings]
	health   health
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
	r := &d.settings.Load().Rules
	w := policy.Wishes{
		Earliest:   policy.StageRcpt,
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

// Open implements policy.Decider.
func (d *Decider) Open(client policy.Client) policy.Case {
	c := &decision{decider: d, settings: d.settings.Load()}
	c.facts.Client = client
	c.facts.ParseClient()
	c.facts.Hosts = c.ownHosts()
	c.exempt = c.rules().Exempt.Client(&client)
	c.facts.NamesSuspended = d.health.session(&client)
	if c.exempt == policy.ExemptNone && d.opts.Evidence != nil {
		c.lookups = d.opts.Evidence.Start(client)
	}
	return c
}

// ClientHidden reports whether nearly all of the last thousand connections came
// from one private address: something between the world and the MTA hides the
// clients.
func (d *Decider) ClientHidden() bool { return d.health.isHidden() }
