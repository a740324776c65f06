package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/internal/event"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/policy"
)

// Decisions is what the daemon knows of decisions, past and to come. It must be safe
// for concurrent use.
type Decisions interface {
	Search(ctx context.Context, q *history.Query, yield func(*policy.Decision) bool) error
	ForgetDecisions(ctx context.Context, q *history.Query) (gone int, err error)
	Tail() (*event.Tail, bool)
	Leave(*event.Tail)
}

// Found is the answer of /v1/history, the newest decision first.
type Found struct {
	Decisions []policy.Decision `json:"decisions"`
}

// ForgottenDecisions is the answer to a DELETE of /v1/history.
type ForgottenDecisions struct {
	Decisions int `json:"decisions"`
}

const (
	someDecisions = 100
	searchTime    = 30 * time.Second
	tailWrite     = 10 * time.Second // that a watcher may take for one line
	tailBeat      = 15 * time.Second // between blank lines, by which a watcher that is gone is noticed
)

// QueryKeys are the keys of ParseQuery, which are those of the API and, as flags, of
// the commands.
var QueryKeys = []string{"id", "qid", "client", "to", "from", "class", "device", "action", "flag", "reason", "since", "until"}

// maxQueryText is how long a value of a query may be, in bytes.
const maxQueryText = 255

// ParseQuery reads which decisions are meant. A time is RFC 3339, or how long ago it
// was ("2h", "3d").
func ParseQuery(v url.Values, now time.Time) (q history.Query, err error) {
	for key := range v {
		if key != "limit" && !slices.Contains(QueryKeys, key) {
			return q, bad("%q is no key of a query; hint: %s", key, strings.Join(QueryKeys, ", "))
		}
		if len(v.Get(key)) > maxQueryText {
			return q, bad("%s has more than %d bytes", key, maxQueryText)
		}
	}
	for _, key := range [...]string{"class", "device", "action", "flag"} {
		if s := v.Get(key); s != "" && !slices.Contains(policy.Words(key), s) {
			return q, bad("%q is no %s; hint: %s", s, key, strings.Join(policy.Words(key), ", "))
		}
	}
	q = history.Query{
		ID: v.Get("id"), QueueID: v.Get("qid"), To: v.Get("to"), From: v.Get("from"), Class: v.Get("class"), Device: v.Get("device"),
		Action: v.Get("action"), Flag: v.Get("flag"), Reason: v.Get("reason"),
	}
	if s := v.Get("client"); s != "" {
		if q.Client, err = ParsePrefix(s); err != nil {
			return q, err
		}
	}
	if q.Since, err = parseTime("since", v.Get("since"), now); err != nil {
		return q, err
	}
	q.Until, err = parseTime("until", v.Get("until"), now)
	return q, err
}

func parseTime(key, s string, now time.Time) (time.Time, error) {
	switch s {
	case "":
		return time.Time{}, nil
	case "now":
		return now, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	span, err := ParseSpan(s)
	if err != nil {
		return time.Time{}, bad("%s: %q is no time; hint: 2026-11-22T20:00:00Z, or how long ago: 2h, 3d", key, s)
	}
	return now.Add(-span), nil
}

func (c *Control) history(r *http.Request) (any, error) {
	q, err := ParseQuery(r.URL.Query(), c.now())
	if err != nil {
		return nil, err
	}
	if q.Limit, err = limit(r, someDecisions); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), searchTime)
	defer cancel()
	found := Found{Decisions: []policy.Decision{}}
	err = c.running.Search(ctx, &q, func(d *policy.Decision) bool {
		found.Decisions = append(found.Decisions, *d)
		return true
	})
	return found, err
}

// forgetHistory wants to be told what to forget: a slip must not empty it.
func (c *Control) forgetHistory(r *http.Request) (any, error) {
	q, err := ParseQuery(r.URL.Query(), c.now())
	if err != nil {
		return nil, err
	}
	if q == (history.Query{}) {
		return nil, bad("nothing says which decisions; hint: client=203.0.113.7, or until=now for all")
	}
	n, err := c.running.ForgetDecisions(r.Context(), &q)
	c.changed(r, "history forget", "decisions", n)
	return ForgottenDecisions{n}, err
}

// tail answers with decisions as they are made, a line of JSON each, until the
// watcher goes; {"dropped":n} says that some came too fast for it.
func (c *Control) tail(w http.ResponseWriter, r *http.Request) {
	q, err := ParseQuery(r.URL.Query(), c.now())
	if err != nil {
		refuse(w, err)
		return
	}
	t, ok := c.running.Tail()
	if !ok {
		refuse(w, &Refusal{http.StatusServiceUnavailable, "too many watch, or the daemon is stopping; hint: end another iot-milter tail"})
		return
	}
	defer c.running.Leave(t)
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	out.SetReadDeadline(time.Time{})
	send := func(line []byte) bool {
		out.SetWriteDeadline(time.Now().Add(tailWrite)) // the kernel's clock, not that of decisions
		_, err := w.Write(line)
		return err == nil && out.Flush() == nil
	}
	if !send(nil) {
		return
	}
	beat := time.NewTicker(tailBeat)
	defer beat.Stop()
	for {
		select {
		case line, on := <-t.Lines:
			if !on {
				return
			}
			if n := t.Dropped(); n > 0 && !send(dropped(n)) {
				return
			}
			if q.MatchLine(line) && !send(line) {
				return
			}
		case <-beat.C:
			if !send([]byte("\n")) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

func dropped(n int64) []byte {
	line, _ := json.Marshal(map[string]int64{"dropped": n})
	return append(line, '\n')
}

// byID is the decision of an id, for the list of clients that are not judged.
func byID(ctx context.Context, from Decisions, id string) (d *policy.Decision, client netip.Addr, err error) {
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	q := history.Query{ID: id, Limit: 1}
	if err := from.Search(ctx, &q, func(found *policy.Decision) bool { d = found; return false }); err != nil {
		return nil, client, err
	}
	if d == nil {
		return nil, client, &Refusal{http.StatusNotFound, "no decision of that id is in the history; hint: iot-milter history --client ADDRESS"}
	}
	client, err = netip.ParseAddr(d.Client)
	if err != nil {
		return nil, client, &Refusal{http.StatusNotFound, "that decision knows no client's address"}
	}
	return d, client, nil
}
