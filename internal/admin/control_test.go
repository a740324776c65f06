package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/event"
)

// fake is a daemon that answers what it was asked.
type fake struct {
	asked    atomic.Value
	readOnly bool
	holding  chan struct{} // reloads wait for it
	stream   *event.Stream // nil: nobody may watch
}

func (f *fake) said(format string, args ...any) { f.asked.Store(fmt.Sprintf(format, args...)) }

func (f *fake) Top(networks, campaigns int) admin.Snapshot {
	return admin.Snapshot{Mode: "tag"}
}

func (f *fake) Campaigns(most int) []admin.Campaign {
	f.said("campaigns %d", most)
	return []admin.Campaign{}
}

func (f *fake) Hosts(within netip.Prefix, most int) admin.Hosts {
	f.said("hosts %s %d", within, most)
	return admin.Hosts{Hosts: []admin.Host{}}
}

func (f *fake) Host(addr netip.Addr) (admin.Host, bool) {
	f.said("host %s", addr)
	return admin.Host{Addr: addr}, addr.Is6()
}

func (f *fake) Forget(within netip.Prefix) (int, error) { f.said("forget %s", within); return 3, nil }

func (f *fake) Allowed() []admin.Allowed { return []admin.Allowed{} }

func (f *fake) Allow(p admin.Permit) (admin.Allowed, error) {
	f.said("allow %s %s %v", p.What, p.Note, p.Until)
	return admin.Allowed{What: p.What, Evidence: p.Evidence}, nil
}

func (f *fake) Disallow(what string) (bool, error) {
	f.said("disallow %s", what)
	if what == "disk" {
		return false, errors.New("disk: full")
	}
	return what == "here", nil
}

func (f *fake) Reload(context.Context) (admin.Reloaded, error) {
	if f.holding != nil {
		<-f.holding
	}
	return admin.Reloaded{Errors: []admin.Problem{{What: "broken"}}}, nil
}

var now = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

// serve serves the daemon's control socket.
func serve(t *testing.T, f *fake) (socket string) {
	t.Helper()
	socket, stop := serveUntil(t, f)
	t.Cleanup(func() { stop(context.Background()) })
	return socket
}

// serveUntil serves it until stop is called.
func serveUntil(t *testing.T, f *fake) (socket string, stop func(context.Context) error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "c.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	c := admin.NewControl(f, admin.ControlOptions{
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }, MayChange: func(int) bool { return !f.readOnly },
	})
	go c.Serve(l)
	return socket, c.Close
}

// over speaks HTTP over a socket.
func over(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
}

func TestControlAnswers(t *testing.T) {
	f := &fake{}
	client := over(serve(t, f))
	long := `{"what":"` + strings.Repeat("x", 70<<10) + `"}`
	for i, c := range []struct {
		request, header, body string
		status                int
		want                  string // what the daemon was asked, or a part of the answer
	}{
		{"GET /v1/top", "", "", 200, `"mode":"tag"`},
		{"GET /v1/campaigns", "", "", 200, "campaigns 100"},
		{"GET /v1/hosts", "", "", 200, "hosts invalid Prefix 100"},
		{"GET /v1/hosts?prefix=203.0.113.7/24&limit=5", "", "", 200, "hosts 203.0.113.0/24 5"},
		{"GET /v1/hosts?prefix=::ffff:203.0.113.7", "", "", 200, "hosts 203.0.113.7/32 100"},
		{"GET /v1/hosts?prefix=fe80::1%25eth0", "", "", 400, "is no address"},
		{"GET /v1/hosts?limit=10001", "", "", 400, "is no number from 1 to 10000"},
		{"GET /v1/hosts?limit=0", "", "", 400, "is no number"},
		{"GET /v1/hosts/2001:db8::1", "", "", 200, "host 2001:db8::1"},
		{"GET /v1/hosts/203.0.113.7", "", "", 404, "is not remembered"},
		{"GET /v1/hosts/203.0.113.0%2f24", "", "", 400, "is no address; hint:"},
		{"DELETE /v1/hosts?prefix=203.0.113.7", "", "", 200, "forget 203.0.113.7/32"},
		{"DELETE /v1/hosts", "", "", 400, "is no address and no network"},
		{"GET /v1/allow", "", "", 200, `"allow":[]`},
		{"POST /v1/allow", "", `{"what":"a","note":"b","for":"1d12h"}`, 200, "allow a b 2026-11-24 08:00:00 +0000 UTC"},
		{"POST /v1/allow", "", `{"what":"a","until":"2026-11-23T20:00:00Z"}`, 200, "allow a  2026-11-23 20:00:00 +0000 UTC"},
		{"POST /v1/allow", "", `{"what":"a","until":"2026-11-21T20:00:00Z"}`, 400, "is past"},
		{"POST /v1/allow", "", `{"what":"a","until":"2026-11-23T20:00:00Z","for":"1d"}`, 400, "either until or for"},
		{"POST /v1/allow", "", `{"what":"a","for":"soon"}`, 400, "is no time span; hint:"},
		{"POST /v1/allow", "", `{"what":"a","who":"b"}`, 400, "unknown field"},
		{"POST /v1/allow", "", `{"what":"a"}{}`, 400, "something follows"},
		{"POST /v1/allow", "", "", 400, "the body is not what is expected"},
		{"POST /v1/allow", "Content-Type: text/plain", `{"what":"a"}`, 415, "must be application/json"},
		{"POST /v1/allow", "", long, 413, "longer than 65536 bytes"},
		{"DELETE /v1/allow?what=here", "", "", 200, "disallow here"},
		{"DELETE /v1/allow?what=gone", "", "", 404, "is not on the list"},
		{"DELETE /v1/allow?what=disk", "", "", 500, "disk: full"},
		{"POST /v1/reload", "", "", 422, `"what":"broken"`},
		{"GET /v1/reload", "", "", 405, ""},
		{"PUT /v1/allow", "", "", 405, ""},
		{"POST /v1/hosts", "", "", 405, ""},
		{"GET /", "", "", 404, ""},
		{"GET /metrics", "", "", 404, ""},
		{"GET /v1/top", "Host: mx.example.org", "", 421, ""},
		{"GET /v1/top", "Host: localhost:80", "", 200, ""},
		{"POST /v1/reload", "Origin: http://evil.example", "", 403, ""},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		r, err := http.NewRequest(method, "http://iot-milter"+path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if key, value, ok := strings.Cut(c.header, ": "); key == "Host" {
			r.Host = value
		} else if ok {
			r.Header.Set(key, value)
		}
		f.asked.Store("")
		got, err := client.Do(r)
		if err != nil {
			t.Errorf("%d, %s: %v", i, c.request, err)
			continue
		}
		body, _ := io.ReadAll(got.Body)
		got.Body.Close()
		if got.StatusCode != c.status || f.asked.Load() != c.want && !strings.Contains(string(body), c.want) {
			t.Errorf("%d, %s: %d %s (asked %q), want %d %q", i, c.request, got.StatusCode, body, f.asked.Load(), c.status, c.want)
		}
	}
}

func TestControlIsBounded(t *testing.T) {
	f := &fake{holding: make(chan struct{})}
	socket := serve(t, f)
	var wait sync.WaitGroup
	var refused, done atomic.Int32
	for range 20 {
		wait.Go(func() {
			var r admin.Reloaded
			err := admin.NewClient(socket).Do(context.Background(), "POST", "/v1/reload", nil, &r)
			var no *admin.Refusal
			switch {
			case err == nil:
				done.Add(1)
			case errors.As(err, &no) && no.Status == 503 && strings.Contains(no.What, "hint: try again"):
				refused.Add(1)
			default:
				t.Errorf("%v", err)
			}
		})
	}
	for range 500 {
		if refused.Load() == 12 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(f.holding)
	wait.Wait()
	if done.Load() != 8 || refused.Load() != 12 {
		t.Errorf("%d answered, %d refused", done.Load(), refused.Load())
	}
}

// Who holds connections open keeps nobody waiting: what is too much is closed, and
// there is room again when they end.
func TestControlTakesSoManyConnections(t *testing.T) {
	socket := serve(t, &fake{})
	var open []net.Conn
	for range 40 {
		c, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	open[39].SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := open[39].Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("one too many: %v", err)
	}
	for _, c := range open {
		c.Close()
	}
	var err error
	for range 500 {
		var s admin.Snapshot
		if err = admin.NewClient(socket).Do(context.Background(), "GET", "/v1/top", nil, &s); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// What a Client says when nobody answers tells what to do.
func TestClientHints(t *testing.T) {
	dir := t.TempDir()
	ask := func(socket string) string {
		return fmt.Sprint(admin.NewClient(socket).Do(context.Background(), "GET", "/v1/top", nil, new(admin.Snapshot)))
	}
	if got := ask(filepath.Join(dir, "none")); !strings.Contains(got, "hint: is the daemon running") {
		t.Error(got)
	}
	left := filepath.Join(dir, "left")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if got := ask(left); !strings.Contains(got, "hint: the daemon is not running") {
		t.Error(got)
	}
	other := filepath.Join(dir, "other")
	l, err = net.ListenUnix("unix", &net.UnixAddr{Name: other, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(l, http.NotFoundHandler())
	defer l.Close()
	if got := ask(other); !strings.Contains(got, "hint: is the daemon of the same version?") {
		t.Error(got)
	}
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "12h": 12 * time.Hour, "1d12h": 36 * time.Hour, "1s": time.Second, "36500d": 876_000 * time.Hour,
		"": 0, "d": 0, "0d": 0, "1": 0, "-1h": 0, "1d-1h": 0, "1.5d": 0, "36501d": 0, "99999d": 0, "999999d": 0, "1d 2h": 0, "10ms": 0,
	} {
		got, err := admin.ParseSpan(text)
		if got != want && err == nil || want == 0 && err == nil || want != 0 && err != nil {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}
