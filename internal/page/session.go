package page

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	maxSessions  = 64
	idleTime     = 30 * time.Minute
	lifeTime     = 12 * time.Hour
	cookie       = "iot-milter"
	headerOfLive = "X-Live" // of the script's own requests: they keep no session alive
)

// newSessions are the sessions of browsers that logged in, in memory alone.
func newSessions() *scs.SessionManager {
	s := scs.New()
	s.Store, s.IdleTimeout, s.Lifetime, s.HashTokenInStore = newStore(), idleTime, lifeTime, true
	// Not Secure: the page is served on loopback, without TLS.
	s.Cookie.Name, s.Cookie.SameSite, s.Cookie.HttpOnly, s.Cookie.Persist = cookie, http.SameSiteStrictMode, true, false
	return s
}

// store keeps the sessions used last. It implements scs.Store; its own memstore has no
// bound, and a goroutine.
type store struct {
	mu  sync.Mutex
	all *simplelru.LRU[string, kept]
}

type kept struct {
	data  []byte
	until time.Time
}

func newStore() *store {
	all, _ := simplelru.NewLRU[string, kept](maxSessions, nil) // fails for sizes below one alone
	return &store{all: all}
}

// Find implements scs.Store.
func (s *store) Find(token string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.all.Get(token)
	if !ok || !time.Now().Before(k.until) {
		s.all.Remove(token)
		return nil, false, nil
	}
	return k.data, true, nil
}

// Commit implements scs.Store.
func (s *store) Commit(token string, data []byte, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Add(token, kept{data, until})
	return nil
}

// Delete implements scs.Store.
func (s *store) Delete(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Remove(token)
	return nil
}

// The keys of a session.
const (
	sessionHash  = "hash"  // of the password's hash that opened it
	sessionToken = "token" // what its forms' tokens are made of
)

// onlyWithPassword answers 404 while there is no password.
func (p *Page) onlyWithPassword(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if read, _ := p.o.Passwords(); read == "" {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// inSession loads the browser's session. One who has none gets none but by logging in,
// and only what a person asks for keeps it alive.
func (p *Page) inSession(next http.Handler) http.Handler {
	kept := p.sessions.LoadAndSave(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(headerOfLive) == "" && !strings.HasPrefix(r.URL.Path, "/chart/") {
			kept.ServeHTTP(w, r)
			return
		}
		token := ""
		if c, err := r.Cookie(cookie); err == nil {
			token = c.Value
		}
		ctx, err := p.sessions.Load(r.Context(), token)
		if err != nil {
			http.Error(w, "the session cannot be read", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// open begins a session, under a new token: one that was planted in the browser before
// is of no use.
func (p *Page) open(r *http.Request, hash string) error {
	if err := p.sessions.RenewToken(r.Context()); err != nil {
		return err
	}
	p.sessions.Put(r.Context(), sessionHash, fingerprint(hash))
	p.sessions.Put(r.Context(), sessionToken, rand.Text())
	return nil
}

// loggedIn sends who has no session to the form. Sessions end with the password that
// opened them.
func (p *Page) loggedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read, change := p.o.Passwords()
		by := p.sessions.GetString(r.Context(), sessionHash)
		mayChange := change != "" && by == fingerprint(change)
		if by == "" || !mayChange && by != fingerprint(read) {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		from := addressOf(r).String()
		next.ServeHTTP(w, with(r, &caller{name: from, key: "session " + p.sessions.GetString(r.Context(), sessionToken),
			mayChange: mayChange, session: true, log: []any{"from", from}}))
	})
}

func fingerprint(hash string) string {
	sum := sha256.Sum256([]byte(hash))
	return hex.EncodeToString(sum[:])
}

// addressOf is who asks over TCP.
func addressOf(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	return at.Addr().Unmap().WithZone("")
}
