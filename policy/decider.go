package policy

import "context"

// Decider judges connections. It is safe for concurrent use.
type Decider interface {
	// Open begins the case of one SMTP connection.
	Open(Client) Case
	// Pass begins the case of a connection that passes unjudged because of the
	// caller's own trouble, the cause. Headers are kept and removed all the same.
	Pass(client Client, cause string) Case
	// Wishes says what sessions that begin now need of the MTA.
	Wishes() Wishes
}

// Wishes is what the rules in force need of the protocol. A session keeps the
// wishes that it began with.
type Wishes struct {
	Earliest   Stage  // the first stage at which an answer may be other than "continue"
	Prompt     bool   // look-ups begin with the connection: its facts are wanted as they come
	Mark       bool   // X-IoT-Spam is written
	Quarantine bool   // messages may be held
	Body       bool   // the beginning of suspects' bodies is read
	AuthResult bool   // Authentication-Results is written …
	Authserv   string // … under this identifier; "" is the MTA's own name
	Hostname   string // host= in headers; "" is the MTA's own name
}

// Case is one SMTP connection under judgement. Its methods are called one at a
// time, in the order of the dialogue. None returns an error: own trouble is a
// Verdict with FailOpen, within the decider's deadline. Greeting and Sender
// start look-ups and never wait.
type Case interface {
	Greeting(Greeting)
	// Sender opens a message; one that is still open ends as EndImplied.
	Sender(Envelope)
	// Early judges before recipients are known, where the rules act so early:
	// at StageConnect, StageHelo or StageMail.
	Early(ctx context.Context, at Stage) Verdict
	// Recipient judges one recipient by the connection's facts.
	Recipient(ctx context.Context, rcpt string) Verdict
	// Reads says, once the header is known, whether the body is wanted. It never waits;
	// the headers are the caller's, as in Message.
	Reads(headers *Headers) bool
	// Message judges at end of message by all facts. The headers are the
	// caller's and are read before Message returns; nil when they are unknown.
	Message(ctx context.Context, queueID string, headers *Headers) Verdict
	// Fail says that the caller is in trouble: the open message passes unjudged.
	Fail(cause string)
	// End ends the open message, if there is one, and writes its verdict line.
	End(End)
	// Close says that the connection is gone: look-ups about it end. Only a closed
	// case is called no more.
	Close()
}

// Evidence gathers facts that the MTA does not tell. It must be safe for
// concurrent use.
type Evidence interface {
	// Start begins the look-ups about a client and does not wait.
	Start(Client) Lookups
}

// Lookups are the look-ups under way for one connection. Its methods but Await
// never wait, and are called one at a time.
type Lookups interface {
	// Greeting begins those about a HELO name; the last one counts.
	Greeting(Greeting)
	// Sender begins those about the sender's domain. They are many: the decider
	// asks for suspects alone.
	Sender(Envelope)
	// Await waits until all are done or ctx ends, fills in what is known and
	// returns ctx's error if some are not; it touches f no more after it returned.
	// With a ctx that has ended it is a look at what was found so far.
	Await(ctx context.Context, f *Facts) error
	// Judged tells what was concluded, for look-ups that serve the next connection.
	Judged(*Facts, *Judgement)
	// Close ends what is still under way; nobody waits for it any more.
	Close()
}

// Verdict is what the edge shall do: the wire side of a decision. The zero value
// lets mail pass and adds nothing.
type Verdict struct {
	Action   Action // Accept and Tag pass; Limit, Defer and Reject answer Reply; Quarantine holds
	Reply    string // "451 4.7.1 text", at most 980 bytes, no control bytes
	Hold     string // the reason given to the MTA with Quarantine
	Mark     string // value of the X-IoT-Spam field to insert, folded; "" for none
	KeepMark int    // index, from 1, of the arriving field that stays; 0 removes all
	KeepAuth bool   // arriving Authentication-Results under our identifier stay
	Auth     string // value of the Authentication-Results field to insert; "" for none
	FailOpen bool   // own trouble: nothing was judged
}

// Refuses reports whether the verdict is an SMTP error reply.
func (v *Verdict) Refuses() bool {
	return v.Action == ActionReject || v.Action == ActionDefer || v.Action == ActionLimit
}
