package policy

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// linksOf is what a message with the Content-Type and the encoding links to.
func linksOf(contentType, encoding, body string) Links {
	h := new(Headers)
	h.KeepType()
	if contentType != "" {
		h.Add([]byte("Content-Type"), []byte(contentType))
	}
	if encoding != "" {
		h.Add([]byte("Content-Transfer-Encoding"), []byte(encoding))
	}
	var b Body
	b.Add([]byte(body))
	return b.Links(h)
}

func wrapped(s string) string {
	var out strings.Builder
	for i, r := range []byte(base64.StdEncoding.EncodeToString([]byte(s))) {
		if i%20 == 19 {
			out.WriteString("\r\n ")
		}
		out.WriteByte(r)
	}
	return out.String()
}

const mixed = "preamble http://preamble.example/\r\n--b\r\nContent-Type: text/plain\r\n\r\nhttp://plain.example\r\n" +
	"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/html\r\n" +
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n<a href=3D\"https://www.html.exam=\r\nple/\">x</a>\r\n--c--\r\n" +
	"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nhttp://image.example\r\n--b--\r\nhttp://epilogue.example\r\n"

func TestLinks(t *testing.T) {
	for _, tt := range []struct{ contentType, encoding, body, want string }{
		{"", "", "Click http://www.Pills.Example/x?y now, or https://pills.example.", "pills.example"},
		{"", "", "no address", ""},
		{"", "", "ftp://a.example mailto:b@c.example www.d.example", ""},
		{"", "", "HTTP://A.example:8080/ <https://b.example> (http://c.example) 'http://d.example'", "a.example b.example c.example d.example"},
		{"", "", "http://a.example http://b.example http://c.example http://d.example http://e.example", ""},
		{"", "", "http://google.com@evil.example/ http://evil.example\\@google.com http://www.google.com", "evil.example"},
		{"", "", "http://203.0.113.9/x http://192.168.1.1/ http://127.0.0.1/ http://nas/ http://nas.lan/ http://nas.local", "203.0.113.9"},
		{"", "", "http:// http://, http://. http://-./ http://a..b.example", ""},
		{"", "", "http://b%c3%bccher.example http://bücher.example", ""},
		{"", "", "http://" + strings.Repeat("a.", 200) + "example/", ""},
		{"", "", "http://" + strings.Repeat("u@", 600) + "evil.example/", ""},
		{"", "", "http://a.example", "a.example"},
		{"text/plain", "quoted-printable", "http://long.exam=\nple/=3D http://b.example/=XY", "b.example long.example"},
		{"text/plain", "quoted-printable", strings.Repeat("a", 10_000) + " http://a.example", "a.example"},
		{"text/plain; charset=utf-8", "Base64", wrapped("Click http://www.pills.example/ now"), "pills.example"},
		{"text/plain", "base64", wrapped("http://pills.example") + "!!", "pills.example"},
		{"text/html", "", `<a href="https:&#x2f;&#47;a.example/">&lt;http://b.example&gt;</a><!DOCTYPE "http://www.w3.org/TR/">`, "a.example b.example"},
		{"image/png", "", "http://a.example", ""},
		{"multipart/mixed; boundary=b", "", mixed, "html.example plain.example"},
		{"multipart/mixed; boundary=b", "", strings.ReplaceAll(mixed, "\r\n", "\n"), "html.example plain.example"},
		{`Multipart/Mixed;` + "\n\tboundary=\"b\"", "", mixed, "html.example plain.example"},
		{`multipart/mixed; boundary=b; boundary=b`, "", mixed, "html.example plain.example"},
		{`multipart/mixed; boundary=----=_b; x`, "", strings.ReplaceAll(mixed, "--b", "------=_b"), "html.example plain.example"},
		{"multipart/mixed; boundary=other", "", mixed, "epilogue.example image.example plain.example preamble.example"},
		{"multipart/mixed", "", "http://a.example", "a.example"},
		{"multipart/mixed; boundary=b", "", "--b\r\n\r\nhttp://a.example\r\n--b\r\nno header at all", "a.example"},
		{"; nonsense", "x-unknown", "http://a.example", "a.example"},
	} {
		l := linksOf(tt.contentType, tt.encoding, tt.body)
		got, known := l.Get()
		if strings.Join(got, " ") != tt.want || !known || l.Cut || !slices.IsSorted(got) {
			t.Errorf("%q %q %.60q: %q, want %q; %+v", tt.contentType, tt.encoding, tt.body, got, tt.want, l)
		}
	}
	var unknown Links
	if _, known := unknown.Get(); known {
		t.Error("nobody looked, and all is known")
	}
}

// TestLinksAreBounded: in bytes, parts, levels and addresses, and says so.
func TestLinksAreBounded(t *testing.T) {
	nested := func(levels int) (contentType, body string) {
		contentType, body = "text/plain", "http://deep.example/ "
		for i := range levels {
			body = fmt.Sprintf("--%d\r\nContent-Type: %s\r\n\r\n%s\r\n--%d--\r\n", i, contentType, body, i)
			contentType = fmt.Sprintf("multipart/mixed; boundary=%d", i)
		}
		return contentType, body
	}
	parts := func(n int) string { return strings.Repeat("--b\r\n\r\nx\r\n", n) + "--b--\r\n" }
	fits, fitsBody := nested(maxNesting)
	deep, deepBody := nested(maxNesting + 1)
	for what, tt := range map[string]struct {
		contentType, body string
		cut               bool
		want              string
	}{
		"whole":             {"", strings.Repeat(" ", MaxBody-len("http://a.example")) + "http://a.example", false, "a.example"},
		"long":              {"", strings.Repeat(" ", MaxBody) + "x", true, ""},
		"torn":              {"", strings.Repeat(" ", MaxBody-len("http://a.example.co")) + "http://a.example.com", true, ""},
		"as deep as can be": {fits, fitsBody, false, "deep.example"},
		"deeper":            {deep, deepBody, true, ""},
		"many parts":        {"multipart/mixed; boundary=b", parts(maxParts + 1), true, ""},
		"fewer parts":       {"multipart/mixed; boundary=b", parts(maxParts - 1), false, ""},
		"many addresses":    {"", strings.Repeat("http://a.example ", maxURLs) + "http://b.example", true, "a.example"},
	} {
		l := linksOf(tt.contentType, "", tt.body)
		if got, _ := l.Get(); l.Cut != tt.cut || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: cut %v, %q", what, l.Cut, got)
		}
	}
	var b Body
	for range 3 {
		b.Add(make([]byte, MaxBody/2))
	}
	if len(b.text) != MaxBody || b.Room() != 0 || cap(b.text) > 2*MaxBody {
		t.Errorf("%d bytes kept in %d, room for %d", len(b.text), cap(b.text), b.Room())
	}
}

func FuzzLinks(f *testing.F) {
	f.Add("multipart/mixed; boundary=b", "", mixed)
	f.Add("text/plain", "base64", wrapped("http://a.example"))
	f.Add("text/html", "quoted-printable", "<a href=3D'http://u@a.example:1/'>=\r\n&#x68;ttp://b.example")
	f.Add("multipart/mixed; boundary=\"\"", "quoted-printable", "--\r\n\r\n--")
	f.Fuzz(func(t *testing.T, contentType, encoding, body string) {
		l := linksOf(contentType, encoding, body)
		got, known := l.Get()
		if !known || len(got) > maxLinks || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("%+v", l)
		}
		for _, domain := range got {
			if len(domain) > maxHost || !strings.Contains(domain, ".") || domain != strings.ToLower(domain) {
				t.Errorf("%q is no domain", domain)
			}
		}
	})
}

// TestTemplateLinks: by themselves, and not what is the recipient's or the sender's.
func TestTemplateLinks(t *testing.T) {
	of := func(body string) Template {
		f := observed{helo: "pc1", headers: []string{"From: a@example.org", "Subject: x"}}.facts()
		f.Hosts = []string{"mx.own.example"}
		f.Recipient, f.Envelope.From = Seen("Mail.Rcpt.example"), Seen("a@news.sender.example")
		f.Headers.Links = linksOf("", "", body)
		return f.Template()
	}
	pills := of("http://pills.example/1")
	for body, same := range map[string]bool{
		"https://www.pills.example/2":                                              true,
		"http://pills.example http://rcpt.example http://www.own.example":          true,
		"http://pills.example http://www.sender.example/unsubscribe":               true,
		"http://pills.example http://www.google.com/ http://www.w3.org/1999/xhtml": true,
		"http://pills2.example":                                                    false,
		"http://pills.example http://watches.example":                              false,
	} {
		got := of(body)
		if (got.Links == pills.Links) != same || got.Links == 0 {
			t.Errorf("%q: %x, %x", body, got.Links, pills.Links)
		}
		if got.Loose != pills.Loose || got.Exact != pills.Exact {
			t.Errorf("%q changes the template of the header", body)
		}
	}
	for _, body := range []string{"", "http://www.synology.com/", "http://rcpt.example", "http://a.example http://b.example http://c.example http://d.example http://e.example"} {
		if got := of(body); got.Links != 0 {
			t.Errorf("%q: %x", body, got.Links)
		}
	}
}

func BenchmarkLinks(b *testing.B) {
	for name, body := range map[string]string{
		"spam":  "<html><body>" + strings.Repeat("<p>Best prices only today</p>\r\n", 40) + "<a href=\"http://www.pills.example/\">now</a></body></html>",
		"worst": strings.Repeat("http://a.b.c.d.e.example/ ", MaxBody/26),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				linksOf("text/html", "", body)
			}
		})
	}
}
