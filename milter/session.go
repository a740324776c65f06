package milter

import (
	"net"
	"net/textproto"
	"runtime/debug"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/policy"
)

// session is one milter connection. All its methods run on the goroutine of its
// library server.
type session struct {
	server *Server
	edge   *edge
	id     string
	wishes policy.Wishes
	agreed agreement

	// stripOnly is a session above the limit: forged headers go, nothing is
	// judged.
	stripOnly bool
	own       bool   // of Answers: opened and ended, nothing between
	done      func() // called at the end

	connection connection
	store      macroStore
	judge      policy.Case // nil before CONNECT
	failing    bool        // the case is being told of a panic
	open       bool        // between MAIL and the end of the message
	announced  bool        // the macros of the next MAIL are in the store
	headers    policy.Headers
	reads      bool        // the open message's body is wanted
	text       policy.Body // the beginning of it
}

var _ gomilter.Milter = (*session)(nil)

// Connect implements gomilter.Milter. The address comes from the raw frame, the
// library's may be missing (quirk 5). A second CONNECT is a new client.
func (s *session) Connect(string, string, uint16, net.IP, *gomilter.Modifier) (gomilter.Response, error) {
	s.endMessage(policy.EndImplied)
	client := s.connection.client(&s.store)
	client.At, client.Session = s.server.opts.Now(), s.id
	client.CanHold = s.agreed.can(gomilter.OptQuarantine)
	s.closeCase()
	d := s.server.opts.Decider
	if !s.stripOnly {
		s.guard(policy.StageConnect, func() { s.judge = d.Open(client) })
	}
	if s.judge == nil {
		cause := "panic"
		if s.stripOnly {
			cause = "limit"
		}
		s.guard(policy.StageConnect, func() { s.judge = d.Pass(client, cause) })
	}
	return s.early(policy.StageConnect)
}

// Helo implements gomilter.Milter.
func (s *session) Helo(name string, _ *gomilter.Modifier) (gomilter.Response, error) {
	s.endMessage(policy.EndImplied)
	s.ask(policy.StageHelo, func(c policy.Case) {
		c.Greeting(policy.Greeting{
			Name:       policy.Seen(policy.ClipName(name)),
			TLSVersion: s.store.get(macroTLSVersion),
			Cipher:     s.store.get(macroCipher),
		})
	})
	return s.early(policy.StageHelo)
}

// MailFrom implements gomilter.Milter. The library has taken the angle brackets
// off: the null sender is "" (quirk 12).
func (s *session) MailFrom(from string, _ *gomilter.Modifier) (gomilter.Response, error) {
	s.endMessage(policy.EndImplied)
	if !s.announced {
		s.store.forget(firstMessageMacro)
	}
	s.open, s.announced = true, false
	s.resetHeaders()
	s.ask(policy.StageMail, func(c policy.Case) {
		c.Sender(policy.Envelope{
			From:     policy.Seen(from[:min(len(from), maxAddress)]),
			AuthUser: s.store.get(macroAuthUser),
			AuthType: s.store.get(macroAuthType),
		})
	})
	return s.early(policy.StageMail)
}

// maxAddress is the longest envelope address kept, in bytes: RFC 5321 allows 64
// + 1 + 255.
const maxAddress = 320

// RcptTo implements gomilter.Milter. A good recipient is answered continue: in
// Sendmail accept would end the filter for the message.
func (s *session) RcptTo(rcpt string, _ *gomilter.Modifier) (gomilter.Response, error) {
	return s.answer(s.verdict(policy.StageRcpt, func(c policy.Case) policy.Verdict {
		return c.Recipient(s.server.ctx, rcpt[:min(len(rcpt), maxAddress)])
	}))
}

// Header implements gomilter.Milter; the edge takes header frames itself.
func (s *session) Header(string, string, *gomilter.Modifier) (gomilter.Response, error) {
	return nil, nil
}

// Headers implements gomilter.Milter; the edge takes the end of the header itself.
func (s *session) Headers(textproto.MIMEHeader, *gomilter.Modifier) (gomilter.Response, error) {
	return nil, nil
}

// BodyChunk implements gomilter.Milter; the edge takes body frames itself.
func (s *session) BodyChunk([]byte, *gomilter.Modifier) (gomilter.Response, error) { return nil, nil }

// expectBody has the edge keep the beginning of the body, if the case wants it.
func (s *session) expectBody(c policy.Case) {
	if s.reads = c.Reads(&s.headers); s.reads {
		s.edge.frames.body = s.text.Room()
	}
}

// readBody takes what the body links to into the headers, if it was read.
func (s *session) readBody() {
	if !s.reads {
		return
	}
	s.headers.Links = s.text.Links(&s.headers)
	s.server.opts.Meter.Event(EventBody)
	if s.headers.Links.Cut {
		s.server.opts.Meter.Event(EventBodyCut)
	}
}

// Body implements gomilter.Milter: the end of a message.
func (s *session) Body(*gomilter.Modifier) (gomilter.Response, error) {
	s.guard(policy.StageBody, s.readBody)
	v := s.verdict(policy.StageEOM, func(c policy.Case) policy.Verdict {
		return c.Message(s.server.ctx, s.store.get(macroQueueID), &s.headers)
	})
	switch {
	case s.stripOnly:
		v.Mark, v.Auth = "", ""
	case v.FailOpen && v.Mark == "" && s.wishes.Mark:
		v.Mark = policy.FailOpenMark(s.hostname())
	}
	if !v.Refuses() {
		s.guard(policy.StageEOM, func() { s.edit(&v) })
	}
	s.endMessage(policy.EndEOM)
	return s.answer(v)
}

// Abort implements gomilter.Milter. It may come before MAIL, and twice.
func (s *session) Abort(*gomilter.Modifier) error {
	s.endMessage(policy.EndAbort)
	return nil
}

// early answers a stage before recipients are known.
func (s *session) early(at policy.Stage) (gomilter.Response, error) {
	if s.agreed.silent(at) {
		return nil, nil
	}
	if at < s.wishes.Earliest {
		s.edge.sayContinue()
		return nil, nil
	}
	return s.answer(s.verdict(at, func(c policy.Case) policy.Verdict { return c.Early(s.server.ctx, at) }))
}

func (s *session) answer(v policy.Verdict) (gomilter.Response, error) {
	if v.Refuses() && v.Reply != "" {
		s.edge.sayReply(v.Reply)
	} else {
		s.edge.sayContinue()
	}
	return nil, nil
}

// ask calls the case, if there is one.
func (s *session) ask(at policy.Stage, f func(policy.Case)) {
	if s.judge != nil {
		s.guard(at, func() { f(s.judge) })
	}
}

// verdict asks the case for one; own trouble fails open.
func (s *session) verdict(at policy.Stage, f func(policy.Case) policy.Verdict) policy.Verdict {
	v := policy.Verdict{FailOpen: true}
	s.ask(at, func(c policy.Case) { v = f(c) })
	return v
}

// guard recovers from a panic: it is counted, logged at most once a minute, and
// told to the case, which passes everything from then on.
func (s *session) guard(at policy.Stage, f func()) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		s.report(at, p)
		if s.judge != nil && !s.failing {
			s.failing = true
			s.guard(at, func() { s.judge.Fail("panic") })
			s.failing = false
		}
	}()
	f()
}

func (s *session) report(at policy.Stage, p any) {
	s.server.opts.Meter.Event(EventPanic)
	s.server.logPanic(s.id, at, p, debug.Stack())
}

// endMessage ends the open message. The case must hear of it even after a
// panic, for its verdict line.
func (s *session) endMessage(how policy.End) {
	if !s.open {
		return
	}
	s.open = false
	s.reads, s.text, s.edge.frames.body = false, policy.Body{}, 0
	if s.judge != nil {
		s.guard(policy.StageEOM, func() { s.judge.End(how) })
	}
}

// closeCase says that the client is gone.
func (s *session) closeCase() {
	if s.judge != nil {
		s.guard(policy.StageQuit, s.judge.Close)
		s.judge = nil
	}
}

func (s *session) resetHeaders() {
	authserv := ""
	if s.wishes.AuthResult {
		if authserv = s.wishes.Authserv; authserv == "" {
			authserv = s.store.get(macroJ)
		}
	}
	s.headers.Reset(authserv)
	if s.wishes.Body {
		s.headers.KeepType()
	}
}

func (s *session) hostname() string {
	if s.wishes.Hostname != "" {
		return s.wishes.Hostname
	}
	return s.store.get(macroJ)
}

// What follows implements taker.

// negotiate agrees on no more than the MTA offers, and answers that.
func (s *session) negotiate(o offer) mute {
	s.wishes = s.server.opts.Decider.Wishes()
	s.wishes.Body = s.wishes.Body && !s.stripOnly
	s.agreed = agree(o, s.wishes)
	s.server.begun(s)
	s.edge.say(byte(gomilter.CodeOptNeg), s.agreed.answer())
	return mute{header: s.agreed.silent(policy.StageHeader), body: s.agreed.silent(policy.StageBody)}
}

func (s *session) macros(at gomilter.Code, payload []byte) {
	s.store.set(at, payload)
	s.announced = s.announced || at == gomilter.CodeMail
}

func (s *session) header(payload []byte) {
	name, rest := cut(payload)
	value, _ := cut(rest)
	if s.open {
		s.headers.Add(name, value)
	}
}

// headersEnd comes before the body.
func (s *session) headersEnd() {
	if s.wishes.Body && s.open {
		s.ask(policy.StageEOH, s.expectBody)
	}
	if !s.agreed.silent(policy.StageEOH) {
		s.edge.sayContinue()
	}
}

func (s *session) body(chunk []byte) (room int) {
	s.text.Add(chunk)
	return s.text.Room()
}

func (s *session) connect(payload []byte) (err error) {
	s.connection, err = parseConnect(payload)
	return err
}

// nextClient is SMFIC_QUIT_NC: this client is done, another may come.
func (s *session) nextClient() {
	s.endMessage(policy.EndAbort)
	s.closeCase()
	s.store.forget(0)
}

func (s *session) atRest() bool { return !s.open }

func (s *session) panicked(at gomilter.Code, what any) { s.report(stageOf(at), what) }

// stageOf is where in a session a frame of the command is taken.
func stageOf(code gomilter.Code) policy.Stage {
	switch code {
	case gomilter.CodeHeader, gomilter.CodeMacro:
		return policy.StageHeader
	case gomilter.CodeEOH:
		return policy.StageEOH
	case gomilter.CodeBody:
		return policy.StageBody
	case codeQuitNC:
		return policy.StageQuit
	}
	return policy.StageConnect // OPTNEG and CONNECT
}

// ended ends what the end of the connection left open.
func (s *session) ended(cause error) {
	defer s.done()
	how := policy.EndLost
	if s.edge.quit {
		how = policy.EndAbort
	}
	s.endMessage(how)
	s.server.ended(s, cause)
	s.closeCase()
}
