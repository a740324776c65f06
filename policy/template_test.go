package policy

import "testing"

func templateOf(helo string, fields ...string) Template {
	return observed{helo: helo, headers: fields}.facts().Template()
}

func TestTemplate(t *testing.T) {
	base := []string{"From: a@example.org", "To: b@example.net", "Subject: Your order 4711 is ready", "Date: Mon, 1 Jun 2026 10:00:00 +0000",
		"Message-ID: <000001c7$8a3b$01@pc1>", "X-Mailer: Microsoft Outlook Express 6.00.2900"}
	with := func(i int, field string) []string {
		out := append([]string(nil), base...)
		out[i] = field
		return out
	}
	want := templateOf("pc1", base...)
	for what, tt := range map[string]struct {
		helo         string
		fields       []string
		loose, exact bool
	}{
		"the same again":           {"pc1", base, true, true},
		"another sender":           {"pc1", with(0, "From: c@example.com"), true, true},
		"another number":           {"pc1", with(2, "Subject: Your order 12 is ready!"), true, true},
		"another date":             {"pc1", with(3, "Date: Tue, 2 Jun 2026 10:00:00 +0200"), true, true},
		"another ID":               {"pc1", with(4, "Message-ID: <000002d8$ffff$99@anna>"), true, true},
		"another one-word HELO":    {"anna-pc", base, true, true},
		"another spelling":         {"pc1", with(1, "TO: b@example.net"), true, true},
		"a trace":                  {"pc1", append([]string{"Received: from a by b"}, base...), true, true},
		"a newer mailer":           {"pc1", with(5, "X-Mailer: Microsoft Outlook Express 6.00.3000"), true, true},
		"another subject":          {"pc1", with(2, "Subject: Cheap watches"), true, false},
		"no subject":               {"pc1", append(append([]string(nil), base[:2]...), base[3:]...), false, false},
		"another mailer":           {"pc1", with(5, "X-Mailer: The Bat!"), false, false},
		"another order":            {"pc1", append([]string{base[1], base[0]}, base[2:]...), false, false},
		"an ID of another shape":   {"pc1", with(4, "Message-ID: <000001c7.8a3b.01@pc1>"), false, false},
		"an ID with a host's name": {"pc1", with(4, "Message-ID: <000001c7$8a3b$01@pc1.example.org>"), false, false},
		"a greeting with a name":   {"mail.example.org", base, false, false},
		"a device's greeting":      {"DiskStation", base, false, false},
	} {
		got := templateOf(tt.helo, tt.fields...)
		if (got.Loose == want.Loose) != tt.loose || (got.Exact == want.Exact) != tt.exact {
			t.Errorf("%s: loose %v, exact %v", what, got.Loose == want.Loose, got.Exact == want.Exact)
		}
	}
	if got := templateOf("pc1", base[:2]...); got.Exact != 0 || got.Loose == 0 {
		t.Errorf("without a subject: %+v", got)
	}
	if got := (observed{helo: "pc1"}).facts().Template(); got != (Template{}) {
		t.Errorf("without a header: %+v", got)
	}
}

func BenchmarkTemplate(b *testing.B) {
	f := observed{helo: "pc1", headers: []string{"From: a@example.org", "Subject: Your order 4711 is ready",
		"Message-ID: <000001c7$8a3b$01@pc1>", "X-Mailer: Microsoft Outlook Express 6.00.2900"}}.facts()
	b.ReportAllocs()
	for b.Loop() {
		f.Template()
	}
}
