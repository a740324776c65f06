package milter

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// FuzzOffer: whatever is offered, no more is agreed, and nothing that was not
// wished.
func FuzzOffer(f *testing.F) {
	f.Add(uint32(6), uint32(0x1ff), uint32(0x1fffff), byte(0xff))
	f.Add(uint32(2), uint32(0x3f), uint32(0x7f), byte(0))
	f.Fuzz(func(t *testing.T, version, actions, protocol uint32, wish byte) {
		frame := []byte{0, 0, 0, 13, 'O'}
		for _, v := range []uint32{version, actions, protocol} {
			frame = binary.BigEndian.AppendUint32(frame, v)
		}
		o, err := parseOffer(frame)
		if err != nil {
			if version >= minVersion {
				t.Fatalf("version %d: %v", version, err)
			}
			return
		}
		w := policy.Wishes{Earliest: policy.Stage(wish % 4), Mark: wish&4 != 0, Quarantine: wish&8 != 0, AuthResult: wish&16 != 0, Body: wish&32 != 0}
		a := agree(o, w)
		if uint32(a.actions)&^actions != 0 || uint32(a.protocol)&^protocol != 0 {
			t.Errorf("offered %x %x, agreed %x %x", actions, protocol, a.actions, a.protocol)
		}
		if a.silent(w.Earliest) {
			t.Errorf("stage %s may be enforced and is silent", w.Earliest)
		}
		const never = gomilter.OptNoDataReply | gomilter.OptNoRcptReply | gomilter.OptNoConnect | gomilter.OptNoHelo |
			gomilter.OptNoMailFrom | gomilter.OptNoRcptTo | gomilter.OptNoHeaders | gomilter.OptNoEOH
		if a.protocol&never != 0 {
			t.Errorf("agreed %x", a.protocol)
		}
		if w.Body && a.protocol&gomilter.OptNoBody != 0 || !w.Body && protocol&^uint32(a.protocol)&uint32(gomilter.OptNoBody) != 0 {
			t.Errorf("bodies wished %v, agreed %x", w.Body, a.protocol)
		}
		if a.macros != (a.actions&gomilter.OptSetSymList != 0) {
			t.Error("a macro list without its action, or the other way round")
		}
		a.lacking(w)
	})
}

type deaf struct{}

func (deaf) Event(Event)           {}
func (deaf) Sessions(int)          {}
func (deaf) FailOpen(string)       {}
func (deaf) NamesSuspended(bool)   {}
func (deaf) ClientHidden(bool)     {}
func (deaf) LimitedBystander()     {}
func (deaf) CampaignBegan()        {}
func (deaf) CampaignMessage()      {}
func (deaf) Record(*policy.Record) {}

// FuzzSession: whatever an MTA says, the session ends when the MTA leaves, never
// panics, and says nothing but whole frames.
func FuzzSession(f *testing.F) {
	good := func(frames ...string) (b []byte) {
		for _, s := range frames {
			b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
			b = append(b, s...)
		}
		return b
	}
	f.Add(good("DCj\x00mx.example.test\x00{client_resolve}\x00FORGED\x00_\x00a.example.org [192.0.2.1] (may be forged)\x00",
		"Cmx1.example.org\x004\x9c\x40192.0.2.10\x00", "Hmx1.example.org\x00", "M<a@example.org>\x00", "R<u@example.test>\x00",
		"LX-IoT-Spam\x00No, host=mx.example.test\x00", "N", "E", "A", "Q"))
	f.Add(good("CDiskStation\x006\x00\x00IPv6:2001:db8::1\x00", "Hdsldevice.lan\x00", "M<>\x00", "Rpostmaster\x00", "L", "L\x00\x00\x00", "E", "K", "C\x00U", "Q"))
	f.Add(good("C[203.0.113.7]\x004\x9c\x40203.0.113.7\x00", "Hlocalhost\x00", "M<a@example.org>\x00", "Ru@example.test\x00",
		"LContent-Type\x00text/html\x00", "N", "Bhttp://a.", "Bexample/", "E", "Q"))
	f.Add([]byte("\x00\x00\x00\x00\xff\xff\xff\xff"))
	memory, err := state.New(state.Options{Entries: 100})
	if err != nil {
		f.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	d := decider.New(decider.Options{Recorder: deaf{}, Meter: deaf{}, Log: log, Now: time.Now, State: memory}, &decider.Settings{
		Rules: policy.Rules{Mode: policy.ModeEnforce, EnforceAt: policy.StageConnect, Device: policy.ActionReject, Access: policy.ActionDefer,
			Prior:      policy.PerClass{0, .6, .05, .05, .25, .05},
			Thresholds: policy.Thresholds{Device: .6, Access: .6}},
		Campaign: decider.Campaign{CampaignRule: state.CampaignRule{Window: time.Hour, Hosts: 3, Hold: time.Hour}, URLs: true},
		Deadline: time.Second,
	})
	s := New(Options{Decider: d, Log: log, Meter: deaf{}, Now: time.Now, NewID: func() string { return "x" },
		Limits: Limits{Sessions: 100, Idle: 5 * time.Second, Frame: 5 * time.Second}})
	panicked := &panicCounter{}
	s.opts.Meter = panicked
	f.Fuzz(func(t *testing.T, script []byte) {
		mta, filter := net.Pipe()
		heard := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(mta)
			heard <- b
		}()
		ended := make(chan struct{})
		s.newSession(filter).serve(func() { close(ended) })
		mta.SetWriteDeadline(time.Now().Add(5 * time.Second))
		mta.Write([]byte{0, 0, 0, 13, 'O', 0, 0, 0, 6, 0, 0, 1, 0xff, 0, 0x1f, 0xff, 0xff})
		mta.Write(script)
		time.Sleep(100 * time.Microsecond)
		mta.Close()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Fatal("the session goes on without its MTA")
		}
		checkFrames(t, <-heard)
		if panicked.n != 0 {
			t.Fatal("panic")
		}
	})
}

type panicCounter struct {
	deaf
	n int
}

func (p *panicCounter) Event(e Event) {
	if e == EventPanic {
		p.n++
	}
}

func checkFrames(t *testing.T, b []byte) {
	for len(b) >= 5 {
		n := int(binary.BigEndian.Uint32(b))
		if n < 1 || n > maxFrame {
			t.Fatalf("an answer of length %d", n)
		}
		if len(b) < 4+n {
			return // cut off by our own close
		}
		if b[4] == byte(gomilter.ActReplyCode) && (bytes.ContainsAny(b[5:4+n-1], "\r\n\x00") || b[4+n-1] != 0) {
			t.Fatalf("reply %q", b[5:4+n])
		}
		b = b[4+n:]
	}
}

func FuzzConnect(f *testing.F) {
	f.Add([]byte("mx1.example.org\x004\x9c\x40192.0.2.10\x00"))
	f.Add([]byte("[IPv6:fe80::1]\x006\x00\x19IPv6:fe80::1%eth0\x00"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := parseConnect(payload)
		if err != nil {
			return
		}
		if c.addr.Is4In6() || c.addr.Zone() != "" || len(c.host) > 255 {
			t.Errorf("%+v", c)
		}
		c.client(&macroStore{})
	})
}
