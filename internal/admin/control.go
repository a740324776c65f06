package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Running is the daemon as the control socket sees it. All of it must be safe for
// concurrent use.
type Running interface {
	Top(networks, campaigns int) Snapshot
	Campaigns(most int) []Campaign
	Hosts(within netip.Prefix, most int) Hosts // of all where within is not valid
	Host(addr netip.Addr) (Host, bool)
	Forget(within netip.Prefix) (entries int, err error)
	Allowed() []Allowed
	Allow(Permit) (Allowed, error)
	Disallow(what string) (bool, error)
	Reload(ctx context.Context) (Reloaded, error) // waits for its end
	Decisions
}

// The bounds of the control socket.
const (
	maxBody     = 64 << 10
	maxRequests = 8  // at once
	maxConns    = 32 // at once
	maxList     = 10_000
	someHosts   = 100
	someTop     = 20
	reloadTime  = time.Minute
	requestTime = 10 * time.Second
)

// ControlOptions are what a Control needs.
type ControlOptions struct {
	Log       *slog.Logger
	Now       func() time.Time
	MayChange func(uid int) bool // whether that user may; -1 is unknown
	Page      http.Handler       // all that is not below /v1/; nil is none
}

// Control serves the daemon's control socket: JSON over HTTP, below /v1/, and beside it
// the page. Whoever may open the socket may read; who may change things says
// MayChange. The two rights are kept apart by method: what changes something is no GET.
// Changes are logged with the user who asked for them.
type Control struct {
	http    http.Server
	running Running
	log     *slog.Logger
	now     func() time.Time
	slots   chan struct{}
}

// NewControl returns a Control of a running daemon.
func NewControl(r Running, o ControlOptions) *Control {
	c := &Control{running: r, log: o.Log, now: o.Now, slots: make(chan struct{}, maxRequests)}
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(*http.Request) (any, error){
		"GET /v1/top":          c.top,
		"GET /v1/campaigns":    c.campaigns,
		"GET /v1/hosts":        c.hosts,
		"GET /v1/hosts/{addr}": c.host,
		"DELETE /v1/hosts":     c.forget,
		"GET /v1/allow":        c.allowed,
		"POST /v1/allow":       c.allow,
		"DELETE /v1/allow":     c.disallow,
		"POST /v1/reload":      c.reload,
		"GET /v1/history":      c.history,
		"DELETE /v1/history":   c.forgetHistory,
	} {
		mux.Handle(pattern, c.bounded(c.answered(answer)))
	}
	mux.HandleFunc("GET /v1/tail", c.tail) // bounded by itself
	all := http.NewServeMux()
	all.Handle("/v1/", noPages(rightful(o.MayChange, mux)))
	if o.Page != nil {
		all.Handle("/", o.Page)
	}
	watching, stop := context.WithCancel(context.Background())
	c.http = http.Server{
		Handler: onlyHosts([]string{controlHost, "localhost"}, all), ReadTimeout: requestTime, WriteTimeout: reloadTime + requestTime,
		IdleTimeout: requestTime, MaxHeaderBytes: 16 << 10, ConnContext: withUser, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return watching },
	}
	c.http.RegisterOnShutdown(stop)
	return c
}

// controlHost is the Host header of our own commands.
const controlHost = "iot-milter"

// Serve serves until Close.
func (c *Control) Serve(l net.Listener) error {
	return c.http.Serve(&peers{Listener: l, slots: make(chan struct{}, maxConns)})
}

// Close ends it, waiting for requests under way until ctx ends.
func (c *Control) Close(ctx context.Context) error { return c.http.Shutdown(ctx) }

// noPages keeps pages of the web away: a browser that reached the socket through some
// proxy names its origin.
func noPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			refuse(w, &Refusal{http.StatusForbidden, "pages of the web may not ask"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// rightful keeps who may only read from changing things.
func rightful(mayChange func(uid int) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !mayChange(User(r.Context())) {
			refuse(w, &Refusal{http.StatusForbidden, "you may read, and change nothing; hint: be root, the daemon's user, or a member of [admin] change_group"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded answers 503 when too many ask at once.
func (c *Control) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case c.slots <- struct{}{}:
			defer func() { <-c.slots }()
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			refuse(w, &Refusal{http.StatusServiceUnavailable, fmt.Sprintf("%d requests are under way; hint: try again", maxRequests)})
		}
	})
}

// answered writes what answer returns.
func (c *Control) answered(answer func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, err := answer(r)
		if err != nil {
			refuse(w, err)
			return
		}
		status := http.StatusOK
		if r, is := found.(Reloaded); is && !r.OK {
			status = http.StatusUnprocessableEntity
		}
		write(w, status, found)
	})
}

func refuse(w http.ResponseWriter, err error) {
	var r *Refusal
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &r):
	case errors.As(err, &long):
		r = &Refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is longer than %d bytes", maxBody)}
	default:
		r = &Refusal{http.StatusInternalServerError, err.Error()}
	}
	write(w, r.Status, r)
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func bad(format string, args ...any) error {
	return &Refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func (c *Control) top(*http.Request) (any, error) { return c.running.Top(someTop, someTop), nil }

func (c *Control) campaigns(r *http.Request) (any, error) {
	most, err := limit(r, someHosts)
	if err != nil {
		return nil, err
	}
	return map[string][]Campaign{"campaigns": c.running.Campaigns(most)}, nil
}

func (c *Control) hosts(r *http.Request) (any, error) {
	most, err := limit(r, someHosts)
	if err != nil {
		return nil, err
	}
	var within netip.Prefix
	if s := r.FormValue("prefix"); s != "" {
		if within, err = ParsePrefix(s); err != nil {
			return nil, err
		}
	}
	return c.running.Hosts(within, most), nil
}

func (c *Control) host(r *http.Request) (any, error) {
	p, err := ParsePrefix(r.PathValue("addr"))
	if err != nil || !p.IsSingleIP() {
		return nil, bad("%q is no address; hint: 203.0.113.7 or 2001:db8::7", r.PathValue("addr"))
	}
	h, ok := c.running.Host(p.Addr())
	if !ok {
		return nil, &Refusal{http.StatusNotFound, p.Addr().String() + " is not remembered: no session of the last 90 days was judged, and no fact holds"}
	}
	return h, nil
}

func (c *Control) forget(r *http.Request) (any, error) {
	p, err := ParsePrefix(r.URL.Query().Get("prefix"))
	if err != nil {
		return nil, err
	}
	f := Forgotten{Prefix: p}
	f.Entries, err = c.running.Forget(p)
	c.changed(r, "forget", "prefix", p.String(), "entries", f.Entries)
	return f, err
}

func (c *Control) allowed(*http.Request) (any, error) {
	return map[string][]Allowed{"allow": c.running.Allowed()}, nil
}

func (c *Control) allow(r *http.Request) (any, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, &Refusal{http.StatusUnsupportedMediaType, "the body must be application/json"}
	}
	var p Permit
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return nil, err
		}
		return nil, bad("the body is not what is expected: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad("something follows the JSON object")
	}
	if err := p.Complete(r.Context(), c.running, c.now()); err != nil {
		return nil, err
	}
	e, err := c.running.Allow(p)
	if err != nil {
		return nil, err
	}
	c.changed(r, "allow add", "what", e.What, "note", e.Note)
	return e, nil
}

func (c *Control) disallow(r *http.Request) (any, error) {
	what := r.URL.Query().Get("what")
	was, err := c.running.Disallow(what)
	if err != nil {
		return nil, err
	}
	if !was {
		return nil, &Refusal{http.StatusNotFound, fmt.Sprintf("%q is not on the list; hint: iot-milter allow list", what)}
	}
	c.changed(r, "allow remove", "what", what)
	return map[string]string{"removed": what}, nil
}

func (c *Control) reload(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), reloadTime)
	defer cancel()
	c.changed(r, "reload")
	return c.running.Reload(ctx)
}

// changed logs who changed what.
func (c *Control) changed(r *http.Request, what string, args ...any) {
	c.log.Info("control", append([]any{"does", what, "uid", User(r.Context())}, args...)...)
}

func limit(r *http.Request, otherwise int) (int, error) {
	s := r.FormValue("limit")
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxList {
		return 0, bad("limit %q is no number from 1 to %d", s, maxList)
	}
	return n, nil
}
