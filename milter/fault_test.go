package milter_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
)

// Every way in which an MTA goes wrong, at every stage: the session ends within
// its deadline, another one that was open all the while is unharmed.
func TestFaults(t *testing.T) {
	const frame = 300 * time.Millisecond
	f := start(t, options{limits: milter.Limits{Sessions: 100, Frame: frame, Idle: 20 * time.Second}})
	witness := f.dial()
	if _, err := witness.Negotiate(mtascript.FullOffer()); err != nil {
		t.Fatal(err)
	}
	stages := []byte{mtascript.CmdConnect, mtascript.CmdHelo, mtascript.CmdMail, mtascript.CmdRcpt,
		mtascript.CmdHeader, mtascript.CmdEOH, mtascript.CmdEOM, mtascript.CmdAbort}
	kinds := []mtascript.FaultKind{mtascript.FaultHalf, mtascript.FaultStall, mtascript.FaultReset,
		mtascript.FaultResetAfter, mtascript.FaultZero, mtascript.FaultOversize}
	for _, at := range stages {
		for _, kind := range kinds {
			s := from(mtascript.Postfix, server, "mx1.example.org")
			s.Fault = &mtascript.Fault{Kind: kind, At: at, Limit: frame + 3*time.Second}
			if at == mtascript.CmdConnect || at == mtascript.CmdHelo {
				s.Fault.Message = -1
			}
			if _, err := s.Run(f.dialPlain()); err != nil {
				t.Errorf("fault %d at %s: %v", kind, mtascript.StageName(at), err)
			}
		}
	}
	if _, err := witness.Event(mtascript.Connect("mx1.example.org", '4', 1, "192.0.2.1")); err != nil {
		t.Error("the witness:", err)
	}
	if err := witness.Finish(); err != nil {
		t.Error("the witness:", err)
	}
	if f.meter.count(milter.EventPanic) != 0 {
		t.Error("a fault made the filter panic")
	}
	if f.meter.count(milter.EventProtocol) == 0 || f.meter.count(milter.EventTimeout) == 0 || f.meter.count(milter.EventLost) == 0 {
		t.Errorf("faults were not counted: %v", f.meter.events)
	}
}

// Frames that no MTA sends but that fit the protocol's form.
func TestBigAndEmptyFrames(t *testing.T) {
	f := start(t, options{})
	for _, kind := range []mtascript.FaultKind{mtascript.FaultBig, mtascript.FaultNUL} {
		for _, code := range []byte("OCHMRTLNBEAQDKUxyz\x00\xff") {
			c := f.dialPlain()
			if _, err := c.Negotiate(mtascript.FullOffer()); err != nil {
				t.Fatal(err)
			}
			c.Inject(kind, mtascript.Frame{Code: code}, 50*time.Millisecond)
			c.Close()
		}
	}
	if n := f.meter.count(milter.EventPanic); n != 0 {
		t.Errorf("%d panics", n)
	}
	if !f.run(from(mtascript.Postfix, server, "mx1.example.org")).Messages[0].Delivered {
		t.Error("the next session's message was not delivered")
	}
}

func TestNotAMilterPeer(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 10, Frame: 100 * time.Millisecond}})
	for _, said := range []string{"", "POST / HTTP/1.0\r\n\r\n", "\x00\x00\x00\x01Q", "\x00\x00\x00\x0dO\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", "\x00"} {
		c, err := net.Dial("unix", f.path)
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte(said))
		c.SetReadDeadline(time.Now().Add(3 * time.Second))
		if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, syscall.EAGAIN) {
			t.Errorf("%q: %d bytes, %v; want the end of the connection", said, n, err)
		}
		c.Close()
	}
}

func TestDripFed(t *testing.T) {
	f := start(t, options{})
	c := f.dialPlain()
	c.Coalesce, c.Drip = false, 50*time.Microsecond
	if tr, err := from(mtascript.Sendmail, server, "mx1.example.org").Run(c); err != nil || !tr.Messages[0].Delivered {
		t.Errorf("byte by byte: %v", err)
	}
}

// A frame must be complete within its time, however steadily the bytes drip.
func TestDripCannotHoldASession(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 10, Frame: 200 * time.Millisecond}})
	c, err := net.Dial("unix", f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 100 {
		if _, err := c.Write([]byte{0}); err != nil {
			return // the filter has hung up
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("a frame of single bytes every 50 ms was read for 5 s")
}

func TestShutdownLetsAnOpenMessageEnd(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 10, Grace: 50 * time.Millisecond}})
	c := f.dialPlain()
	if _, err := c.Negotiate(mtascript.FullOffer()); err != nil {
		t.Fatal(err)
	}
	event := func(frames ...mtascript.Frame) {
		t.Helper()
		for _, frame := range frames {
			if _, err := c.Event(frame); err != nil {
				t.Fatal(frame, err)
			}
		}
	}
	event(mtascript.Connect("mx1.example.org", '4', 1, "192.0.2.1"), mtascript.Helo("mx1.example.org"),
		mtascript.Mail("<a@example.org>"), mtascript.Rcpt("<u@example.test>"))
	done := make(chan error, 1)
	go func() { done <- f.server.Shutdown(context.Background()) }()
	time.Sleep(300 * time.Millisecond)
	if _, err := net.Dial("unix", f.path); err == nil {
		t.Error("connections are still accepted")
	}
	r, err := c.Event(mtascript.EOM())
	if err != nil || r.Kind != mtascript.Continue || len(r.Edits) != 1 {
		t.Errorf("end of message while stopping: %+v, %v", r, err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Shutdown still waits after the message ended")
	}
}

func TestShutdownCutsOffWhenItsTimeIsUp(t *testing.T) {
	f := start(t, options{})
	c := f.dialPlain()
	c.Negotiate(mtascript.FullOffer())
	c.Event(mtascript.Connect("h", '4', 1, "192.0.2.1"))
	c.Event(mtascript.Mail("<a@example.org>"))
	if r, err := c.Event(mtascript.Rcpt("<u@example.test>")); err != nil || r.Kind != mtascript.Continue {
		t.Fatal(r, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := f.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	if d := f.recorded(1)[0]; d.End != "lost" {
		t.Errorf("end=%s", d.End)
	}
}

// waiting is a decider whose judgement waits for evidence that never comes.
type waiting struct {
	policy.Decider
	asked chan struct{}
}

func (w waiting) Open(c policy.Client) policy.Case { return waitingCase{w.Decider.Open(c), w.asked} }

type waitingCase struct {
	policy.Case
	asked chan struct{}
}

func (w waitingCase) Recipient(ctx context.Context, rcpt string) policy.Verdict {
	close(w.asked)
	<-ctx.Done()
	return w.Case.Recipient(ctx, rcpt)
}

// Who waits for evidence when the time for stopping is up is told to stop.
func TestShutdownEndsTheWaitingForEvidence(t *testing.T) {
	asked := make(chan struct{})
	f := start(t, options{wrap: func(d policy.Decider) policy.Decider { return waiting{d, asked} }})
	c := f.dialPlain()
	c.Negotiate(mtascript.FullOffer())
	c.Event(mtascript.Connect("h", '4', 1, "192.0.2.1"))
	c.Event(mtascript.Mail("<a@example.org>"))
	go c.Event(mtascript.Rcpt("<u@example.test>"))
	<-asked
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- f.server.Shutdown(ctx) }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Shutdown waits for what waits for it")
	}
}

func TestIdleSessionEnds(t *testing.T) {
	f := start(t, options{limits: milter.Limits{Sessions: 10, Idle: 100 * time.Millisecond}})
	c := f.dialPlain()
	c.Negotiate(mtascript.FullOffer())
	if _, err := c.AwaitClose(3 * time.Second); err != nil {
		t.Error(err)
	}
	f.eventually("the time-out is counted", func() bool { return f.meter.count(milter.EventTimeout) == 1 })
}

// failing accepts only after some errors, as when file descriptors run out.
type failing struct {
	net.Listener
	left atomic.Int64
}

func (l *failing) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestAcceptErrors(t *testing.T) {
	f := start(t, options{listener: func(l net.Listener) net.Listener {
		bad := &failing{Listener: l}
		bad.left.Store(5)
		return bad
	}})
	if !f.run(from(mtascript.Postfix, server, "mx1.example.org")).Messages[0].Delivered {
		t.Error("not delivered")
	}
	if n := f.meter.count(milter.EventAcceptError); n != 5 {
		t.Errorf("%d accept errors were counted, want 5", n)
	}
}
