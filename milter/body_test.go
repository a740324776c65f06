package milter_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// linking are rules by which nothing acts but a campaign from three networks.
func linking(urls bool) *decider.Settings {
	s := settings(policy.ModeEnforce)
	s.Rules.Device = policy.ActionTag
	s.Campaign = decider.Campaign{
		CampaignRule: state.CampaignRule{Window: time.Minute, Hosts: 3, Hold: time.Hour}, Action: policy.ActionDefer, URLs: urls,
	}
	return s
}

// bot is the n-th suspect, in a network of its own.
func bot(n int) mtascript.Client {
	return mtascript.Client{Host: fmt.Sprintf("cpe-203-%d-113-7.dyn.isp.example", n), Port: 40001, Addr: fmt.Sprintf("203.%d.113.7", n)}
}

// advert is a message whose header tells nothing of the n-th other.
func advert(n int, body string) mtascript.Message {
	m := mail("a@example.org", "user@example.test")
	m.Headers[4].Value = strings.Repeat("word ", n+1)
	m.Headers = append(m.Headers, mtascript.Header{Name: fmt.Sprintf("X-Field-%d", n), Value: "x"})
	m.Body = []byte(body)
	return m
}

func (f *filter) advertise(mta mtascript.MTA, n int, offer *mtascript.Offer, bodies ...string) mtascript.Outcome {
	f.t.Helper()
	var messages []mtascript.Message
	for _, body := range bodies {
		messages = append(messages, advert(n, body))
	}
	s := from(mta, bot(n), bot(n).Host, messages...)
	s.Offer = offer
	out := f.run(s).Messages
	return out[len(out)-1]
}

func offering(without uint32) *mtascript.Offer {
	o := mtascript.FullOffer()
	o.Protocol &^= without
	return &o
}

// TestLinksOfBodies: the third network that advertises one domain is put off, with
// no-reply for body frames and without it, in one chunk and in many.
func TestLinksOfBodies(t *testing.T) {
	page := func(n int) string {
		return fmt.Sprintf("Dear %d,\r\n\r\nhttp://h%d.pills.example/?%d\r\n", n, n, n)
	}
	for what, tt := range map[string]struct {
		offer *mtascript.Offer
		pad   int
		cut   int
	}{
		"no reply":       {nil, 0, 0},
		"each answered":  {offering(mtascript.ProtoNRBody), 0, 0},
		"five chunks":    {nil, 300 << 10, 3},
		"five, answered": {offering(mtascript.ProtoNRBody), 300 << 10, 3},
	} {
		t.Run(what, func(t *testing.T) {
			both(t, func(t *testing.T, mta mtascript.MTA) {
				f := start(t, options{settings: linking(true)})
				for n := range 3 {
					// What the message before it on the connection said does not count.
					m := f.advertise(mta, n, tt.offer, "http://other.example", page(n)+strings.Repeat("x", tt.pad))
					if refused := m.Refused != 0; refused != (n == 2) {
						t.Errorf("message %d: %+v", n, m.Final)
					}
				}
				if d := f.recorded(6); d[5].Reason != policy.ReasonCampaign {
					t.Errorf("%+v", d[5])
				}
				if n, cut := f.meter.count(milter.EventBody), f.meter.count(milter.EventBodyCut); n != 6 || cut != tt.cut {
					t.Errorf("%d bodies, %d not to their end", n, cut)
				}
			})
		})
	}
}

// TestBodiesAreNotReadUnasked: without the option the MTA sends none; with it those of
// clients that are no suspects, of exempt ones and of sessions above the limit are not
// looked at.
func TestBodiesAreNotReadUnasked(t *testing.T) {
	both(t, func(t *testing.T, mta mtascript.MTA) {
		f := start(t, options{settings: linking(false)})
		for n := range 4 {
			if m := f.advertise(mta, n, nil, "http://pills.example/"); m.Refused != 0 {
				t.Errorf("without the option: %+v", m.Final)
			}
		}
		tr := f.run(from(mta, bot(9), "user-pc"))
		if !tr.Agreement.Suppressed(mtascript.CmdBody) || f.meter.count(milter.EventBody) != 0 {
			t.Errorf("bodies are asked for: %+v", tr.Agreement)
		}

		f = start(t, options{settings: linking(true), limits: milter.Limits{Sessions: 1}})
		f.run(from(mta, server, "mx1.example.org", advert(1, "http://pills.example/")))
		exempt := mtascript.Client{Host: "nas.lan", Port: 1, Addr: "10.1.2.3"}
		f.run(from(mta, exempt, "DiskStation", advert(1, "http://pills.example/")))
		if n := f.meter.count(milter.EventBody); n != 0 {
			t.Errorf("%d bodies of others were looked at", n)
		}
		f.eventually("the end of sessions", func() bool { return f.meter.open.Load() == 0 })
		held := f.dial()
		if _, err := held.Negotiate(mtascript.FullOffer()); err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		if tr := f.run(from(mta, bot(2), "user-pc")); !tr.Agreement.Suppressed(mtascript.CmdBody) {
			t.Error("above the session limit bodies are asked for")
		}
	})
}

// TestBodyWishesLast: a session keeps those that it began with, whatever is in force
// meanwhile.
func TestBodyWishesLast(t *testing.T) {
	for _, urls := range []bool{true, false} {
		var d *decider.Decider
		f := start(t, options{settings: linking(urls), wrap: func(of policy.Decider) policy.Decider {
			d = of.(*decider.Decider)
			return of
		}})
		c := f.dial()
		a, err := c.Negotiate(mtascript.FullOffer())
		if err != nil || a.Suppressed(mtascript.CmdBody) == urls {
			t.Fatalf("%+v, %v", a, err)
		}
		d.Swap(linking(!urls))
		for _, frame := range []mtascript.Frame{
			mtascript.Connect(bot(1).Host, '4', 4000, bot(1).Addr), mtascript.Helo("user-pc"), mtascript.Mail("<a@example.org>"),
			mtascript.Rcpt("<u@example.test>"), mtascript.HeaderField("Subject", "x"), mtascript.EOH(), mtascript.Body([]byte("http://a.example")), mtascript.EOM(),
		} {
			if a.Suppressed(frame.Code) {
				continue
			}
			if _, err := c.Event(frame); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Finish(); err != nil {
			t.Error(err)
		}
		if n := f.meter.count(milter.EventBody); n != 0 {
			t.Errorf("option at first %v: %d bodies", urls, n)
		}
	}
}

// TestBodyMemory: what a session in the midst of a long body takes. One that is not
// looked at takes nothing.
func TestBodyMemory(t *testing.T) {
	const sessions = 100
	f := start(t, options{settings: linking(true)})
	var frames []byte
	for _, frame := range []mtascript.Frame{mtascript.Mail("<a@example.org>"), mtascript.Rcpt("<u@example.test>"),
		mtascript.HeaderField("Subject", "x"), mtascript.EOH()} {
		frames = frame.Append(frames)
	}
	for range 4 {
		frames = mtascript.Body(bytes.Repeat([]byte("x"), mtascript.BodyChunk)).Append(frames)
	}
	frames = mtascript.Unknown("NOOP").Append(frames) // is answered once the rest has been read
	used := func(c mtascript.Client) uint64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range sessions {
			conn, r := openAs(t, f.path, c)
			t.Cleanup(func() { conn.Close() })      // they all stay, to the end
			talk(t, conn, r, [][]byte{frames, nil}) // the recipient's answer, the last one's
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		return (after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)) / sessions
	}
	unread, read := used(server), used(bot(1))
	t.Logf("bytes a session: %d unread, %d read", unread, read)
	if unread > 40<<10 || read > unread+3*policy.MaxBody {
		t.Errorf("bytes a session: %d unread, %d read", unread, read)
	}
}

// BenchmarkBody is BenchmarkMessage of a suspect with a body of 4 KiB, unwanted and read.
func BenchmarkBody(b *testing.B) {
	text := strings.Repeat("<p>Best prices only today</p>\r\n", 130) + "<a href=\"http://www.pills.example/\">now</a>\r\n"
	for _, urls := range []bool{false, true} {
		b.Run(fmt.Sprint(urls), func(b *testing.B) {
			s := linking(urls)
			s.Campaign.Hosts = 1000
			f := start(b, options{settings: s})
			conn, r := openAs(b, f.path, line)
			defer conn.Close()
			pieces := warmMessage()
			if urls {
				last := mtascript.EOM().Append(nil)
				head := bytes.TrimSuffix(pieces[1], last)
				pieces[1] = append(mtascript.Body([]byte(text)).Append(append([]byte{}, head...)), last...)
			}
			talk(b, conn, r, pieces)
			b.ReportAllocs()
			for b.Loop() {
				talk(b, conn, r, pieces)
			}
		})
	}
}
