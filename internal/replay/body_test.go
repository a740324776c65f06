package replay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const received = "Received: from a (b.example [203.0.113.7]) by mx.example.com (Postfix) with ESMTP id 1; Mon, 2 Nov 2026 08:00:02 +0000\n"

// TestBodies: what messages link to is known where their bodies are recorded, if it is
// wanted, and stays unknown elsewhere.
func TestBodies(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"box/cur", "box/new", "box/tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	html := "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<a href=3D\"http://www.pills.exam=\nple/\">\n"
	write("one.eml", received+html)
	write("box/cur/1", received+"\nhttp://a.example")
	write("crlf.eml", strings.ReplaceAll(received+html, "\n", "\r\n"))
	write("headers.eml", received)
	from := "From a@example.org Mon Nov  2 08:00:02 2026\n"
	write("three.mbox", from+received+"\nhttp://a.example\n\n"+from+received+html+"\n"+
		from+received+"\n"+strings.Repeat("a line\n", 100_000)+"http://late.example\n\n"+from+received+"\nFrom here: http://b.example\n")
	write("lines.jsonl", `{"client_ip":"192.0.2.1","helo":"a","headers":[["Subject","http://a.example"]]}`+"\n")
	for name, want := range map[string]string{
		"one.eml":     "pills.example",
		"box":         "a.example",
		"crlf.eml":    "pills.example",
		"headers.eml": "none",
		"three.mbox":  "a.example, pills.example, none cut, b.example",
		"lines.jsonl": "unknown",
	} {
		o := options()
		o.Bodies = true
		if got := links(read(t, o, filepath.Join(dir, name))); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		o.Bodies = false
		if got := links(read(t, o, filepath.Join(dir, name))); strings.Trim(got, "unkow, ") != "" {
			t.Errorf("%s, unwanted: %s", name, got)
		}
	}
}

func links(records []Record) string {
	var all []string
	for i := range records {
		l := &records[i].Headers.Links
		domains, known := l.Get()
		what := strings.Join(domains, " ")
		switch {
		case !known:
			what = "unknown"
		case what == "":
			what = "none"
		}
		if l.Cut {
			what += " cut"
		}
		all = append(all, what)
	}
	return strings.Join(all, ", ")
}
