package milter_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
)

// Connections that come and go while the server stops: no race, nothing left.
func TestShutdownWhileConnectionsCome(t *testing.T) {
	for range 30 {
		f := start(t, options{})
		stop := make(chan struct{})
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if c, err := net.Dial("unix", f.path); err == nil {
						c.Close()
					}
				}
			})
		}
		time.Sleep(time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if err := f.server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		close(stop)
		wait.Wait()
	}
}

// late hands connections over only when the listener is closed: as when Shutdown comes
// between a connection and its session.
type late struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
}

func (l *late) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	<-l.closed
	return c, err
}

func (l *late) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Who was accepted is served, though the server stops: a message comes to its end.
func TestShutdownServesWhoWasAccepted(t *testing.T) {
	f := start(t, options{
		limits:   milter.Limits{Sessions: 10, Grace: 2 * time.Second},
		listener: func(l net.Listener) net.Listener { return &late{Listener: l, closed: make(chan struct{})} },
	})
	c := f.dialPlain()
	time.Sleep(100 * time.Millisecond)
	done := make(chan error, 1)
	go func() { done <- f.server.Shutdown(context.Background()) }()
	tr, err := from(mtascript.Postfix, server, "mx1.example.org").Run(c)
	if err != nil || !tr.Messages[0].Delivered || len(tr.Messages[0].Final.Edits) == 0 {
		t.Errorf("%+v, %v", tr.Messages, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A connection that never says a word must not delay the end of the service.
func TestShutdownDoesNotWaitForSilence(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 10, Frame: 30 * time.Second, Grace: 50 * time.Millisecond}})
	c, err := net.Dial("unix", f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f.eventually("the session", func() bool { return f.meter.open.Load() == 1 })
	began := time.Now()
	if err := f.server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %s", d)
	}
}

func TestSafety14KeptAboveTheSessionLimit(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 1}})
	held := f.dial()
	if _, err := held.Negotiate(mtascript.FullOffer()); err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	const own = "Yes, class=device host=mx.example.test"
	message := mail("a@example.org", "user@example.test")
	message.Headers = append(message.Headers, mtascript.Header{Name: policy.HeaderName, Value: own},
		mtascript.Header{Name: policy.HeaderName, Value: "No, forged"})
	relay := mtascript.Client{Host: "localhost", Port: 1, Addr: "127.0.0.1"}
	if got := marks(f.run(from(mtascript.Postfix, relay, "localhost", message)).Messages[0]); len(got) != 1 || got[0] != own {
		t.Errorf("%q, want the own host's field alone", got)
	}
}

func TestSafety15NoQuarantineWhereTheMTAHasNone(t *testing.T) {
	s := settings(policy.ModeEnforce)
	s.Rules.Device, s.Rules.Notify = policy.ActionQuarantine, "postmaster@example.test"
	f := start(t, options{settings: s})
	session := from(mtascript.Postfix, line, "DiskStation")
	m := f.run(session).Messages[0]
	if d := f.recorded(1)[0]; d.Action != "quarantine" || len(m.Final.Edits) != 2 {
		t.Errorf("action %s, edits %+v", d.Action, m.Final.Edits)
	}
	if f.meter.count(milter.EventHeld) != 1 {
		t.Error("what is in the admin's care was not counted")
	}
	session.Offer = &mtascript.Offer{Version: 6, Actions: mtascript.AllActions &^ mtascript.ActQuarantine, Protocol: mtascript.AllProtocol}
	m = f.run(session).Messages[0]
	d := f.recorded(2)[1]
	if d.Action != "tag" || d.Reason != policy.ReasonNoHold || !strings.Contains(marks(m)[0], "action=tag") {
		t.Errorf("action %s reason %s header %q", d.Action, d.Reason, marks(m))
	}
	if f.meter.count(milter.EventLacking) != 1 {
		t.Error("the lack was not counted")
	}
}

// Above twice the limit a connection waits unread, which is counted, and is served when
// another ends.
func TestAConnectionThatWaitsIsCounted(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 1}})
	first, second := f.dial(), f.dial()
	defer second.Close()
	f.eventually("two sessions", func() bool { return f.meter.open.Load() == 2 })
	if n := f.meter.count(milter.EventWaits); n != 0 {
		t.Errorf("%d waited where there was room", n)
	}
	third := f.dial()
	f.eventually("a third that waits", func() bool { return f.meter.count(milter.EventWaits) == 1 })
	first.Close()
	if _, err := third.Negotiate(mtascript.FullOffer()); err != nil {
		t.Errorf("the third is not served: %v", err)
	}
	third.Close()
}

// A panic in Open leaves a verdict line and is counted as failing open.
func TestSafety16PanicBeforeThereIsACase(t *testing.T) {
	f := start(t, options{wrap: func(d policy.Decider) policy.Decider { return panicking{d, "open"} }})
	f.run(from(mtascript.Postfix, line, "DiskStation"))
	if d := f.recorded(1)[0]; d.Reason != policy.ReasonFailOpen || d.Class != "unknown" {
		t.Errorf("%+v", d)
	}
	if f.meter.failOpen != 1 {
		t.Errorf("%d fail-opens counted", f.meter.failOpen)
	}
}

// Removing a field costs Postfix a scan of the header, so there is a limit; ours
// stands on top of what is left.
func TestForgedFieldsWithoutEnd(t *testing.T) {
	f := start(t, options{})
	message := mail("a@example.org", "user@example.test")
	for i := range 1500 {
		message.Headers = append(message.Headers, mtascript.Header{Name: policy.HeaderName, Value: fmt.Sprintf("No, forged=%d", i)})
	}
	tr, err := from(mtascript.Postfix, server, "mx1.example.org", message).Run(f.dialPlain())
	if err != nil {
		t.Fatal(err)
	}
	m := tr.Messages[0]
	if got := marks(m); len(got) != 501 || !strings.HasPrefix(got[0], "No, class=mailserver") || got[1] != "No, forged=1000" {
		t.Errorf("%d fields are left, the first %q", len(got), got[:2])
	}
	if n := len(m.Final.Edits); n != 1001 {
		t.Errorf("%d edits", n)
	}
	if f.meter.count(milter.EventForged) != 1 {
		t.Error("not counted")
	}
}

// A listener that nobody uses takes no session from the others.
func TestIdleListenersTakeNoSessions(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 1}})
	for i := range 4 {
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "l"))
		if err != nil {
			t.Fatal(i, err)
		}
		go f.server.Serve(l)
	}
	for range 3 {
		if !f.run(from(mtascript.Postfix, server, "mx1.example.org")).Messages[0].Delivered {
			t.Error("not delivered")
		}
	}
}
