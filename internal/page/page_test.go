package page_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/bcrypt"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/event"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/internal/page"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
)

// evil is what somebody greets with who wants to be read by an admin's browser.
const evil = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>\x1b[2J\u202e"

// fake is a daemon with one decision, which notes what is changed.
type fake struct {
	admin.Running
	mu      sync.Mutex
	changes []string
}

func (f *fake) note(s string) { f.mu.Lock(); defer f.mu.Unlock(); f.changes = append(f.changes, s) }

func (f *fake) noted() string { f.mu.Lock(); defer f.mu.Unlock(); return strings.Join(f.changes, "; ") }

func decided() policy.Decision {
	helo, from := evil, evil+"@example.org"
	return policy.Decision{ID: "abc.1", Client: "203.0.113.7", PTR: evil, HELO: &helo, From: &from, To: []string{evil}, Class: "device", Device: "nas",
		Vendor: evil, Flag: "yes", Action: "tag", Reason: "device", QueueID: evil, MTA: evil, P: map[string]float64{"device": 1},
		Signals: []policy.DecisionSignal{{Name: "helo-device", Fact: "helo=" + evil}}}
}

func (f *fake) Top(int, int) admin.Snapshot {
	return admin.Snapshot{Mode: "tag", ASNs: []admin.ASN{{ASN: 64500, Name: evil, Suspects: 1}}, Sources: map[string]string{"dns": evil}}
}
func (f *fake) Rates(step time.Duration, n int) admin.Rates {
	r := admin.Rates{Step: step, Counts: make([]admin.Counts, n)}
	r.Counts[n-1] = admin.Counts{Class: map[string]int64{"device": 3}, Action: map[string]int64{"tag": 3}, Device: map[string]int64{"nas": 3}}
	return r
}
func (f *fake) Latencies() []admin.Latency { return []admin.Latency{{Source: "ptr", Lookups: 3}} }
func (f *fake) Explain(ctx context.Context, q *replay.Question) (*policy.Decision, policy.Verdict, error) {
	return q.Explain(ctx, &decider.Settings{})
}
func (f *fake) Configuration() []byte { return []byte("mode = \"tag\"") }
func (f *fake) Dates() []page.Date    { return nil }
func (f *fake) Search(_ context.Context, q *history.Query, yield func(*policy.Decision) bool) error {
	if d := decided(); q.Match(&d) {
		yield(&d)
	}
	return nil
}
func (f *fake) Tail() (*event.Tail, bool) { return nil, false }
func (f *fake) Allowed() []admin.Allowed {
	d := decided()
	return []admin.Allowed{{What: "203.0.113.9", Note: evil, Evidence: &d}}
}
func (f *fake) Allow(p admin.Permit) (admin.Allowed, error) {
	f.note("allow " + p.What)
	return admin.Allowed{What: p.What}, nil
}
func (f *fake) Disallow(what string) (bool, error) { f.note("remove " + what); return true, nil }
func (f *fake) Forget(p netip.Prefix) (int, error) { f.note("forget " + p.String()); return 1, nil }
func (f *fake) Hosts(netip.Prefix, int) admin.Hosts {
	return admin.Hosts{Hosts: []admin.Host{{Device: "nas"}}}
}
func (f *fake) Host(a netip.Addr) (admin.Host, bool) {
	return admin.Host{Addr: a, Facts: []admin.Fact{{Kind: "banner", Text: evil}}}, true
}

func hashOf(password string) string {
	h, _ := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	return string(h)
}

// site is a page over TCP.
type site struct {
	*testing.T
	url          string
	fake         *fake
	log          bytes.Buffer
	read, change string
	client       *http.Client
}

func newSite(t *testing.T) *site {
	f := &fake{}
	s := newSiteOf(t, f)
	s.fake = f
	return s
}

func newSiteOf(t *testing.T, of page.Running) *site {
	s := &site{T: t, read: hashOf("to read"), change: hashOf("to change")}
	p := page.New(page.Options{Running: of, Log: slog.New(slog.NewTextHandler(&s.log, nil)), Now: time.Now,
		MayChange: func(int) bool { return false }, Passwords: func() (string, string) { return s.read, s.change }})
	server := httptest.NewServer(p.OverTCP())
	t.Cleanup(server.Close)
	s.url = server.URL
	jar, _ := cookiejar.New(nil)
	s.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

// do asks, with the headers "Name: value".
func (s *site) do(method, path string, form url.Values, headers ...string) (*http.Response, string) {
	s.Helper()
	r, _ := http.NewRequest(method, s.url+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	got, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer got.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(got.Body)
	return got, b.String()
}

func (s *site) login(password string) int {
	s.Helper()
	got, _ := s.do("POST", "/login", url.Values{"password": {password}})
	return got.StatusCode
}

var tokenOf = regexp.MustCompile(`name="token" value="([0-9a-f]{64})"`)

func (s *site) token() string {
	s.Helper()
	_, text := s.do("GET", "/explain", nil)
	m := tokenOf.FindStringSubmatch(text)
	if m == nil {
		s.Fatal("no token in the form")
	}
	return m[1]
}

var changing = map[string]url.Values{
	"/allow": {"what": {"203.0.113.8"}}, "/allow/remove": {"what": {"203.0.113.9"}}, "/forget": {"prefix": {"203.0.113.0/24"}},
}

var reading = []string{"/", "/?span=24h", "/decisions", "/decisions/abc.1", "/explain", "/configuration", "/clients?prefix=203.0.113.7", "/decisions/none",
	"/decisions?client=" + url.QueryEscape(evil), "/clients?prefix=" + url.QueryEscape(evil)}

func TestSafety19NothingWithoutAPassword(t *testing.T) {
	s := newSite(t)
	for _, path := range append(reading, "/page.js", "/chart/class.svg") {
		if got, text := s.do("GET", path, nil); got.StatusCode != 303 || strings.Contains(text, "203.0.113") {
			t.Errorf("%s: %d %s", path, got.StatusCode, text)
		}
	}
	for path, form := range changing {
		if got, _ := s.do("POST", path, form); got.StatusCode != 303 || s.fake.noted() != "" {
			t.Errorf("%s: %d, %s", path, got.StatusCode, s.fake.noted())
		}
	}
	s.read = ""
	for _, path := range append(reading, "/login", "/page.css") {
		if got, _ := s.do("GET", path, nil); got.StatusCode != 404 {
			t.Errorf("no password: %s: %d", path, got.StatusCode)
		}
	}
}

func TestSafety19ReadingAndChangingAreTwoRights(t *testing.T) {
	s := newSite(t)
	if s.login("wrong") != 401 || s.login("to read") != 303 {
		t.Fatal("login")
	}
	token := s.token()
	for path, form := range changing {
		form.Set("token", token)
		if got, _ := s.do("POST", path, form); got.StatusCode != 403 || s.fake.noted() != "" {
			t.Errorf("%s: %d, %s", path, got.StatusCode, s.fake.noted())
		}
		if got, _ := s.do("GET", path+"?"+form.Encode(), nil); got.StatusCode != 405 && got.StatusCode != 404 {
			t.Errorf("GET %s: %d", path, got.StatusCode)
		}
	}
	if s.login("to change") != 303 {
		t.Fatal("login")
	}
	for path, form := range changing {
		form.Set("token", token) // of the session before
		if got, _ := s.do("POST", path, form); got.StatusCode != 403 {
			t.Errorf("old token, %s: %d", path, got.StatusCode)
		}
		form.Set("token", s.token())
		for _, h := range []string{"Sec-Fetch-Site: cross-site", "Origin: http://attacker.example"} {
			if got, _ := s.do("POST", path, form, h); got.StatusCode != 403 || s.fake.noted() != "" {
				t.Errorf("%s, %s: %d", h, path, got.StatusCode)
			}
		}
	}
	for _, path := range []string{"/allow", "/allow/remove", "/forget"} {
		if got, text := s.do("POST", path, changing[path], "Sec-Fetch-Site: same-origin"); got.StatusCode != 303 {
			t.Errorf("%s: %d %s", path, got.StatusCode, text)
		}
	}
	if got := s.fake.noted(); got != "allow 203.0.113.8; remove 203.0.113.9; forget 203.0.113.0/24" {
		t.Error(got)
	}
	if log := s.log.String(); strings.Count(log, "msg=control does=") != 3 || !strings.Contains(log, "from=127.0.0.1") || strings.Contains(log, "to change") {
		t.Error(log)
	}
}

func TestSessions(t *testing.T) {
	s := newSite(t)
	got, _ := s.do("POST", "/login", url.Values{"password": {"to read"}}, "Cookie: iot-milter=planted")
	c := got.Header.Get("Set-Cookie")
	if !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Strict") || strings.Contains(c, "planted") {
		t.Errorf("cookie %q", c)
	}
	if got, _ := s.do("GET", "/", nil); got.StatusCode != 200 || got.Header.Get("Set-Cookie") == "" {
		t.Error("no page, or the session is not kept alive")
	}
	if got, _ := s.do("GET", "/", nil, "X-Live: 1"); got.StatusCode != 200 || got.Header.Get("Set-Cookie") != "" {
		t.Error("the script keeps the session alive")
	}
	s.read = hashOf("another")
	if got, _ := s.do("GET", "/", nil); got.StatusCode != 303 {
		t.Error("the session outlives its password")
	}
	if s.login("another") != 303 {
		t.Fatal("login")
	}
	if got, _ := s.do("POST", "/logout", url.Values{"token": {s.token()}}); got.StatusCode != 303 {
		t.Error("logout")
	}
	if got, _ := s.do("GET", "/", nil); got.StatusCode != 303 {
		t.Error("the session outlives its end")
	}
}

func TestLoginIsThrottled(t *testing.T) {
	s := newSite(t)
	seen := map[int]int{}
	for range 12 {
		seen[s.login("guess")]++
	}
	if seen[401] != 5 || seen[429] != 7 {
		t.Errorf("%v", seen)
	}
	if s.login("to change") != 429 {
		t.Error("the right password passes while it is throttled: guessing goes on")
	}
}

func TestArgon2id(t *testing.T) {
	s := newSite(t)
	hash, err := argon2id.CreateHash("to read", &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	s.read = hash
	if s.login("to reaD") != 401 || s.login("to read") != 303 {
		t.Error("argon2id")
	}
}

func TestHeadersAndEscaping(t *testing.T) {
	s := newSite(t)
	s.login("to change")
	for _, path := range append(reading, "/chart/class.svg", "/chart/action.svg?theme=dark", "/chart/device.svg?width=narrow", "/page.js", "/page.css") {
		got, text := s.do("GET", path, nil)
		h := got.Header
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") != strings.Contains(path, "svg") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, h)
		}
		for _, bad := range []string{"<script>alert", "<img src=x", "\x1b", "\u202e", s.read, s.change} {
			if strings.Contains(text, bad) {
				t.Errorf("%s shows %q", path, bad)
			}
		}
	}
	_, text := s.do("POST", "/explain", url.Values{"token": {s.token()}, "client": {"203.0.113.7"}, "helo": {"<script>alert(1)</script>"}})
	if strings.Contains(text, "<script>alert") || !strings.Contains(text, "&lt;script&gt;alert") || !strings.Contains(text, "Answer") {
		t.Error(text)
	}
	if _, text := s.do("GET", "/decisions/abc.1", nil); !strings.Contains(text, "&lt;script&gt;") {
		t.Error("the trace shows no HELO")
	}
}

// TestSafety19ControlSocket: there the kernel says who asks.
func TestSafety19ControlSocket(t *testing.T) {
	for _, may := range []bool{true, false} {
		f := &fake{}
		var log bytes.Buffer
		p := page.New(page.Options{Running: f, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now,
			MayChange: func(uid int) bool { return may && uid == os.Getuid() }, Passwords: func() (string, string) { return "", "" }})
		c := admin.NewControl(f, admin.ControlOptions{Log: slog.New(slog.DiscardHandler), Now: time.Now, MayChange: func(int) bool { return may }, Page: p.OverSocket()})
		dir, _ := os.MkdirTemp("", "ctl")
		t.Cleanup(func() { os.RemoveAll(dir) })
		l, err := net.Listen("unix", filepath.Join(dir, "c.sock"))
		if err != nil {
			t.Fatal(err)
		}
		go c.Serve(l)
		t.Cleanup(func() { c.Close(context.Background()) })
		s := &site{T: t, url: "http://localhost", fake: f, client: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", l.Addr().String())
		}}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		form := url.Values{"token": {s.token()}, "what": {"203.0.113.8"}}
		want := map[bool]int{true: 303, false: 403}[may]
		if got, _ := s.do("POST", "/allow", form, "Origin: http://localhost"); got.StatusCode != want || (f.noted() != "") != may {
			t.Errorf("may=%v: %d %s", may, got.StatusCode, f.noted())
		}
		if may && !strings.Contains(log.String(), "uid=") {
			t.Error(log.String())
		}
		s.url = "http://attacker.example"
		if got, _ := s.do("GET", "/", nil); got.StatusCode != 421 {
			t.Errorf("unknown host: %d", got.StatusCode)
		}
	}
}
