package replay

import (
	"context"
	"io"
	"runtime"
	"strings"
	"testing"
)

// TestMemoryIsBounded reads what is far larger than it may take: a body of 64 MiB,
// one line, one header and one line of JSON of that size, and many
// messages of a log whose sender never comes.
func TestMemoryIsBounded(t *testing.T) {
	const size, limit = 64 << 20, 40 << 20
	head := "From a@example.org Mon Nov  2 08:00:02 2026\nReceived: from a (b.example [203.0.113.7]) by mx.example.com (Postfix) with ESMTP id 1; x\n"
	for _, c := range []struct {
		name   string
		format Format
		in     io.Reader
	}{
		{"body", Mbox, io.MultiReader(strings.NewReader(head+"\n"), &endless{text: "a line of a body\n", n: size})},
		{"line", Mbox, io.MultiReader(strings.NewReader(head+"\n"), &endless{text: "x", n: size})},
		{"header", Mbox, io.MultiReader(strings.NewReader(head), &endless{text: "X-A: " + strings.Repeat("x", 900) + "\n", n: size})},
		{"header line", EML, io.MultiReader(strings.NewReader(head+"X-A: "), &endless{text: "x", n: size})},
		{"JSON line", JSONL, io.MultiReader(strings.NewReader(`{"helo":"`), &endless{text: "x", n: size})},
		{"long JSON lines", JSONL, &endless{text: `{"helo":"` + strings.Repeat("x", 1<<20) + `"}` + "\n", n: size}},
		{"records", JSONL, &endless{text: `{"client_ip":"192.0.2.1","helo":"a"}` + "\n", n: size / 16}},
		{"log", Maillog, &endless{text: logLines(30_000), n: size / 16}},
	} {
		o := options()
		o.Format, o.Stdin, o.Bodies = c.format, c.in, true
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		most, n := uint64(0), 0
		err := o.Records(context.Background(), []string{"-"}, func(*Record) error {
			if n++; n%20_000 == 1 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
			}
			return nil
		})
		if err != nil || n == 0 || most > limit {
			t.Errorf("%s: %d records, %d bytes, %v", c.name, n, most, err)
		}
	}
}

func logLines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("Nov  2 08:00:00 mx postfix/smtpd[1]: A" + itoa(i) + ": client=a.example.org[192.0.2.1]\n")
	}
	return b.String()
}

// BenchmarkRecords is reading only; the whole is measured on the command line.
func BenchmarkRecords(b *testing.B) {
	line := `{"id":"1","client_ip":"203.0.113.7","client_name":"cpe-203-0-113-7.dyn.isp.example","helo":"DiskStation","mail_from":"a@example.org","headers":[["Date","Mon, 2 Nov 2026 08:00:00 +0000"],["Subject","` + strings.Repeat("x", 500) + `"]]}` + "\n"
	o := options()
	o.Format, o.Stdin = JSONL, &endless{text: line, n: b.N * len(line)}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	if err := o.Records(context.Background(), []string{"-"}, func(*Record) error { return nil }); err != nil {
		b.Fatal(err)
	}
}
