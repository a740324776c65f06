// Package admin is what the daemon serves to its admin over HTTP: metrics and
// health on TCP, where nothing else is open without a password, and only to known Host
// headers; and what the commands ask over the control socket, with the client that asks. It
// decides nothing and knows no configuration: the daemon answers (Running).
package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options are what a Server needs.
type Options struct {
	Hosts    []string // Host headers that are answered, without the port
	Registry *prometheus.Registry
	Ready    func() Readiness
	Page     http.Handler // all else; nil is none
	Log      *slog.Logger
}

// Readiness is the answer of /ready.
type Readiness struct {
	Ready        bool `json:"ready"`
	Listening    bool `json:"listening"`
	ClientHidden bool `json:"client_hidden"` // clients seem to have one private address: see the log

	// Sources says of each source of evidence how it is. One that is ill does not
	// make the daemon unready: mail is judged without it.
	Sources map[string]string `json:"sources,omitempty"`
}

// Server serves /metrics, /healthy and /ready, and the page where it is given one.
type Server struct{ http http.Server }

// New returns a Server.
func New(o Options) *Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthy", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		r := o.Ready()
		w.Header().Set("Content-Type", "application/json")
		if !r.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		json.NewEncoder(w).Encode(r)
	})
	if o.Page != nil {
		mux.Handle("/", o.Page)
	}
	const limit = 10 * time.Second
	return &Server{http: http.Server{
		Handler: onlyHosts(o.Hosts, mux), ReadTimeout: limit, WriteTimeout: limit, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}}
}

// Serve serves until Close.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(l) }

// Close ends it, waiting for requests under way until ctx ends.
func (s *Server) Close(ctx context.Context) error { return s.http.Shutdown(ctx) }

// onlyHosts answers 421 to other Host headers: a page of the web whose name
// resolves to this address (DNS rebinding) must not read what is here.
func onlyHosts(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		known := func(h string) bool { return strings.EqualFold(h, host) || strings.EqualFold(h, "["+host+"]") }
		if !slices.ContainsFunc(hosts, known) {
			http.Error(w, "unknown host", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
