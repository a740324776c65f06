package page_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/internal/page"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
)

// hostile is a daemon all of whose texts are an attacker's, even those that are its own.
type hostile struct {
	fake
	text string
}

func (h *hostile) decided() policy.Decision {
	t, at := h.text, time.Unix(1e9, 0)
	return policy.Decision{ID: t, Client: t, PTR: t, Iprev: t, HELO: &t, From: &t, To: []string{t, t}, Class: t, Device: t, Vendor: t, Flag: t, Mode: t,
		Verdict: t, Action: t, Reason: t, P: map[string]float64{t: 0.5}, Time: &at, MTA: t, QueueID: t, Stage: t, Took: t,
		Signals: []policy.DecisionSignal{{Name: t, Group: t, Family: t, Status: t, Fact: t}}}
}

func (h *hostile) Top(int, int) admin.Snapshot {
	t := h.text
	return admin.Snapshot{Mode: t, ASNs: []admin.ASN{{Name: t}}, Campaigns: []admin.Campaign{{ID: t}}, Tables: []admin.Table{{Name: t}},
		Sources: map[string]string{t: t}, Networks: []admin.Network{{}}}
}

func (h *hostile) Search(_ context.Context, _ *history.Query, yield func(*policy.Decision) bool) error {
	for range 50 { // so many that there are older ones
		if d := h.decided(); !yield(&d) {
			return nil
		}
	}
	return nil
}

func (h *hostile) Explain(context.Context, *replay.Question) (*policy.Decision, policy.Verdict, error) {
	d := h.decided()
	return &d, policy.Verdict{Reply: "550 5.7.1 " + h.text, Mark: h.text}, nil
}

func (h *hostile) Allowed() []admin.Allowed {
	d := h.decided()
	return []admin.Allowed{{What: h.text, Note: h.text, Evidence: &d}}
}

func (h *hostile) Allow(admin.Permit) (admin.Allowed, error) {
	return admin.Allowed{}, errors.New(h.text)
}
func (h *hostile) Configuration() []byte      { return []byte(h.text) }
func (h *hostile) Dates() []page.Date         { return []page.Date{{What: h.text, When: h.text}} }
func (h *hostile) Latencies() []admin.Latency { return []admin.Latency{{Source: h.text}} }
func (h *hostile) Hosts(netip.Prefix, int) admin.Hosts {
	return admin.Hosts{Hosts: []admin.Host{{Network: h.text, Device: h.text}}}
}
func (h *hostile) Host(a netip.Addr) (admin.Host, bool) {
	return admin.Host{Addr: a, Facts: []admin.Fact{{Kind: h.text, List: h.text, Text: h.text}}}, true
}

// Texts that would break out of an element, an attribute with either quote or none, a
// title, a list of images, a path, a query, or a terminal.
var hostileTexts = []string{
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, `" onmouseover="alert(1)`, "' onmouseover='alert(1)", " onmouseover=alert(1) x",
	"javascript:alert(1)", "//attacker.example/", "https://attacker.example/, x 2x", "../../allow?x=1&token=2#y", "</title></textarea></pre><script>alert(1)</script>",
	"<!--", "]]>", "&lt;script&gt;", "\x1b[2J\u202e\x00\x7f", "\xff\xfe<b>", "%3Cscript%3E",
}

// TestSafety20NothingBreaksOut: a page has the elements and attributes that it has for a
// plain text, whatever the text is, and leads nowhere else.
func TestSafety20NothingBreaksOut(t *testing.T) {
	plain := shapes(t, "plain")
	for _, text := range hostileTexts {
		for path, got := range shapes(t, text) {
			if !slices.Equal(got, plain[path]) {
				t.Errorf("%s is of another shape with %q", path, text)
			}
		}
	}
}

// shapes are those of all pages of a daemon with that text.
func shapes(t *testing.T, text string) map[string][]string {
	s := newSiteOf(t, &hostile{text: text})
	if s.login("to change") != 303 {
		t.Fatal("login")
	}
	all, asked := map[string][]string{}, url.QueryEscape(text)
	for name, path := range map[string]string{"overview": "/", "decisions": "/decisions?from=" + asked + "&class=" + asked, "decision": "/decisions/" + url.PathEscape(text),
		"explain": "/explain", "clients": "/clients?prefix=203.0.113.7&what=" + asked + "&note=" + asked + "&for=" + asked + "&done=" + asked,
		"unknown": "/clients?prefix=" + url.QueryEscape("x"+text), "configuration": "/configuration"} {
		_, got := s.do("GET", path, nil)
		all[name] = shape(t, got)
	}
	for path, form := range map[string]url.Values{"/explain": {"client": {"203.0.113.7"}, "helo": {text}, "from": {text}, "iprev": {"pass"}},
		"/allow": {"what": {"203.0.113.7"}, "note": {text}, "for": {text}}, "/forget": {"prefix": {"x" + text}}, "/allow/remove": {"what": {text}, "token": {text}}} {
		if form.Get("token") == "" {
			form.Set("token", s.token())
		}
		_, got := s.do("POST", path, form)
		all["POST "+path] = shape(t, got)
	}
	return all
}

// shape lists elements with the names of their attributes, and fails on what no page may
// have.
func shape(t *testing.T, text string) (all []string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == '\u202e'
	}) {
		t.Errorf("what is not printable is shown: %q", text)
	}
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		if z.Next() == html.ErrorToken {
			return all
		}
		token := z.Token()
		if token.Type == html.TextToken {
			continue
		}
		line := token.Type.String() + " " + token.Data
		if token.Type == html.CommentToken {
			line = "comment"
		}
		for _, a := range token.Attr {
			line += " " + a.Key
			own := strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//") && !strings.ContainsAny(a.Val, ", \\") || a.Val == "#main"
			if slices.Contains([]string{"href", "src", "srcset", "action", "formaction"}, a.Key) {
				u, err := url.Parse(a.Val)
				if !own || err != nil || u.Host != "" {
					t.Errorf("%s=%q leads away", a.Key, a.Val)
					continue
				}
				line += "=" + strings.Join(slices.Sorted(maps.Keys(u.Query())), "&")
				if strings.Count(u.EscapedPath(), "/") > 2 {
					t.Errorf("%s=%q is another path", a.Key, a.Val)
				}
			}
		}
		all = append(all, line)
	}
}

// TestChartsAreXML: browsers show nothing of what is not.
func TestChartsAreXML(t *testing.T) {
	s := newSite(t)
	s.login("to read")
	for _, path := range []string{"/chart/class.svg", "/chart/action.svg?span=24h&theme=dark", "/chart/device.svg?width=narrow"} {
		_, text := s.do("GET", path, nil)
		bars := 0
		for d := xml.NewDecoder(strings.NewReader(text)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in %s", path, err, text)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "path" {
				bars++
			}
		}
		if bars < 5 {
			t.Errorf("%s draws nothing: %s", path, text)
		}
	}
}
