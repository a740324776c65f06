package mtascript

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
)

// message plays one transaction. errOver ends the session when the client is
// lost; any other error is the filter's or the fault.
func (r *runner) message(m *Message, out *Outcome) error {
	saved := maps.Clone(r.values)
	defer func() { r.values = saved }()
	r.setMacros(m.Macros)
	for _, line := range m.Unknown {
		if _, err := r.event(Unknown(line)); err != nil {
			return err
		}
	}
	goOn, err := r.envelope(m, out)
	if err != nil || !goOn {
		return err
	}
	if err := r.content(m, out); err != nil {
		return err
	}
	return r.ended()
}

// ended is what the MTA does after the last reply of a transaction, whether it
// was queued, refused or reset: ABORT at Postfix always, at Sendmail only while
// the filter counts as inside the message.
func (r *runner) ended() error {
	if !r.inMsg {
		return nil
	}
	r.inMsg = false
	return r.say(Abort())
}

func (r *runner) envelope(m *Message, out *Outcome) (bool, error) {
	id := m.QueueID
	if id == "" {
		id = fmt.Sprintf("4F2A%d", r.msg+1)
	}
	if r.s.MTA == Sendmail {
		r.values["i"] = id
	}
	from := bracket(m.From)
	r.values["{mail_addr}"] = strings.Trim(from, "<>")
	reply, err := r.event(Mail(from, m.MailArgs...))
	if err != nil {
		return false, err
	}
	r.inMsg = r.s.MTA == Postfix || reply.Kind == Continue
	if goOn, err := r.stage(CmdMail, reply, m, out); !goOn {
		return false, err
	}
	good := 0
	for _, to := range m.Rcpts {
		ok, err := r.recipient(bracket(to), m, out)
		if err != nil {
			return false, err
		}
		if ok {
			good++
			r.values["i"] = id
		}
		if out.accepted() {
			return false, r.ended()
		}
	}
	if good == 0 {
		out.Refused = CmdRcpt
		return false, r.ended()
	}
	if goOn, err := r.stage(CmdRcpt, Reply{Kind: Continue}, m, out); !goOn {
		return false, err
	}
	reply, err = r.event(Data())
	if err != nil {
		return false, err
	}
	return r.stage(CmdData, reply, m, out)
}

func (r *runner) recipient(to string, m *Message, out *Outcome) (bool, error) {
	r.values["{rcpt_addr}"] = strings.Trim(to, "<>")
	reply, err := r.event(Rcpt(to, m.RcptArgs...))
	if err != nil {
		return false, err
	}
	out.Rcpts = append(out.Rcpts, reply)
	switch reply.Kind {
	case Accept, Discard:
		// The filter is done with the message, and later recipients pass unseen.
		out.finish(r.s.MTA, m, reply)
		r.inMsg = r.s.MTA == Postfix
		return true, nil
	}
	if reply.Kind.Refused() {
		out.Final = reply
		return false, nil
	}
	return true, nil
}

// stage looks at the reply to a command and at what the client does after it.
func (r *runner) stage(code byte, reply Reply, m *Message, out *Outcome) (bool, error) {
	if done := r.decided(code, reply, m, out); done {
		return false, r.ended()
	}
	switch code {
	case m.ResetAfter:
		return false, r.ended()
	case m.LostAfter:
		return false, r.lost()
	}
	return true, nil
}

func (r *runner) lost() error {
	if err := r.end(); err != nil {
		return err
	}
	return errOver
}

// decided tells whether the reply ends the message for the filter.
func (r *runner) decided(code byte, reply Reply, m *Message, out *Outcome) bool {
	switch {
	case reply.Kind == Accept, reply.Kind == Discard:
		out.finish(r.s.MTA, m, reply)
	case reply.Kind.Refused():
		out.Refused, out.Final = code, reply
	default:
		return false
	}
	// Sendmail aborts a message refused at DATA; from HEADER on it is done.
	if r.s.MTA == Sendmail && (code != CmdData || reply.Kind == Accept) {
		r.inMsg = false
	}
	return true
}

func (o *Outcome) accepted() bool { return o.Final.Kind == Accept || o.Final.Kind == Discard }

func (o *Outcome) finish(mta MTA, m *Message, reply Reply) {
	o.Final = reply
	o.Delivered = reply.Kind != Discard
	if o.Delivered {
		o.Headers = Apply(mta, reply.Edits, m.Headers)
	}
}

// content sends what follows the client's final dot.
func (r *runner) content(m *Message, out *Outcome) error {
	r.inMsg = true
	for _, h := range m.Headers {
		value := h.Value
		if r.t.Agreement.Protocol&ProtoHeaderLeadSpace != 0 {
			value = " " + value
		}
		// Neither MTA sends macros for a header that the filter does not want.
		if r.t.Agreement.Suppressed(CmdHeader) {
			break
		}
		if done, err := r.part(HeaderField(h.Name, value), m, out); done {
			return err
		}
	}
	if !r.t.Agreement.Suppressed(CmdEOH) {
		if done, err := r.part(EOH(), m, out); done {
			return err
		}
	}
	body := bytes.ReplaceAll(bytes.ReplaceAll(m.Body, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	for len(body) > 0 && !r.t.Agreement.Suppressed(CmdBody) {
		n := min(len(body), BodyChunk)
		if done, err := r.part(Body(body[:n]), m, out); done {
			return err
		}
		body = body[n:]
	}
	reply, err := r.event(EOM())
	if err != nil {
		return err
	}
	if r.s.MTA == Sendmail {
		r.inMsg = false
	}
	if !r.decided(CmdEOM, reply, m, out) {
		out.finish(r.s.MTA, m, reply)
	}
	return nil
}

func (r *runner) part(f Frame, m *Message, out *Outcome) (bool, error) {
	reply, err := r.event(f)
	if err != nil {
		return true, err
	}
	return r.decided(f.Code, reply, m, out), nil
}
