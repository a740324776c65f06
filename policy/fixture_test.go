package policy_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
)

const mta = "mx.example.test"

// began is when the tests' first connection is seen.
var began = time.Date(2026, 11, 22, 20, 23, 19, 0, time.UTC)

// The names of the documents' clients.
const (
	lineName   = "cpe-203-0-113-7.dyn.isp.example"
	serverName = "mail.example.org"
)

// defaults are the configuration's, which is in mode tag.
func defaults() *decider.Settings {
	return &decider.Settings{
		Rules: policy.Rules{
			Mode: policy.ModeTag, EnforceAt: policy.StageRcpt,
			Prior: policy.PerClass{policy.ClassMailserver: .6, policy.ClassHosting: .05, policy.ClassBusiness: .05,
				policy.ClassAccess: .25, policy.ClassDevice: .05},
			Thresholds: policy.Thresholds{Device: .9, Access: .95},
			Device:     policy.ActionReject, Access: policy.ActionLimit,
			Kinds: map[device.Kind]policy.Action{device.Printer: policy.ActionTag},
			Exempt: policy.Exempt{
				Authenticated: true, Daemons: []string{"ORIGINATING", "MSA", "TLSMSA"}, Ports: []uint16{465, 587},
				Networks: prefixes("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
					"169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"),
				Relays:     prefixes("127.0.0.0/8", "::1/128"),
				Recipients: []string{"postmaster", "abuse"},
			},
			Replies: policy.Replies{
				Reject: "550 5.7.1 Mail from this kind of host is not accepted [id={id}] {contact}",
				Limit:  "451 4.7.1 Too much mail from this kind of host, try again later [id={id}] {contact}",
			},
		},
		Limits: []decider.Limit{{
			Name: "suspects-by-network", Classes: []policy.Class{policy.ClassAccess, policy.ClassDevice},
			Keys: []decider.LimitKey{decider.KeyPrefix}, Rate: state.Rate{Count: 20, Per: time.Hour, Burst: 5},
		}},
		DeferDelay: 5 * time.Minute, DeferKeep: 35 * 24 * time.Hour, Deadline: 50 * time.Millisecond,
	}
}

func enforcing() *decider.Settings {
	s := defaults()
	s.Rules.Mode = policy.ModeEnforce
	return s
}

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// world is a decider and what it told others.
type world struct {
	*decider.Decider
	meter   meter
	mu      sync.Mutex
	lines   []policy.Decision
	log     strings.Builder
	elapsed time.Duration // of own work: each look at the clock takes a millisecond
}

type meter struct {
	sync.Mutex
	failOpen  map[string]int
	suspended []bool
	hidden    []bool
	bystander int
	campaigns int
	hits      int
}

func (m *meter) FailOpen(cause string)  { m.Lock(); m.failOpen[cause]++; m.Unlock() }
func (m *meter) NamesSuspended(on bool) { m.Lock(); m.suspended = append(m.suspended, on); m.Unlock() }
func (m *meter) ClientHidden(on bool)   { m.Lock(); m.hidden = append(m.hidden, on); m.Unlock() }
func (m *meter) CampaignBegan()         { m.Lock(); m.campaigns++; m.Unlock() }
func (m *meter) CampaignMessage()       { m.Lock(); m.hits++; m.Unlock() }
func (m *meter) LimitedBystander()      { m.Lock(); m.bystander++; m.Unlock() }

func (w *world) Record(r *policy.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, r.Decision())
}

// taken returns the lines since the last call.
func (w *world) taken() []policy.Decision {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.lines
	w.lines = nil
	return lines
}

// Write takes the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

var _ io.Writer = (*world)(nil)

func newWorld(t testing.TB, s *decider.Settings, e policy.Evidence) *world {
	t.Helper()
	return newWorldOf(t, s, e, 1000)
}

func newWorldOf(t testing.TB, s *decider.Settings, e policy.Evidence, entries int) *world {
	t.Helper()
	return newWorldWith(t, s, e, func(o *decider.Options) {
		memory, err := state.New(state.Options{Entries: entries})
		if err != nil {
			t.Fatal(err)
		}
		o.State = memory
	})
}

func newWorldWith(t testing.TB, s *decider.Settings, e policy.Evidence, change func(*decider.Options)) *world {
	t.Helper()
	if e != nil {
		s.Evidence = e
	}
	memory, err := state.New(state.Options{Entries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{meter: meter{failOpen: map[string]int{}}}
	o := decider.Options{Recorder: w, Meter: &w.meter, Log: slog.New(slog.NewTextHandler(w, nil)), Now: w.now, State: memory}
	change(&o)
	w.Decider = decider.New(o, s)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.elapsed += time.Millisecond
	return began.Add(w.elapsed)
}

// client is a connection of the contract's example, changed by f.
func client(f func(*policy.Client)) policy.Client {
	c := policy.Client{
		At: began, Session: "s1", MTA: mta, Addr: netip.MustParseAddr("203.0.113.7"), Port: 40123,
		Server: netip.MustParseAddrPort("192.0.2.25:25"), Name: policy.Seen(lineName), Iprev: policy.IprevPass,
	}
	if f != nil {
		f(&c)
	}
	return c
}

func server(c *policy.Client) {
	c.Addr, c.Name = netip.MustParseAddr("192.0.2.80"), policy.Seen(serverName)
}

func helo(name string) policy.Greeting { return policy.Greeting{Name: policy.Seen(name)} }

func sender(from string) policy.Envelope { return policy.Envelope{From: policy.Seen(from)} }

// header makes the header of a message from lines "Name: value".
func header(lines ...string) *policy.Headers {
	h := new(policy.Headers)
	h.Reset("")
	addTo(h, lines)
	return h
}

func addTo(h *policy.Headers, lines []string) {
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		h.Add([]byte(name), []byte(strings.TrimPrefix(value, " ")))
	}
}

// plain is the header of a message without findings.
func plain() *policy.Headers {
	return header("Received: from a by b", "From: a@example.org", "Date: Sun, 22 Nov 2026 20:00:00 +0000", "Message-ID: <1@example.org>")
}

// stub is evidence that is there at once, or never when block is set.
type stub struct {
	found   policy.Found
	ptr     policy.Text // of an own look-up, where iprev is known
	iprev   policy.Iprev
	block   bool
	awaited int
	senders int // how often the sender's domain was asked about
	flagged int // how often a suspect was told of
	closed  int
}

func (s *stub) Start(policy.Client) policy.Lookups { return s }
func (s *stub) Greeting(policy.Greeting)           {}
func (s *stub) Sender(policy.Envelope)             { s.senders++ }
func (s *stub) Close()                             { s.closed++ }

func (s *stub) Judged(_ *policy.Facts, j *policy.Judgement) {
	if j.Flag != policy.FlagNo {
		s.flagged++
	}
}

func (s *stub) Await(ctx context.Context, f *policy.Facts) error {
	if ctx.Err() == nil {
		s.awaited++
	}
	if s.block {
		<-ctx.Done()
		return ctx.Err()
	}
	f.Found = s.found
	if s.iprev != policy.IprevUnknown {
		f.Client.Name, f.Client.Iprev = s.ptr, s.iprev
	}
	return nil
}
