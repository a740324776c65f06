package policy_test

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// quiet takes what a decider tells and keeps nothing.
type quiet struct{}

func (quiet) Record(*policy.Record) {}
func (quiet) FailOpen(string)       {}
func (quiet) NamesSuspended(bool)   {}
func (quiet) ClientHidden(bool)     {}
func (quiet) LimitedBystander()     {}
func (quiet) CampaignBegan()        {}
func (quiet) CampaignMessage()      {}

func quietly(t testing.TB, s *decider.Settings) *decider.Decider {
	memory, err := state.New(state.Options{Entries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return decider.New(decider.Options{
		Recorder: quiet{}, Meter: quiet{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now, State: memory,
	}, s)
}

// fields is a header of a usual length.
var fields = func() (out [][2][]byte) {
	for _, f := range [][2]string{
		{"Return-Path", "<a@example.org>"}, {"Received", "from a by b"}, {"Received", "from c by a"}, {"From", "A <a@example.org>"},
		{"To", "u@example.test"}, {"Subject", "minutes of Thursday"}, {"Date", "Sun, 22 Nov 2026 20:00:00 +0000"},
		{"Message-ID", "<1@example.org>"}, {"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "8bit"}, {"DKIM-Signature", "v=1; a=rsa-sha256; d=example.org; s=a; b=x"},
		{"List-Id", "<l.example.org>"}, {"List-Unsubscribe", "<mailto:l@example.org>"}, {"Precedence", "list"},
		{"X-Spam-Status", "No"}, {"In-Reply-To", "<0@example.org>"}, {"References", "<0@example.org>"}, {"Reply-To", "a@example.org"},
		{"X-Mailer", "Mutt"},
	} {
		out = append(out, [2][]byte{[]byte(f[0]), []byte(f[1])})
	}
	return out
}()

// whole plays a connection with one message, from CONNECT to its end.
func whole(d *decider.Decider, c policy.Client, name string, h *policy.Headers) {
	k := d.Open(c)
	k.Greeting(helo(name))
	k.Sender(sender("a@example.org"))
	k.Recipient(background, "u@example.test")
	h.Reset("")
	for i := range fields {
		h.Add(fields[i][0], fields[i][1])
	}
	k.Message(background, "4F2A1", h)
	k.End(policy.EndEOM)
}

// next plays one more message of a connection.
func next(k policy.Case, h *policy.Headers) {
	k.Sender(sender("a@example.org"))
	k.Recipient(background, "u@example.test")
	h.Reset("")
	for i := range fields {
		h.Add(fields[i][0], fields[i][1])
	}
	k.Message(background, "4F2A1", h)
	k.End(policy.EndEOM)
}

var clients = map[string]struct {
	client policy.Client
	helo   string
	most   float64 // allocations of a connection with one message
}{
	"mailserver": {client(server), serverName, 10},
	"device":     {client(nil), "DiskStation", 18}, // its sender is asked about and noted
	"exempt":     {client(func(c *policy.Client) { c.Unix = true }), "localhost", 7},
}

// TestAllocations pins what a warm connection with one message of twenty header
// fields costs. The interesting fields are four copies; then come the case and
// its findings, the message's id, two parsed names and the header value.
func TestAllocations(t *testing.T) {
	for name, tt := range clients {
		d, h := quietly(t, defaults()), new(policy.Headers)
		n := testing.AllocsPerRun(200, func() { whole(d, tt.client, tt.helo, h) })
		t.Logf("%s: %v allocations", name, n)
		if n > tt.most {
			t.Errorf("%s: %v allocations, at most %v", name, n, tt.most)
		}
	}
	d, h := quietly(t, defaults()), new(policy.Headers)
	k := d.Open(client(server))
	k.Greeting(helo(serverName))
	n := testing.AllocsPerRun(200, func() { next(k, h) })
	t.Logf("another message: %v allocations", n)
	if n > 7 {
		t.Errorf("another message of a connection: %v allocations, at most 7", n)
	}
}

// TestAllocationsOfLimits pins what two limits and a refused recipient's try cost the client
// that they touch, on a connection of many messages: names of networks, and a reply.
func TestAllocationsOfLimits(t *testing.T) {
	for burst, most := range map[int]float64{100_000: 13, 1: 24} {
		s := enforcing()
		s.Limits[0].Rate.Burst, s.Limits[0].RefuseAfter = burst, 1000
		s.Limits = append(s.Limits, s.Limits[0])
		s.Limits[1].Name, s.Limits[1].Keys, s.Limits[1].Recipients = "second", []decider.LimitKey{decider.KeyHELO}, true
		k := quietly(t, s).Open(client(nil))
		k.Greeting(helo("user-pc"))
		n := testing.AllocsPerRun(200, func() {
			k.Sender(sender("a@example.org"))
			if v := k.Recipient(background, "u@example.test"); v.Refuses() {
				k.End(policy.EndAbort)
				return
			}
			k.Message(background, "4F2A1", nil)
			k.End(policy.EndEOM)
		})
		t.Logf("burst %d: %v allocations", burst, n)
		if n > most {
			t.Errorf("burst %d: %v allocations, at most %v", burst, n, most)
		}
	}
}

// TestHeadersAllocate nothing for a field that no signal reads.
func TestHeadersAllocate(t *testing.T) {
	h := new(policy.Headers)
	h.Reset("mx.example.test")
	for _, f := range [][2]string{{"Subject", "x"}, {"Received", "from a by b"}, {"List-Id", "<l>"}, {"X-Spam-Flag", "NO"},
		{"ARC-Authentication-Results", "i=1; x"}, {"Authentication-Results", "y; spf=pass"}} {
		name, value := []byte(f[0]), []byte(f[1])
		if n := testing.AllocsPerRun(100, func() { h.Add(name, value) }); n > 0 {
			t.Errorf("%s: %v allocations", f[0], n)
		}
	}
}

// BenchmarkHeaders is one field of a message's header, on average.
func BenchmarkHeaders(b *testing.B) {
	h := new(policy.Headers)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f := &fields[i%len(fields)]
		if i%len(fields) == 0 {
			h.Reset("")
		}
		h.Add(f[0], f[1])
	}
}

func BenchmarkMessage(b *testing.B) {
	for _, name := range []string{"mailserver", "device", "exempt"} {
		tt := clients[name]
		b.Run(name, func(b *testing.B) {
			d, h := quietly(b, defaults()), new(policy.Headers)
			b.ReportAllocs()
			for b.Loop() {
				whole(d, tt.client, tt.helo, h)
			}
		})
	}
	b.Run("next", func(b *testing.B) {
		d, h := quietly(b, defaults()), new(policy.Headers)
		k := d.Open(client(server))
		k.Greeting(helo(serverName))
		b.ReportAllocs()
		for b.Loop() {
			next(k, h)
		}
	})
}
