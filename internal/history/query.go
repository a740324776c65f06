package history

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// Query says which decisions are meant: those that meet all of it. The zero Query is
// about all. It is safe for concurrent use once it is made.
type Query struct {
	ID      string       // of the decision; that of a session is all of its decisions'
	QueueID string       // the MTA's
	Client  netip.Prefix // an address is a prefix, too
	To      string       // a recipient's domain
	From    string       // the sender's address or domain, as it was kept
	Class   string
	Device  string
	Action  string
	Flag    string
	Reason  string
	Since   time.Time // of the connection
	Until   time.Time
	Limit   int // of a search; 0 is none
}

// longest is for how much longer than its connection began a decision may be written: a
// session may be that old.
const longest = 24 * time.Hour

// Match reports whether the decision is meant.
func (q *Query) Match(d *policy.Decision) bool {
	same := func(want, is string) bool { return want == "" || want == is }
	if !same(q.Class, d.Class) || !same(q.Device, d.Device) || !same(q.Action, d.Action) || !same(q.Flag, d.Flag) ||
		!same(q.Reason, d.Reason) || !same(q.QueueID, d.QueueID) {
		return false
	}
	if q.ID != "" && q.ID != d.ID && q.ID != d.Session {
		return false
	}
	if q.To != "" && !slices.Contains(d.To, strings.ToLower(q.To)) {
		return false
	}
	return q.matchFrom(d) && q.matchClient(d) && q.matchTime(d)
}

// MatchLine is Match for a decision as a line of JSON.
func (q *Query) MatchLine(line []byte) bool {
	var d policy.Decision
	return q.may(line) && json.Unmarshal(line, &d) == nil && q.Match(&d)
}

func (q *Query) matchFrom(d *policy.Decision) bool {
	if q.From == "" {
		return true
	}
	if d.From == nil {
		return false
	}
	from := *d.From
	return strings.EqualFold(from, q.From) || strings.EqualFold(from[strings.LastIndexByte(from, '@')+1:], strings.TrimPrefix(q.From, "@"))
}

func (q *Query) matchClient(d *policy.Decision) bool {
	if !q.Client.IsValid() {
		return true
	}
	addr, err := netip.ParseAddr(d.Client)
	return err == nil && q.Client.Contains(addr.Unmap())
}

func (q *Query) matchTime(d *policy.Decision) bool {
	if q.Since.IsZero() && q.Until.IsZero() {
		return true
	}
	return d.Time != nil && (q.Since.IsZero() || !d.Time.Before(q.Since)) && (q.Until.IsZero() || !d.Time.After(q.Until))
}

// may reports whether the line can be of a decision that is meant: a look at bytes in
// place of parsing what is not.
func (q *Query) may(line []byte) bool {
	has := func(text string) bool { return text == "" || bytes.Contains(line, []byte(text)) }
	word := func(key, value string) bool { return value == "" || has(`"`+key+`":"`+value+`"`) }
	return has(q.ID) && has(q.QueueID) && word("class", q.Class) && word("device", q.Device) && word("action", q.Action) &&
		word("flag", q.Flag) && word("reason", q.Reason) && (!q.Client.IsSingleIP() || has(q.Client.Addr().String()))
}
