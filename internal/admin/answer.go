package admin

import (
	"context"
	"net/netip"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// Host is what is remembered of an address: history and facts, never a verdict.
type Host struct {
	Addr     netip.Addr       `json:"addr"`
	Network  string           `json:"network,omitempty"` // instead: these are the counts of its hosts that found no room
	First    time.Time        `json:"first,omitzero"`    // never where facts alone are known
	Last     time.Time        `json:"last,omitzero"`
	Sessions int              `json:"sessions"`
	Suspect  int              `json:"suspect"` // of them with flag suspect
	Flagged  int              `json:"flagged"` // of them with flag yes
	Days     int              `json:"days"`    // distinct ones with a session
	Device   string           `json:"device"`
	Shows    int              `json:"shows"`             // sessions that showed Device
	Shown    *time.Time       `json:"shown,omitempty"`   // the last one of them
	Classes  map[string]int64 `json:"classes"`           // shares of sessions; recent ones weigh most
	Allowed  bool             `json:"allowed,omitempty"` // by iot-milter allow; in the answer on one host
	Facts    []Fact           `json:"facts,omitempty"`   // likewise: what look-ups found, and still holds
}

// Fact is what a look-up found about an address.
type Fact struct {
	Kind string `json:"kind"`           // iprev, network, list, p0f or banner
	List string `json:"list,omitempty"` // the zone of one
	Text string `json:"text"`           // may be an attacker's
	Left int    `json:"left"`           // seconds that it holds
}

// Hosts is the answer of /v1/hosts: those seen last, the last one first.
type Hosts struct {
	Hosts []Host `json:"hosts"`
	Total int    `json:"total"` // how many there are
}

// Forgotten is the answer to a DELETE of /v1/hosts.
type Forgotten struct {
	Prefix  netip.Prefix `json:"prefix"`
	Entries int          `json:"entries"` // of all tables
}

// Allowed is an entry of the list of clients that are not judged.
type Allowed struct {
	What  string     `json:"what"`
	Note  string     `json:"note,omitempty"`
	Added time.Time  `json:"added"`
	Until *time.Time `json:"until,omitempty"` // nil is for ever
	// Evidence is the decision for whose sake it was added, if there was one.
	Evidence *policy.Decision `json:"evidence,omitempty"`
}

// Permit is what a POST to /v1/allow asks for: an address, a network or a domain, or the
// client of a decision, which is kept with the entry; for ever unless one of Until and
// For is set.
type Permit struct {
	What   string     `json:"what,omitempty"`
	FromID string     `json:"from_id,omitempty"`
	Note   string     `json:"note,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	For    string     `json:"for,omitempty"` // "30d", "12h", "1d12h"

	Evidence *policy.Decision `json:"-"` // of FromID
}

// Complete checks when it ends, and takes from the history what FromID means.
func (p *Permit) Complete(ctx context.Context, from Decisions, now time.Time) error {
	if p.For != "" {
		if p.Until != nil {
			return bad("either until or for")
		}
		span, err := ParseSpan(p.For)
		if err != nil {
			return err
		}
		until := now.Add(span).UTC().Truncate(time.Second)
		p.Until = &until
	}
	if p.Until != nil && !p.Until.After(now) {
		return bad("until %s is past", p.Until.Format(time.RFC3339))
	}
	if p.FromID == "" {
		return nil
	}
	d, client, err := byID(ctx, from, p.FromID)
	if err != nil {
		return err
	}
	if p.Evidence = d; p.What == "" {
		p.What = client.String()
	}
	return nil
}

// Reloaded is the answer of /v1/reload.
type Reloaded struct {
	OK       bool      `json:"ok"`
	Mode     string    `json:"mode"` // that holds now
	Errors   []Problem `json:"errors"`
	Warnings []Problem `json:"warnings"`
	Later    []string  `json:"later"` // keys that take effect at the next start
}

// Problem is one of a configuration.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
	Key  string `json:"key"`
	What string `json:"what"`
	Hint string `json:"hint"`
}

// Refusal is an error that is the caller's: the HTTP status, and what to do about it
// after "hint: ".
type Refusal struct {
	Status int    `json:"-"`
	What   string `json:"error"`
}

func (r *Refusal) Error() string { return r.What }
