//go:build integration

package integration

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"golang.org/x/crypto/bcrypt"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

const pageAddr = "127.0.0.1:8894"

// hostile are greetings of who wants to be read by an admin's browser.
var hostile = []string{`<script>document.title="forged"</script>`, `"><img src=x onerror=alert(1)>`, `</td></table><h1>forged</h1>`, "\x1b[2Jforged"}

// paged is a daemon with a page, and mail that it has judged.
func paged(t *testing.T) *daemon {
	t.Helper()
	hash := func(password string) string {
		h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(h)
	}
	d := newDaemon(t)
	socket := d.dir + "/milter.sock"
	d.base[0] = fmt.Sprintf("listen = [%q]", "unix:"+socket)
	d.configure(fmt.Sprintf("mode = \"enforce\"\nadmin.listen = %q\nadmin.password = %q\nadmin.change_password = %q\ndns.enabled = false\n"+
		"store.url = \"\"\nreply.contact = \"postmaster@example.test\"", pageAddr, hash("to read"), hash("to change")))
	d.start()
	t.Cleanup(func() { d.stop(15) })
	for i := range 24 {
		s := mtascript.Session{
			Client: mtascript.Client{Host: fmt.Sprintf("cpe-203-0-113-%d.dyn.isp.example", i), Port: 4000, Addr: fmt.Sprintf("203.0.113.%d", i)},
			Helo:   []string{"DiskStation", "speedtouch.lan", "mx1.example.org", "user-pc"}[i%4],
			Messages: []mtascript.Message{{From: "a@example.org", Rcpts: []string{"u@example.test"},
				Headers: []mtascript.Header{{Name: "From", Value: "a@example.org"}, {Name: "Subject", Value: "alert"}}}},
		}
		if i < len(hostile) {
			s.Helo = hostile[i]
		}
		if i > 18 {
			s.Client.Host, s.Helo = fmt.Sprintf("mail%d.example.net", i), fmt.Sprintf("mail%d.example.net", i)
			s.Client.Addr = fmt.Sprintf("198.51.100.%d", i)
		}
		if _, err := s.Dial("unix", socket); err != nil {
			t.Fatal(err)
		}
	}
	d.verdicts(24)
	return d
}

// browser is a real one, and what it had to complain of.
type browser struct {
	t    *testing.T
	ctx  context.Context
	mu   sync.Mutex
	said []string
}

func (b *browser) say(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, fmt.Sprintf(format, args...))
}

// quiet fails with what it complained of. A refused form is an error on its console.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.said {
		b.t.Error("the browser says: " + s)
	}
	b.said = nil
}

func newBrowser(t *testing.T, script bool) *browser {
	t.Helper()
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(dir), chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-background-networking", true))
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx); leave(); end(); stop() })
	b := &browser{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, func(e any) {
		switch e := e.(type) {
		case *cdplog.EventEntryAdded: // CSP violations, too
			if e.Entry.Level == "error" && !strings.Contains(e.Entry.Text, "BLOCKED_BY_CLIENT") && !strings.Contains(e.Entry.Text, "status of 401") && !strings.Contains(e.Entry.Text, "status of 400") {
				b.say("%s %s", e.Entry.Text, e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			b.say("%s", e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			b.say("console: %s", e.Type)
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(e.Request.URL); err != nil || u.Host != pageAddr {
				b.say("it asked for %s", e.Request.URL)
			}
		}
	})
	blocked := []string{}
	if !script { // the page has no other: its policy lets none run
		blocked = append(blocked, "*/page.js")
	}
	b.run(network.Enable(), cdplog.Enable(), runtime.Enable(), network.SetBlockedURLs(blocked))
	return b
}

func (b *browser) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate("http://" + pageAddr + path))
}

// press clicks on what leads to another page and waits for it.
func (b *browser) press(selector string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(selector, chromedp.ByQuery)); err != nil {
		b.t.Fatalf("%s: %v", selector, err)
	}
}

func (b *browser) fill(selector, text string) {
	b.t.Helper()
	b.run(chromedp.SetValue(selector, text, chromedp.ByQuery))
}

// text is that of the first element, as it is shown.
func (b *browser) text(selector string) (text string) {
	b.t.Helper()
	b.run(chromedp.Text(selector, &text, chromedp.ByQuery))
	return text
}

func (b *browser) wants(selector, want string) {
	b.t.Helper()
	if got := b.text(selector); !strings.Contains(got, want) {
		b.t.Errorf("%s is %q, not %q", selector, got, want)
	}
}

func (b *browser) login(password string) {
	b.t.Helper()
	b.open("/")
	b.fill("#password", password)
	b.press("main button")
}

// TestPage takes the ways of an admin through the page, with and without JavaScript.
func TestPage(t *testing.T) {
	d := paged(t)
	for script, known := range map[bool]string{true: "203.0.113.8", false: "203.0.113.9"} {
		t.Run(fmt.Sprintf("script=%v", script), func(t *testing.T) {
			b := newBrowser(t, script)
			b.login("wrong")
			b.wants(".error", "not the password")
			b.login("to change")
			b.wants("h1", "Overview")
			b.open("/decisions")
			b.fill("#client", "203.0.113.7")
			b.press("main button")
			b.wants("tbody", "203.0.113.7")
			b.press("tbody a")
			b.wants("main", "ptr-access")
			b.fill("#note0", "a <b>neighbour</b>")
			b.press("main form button")
			b.wants(".done", "is on the list")
			b.wants("tbody", "a <b>neighbour</b>")
			b.press("tbody button")
			b.wants(".done", "off the list")
			b.fill("#prefix", known)
			b.press("form[action='/clients'] button")
			b.wants("#remembered ~ .wide", known)
			b.press(".danger")
			b.wants(".done", "forgotten")
			b.open("/explain")
			b.fill("#client", "203.0.113.77")
			b.fill("#ptr", "cpe-203-0-113-77.dyn.isp.example")
			b.fill("#helo", "<i>DiskStation</i>")
			b.press("main button")
			b.wants("main", "<i>DiskStation</i>")
			b.open("/decisions?since=soon")
			b.wants(".error", "is no time")
			b.press("header button")
			b.wants("h1", "Log in")
			b.quiet()
		})
	}
	for _, line := range []string{"does=\"allow add\" from=127.0.0.1 what=203.0.113.7", "does=forget from=127.0.0.1 prefix=203.0.113.8/32"} {
		if !strings.Contains(d.log.String(), line) {
			t.Errorf("the log does not tell %s", line)
		}
	}
}

// TestPageForEverybody looks at every page in both colour schemes, narrow and wide.
// With IOT_MILTER_SHOTS it leaves pictures there.
func TestPageForEverybody(t *testing.T) {
	paged(t)
	check, err := os.ReadFile("browser/check.js")
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, true)
	b.open("/login")
	b.looks(string(check), "login")
	b.login("to change")
	b.open("/decisions?client=203.0.113.5")
	var trace string
	b.run(chromedp.AttributeValue("tbody a", "href", &trace, nil, chromedp.ByQuery))
	for name, path := range map[string]string{
		"overview": "/", "day": "/?span=24h", "decisions": "/decisions", "trace": trace, "explain": "/explain", "configuration": "/configuration",
		"clients": "/clients?prefix=203.0.113.0/24", "missing": "/decisions/absent",
	} {
		b.open(path)
		if name == "day" {
			b.run(chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil))
		}
		b.looks(string(check), name)
	}
	b.mu.Lock()
	b.said = slices.DeleteFunc(b.said, func(s string) bool {
		return strings.Contains(s, "status of 404") && strings.Contains(s, "/decisions/absent")
	})
	b.mu.Unlock()
	b.quiet()
}

func (b *browser) looks(check, name string) {
	b.t.Helper()
	for _, width := range []int64{400, 1600} {
		for _, scheme := range []string{"light", "dark"} {
			var wrong []string
			var picture []byte
			b.run(chromedp.EmulateViewport(width, 900), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme}}), chromedp.Sleep(150*time.Millisecond), chromedp.Evaluate(check, &wrong))
			for _, w := range wrong {
				b.t.Errorf("%s, %d pixels, %s: %s", name, width, scheme, w)
			}
			if dir := os.Getenv("IOT_MILTER_SHOTS"); dir != "" {
				b.run(chromedp.FullScreenshot(&picture, 100))
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), picture, 0o644); err != nil {
					b.t.Fatal(err)
				}
			}
		}
	}
}
