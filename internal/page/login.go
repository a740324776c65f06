package page

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/time/rate"
)

// How often somebody may try a password: from an address or /64, and all of them
// together.
const (
	triesOfOne   = 5
	againOfOne   = 12 * time.Second
	triesOfAll   = 20
	againOfAll   = 2 * time.Second
	maxAddresses = 1024
	maxHashing   = 2 // at once: each costs a core, and perhaps much memory
	maxPassword  = 1024
)

// gate bounds how often passwords are tried. It is safe for concurrent use.
type gate struct {
	now     func() time.Time
	hashing chan struct{}
	all     *rate.Limiter
	mu      sync.Mutex
	one     *simplelru.LRU[netip.Prefix, *rate.Limiter]
}

func newGate(now func() time.Time) *gate {
	one, _ := simplelru.NewLRU[netip.Prefix, *rate.Limiter](maxAddresses, nil) // fails for sizes below one alone
	return &gate{now: now, hashing: make(chan struct{}, maxHashing), all: rate.NewLimiter(rate.Every(againOfAll), triesOfAll), one: one}
}

// pass reports whether the address may try now. Who tries too often does not use up the
// tries of others.
func (g *gate) pass(addr netip.Addr) bool {
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	from, _ := addr.Prefix(bits) // that of no address is one too
	g.mu.Lock()
	defer g.mu.Unlock()
	l, ok := g.one.Get(from)
	if !ok {
		l = rate.NewLimiter(rate.Every(againOfOne), triesOfOne)
		g.one.Add(from, l)
	}
	now := g.now()
	return l.AllowN(now, 1) && g.all.AllowN(now, 1)
}

// opens reports which of the hashes the password is of. Both are always tried, so that
// how long it takes tells nothing; an empty hash is of no password.
func opens(password, read, change string) (reads, changes bool) {
	reads, changes = matches(password, read), change != "" && matches(password, change)
	return reads, changes
}

func matches(password, hash string) bool {
	if strings.HasPrefix(hash, "$argon2id$") {
		ok, err := argon2id.ComparePasswordAndHash(password, hash)
		return ok && err == nil
	}
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

func (p *Page) showLogin(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "login", &view{title: say("Log in"), content: loginForm{}})
}

// login needs no token: who has none of the passwords can log nobody in, and who has one
// needs nobody else's browser.
func (p *Page) login(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, why string) {
		p.show(w, r, status, "login", &view{title: say("Log in"), wrong: why, content: loginForm{}})
	}
	password := r.PostFormValue("password")
	from := addressOf(r)
	if !p.gate.pass(from) {
		w.Header().Set("Retry-After", "12")
		p.o.Log.Warn("login", "from", from.String(), "result", "throttled")
		refuse(http.StatusTooManyRequests, "Too many tries. Wait a minute.")
		return
	}
	select {
	case p.gate.hashing <- struct{}{}:
		defer func() { <-p.gate.hashing }()
	default:
		w.Header().Set("Retry-After", "1")
		refuse(http.StatusServiceUnavailable, "Others are logging in. Try again.")
		return
	}
	hash, change := p.o.Passwords()
	reads, changes := opens(password, hash, change)
	if len(password) > maxPassword || !reads && !changes {
		p.o.Log.Warn("login", "from", from.String(), "result", "wrong password")
		refuse(http.StatusUnauthorized, "That is not the password.")
		return
	}
	if changes {
		hash = change
	}
	if err := p.open(r, hash); err != nil {
		refuse(http.StatusInternalServerError, "No session could be made.")
		return
	}
	p.o.Log.Info("login", "from", from.String(), "result", "ok", "changes", changes)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logout ends the session. The form's token is checked as any other's.
func (p *Page) logout(w http.ResponseWriter, r *http.Request) {
	p.loggedIn(p.fromForm(false, func(w http.ResponseWriter, r *http.Request) {
		p.sessions.Destroy(r.Context())
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})).ServeHTTP(w, r)
}
