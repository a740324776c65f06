package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/event"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/policy"
)

// nobody is a daemon without memory, that notes what would have been changed.
type nobody struct{ changed bool }

func (*nobody) Top(int, int) Snapshot              { return Snapshot{} }
func (*nobody) Campaigns(int) []Campaign           { return nil }
func (*nobody) Hosts(netip.Prefix, int) Hosts      { return Hosts{} }
func (*nobody) Host(a netip.Addr) (Host, bool)     { return Host{Addr: a}, true }
func (n *nobody) Forget(netip.Prefix) (int, error) { n.changed = true; return 1, nil }
func (*nobody) Allowed() []Allowed                 { return nil }
func (n *nobody) Allow(p Permit) (Allowed, error) {
	n.changed = true
	return Allowed{What: p.What}, nil
}
func (n *nobody) Disallow(string) (bool, error) { n.changed = true; return true, nil }
func (n *nobody) Reload(context.Context) (Reloaded, error) {
	n.changed = true
	return Reloaded{OK: true}, nil
}
func (*nobody) Tail() (*event.Tail, bool) { return nil, false }
func (*nobody) Leave(*event.Tail)         {}
func (n *nobody) ForgetDecisions(context.Context, *history.Query) (int, error) {
	n.changed = true
	return 0, nil
}
func (*nobody) Search(context.Context, *history.Query, func(*policy.Decision) bool) error {
	return errors.New("nothing is kept")
}

// FuzzControl: whatever is asked of the control socket, the answer is JSON of one line
// in which nothing that was asked stands raw, and neither a GET nor who may not change
// things does.
func FuzzControl(f *testing.F) {
	f.Add(true, "GET", "/v1/hosts?prefix=203.0.113.0/24&limit=5", "")
	f.Add(true, "GET", "/v1/history?client=2001:db8::7&since=2h&class=device", "")
	f.Add(true, "DELETE", "/v1/hosts?prefix=203.0.113.7", "")
	f.Add(true, "DELETE", "/v1/allow?what=a%1b%5b2J", "")
	f.Add(true, "POST", "/v1/allow", `{"what":"203.0.113.7","for":"3d","note":"x"}`)
	f.Add(true, "POST", "/v1/reload", "")
	f.Add(true, "GET", "/v1/tail?to=example.org", "")
	f.Add(true, "GET", "/v1/hosts/%00", "")
	f.Fuzz(func(t *testing.T, may bool, method, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" {
			return
		}
		var n nobody
		c := NewControl(&n, ControlOptions{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(1795377600, 0) },
			MayChange: func(int) bool { return may }})
		r := httptest.NewRequest("GET", "/", strings.NewReader(body))
		r.Method, r.URL, r.Host = method, u, controlHost
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		c.http.Handler.ServeHTTP(w, r)
		if n.changed && (method == http.MethodGet || !may) {
			t.Errorf("%s %s changes something, which is allowed: %v", method, target, may)
		}
		if w.Header().Get("Content-Type") != "application/json" {
			if n.changed {
				t.Errorf("%s %s changes something and answers %d", method, target, w.Code)
			}
			return // the library's own: no such path, another method
		}
		text := w.Body.Bytes()
		if !json.Valid(text) || strings.ContainsFunc(strings.TrimSuffix(string(text), "\n"), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%s %s answers %q", method, target, text)
		}
	})
}
