package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// behind is all that the daemon has behind the milter protocol, with its default
// configuration but for the resolver.
type behind struct{ decider *decider.Decider }

const behindZone = `
80.2.0.192.in-addr.arpa 86400 PTR mail.example.org.
mail.example.org 86400 A 192.0.2.80
7.113.0.203.in-addr.arpa 86400 PTR cpe-203-0-113-7.dyn.isp.example.
cpe-203-0-113-7.dyn.isp.example 86400 A 203.0.113.7
example.org 86400 MX 10 mail.example.org.
example.org 86400 TXT "v=spf1 ip4:192.0.2.80 -all"
`

func openBehind(tb testing.TB) *behind {
	tb.Helper()
	dns, err := dnstest.Start("")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(dns.Close)
	if err := dns.Set(behindZone); err != nil {
		tb.Fatal(err)
	}
	c, _, err := conf.Parse("", fmt.Appendf(nil, "state_dir = %q\n[dns]\nservers = [%q]\n", tb.TempDir(), dns.Addr()))
	if err != nil {
		tb.Fatal(err)
	}
	metrics := obs.NewMetrics("test")
	lines := obs.NewLines(io.Discard, metrics.LogDropped)
	tb.Cleanup(func() { lines.Close() })
	log := obs.NewLog(lines, false, slog.LevelInfo)
	memory, err := openMemory(c, log, metrics)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(memory.close)
	sources, errs := OpenSources(c, SourceOptions{Log: log, Metrics: metrics, Facts: evidence.NewFacts(memory.facts(), time.Now)})
	if len(errs) > 0 { // the kernel may not be asked everywhere
		tb.Log(errs)
	}
	tb.Cleanup(sources.Close)
	e := openEvents(c, admin.NewTop(&obs.Recorder{Log: log, Metrics: metrics}, time.Now), memory.state(), log, metrics)
	tb.Cleanup(e.close)
	settings := Settings(c)
	settings.Evidence = sources.evidence()
	return &behind{decider.New(decider.Options{Recorder: e.addresses, Meter: metrics, Log: log, Now: time.Now, State: memory.state()}, settings)}
}

// session is one of one message, of a client that the MTA told this of.
func (b *behind) session(client policy.Client, helo string, headers *policy.Headers) {
	client.At = time.Now()
	c := b.decider.Open(client)
	c.Greeting(policy.Greeting{Name: policy.Seen(helo)})
	c.Sender(policy.Envelope{From: policy.Seen("a@example.org")})
	c.Recipient(context.Background(), "u@example.test")
	c.Message(context.Background(), "4F2A1", headers)
	c.End(policy.EndEOM)
	c.Close()
}

// BenchmarkDecision is a warm session of one message in all that the daemon has behind
// the milter protocol: facts in hand, all default signals, class, verdict and header, log
// line, metrics and history.
func BenchmarkDecision(b *testing.B) {
	behind := openBehind(b)
	headers := new(policy.Headers)
	for _, h := range [][2]string{
		{"Received", "from a.example.org (a.example.org [192.0.2.81])\n\tby mail.example.org with ESMTPS id 4F2A0"},
		{"DKIM-Signature", "v=1; a=rsa-sha256; d=example.org; s=a; h=from; bh=x; b=x"}, {"From", "A <a@example.org>"}, {"To", "u@example.test"},
		{"Subject", "Minutes of Thursday"}, {"Date", "Sun, 22 Nov 2026 20:00:00 +0000"}, {"Message-ID", "<1@example.org>"}, {"MIME-Version", "1.0"},
	} {
		headers.Add([]byte(h[0]), []byte(h[1]))
	}
	for _, c := range []struct{ name, addr, ptr, helo string }{
		{"mailserver", "192.0.2.80", "mail.example.org", "mail.example.org"},
		{"helo", "192.0.2.80", "mail.example.org", "example.org"},
		{"device", "203.0.113.7", "cpe-203-0-113-7.dyn.isp.example", "DiskStation"},
	} {
		client := policy.Client{
			Session: "k7m2x9q4t8ab", MTA: "mx.example.test", Addr: netip.MustParseAddr(c.addr), Port: 4000,
			Server: netip.MustParseAddrPort("192.0.2.1:25"), Name: policy.Seen(c.ptr), Iprev: policy.IprevPass,
		}
		b.Run(c.name, func(b *testing.B) {
			for range 100 {
				behind.session(client, c.helo, headers)
			}
			time.Sleep(100 * time.Millisecond) // look-ups
			b.ReportAllocs()
			for b.Loop() {
				behind.session(client, c.helo, headers)
			}
		})
	}
}
