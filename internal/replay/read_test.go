package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

func options(own ...string) *Options {
	return &Options{
		Format: Auto, OwnHosts: own, Workers: 2, Location: time.UTC,
		Now: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
		Exempt: &policy.Exempt{Networks: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"),
		}},
	}
}

func read(t *testing.T, o *Options, paths ...string) (all []Record) {
	t.Helper()
	if err := o.Records(context.Background(), paths, func(r *Record) error { all = append(all, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func readText(t *testing.T, o *Options, text string) []Record {
	t.Helper()
	o.Stdin = strings.NewReader(text)
	return read(t, o, "-")
}

func show(r *Record) string {
	if r.Damage != "" {
		return "damage: " + r.Damage
	}
	if r.Undecidable != "" {
		return r.Undecidable
	}
	text := func(x policy.Text) string {
		if s, ok := x.Get(); ok {
			return fmt.Sprintf("%q", s)
		}
		return "?"
	}
	headers := "?"
	if r.Headers != nil {
		headers = itoa(r.Headers.Count)
	}
	return fmt.Sprintf("%s %s %s helo=%s from=%s headers=%s", policy.AddrText(r.Client.Addr), r.Client.Iprev, text(r.Client.Name), text(r.Greeting.Name), text(r.Envelope.From), headers)
}

func TestJSONLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"client_ip":"192.0.2.1","client_name":"a.example.org","helo":"b","mail_from":"c@example.org","headers":[["Date"," x"],["From","y"]]}`,
			`192.0.2.1 pass "a.example.org" helo="b" from="c@example.org" headers=2`},
		{`{"client_ip":"192.0.2.1"}`, `192.0.2.1  ? helo=? from=? headers=?`},
		{`{"client_ip":null,"client_name":null,"helo":null,"mail_from":null,"headers":null,"name_state":null,"time":null,"id":null}`, `  ? helo=? from=? headers=?`},
		{`{"client_ip":"192.0.2.1","client_name":"","helo":"","mail_from":"","headers":[]}`, `192.0.2.1 permerror ? helo="" from="" headers=0`},
		{`{"client_ip":"192.0.2.1","client_name":"","ptr_unverified":"a.example.org"}`, `192.0.2.1 fail "a.example.org" helo=? from=? headers=?`},
		{`{"client_ip":"IPv6:2001:db8::7","client_name":"","name_state":"unrecorded"}`, `2001:db8::7  ? helo=? from=? headers=?`},
		{`{"client_ip":"192.0.2.1","client_name":"","name_state":"forged","ptr_unverified":"a.example.org"}`, `192.0.2.1 fail "a.example.org" helo=? from=? headers=?`},
		{`{"client_ip":"192.0.2.1","client_name":"","name_state":"forged"}`, `192.0.2.1 fail ? helo=? from=? headers=?`},
		{`{"client_ip":"192.0.2.1","name_state":"none"}`, `192.0.2.1 permerror ? helo=? from=? headers=?`},
		{`{"client_ip":"192.0.2.1","client_name":"","name_state":"verified"}`, `192.0.2.1  ? helo=? from=? headers=?`},
		{`{"client_ip":"192.0.2.1","client_name":"a.example.org","name_state":"of-a-later-version"}`, `192.0.2.1  ? helo=? from=? headers=?`},
		{`{"client_ip":"192.0.2.1","mail_from":"<>","surplus":{"a":[1]}}`, `192.0.2.1  ? helo=? from="" headers=?`},
		{`{"client_ip":"nowhere"}`, `damage: client_ip is no address`},
		{`{"client_ip":7}`, `damage: no JSON record: client_ip has the wrong type`},
		{`{"client_ip":`, `damage: no JSON record: unexpected end of JSON input`},
		{`["a"]`, `damage: no JSON record: no object`},
	} {
		o := options()
		o.Format = JSONL
		got := readText(t, o, c.line+"\n\n")
		if len(got) != 1 || show(&got[0]) != c.want {
			t.Errorf("%s: %s, want %s", c.line, show(&got[0]), c.want)
		}
	}
	got := readText(t, options(), "\xef\xbb\xbf"+`{"id":"a","time":"2026-11-22T20:23:19Z"}`+"\r\n"+`{"id":7,"time":"yesterday"}`)
	if len(got) != 2 || got[0].ID != "a" || got[1].ID != "7" || got[0].Client.At.IsZero() || !got[1].Client.At.IsZero() || got[1].Note == "" {
		t.Errorf("%+v", got)
	}
}

func TestBorderHop(t *testing.T) {
	const (
		store   = "Received: from mx.example.com (mx.example.com [192.0.2.25]) by store.example.com (Postfix) with ESMTP id 2; Mon, 2 Nov 2026 08:00:02 +0000\n"
		filter  = "Received: from localhost (localhost [127.0.0.1]) by mx.example.com (amavisd-new, port 10024) with ESMTP id 1; x\n"
		border  = "Received: from DiskStation (cpe.isp.example [203.0.113.7])\n\tby mx.example.com (Postfix) with ESMTP id 9A2; Tue, 3 Nov 2026 10:00:01 +0000\n"
		forged  = "Received: from good.example (good.example [192.0.2.1]) by mx.example.com (Postfix) with ESMTP id 7; x\n"
		imposes = "Received: from mx.example.com (cpe.isp.example [203.0.113.7]) by mx.example.com (Postfix) with ESMTP id 7; x\n"
		rest    = "From: a@example.net\nSubject: x\n\nbody\n"
	)
	device := `203.0.113.7 pass "cpe.isp.example" helo="DiskStation" from=? headers=`
	for _, c := range []struct{ name, text, want string }{
		{"first hop", border + rest, device + "2"},
		{"own hops above", store + filter + border + rest, device + "2"},
		{"what the client wrote below", store + border + forged + rest, device + "3"},
		{"a HELO with the own name is no own host", imposes + rest, `203.0.113.7 pass "cpe.isp.example" helo="mx.example.com" from=? headers=2`},
		{"Return-Path above", "Return-Path: <b@example.net>\n" + border + rest, `203.0.113.7 pass "cpe.isp.example" helo="DiskStation" from="b@example.net" headers=2`},
		{"Return-Path below", border + "Return-Path: <b@example.net>\n" + rest, device + "3"},
		{"null sender", "Return-Path: <>\n" + border + rest, `203.0.113.7 pass "cpe.isp.example" helo="DiskStation" from="" headers=2`},
		{"Message-ID of one's own MTA", border + "Message-ID: <20261103.9A2@mx.example.com>\n" + rest, device + "2"},
		{"Message-ID of the client", border + "Message-ID: <20261103.9A2@other.example>\n" + rest, device + "3"},
		{"no Received", rest, NoHop},
		{"own ones only", store + filter + rest, NoHop},
		{"one that is not understood", store + "Received: from who knows by mx.example.com; x\n" + border + rest, BadHop},
		{"NUL", border + "X: a\x00b\n" + rest, "damage: NUL bytes in the header"},
		{"8 bit", border + "Subject: \xe4\xf6\xfc\n\n", device + "1"},
		{"header too long", border + "X: " + strings.Repeat("x", 2*maxHeader) + "\n" + rest, "damage: " + longHeader},
		{"no header", "\n\nbody\n", "damage: no header"},
	} {
		o := options("mx.example.com")
		o.Format = EML
		got := readText(t, o, c.text)
		if len(got) != 1 || show(&got[0]) != c.want {
			t.Errorf("%s: %s, want %s", c.name, show(&got[0]), c.want)
		}
	}
}

func TestEarlierVerdictIsShown(t *testing.T) {
	const border = "Received: from a (b.example [203.0.113.7]) by mx.example.com (Postfix) with ESMTP id 1; x\n"
	for text, want := range map[string]string{
		"X-IoT-Spam: Suspect, class=access\n host=mx.example.com\n" + border: "suspect",
		"X-IoT-Spam: Yes, class=device host=other.example\n" + border:        "",
		border + "X-IoT-Spam: No, class=mailserver host=mx.example.com\n":    "",
		"X-IoT-Spam: Maybe, host=mx.example.com\n" + border:                  "",
	} {
		if got := readText(t, options(), text+"\n"); len(got) != 1 || got[0].Was != want {
			t.Errorf("%q: was %q, want %q", text, got[0].Was, want)
		}
	}
}

func TestMbox(t *testing.T) {
	got := read(t, options("mx.example.com"), "testdata/inbox.mbox")
	want := []string{
		`192.0.2.10 pass "mail.example.org" helo="mail.example.org" from="anna@example.org" headers=5`,
		`203.0.113.7 pass "cpe-203-0-113-7.dyn.isp.example" helo="DiskStation" from="alerts@example.net" headers=2`,
		BadHop,
	}
	compare(t, got, want)
	if got[0].Was != "no" || got[1].Place != "testdata/inbox.mbox:25" {
		t.Errorf("was %q, place %q", got[0].Was, got[1].Place)
	}
}

func compare(t *testing.T, got []Record, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d: %+v", len(got), len(want), got)
	}
	for i := range got {
		if show(&got[i]) != want[i] {
			t.Errorf("record %d: %s, want %s", i, show(&got[i]), want[i])
		}
	}
}

func TestMailLog(t *testing.T) {
	got := read(t, options(), "testdata/mail.log")
	berta := `203.0.113.7 pass "cpe-203-0-113-7.dyn.isp.example" helo=? from="berta@isp.example" headers=?`
	compare(t, got, []string{
		`192.0.2.10 pass "mail.example.org" helo=? from="anna@example.org" headers=?`, berta, berta,
		`198.51.100.77 permerror ? helo=? from="a@example.net" headers=?`,
		`198.51.100.9 pass "dsl-198-51-100-9.dyn.isp.example" helo=? from="carl@example.org" headers=?`, berta,
		`192.0.2.20 pass "mx2.example.net" helo=? from="" headers=?`,
		`203.0.113.99 fail "adsl-203-0-113-99.pool.isp.example" helo=? from="d@example.net" headers=?`,
	})
	if got[4].Envelope.AuthType == "" || got[4].Client.Server.Port() != 587 {
		t.Error("the submission is not known as one")
	}
}

// A time without a year is of the last such day; forged text is no client.
func TestMailLogLines(t *testing.T) {
	got := readText(t, options(), strings.Join([]string{
		"Dec 24 18:00:00 mx postfix/smtpd[1]: AAA1: client=a.example.org[192.0.2.1]",
		"Dec 24 18:00:01 mx postfix/qmgr[2]: AAA1: from=<x>, relay=evil.example [192.0.2.66]@example.org>, size=1, nrcpt=1",
		"Nov  2 08:00:00 mx postfix/smtpd[1]: AAA2: client=unknown[unknown]",
		"Nov  2 08:00:00 mx sm-mta[1]: BBB1: from=<x, relay=evil.example [192.0.2.66]>, size=1, relay=b.example.org [192.0.2.2]",
		"Nov  2 08:00:00 mx sm-mta[1]: BBB2: ruleset=check_rcpt, arg1=<a, relay=evil.example [192.0.2.66], reject=x>, relay=b.example.org [192.0.2.2], reject=550 5.7.1 no",
		"Nov  2 08:00:00 mx sm-mta[1]: BBB3: ruleset=check_relay, arg1=b, arg2=192.0.2.3, relay=c.example.org [192.0.2.3], reject=550 5.7.1 no",
		"Nov  2 08:00:01 mx postfix/smtpd[1]: AAA3: client=d.example.org[2001:db8::4]",
		"a line of another program",
	}, "\n"))
	compare(t, got, []string{
		`192.0.2.1 pass "a.example.org" helo=? from="x" headers=?`,
		`192.0.2.2 pass "b.example.org" helo=? from="x, relay=evil.example [192.0.2.66]" headers=?`,
		`192.0.2.3 pass "c.example.org" helo=? from=? headers=?`,
		`2001:db8::4 pass "d.example.org" helo=? from=? headers=?`,
	})
	if y := got[0].Client.At; y.Year() != 2025 || got[1].Client.At.Year() != 2026 {
		t.Errorf("years %v and %v", y, got[1].Client.At)
	}
}

func FuzzMailLog(f *testing.F) {
	data, err := os.ReadFile("testdata/mail.log")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		f.Add(line)
	}
	f.Add(`<22>1 2026-11-23T01:02:03Z mx postfix/smtpd 4711 - [a x="1\"]"][b@1 y="]"] 4A1: client=a.example.org[192.0.2.10]`)
	f.Fuzz(func(t *testing.T, line string) {
		o := options()
		o.Format, o.Stdin = Maillog, strings.NewReader(line)
		if err := o.Records(context.Background(), []string{"-"}, func(r *Record) error {
			if r.Damage == "" && !r.Client.Addr.IsValid() {
				t.Errorf("%q: a record without a client", line)
			}
			if r.Greeting.Name.Known() {
				t.Errorf("%q: HELO stands on refusals alone", line)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

func FuzzMbox(f *testing.F) {
	data, err := os.ReadFile("testdata/inbox.mbox")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []Format{Auto, Mbox, EML, JSONL} {
			o := options()
			o.Format, o.Stdin = format, bytes.NewReader(data)
			if err := o.Records(context.Background(), []string{"-"}, func(*Record) error { return nil }); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	message := "Received: from a (b.example [203.0.113.7]) by mx.example.com (Postfix) with ESMTP id 1; x\n\nbody\n"
	for path, text := range map[string]string{
		"box/cur/1:2,S": message, "box/new/2": message, "box/tmp/3": message, "box/.Sent/cur/4": message, "box/.Sent/new/5": message,
		"box/.Junk.2026/cur/6": message, "box/.Junk.2026/new/.keep": message, "box/Archive/2025/cur/7": packed(t, message), "box/Archive/2025/new/.x": "",
		"box/sieve/tmp/script": message, "box/dovecot-uidlist": "3 V1 N2",
		"mh/1": message, "mh/2": message, "mh/.mh_sequences": "cur: 2\n", "mh/inbox/1": message,
		"more/b.eml": message, "more/below/c.eml": message, "more/a.jsonl": `{"client_ip":"192.0.2.1"}`, "more/empty": "",
		"more/picture": "\x89PNG\r\n",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		path string
		want []string
	}{
		{"box", []string{"box/cur/1:2,S", "box/new/2", "box/.Junk.2026/cur/6", "box/Archive/2025/cur/7"}},
		{"mh", []string{"mh/1", "mh/2", "mh/inbox/1"}},
		{"more", []string{"more/a.jsonl:1", "more/b.eml", "more/below/c.eml", "more/picture damaged"}},
		{"absent", []string{"absent damaged"}},
	} {
		var places []string
		for _, r := range read(t, options(), filepath.Join(dir, c.path)) {
			place, _ := filepath.Rel(dir, r.Place)
			if r.Damage != "" {
				place += " damaged"
			}
			places = append(places, place)
		}
		if strings.Join(places, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s: %q, want %q", c.path, places, c.want)
		}
	}
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	io.WriteString(z, text)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What compresses is told from the content; what cannot be read says what to do.
func TestPacked(t *testing.T) {
	// {"client_ip":"192.0.2.1"} by bzip2
	const bz2 = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x12\x1c\x75\x1d\x00\x00\x0c\x5b\x80\x00\x10\x10\x01\x70\x30\x00\x00\x8a\x25\x44\x0a\x20\x00\x31\x4d\x32\x31\x31\x31\x08\x80\x36\xa0\x7a\x6a\x27\x29\xc3\x00\xc3\x54\xbd\x54\xcc\x78\xc5\x92\xcf\xc5\xdc\x91\x4e\x14\x24\x04\x87\x1d\x47\x40"
	for _, c := range []struct{ name, text, want string }{
		{"gzip", packed(t, `{"client_ip":"192.0.2.1"}`+"\n"), `192.0.2.1  ? helo=? from=? headers=?`},
		{"two in one", packed(t, `{"client_ip":"192.0.2.1"`) + packed(t, "}\n"), `192.0.2.1  ? helo=? from=? headers=?`},
		{"bzip2", bz2, `192.0.2.1  ? helo=? from=? headers=?`},
		{"bzip2, damaged", bz2[:40], "damage: the rest cannot be read"},
		{"zstd", "\x28\xb5\x2f\xfd....", "damage: compressed by zstd; hint: zstd -dc"},
		{"xz", "\xfd7zXZ\x00....", "damage: compressed by xz; hint: xz -dc"},
	} {
		o := options()
		o.Format = JSONL
		got := readText(t, o, c.text)
		if len(got) != 1 || !strings.HasPrefix(show(&got[0]), c.want) {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

// The beginnings that a line of a log can have.
func TestLogForms(t *testing.T) {
	const text = "4A1: client=mail.example.org[192.0.2.10]"
	for _, c := range []struct{ name, line, want string }{
		{"rsyslog's FileFormat", "2026-11-23T01:02:03.456789+01:00 mx postfix/smtpd[4711]: " + text, "2026-11-23T00:02:03Z 192.0.2.10"},
		{"UTC", "2026-11-23T01:02:03Z mx postfix/smtpd[4711]: " + text, "2026-11-23T01:02:03Z 192.0.2.10"},
		{"traditional", "Nov 21 01:02:03 mx postfix/smtpd[4711]: " + text, "2026-11-21T01:02:03Z 192.0.2.10"},
		{"traditional with priority", "<22>Nov  1 01:02:03 mx postfix/smtpd[4711]: " + text, "2026-11-01T01:02:03Z 192.0.2.10"},
		{"RFC 5424", "<134>1 2026-11-23T01:02:03.456Z mx postfix/smtpd 4711 - - " + text, "2026-11-23T01:02:03Z 192.0.2.10"},
		{"RFC 5424 without priority", "1 2026-11-23T01:02:03.456+00:00 mx postfix/smtpd 4711 ID47 -  " + text, "2026-11-23T01:02:03Z 192.0.2.10"},
		{"RFC 5424 with data", `<22>1 2026-11-23T01:02:03Z mx postfix/smtpd 4711 - [a x="1\"] 2\]"][b@1 y="]"] ` + "\xef\xbb\xbf" + text, "2026-11-23T01:02:03Z 192.0.2.10"},
		{"RFC 5424 without a time", "<22>1 - mx postfix/smtpd 4711 - - " + text, "- 192.0.2.10"},
		{"Sendmail in RFC 5424", "<22>1 2026-11-23T01:02:03Z mx sm-mta 4711 - - x1: from=<a@example.org>, size=1, relay=mail.example.org [192.0.2.10]", "2026-11-23T01:02:03Z 192.0.2.10"},
		{"another version", "<22>2 2026-11-23T01:02:03Z mx postfix/smtpd 4711 - - " + text, ""},
		{"open data", "<22>1 2026-11-23T01:02:03Z mx postfix/smtpd 4711 - [a x=\"" + text, ""},
		{"a number", "1 2 3 4 5 6 7 " + text, ""},
	} {
		o := options()
		got := readText(t, o, c.line+"\n")
		shown := ""
		for _, r := range got {
			if r.Damage == "" {
				at := "-"
				if !r.Client.At.IsZero() {
					at = r.Client.At.UTC().Format(time.RFC3339)
				}
				shown += at + " " + policy.AddrText(r.Client.Addr)
			}
		}
		if len(got) != 1 || shown != c.want {
			t.Errorf("%s: %q %+v, want %s", c.name, shown, got, c.want)
		}
	}
}

func TestTruncatedGzip(t *testing.T) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	for i := range 5000 {
		fmt.Fprintf(z, `{"id":"%d","client_ip":"192.0.2.%d"}`+"\n", i*7919, i%256)
	}
	z.Close()
	got := readText(t, options(), out.String())
	if len(got) != 5000 {
		t.Errorf("%d records of a whole file", len(got))
	}
	got = readText(t, options(), out.String()[:out.Len()/2])
	if last := got[len(got)-1]; len(got) < 1000 || !strings.Contains(last.Damage, "ends too early") || !strings.HasPrefix(last.Place, "-:") {
		t.Errorf("%d records, the last %+v", len(got), last)
	}
}

func TestRecordsEndsEarly(t *testing.T) {
	o := options()
	o.Stdin = strings.NewReader(strings.Repeat(`{"client_ip":"192.0.2.1"}`+"\n", 100_000))
	enough := errors.New("enough")
	n := 0
	err := o.Records(context.Background(), []string{"-"}, func(*Record) error {
		if n++; n == 1000 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 1000 {
		t.Errorf("%v after %d", err, n)
	}
}

// endless gives the same bytes again and again, up to n.
type endless struct {
	text string
	n    int
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), e.n)], e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	e.n -= n
	return n, nil
}
