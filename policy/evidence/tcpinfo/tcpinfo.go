package tcpinfo

import (
	"errors"
	"log/slog"
	"time"
)

// Options are what a Source is made of. The zero value is usable.
type Options struct {
	Log   *slog.Logger     // nil logs nothing
	Meter Meter            // nil counts nothing
	Now   func() time.Time // nil is time.Now
	Proc  string           // where proc(5) is mounted; "" is /proc
}

// Meter counts look-ups. Its methods are called concurrently.
type Meter interface {
	// Lookup is called once for each question about a connection, with its
	// outcome and how long it took.
	Lookup(outcome string, took time.Duration)
}

// The outcomes of a look-up.
const (
	OutcomeFound     = "found"
	OutcomeNone      = "none"      // no such connection is visible
	OutcomeAmbiguous = "ambiguous" // several are, and what was told does not say which
	OutcomeError     = "error"     // own trouble: netlink denied, deadline, closed
)

// Outcomes are all of them, for metrics that are made in advance.
var Outcomes = []string{OutcomeFound, OutcomeNone, OutcomeAmbiguous, OutcomeError}

// ErrUnsupported is what New returns where the system has no sock_diag.
var ErrUnsupported = errors.New("needs Linux, whose sock_diag tells the TCP stack of clients; hint: [tcpinfo] enabled = false")

// ErrClosed is what Stack returns after Close.
var ErrClosed = errors.New("tcpinfo: closed")

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Meter == nil {
		o.Meter = noMeter{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Proc == "" {
		o.Proc = "/proc"
	}
	return o
}

type noMeter struct{}

func (noMeter) Lookup(string, time.Duration) {}
