package page

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
)

const (
	topRows    = 10
	recentRows = 10
	scarce     = 5 * time.Second // that the overview gives to its search
)

// overview shows what happens and how the daemon is.
func (p *Page) overview(w http.ResponseWriter, r *http.Request) {
	s := spanOf(r)
	ctx, cancel := context.WithTimeout(r.Context(), scarce)
	defer cancel()
	recent, err := p.search(ctx, &history.Query{Limit: recentRows})
	top := p.o.Running.Top(topRows, topRows)
	rates := p.o.Running.Rates(s.Step, s.Steps)
	data := struct {
		Top       admin.Snapshot
		Span      span
		Spans     []span
		Charts    []numbers
		Latencies []admin.Latency
		Dates     []Date
		Recent    []policy.Decision
		At        int64
	}{top, s, spans, []numbers{rateNumbers("class", &rates), rateNumbers("action", &rates), deviceNumbers(&rates)},
		p.o.Running.Latencies(), p.o.Running.Dates(), recent, top.Time.Unix() / int64(liveStep/time.Second)}
	v := &view{Title: "Overview", Data: data}
	if err != nil {
		v.Error = "The history cannot be searched: " + reason(err)
	}
	p.show(w, r, http.StatusOK, "overview", v)
}

func (p *Page) search(ctx context.Context, q *history.Query) (found []policy.Decision, err error) {
	err = p.o.Running.Search(ctx, q, func(d *policy.Decision) bool {
		found = append(found, *d)
		return q.Limit == 0 || len(found) < q.Limit
	})
	return found, err
}

// decisions searches them by the keys of the commands.
func (p *Page) decisions(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	for key, value := range asked {
		if len(value) == 0 || strings.TrimSpace(value[0]) == "" {
			delete(asked, key)
			continue
		}
		asked.Set(key, strings.TrimSpace(value[0]))
	}
	data := struct {
		Asked  url.Values
		Words  map[string][]string
		Found  []policy.Decision
		Older  string
		Narrow bool
	}{Asked: asked, Words: map[string][]string{}, Narrow: len(asked) > 0}
	for _, key := range [...]string{"class", "device", "action", "flag"} {
		data.Words[key] = slices.DeleteFunc(slices.Clone(policy.Words(key)), func(s string) bool { return s == "" })
	}
	v, status := &view{Title: "Decisions"}, http.StatusOK
	q, err := admin.ParseQuery(asked, p.o.Now())
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), searchTime)
		defer cancel()
		q.Limit = someRows
		data.Found, err = p.search(ctx, &q)
	}
	if err != nil {
		v.Error, status = reason(err), statusOf(err)
	}
	if n := len(data.Found); n == someRows && data.Found[n-1].Time != nil {
		older := url.Values{}
		for key := range asked {
			older.Set(key, asked.Get(key))
		}
		older.Set("until", data.Found[n-1].Time.Format(time.RFC3339Nano))
		data.Older = "/decisions?" + older.Encode()
	}
	v.Data = data
	p.show(w, r, status, "decisions", v)
}

// decision shows the full trace of one.
func (p *Page) decision(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), searchTime)
	defer cancel()
	found, err := p.search(ctx, &history.Query{ID: r.PathValue("id"), Limit: someRows})
	switch {
	case err != nil:
		p.refuse(w, r, statusOf(err), reason(err))
	case len(found) == 0:
		p.refuse(w, r, http.StatusNotFound, "No decision of that id is in the history.")
	default:
		p.show(w, r, http.StatusOK, "decision", &view{Title: "Decision " + replay.Harmless(found[0].ID), Data: found})
	}
}

// explain shows how a client would be judged. It changes nothing, so reading is enough.
func (p *Page) explain(w http.ResponseWriter, r *http.Request) {
	form := r.PostForm // nil before the form is sent
	data := struct {
		Asked    url.Values
		Iprevs   []string
		Decision *policy.Decision
		Verdict  policy.Verdict
	}{Asked: form, Iprevs: []string{"pass", "fail", "permerror", "temperror"}}
	v, status := &view{Title: "Explain"}, http.StatusOK
	if form != nil {
		q := replay.Question{Client: strings.TrimSpace(form.Get("client")), PTR: strings.TrimSpace(form.Get("ptr")), Iprev: form.Get("iprev"),
			Stack: strings.TrimSpace(form.Get("stack"))}
		q.HELO, q.From = given(form, "helo"), given(form, "from")
		err := q.Check()
		if text := form.Get("headers"); err == nil && strings.TrimSpace(text) != "" {
			q.Headers = new(policy.Headers)
			err = replay.ReadHeaders(strings.NewReader(text), q.Headers)
		}
		if err != nil {
			v.Error, status = err.Error(), http.StatusBadRequest
		} else if data.Decision, data.Verdict, err = p.o.Running.Explain(r.Context(), &q); err != nil {
			v.Error, status = err.Error(), http.StatusInternalServerError
		}
	}
	v.Data = data
	p.show(w, r, status, "explain", v)
}

// given is nil where nothing was typed.
func given(form url.Values, key string) *string {
	if s := strings.TrimSpace(form.Get(key)); s != "" {
		return &s
	}
	return nil
}

func (p *Page) configuration(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "configuration", &view{Title: "Configuration", Data: string(p.o.Running.Configuration())})
}

func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the search took too long: narrow it by since, until or client"
	}
	return err.Error()
}

// statusOf is that of an error: the asker's, or our own.
func statusOf(err error) int {
	var no *admin.Refusal
	switch {
	case errors.As(err, &no):
		return no.Status
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
