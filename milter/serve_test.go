package milter_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// filter is a milter server with the real decider behind it.
type filter struct {
	t      testing.TB
	server *milter.Server
	path   string
	meter  *meter

	mu        sync.Mutex
	decisions []policy.Decision
}

// Record implements policy.Recorder.
func (f *filter) Record(r *policy.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.decisions = append(f.decisions, r.Decision())
}

// recorded returns the decisions so far, once there are n of them.
func (f *filter) recorded(n int) []policy.Decision {
	f.t.Helper()
	f.eventually("decisions", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.decisions) >= n
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.decisions) != n {
		f.t.Fatalf("%d decisions, want %d: %+v", len(f.decisions), n, f.decisions)
	}
	return f.decisions
}

func (f *filter) eventually(what string, ok func() bool) {
	f.t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.t.Fatalf("%s: not within 5 s", what)
}

type meter struct {
	mu       sync.Mutex
	events   map[milter.Event]int
	failOpen int
	open     atomic.Int64
}

func (m *meter) Event(e milter.Event) { m.mu.Lock(); m.events[e]++; m.mu.Unlock() }
func (m *meter) Sessions(d int)       { m.open.Add(int64(d)) }
func (m *meter) FailOpen(string)      { m.mu.Lock(); m.failOpen++; m.mu.Unlock() }
func (m *meter) NamesSuspended(bool)  {}
func (m *meter) ClientHidden(bool)    {}
func (m *meter) LimitedBystander()    {}
func (m *meter) CampaignBegan()       {}
func (m *meter) CampaignMessage()     {}

func (m *meter) count(e milter.Event) int { m.mu.Lock(); defer m.mu.Unlock(); return m.events[e] }

// settings are the contract's defaults, with documentation addresses judged.
func settings(mode policy.Mode) *decider.Settings {
	return &decider.Settings{
		Rules: policy.Rules{
			Mode: mode, EnforceAt: policy.StageRcpt,
			Prior: policy.PerClass{policy.ClassMailserver: .6, policy.ClassHosting: .05, policy.ClassBusiness: .05,
				policy.ClassAccess: .25, policy.ClassDevice: .05},
			Thresholds: policy.Thresholds{Device: .9, Access: .95},
			Device:     policy.ActionReject, Access: policy.ActionTag,
			Exempt: policy.Exempt{
				Authenticated: true, Daemons: []string{"ORIGINATING"}, Ports: []uint16{465, 587},
				Networks:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")},
				Relays:     []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
				Recipients: []string{"postmaster", "abuse"},
			},
			Replies: policy.Replies{
				Reject: "550 5.7.1 Mail from this kind of host is not accepted [id={id}] {contact}",
				Limit:  "451 4.7.1 Too much mail from this kind of host, try again later [id={id}] {contact}",
			},
		},
		DeferDelay: 5 * time.Minute, DeferKeep: 24 * time.Hour, Deadline: time.Second,
	}
}

// options are for tests that need another decider or other limits.
type options struct {
	settings *decider.Settings
	wrap     func(policy.Decider) policy.Decider
	limits   milter.Limits
	listener func(net.Listener) net.Listener
}

func start(t testing.TB, o options) *filter {
	t.Helper()
	f := &filter{t: t, meter: &meter{events: map[milter.Event]int{}}}
	memory, err := state.New(state.Options{Entries: 100})
	if err != nil {
		t.Fatal(err)
	}
	if o.settings == nil {
		o.settings = settings(policy.ModeTag)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	var d policy.Decider = decider.New(decider.Options{Recorder: f, Meter: f.meter, Log: log, Now: time.Now, State: memory}, o.settings)
	if o.wrap != nil {
		d = o.wrap(d)
	}
	if o.limits.Sessions == 0 {
		o.limits.Sessions = 2000
	}
	if o.limits.Idle == 0 {
		o.limits.Idle = time.Minute
	}
	if o.limits.Frame == 0 {
		o.limits.Frame = 5 * time.Second
	}
	var id atomic.Int64
	f.server = milter.New(milter.Options{
		Decider: d, Log: log, Meter: f.meter, Limits: o.limits, Now: time.Now,
		NewID: func() string { return "s" + strconv.FormatInt(id.Add(1), 10) },
	})
	f.path = filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", f.path)
	if err != nil {
		t.Fatal(err)
	}
	if o.listener != nil {
		l = o.listener(l)
	}
	done := make(chan error, 1)
	go func() { done <- f.server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		f.server.Shutdown(ctx)
		if err := <-done; !errors.Is(err, milter.ErrClosed) {
			t.Errorf("Serve: %v, want %v", err, milter.ErrClosed)
		}
		if n := f.meter.open.Load(); n != 0 {
			t.Errorf("%d sessions are counted as open after Shutdown", n)
		}
	})
	return f
}

func (f *filter) dial() *mtascript.Conn {
	f.t.Helper()
	c, err := mtascript.Dial("unix", f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	c.Settle = 3 * time.Millisecond // finds a stray answer at its stage
	return c
}

// run plays a session that must go well for the MTA.
func (f *filter) run(s mtascript.Session) *mtascript.Transcript {
	f.t.Helper()
	tr, err := s.Run(f.dial())
	if err != nil {
		f.t.Fatalf("%s: %v", s.MTA, err)
	}
	return tr
}

// The three clients of the documentation.
var (
	server = mtascript.Client{Host: "mx1.example.org", Port: 40000, Addr: "192.0.2.10"}
	line   = mtascript.Client{Host: "cpe-203-0-113-7.dyn.isp.example", Port: 40001, Addr: "203.0.113.7"}
)

func from(mta mtascript.MTA, c mtascript.Client, helo string, messages ...mtascript.Message) mtascript.Session {
	if len(messages) == 0 {
		messages = []mtascript.Message{mail("a@example.org", "user@example.test")}
	}
	s := mtascript.Session{MTA: mta, Client: c, Helo: helo, Messages: messages}
	s.Macros = mtascript.StandardMacros(mta, c)
	s.Macros["j"] = "mx.example.test"
	return s
}

func mail(from string, rcpts ...string) mtascript.Message {
	return mtascript.Message{
		From: from, Rcpts: rcpts, Body: []byte("text\r\n"),
		Headers: []mtascript.Header{
			{Name: "Received", Value: "from a.example.org by b.example.org; Sun, 22 Nov 2026 20:00:00 +0000"},
			{Name: "From", Value: "A <a@example.org>"}, {Name: "Date", Value: "Sun, 22 Nov 2026 20:00:00 +0000"},
			{Name: "Message-ID", Value: "<1@a.example.org>"}, {Name: "Subject", Value: "test"},
		},
	}
}

// marks returns the X-IoT-Spam fields of a delivered message.
func marks(o mtascript.Outcome) (values []string) {
	for _, h := range o.Headers {
		if h.Name == policy.HeaderName {
			values = append(values, h.Value)
		}
	}
	return values
}

func both(t *testing.T, test func(t *testing.T, mta mtascript.MTA)) {
	for _, mta := range []mtascript.MTA{mtascript.Postfix, mtascript.Sendmail} {
		t.Run(mta.String(), func(t *testing.T) { test(t, mta) })
	}
}
