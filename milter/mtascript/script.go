package mtascript

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Dial connects to a filter and runs the session.
func (s Session) Dial(network, addr string) (*Transcript, error) {
	c, err := Dial(network, addr)
	if err != nil {
		return nil, err
	}
	return s.Run(c)
}

// Run plays the session on c and closes it. The transcript is never nil and goes
// as far as the session did. A refusal is no error; an error is what an MTA would
// log as the filter's fault, or ErrStalled. After an injected Fault the error is
// nil if the filter closed in time.
func (s Session) Run(c *Conn) (*Transcript, error) {
	defer c.Close()
	c.Coalesce = s.MTA == Postfix
	r := &runner{c: c, s: &s, t: &Transcript{}, msg: -1}
	offer := FullOffer()
	if s.Offer != nil {
		offer = *s.Offer
	}
	base := s.Macros
	if base == nil {
		base = StandardMacros(s.MTA, s.Client)
	}
	r.values = maps.Clone(base)
	if r.values == nil {
		r.values = map[string]string{}
	}
	err := r.run(offer)
	if errors.Is(err, errFault) {
		err = r.faultErr
	}
	if err != nil {
		err = fmt.Errorf("%v script, message %d: %w", s.MTA, r.msg, err)
	}
	return r.t, err
}

var (
	errFault = errors.New("fault injected")
	errOver  = errors.New("session over")
)

type runner struct {
	c        *Conn
	s        *Session
	t        *Transcript
	values   map[string]string
	msg      int
	inMsg    bool // Sendmail's SMFS_INMSG, Postfix's need-abort flag
	skip     byte // the event type that the filter answered with skip
	faultErr error
}

func (r *runner) run(offer Offer) error {
	var err error
	if r.faulty(CmdOptNeg) {
		return r.inject(OptNeg(offer))
	}
	if r.t.Agreement, err = r.c.Negotiate(offer); err != nil {
		return err
	}
	if err := r.greet(); err != nil {
		return overOr(err)
	}
	for i := range r.s.Messages {
		r.msg = i
		r.t.Messages = append(r.t.Messages, Outcome{})
		if err := r.message(&r.s.Messages[i], &r.t.Messages[i]); err != nil {
			return overOr(err)
		}
	}
	return r.end()
}

func overOr(err error) error {
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

func (r *runner) greet() error {
	cl := r.s.Client
	if cl.Family == 0 {
		cl.Family = FamilyInet
	}
	if err := r.hello(Connect(cl.Host, cl.Family, cl.Port, cl.Addr)); err != nil {
		return err
	}
	if r.s.Helo == "" {
		return nil
	}
	if err := r.hello(Helo(r.s.Helo)); err != nil {
		return err
	}
	if r.s.StartTLS == nil {
		return nil
	}
	if r.s.MTA == Postfix {
		if err := r.say(Abort()); err != nil {
			return err
		}
	}
	r.setMacros(r.s.StartTLS)
	return r.hello(Helo(r.s.Helo))
}

// hello sends CONNECT or HELO: after any other answer than continue the filter
// is out of the session.
func (r *runner) hello(f Frame) error {
	reply, err := r.event(f)
	if err != nil {
		return err
	}
	switch reply.Kind {
	case NotSent, None, Continue, Skip, Discard:
		return nil
	}
	if r.s.MTA == Sendmail {
		err = r.c.Finish()
	} else {
		err = r.c.Close()
	}
	return errors.Join(errOver, err)
}

// event sends the macros and the event, injects the fault if it is due here, and
// notes the step.
func (r *runner) event(f Frame) (Reply, error) {
	if r.skip != 0 {
		if r.skip == f.Code {
			return Reply{}, nil
		}
		r.skip = 0
	}
	masked := r.s.MTA == Postfix && r.t.Agreement.masked&events[f.Code].suppress != 0
	if m, ok := r.macroFrame(f.Code); ok && !masked {
		if r.faulty(CmdMacro) {
			return Reply{}, r.inject(m)
		}
		if err := r.put(m); err != nil {
			return Reply{}, err
		}
	}
	if r.faulty(f.Code) {
		return Reply{}, r.inject(f)
	}
	reply, err := r.c.Event(f)
	if reply.Kind == Skip {
		r.skip = f.Code
	}
	r.t.Steps = append(r.t.Steps, Step{r.msg, f, reply})
	return reply, err
}

// put sends what has no reply: Sendmail at once, Postfix with the next event.
func (r *runner) put(f Frame) error {
	r.c.Queue(f)
	if r.s.MTA == Postfix {
		return nil
	}
	return r.c.Flush()
}

func (r *runner) say(f Frame) error {
	if r.faulty(f.Code) {
		return r.inject(f)
	}
	r.t.Steps = append(r.t.Steps, Step{r.msg, f, Reply{Kind: None}})
	return r.put(f)
}

func (r *runner) faulty(code byte) bool {
	f := r.s.Fault
	return f != nil && f.At == code && f.Message == r.msg
}

func (r *runner) inject(f Frame) error {
	limit := r.s.Fault.Limit
	if limit == 0 {
		limit = time.Minute
	}
	r.t.Closed, r.faultErr = r.c.Inject(r.s.Fault.Kind, f, limit)
	return errFault
}

// end says goodbye as the MTA does when the client has gone.
func (r *runner) end() error {
	if r.s.NoQuit {
		return r.c.Close()
	}
	// Postfix resets the greeting and then the message: two ABORTs where the
	// client is lost within one. Sendmail goes straight to QUIT.
	if r.s.MTA == Postfix {
		if err := r.ended(); err != nil {
			return err
		}
		if r.s.Helo != "" {
			if err := r.say(Abort()); err != nil {
				return err
			}
		}
	}
	if r.faulty(CmdQuit) {
		return r.inject(Quit())
	}
	r.t.Steps = append(r.t.Steps, Step{r.msg, Quit(), Reply{Kind: None}})
	return r.c.Finish()
}
