package probe

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/iot-milter/iot-milter/policy/device"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		spoken *protocol
		text   string
		want   []saying
	}{
		"server and title": {http, "HTTP/1.1 200 OK\r\nserver: Boa/0.94\r\nX: y\r\n\r\n<html><TITLE lang=en>\n My Box </title>",
			[]saying{{"http", "Boa/0.94"}, {"title", "My Box"}}},
		"realm": {http, "HTTP/1.0 401 Unauthorized\nWWW-Authenticate: Digest realm=\"DSL-2640B\", nonce=\"1\"\nWWW-Authenticate: Basic realm=\"x\"\n\n",
			[]saying{{"http", `Digest realm="DSL-2640B", nonce="1"`}, {"http", `Basic realm="x"`}}},
		"no head":             {http, "<title>Router</title>", []saying{{"title", "Router"}}},
		"cut head":            {http, "HTTP/1.1 200 OK\r\nServer: Boa", []saying{{"http", "Boa"}}},
		"field in the body":   {http, "HTTP/1.1 200 OK\r\n\r\nServer: Boa\r\n", nil},
		"empty":               {http, "", nil},
		"cut title":           {http, "HTTP/1.1 200 OK\r\n\r\n<title>Rou", nil},
		"title in a word":     {http, "<titles>a</titles><title>b</title>", []saying{{"title", "b"}}},
		"title of a graphic":  {http, "<title", nil},
		"ends before it is":   {http, "<title </title>", nil},
		"capitals that shift": {http, strings.Repeat("İ", 50) + "<title>Router</title>", []saying{{"title", "Router"}}},
		"rtsp": {rtsp, "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nServer: Hipcam RealServer/V1.0\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\r\n<title>b</title>",
			[]saying{{"rtsp", "Hipcam RealServer/V1.0"}, {"rtsp", `Basic realm="a"`}}},
		"upnp": {protocols[5000], "HTTP/1.1 200 OK\r\nServer: Linux UPnP/1.0 MiniUPnPd/1.9\r\n\r\n<root><device><friendlyName>Box</friendlyName>" +
			"<manufacturer>AVM Berlin</manufacturer><modelName>FRITZ!Box 7590</modelName>",
			[]saying{{"upnp", "Linux UPnP/1.0 MiniUPnPd/1.9"}, {"upnp", "AVM Berlin FRITZ!Box 7590 Box"}}},
		"upnp, cut":    {protocols[5000], "<root><manufacturer>AVM</manufacturer><modelName>FRITZ", []saying{{"upnp", "AVM"}}},
		"ftp":          {ftp, "220-Hello\r\n220 NAS\r\n", []saying{{"ftp", "220-Hello\r\n220 NAS"}}},
		"ftp, busy":    {ftp, "421 Too many\r\n", nil},
		"ssh":          {ssh, "Hello\r\nSSH-2.0-dropbear\r\nxxx", []saying{{"ssh", "SSH-2.0-dropbear"}}},
		"no ssh":       {ssh, "220 x\r\n", nil},
		"telnet":       {telnet, "\xff\xfd\x18\xff\xfb\x01\r\nBCM96338 ADSL Router\r\nLogin: ", []saying{{"telnet", "BCM96338 ADSL Router\r\nLogin:"}}},
		"telnet, none": {telnet, "\xff\xfd\x18\xff\xfb\x01\r\n", nil},
	} {
		got := c.spoken.parse([]byte(c.text))
		if len(got) != len(c.want) {
			t.Errorf("%s: %q; want %q", name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %q; want %q", name, got[i], c.want[i])
			}
		}
	}
	many := parseHTTP([]byte("HTTP/1.1 401 x\n" + strings.Repeat("WWW-Authenticate: x\n", 100)))
	if len(many) != maxSayings {
		t.Errorf("%d sayings", len(many))
	}
	if got := element([]byte("<title>"+strings.Repeat("x", 1000)+"</title>"), "title"); len(got) != maxTitle {
		t.Errorf("a title of %d bytes", len(got))
	}
}

func TestStripTelnet(t *testing.T) {
	for in, want := range map[string]string{
		"login: ":                              "login: ",
		"\xff\xfb\x01\xff\xfd\x1flogin":        "login",
		"a\xff\xffb":                           "ab", // an escaped 255 is no text that tells anything
		"a\xff\xf1b":                           "ab",
		"a\xff\xfa\x18\x01\xff\xf0b":           "ab",
		"a\xff\xfa\x18 never ends":             "a",
		"a\xff\xfa\x18\xff\xff\xff\xf0b":       "ab",
		"a\x00b":                               "ab",
		"a\xff":                                "a",
		"a\xff\xfb":                            "a",
		"a\xff\xfa":                            "a",
		"\xff\xfe\xff\xff\xfb\x03\r\nRouter\r": "\r\nRouter\r",
	} {
		if got := string(stripTelnet([]byte(in))); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}

func TestEnough(t *testing.T) {
	for name, c := range map[string]struct {
		spoken *protocol
		text   string
		want   bool
	}{
		"half a head":      {http, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", false},
		"no body":          {http, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
		"half a body":      {http, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false},
		"a body":           {http, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true},
		"a body, no more":  {http, "HTTP/1.1 200 OK\r\n\r\nabc", false},
		"a title":          {http, "HTTP/1.1 200 OK\r\n\r\n<Title>x</Title>", true},
		"rtsp":             {rtsp, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n", false},
		"rtsp, whole":      {rtsp, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", true},
		"ftp":              {ftp, "220-a\r\n220 ", false},
		"ftp, whole":       {ftp, "220-a\r\n220 b\r\n", true},
		"ftp, no greeting": {ftp, "530 x", true},
		"ftp, two bytes":   {ftp, "22", false},
		"ssh":              {ssh, "SSH-2.0-x", false},
		"ssh, whole":       {ssh, "x\r\nSSH-2.0-x\r\n", true},
		"telnet":           {telnet, "login: ", false},
		"upnp":             {protocols[5000], "<manufacturer>a</manufacturer><modelName>", false},
		"upnp, whole":      {protocols[5000], "<manufacturer>a</manufacturer><modelName>b</modelName>", true},
	} {
		if got := c.spoken.enough([]byte(c.text)); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestBest: what names a kind wins over what only devices run, and a vendor's name
// over none.
func TestBest(t *testing.T) {
	for _, c := range []struct {
		all   []saying
		kind  device.Kind
		place string
	}{
		{nil, device.None, ""},
		{[]saying{{"http", "nginx"}, {"title", "Welcome to nginx!"}}, device.None, ""},
		{[]saying{{"http", "mini_httpd/1.30 26Oct2018"}}, device.Other, "http"},
		{[]saying{{"http", "mini_httpd/1.30 26Oct2018"}, {"title", "DiskStation"}}, device.NAS, "title"},
		{[]saying{{"title", "DiskStation"}, {"http", "mini_httpd/1.30 26Oct2018"}}, device.NAS, "title"},
		{[]saying{{"telnet", "DVR login:"}, {"http", "DNVRS-Webs"}}, device.Recorder, "http"},
		{[]saying{{"nowhere", "DiskStation"}}, device.None, ""},
	} {
		b, worth := best(c.all)
		if b.Kind != c.kind || b.Place != c.place || (worth >= named) != (c.kind != device.None && c.kind != device.Other) {
			t.Errorf("%q: %+v, worth %d", c.all, b, worth)
		}
	}
}

// FuzzRead gives any bytes to each of the parsers, as they come and piece by piece.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 401 x\r\nServer: Boa/0.94\r\nWWW-Authenticate: Basic realm=\"TD-W8960N\"\r\n\r\n<html><title>DiskStation</title>",
		"HTTP/1.0 200 OK\nContent-Length: 5\n\n<TITLE >\x1b[2J</TITLE>", "<title", "<title>", "<title></title", "<titles><title>x</title>",
		"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Hipcam\r\n\r\n",
		"<?xml version=\"1.0\"?><root><device><friendlyName>a</friendlyName><manufacturer>AVM</manufacturer><modelName>FRITZ!Box</modelName>",
		"\xff\xfd\x01\xff\xfa\x18\x01\xff\xf0login: ", "\xff\xfa\xff", "\xff", "220-a\r\n220 b\r\n", "SSH-2.0-dropbear_2022.83\r\n", "SSH-", "",
	} {
		f.Add([]byte(s))
	}
	all := []*protocol{http, rtsp, ftp, ssh, telnet, protocols[5000]}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = text[:min(len(text), MaxText)]
		given := bytes.Clone(text)
		for _, pr := range all {
			pr.enough(text)
			sayings := pr.parse(text)
			if len(sayings) > maxSayings+2 {
				t.Errorf("%d sayings", len(sayings))
			}
			for _, s := range sayings {
				if _, ok := device.ParseProtocol(s.place); !ok || s.text == "" || len(s.text) > MaxText {
					t.Errorf("%q", s)
				}
			}
			b, worth := best(sayings)
			if (b.Kind == device.None) != (worth == 0) || len(b.Text) > maxKept || !utf8.ValidString(b.Text) {
				t.Errorf("%+v, worth %d", b, worth)
			}
			for _, r := range b.Text {
				if r < ' ' || r == 0x7f {
					t.Errorf("%q", b.Text)
				}
			}
		}
		if out := stripTelnet(text); len(out) > len(text) || bytes.IndexByte(out, telnetIAC) >= 0 {
			t.Errorf("%q is left of %q", out, text)
		}
		if !bytes.Equal(text, given) {
			t.Error("what is read was changed")
		}
	})
}
