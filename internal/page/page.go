// Package page is what an admin sees in a browser: what the daemon does and how it is,
// its decisions with their traces, its configuration; and what he may change there. It
// is rendered here, without JavaScript; a small script renews what is shown. It decides
// nothing and knows no configuration: the daemon answers (Running).
//
// It is served twice. On the control socket the kernel says who asks; over TCP a
// password does. Reading and changing are two rights (safety rule 19). All that mail
// brought is an attacker's text (rule 20): package markup makes it printable, and escapes
// it.
package page

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
)

// Running is the daemon as the page sees it. All of it must be safe for concurrent use.
type Running interface {
	admin.Running
	Rates(step time.Duration, n int) admin.Rates
	Latencies() []admin.Latency
	// Explain judges without looking anything up, and changes nothing.
	Explain(context.Context, *replay.Question) (*policy.Decision, policy.Verdict, error)
	Configuration() []byte // that holds now, without secrets
	Dates() []Date
}

// Date is how old a part of the program or its data is.
type Date struct{ What, When string }

// Options are what a Page needs.
type Options struct {
	Running   Running
	Log       *slog.Logger
	Now       func() time.Time
	MayChange func(uid int) bool // over the control socket
	// Passwords are the hashes, bcrypt's or argon2id's, that open the page over TCP: for
	// reading, and for both. Without the first there is no page there; without the second
	// nobody changes anything there.
	Passwords func() (read, change string)
}

// The bounds of the page.
const (
	maxRequests = 8        // at once
	maxForm     = 64 << 10 // bytes
	someRows    = 50
	searchTime  = 20 * time.Second
	writeTime   = 30 * time.Second // of an answer, over the search
)

// Page serves it. It is safe for concurrent use and has no goroutine.
type Page struct {
	o        Options
	slots    chan struct{}
	sessions *scs.SessionManager
	gate     *gate
	secret   [32]byte // of the tokens of forms; it does not outlive the process
}

// New returns a Page.
func New(o Options) *Page {
	p := &Page{o: o, slots: make(chan struct{}, maxRequests), sessions: newSessions(), gate: newGate(o.Now)}
	rand.Read(p.secret[:])
	return p
}

//go:embed part
var parts embed.FS

// OverSocket is the page on the control socket.
func (p *Page) OverSocket() http.Handler { return guarded(p.bounded(p.knownUser(p.routes()))) }

// OverTCP is the page behind a password.
func (p *Page) OverTCP() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", p.showLogin)
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("POST /logout", p.logout)
	mux.HandleFunc("GET /page.css", static("part/page.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /page.svg", static("part/page.svg", "image/svg+xml"))
	mux.Handle("/", p.loggedIn(p.routes()))
	return guarded(p.onlyWithPassword(p.bounded(p.inSession(mux))))
}

func (p *Page) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page.css", static("part/page.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /page.svg", static("part/page.svg", "image/svg+xml"))
	mux.HandleFunc("GET /page.js", static("part/page.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /{$}", p.overview)
	mux.HandleFunc("GET /chart/{name}", p.chart)
	mux.HandleFunc("GET /decisions", p.decisions)
	mux.HandleFunc("GET /decisions/{id}", p.decision)
	mux.HandleFunc("GET /explain", p.explain)
	mux.Handle("POST /explain", p.fromForm(false, p.explain))
	mux.HandleFunc("GET /configuration", p.configuration)
	mux.HandleFunc("GET /clients", p.clients)
	mux.Handle("POST /allow", p.fromForm(true, p.allow))
	mux.Handle("POST /allow/remove", p.fromForm(true, p.disallow))
	mux.Handle("POST /forget", p.fromForm(true, p.forget))
	return mux
}

// policyOfPage lets the page have what is its own, and nothing inline.
const policyOfPage = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guarded sets what tells browsers to be careful, and refuses what another site's page
// sends.
func guarded(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policyOfPage)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if err := cross.Check(r); err != nil {
			http.Error(w, "this came from a page of another site", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded answers 503 when too many ask at once.
func (p *Page) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case p.slots <- struct{}{}:
			defer func() { <-p.slots }()
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests are under way", http.StatusServiceUnavailable)
			return
		}
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime)) // the kernel's clock; what has none needs none
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

func static(name, kind string) http.HandlerFunc {
	text, err := parts.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write(text)
	}
}

// show renders a page. It is whole before the first byte is sent.
func (p *Page) show(w http.ResponseWriter, r *http.Request, status int, name string, v *view) {
	c := callerOf(r.Context())
	v.here, v.who, v.mayChange, v.leaves, v.token = name, c.name, c.mayChange, c.session, p.token(c)
	var text bytes.Buffer
	if err := v.document().Render(&text); err != nil {
		p.o.Log.Error("page", "name", name, "err", err)
		http.Error(w, "this page could not be made; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}
