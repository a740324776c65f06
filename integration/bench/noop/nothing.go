package main

import (
	"context"
	"net/textproto"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/policy"
)

// The header that is added. Its name is that of iot-milter, which removes it from mail.
const (
	headerName  = policy.HeaderName
	headerValue = "No; class=unknown; host=mx.example.test"
)

// plain is the library's filter. What was agreed to get no answer gets none.
type plain struct{ gomilter.NoOpMilter }

func (plain) Helo(string, *gomilter.Modifier) (gomilter.Response, error)     { return nil, nil }
func (plain) MailFrom(string, *gomilter.Modifier) (gomilter.Response, error) { return nil, nil }
func (plain) Header(string, string, *gomilter.Modifier) (gomilter.Response, error) {
	return nil, nil
}

func (plain) Headers(textproto.MIMEHeader, *gomilter.Modifier) (gomilter.Response, error) {
	return nil, nil
}
func (plain) BodyChunk([]byte, *gomilter.Modifier) (gomilter.Response, error) { return nil, nil }

func (plain) Body(m *gomilter.Modifier) (gomilter.Response, error) {
	return gomilter.RespContinue, m.AddHeader(headerName, headerValue)
}

// nothing is the decider, the case and the meter of the protocol edge.
type nothing struct{}

// Wishes are those of a daemon as it comes.
func (nothing) Wishes() policy.Wishes {
	return policy.Wishes{Earliest: policy.StageRcpt, Prompt: true, Mark: true, Hostname: "mx.example.test"}
}

func (nothing) Open(policy.Client) policy.Case                     { return nothing{} }
func (nothing) Pass(policy.Client, string) policy.Case             { return nothing{} }
func (nothing) Greeting(policy.Greeting)                           {}
func (nothing) Sender(policy.Envelope)                             {}
func (nothing) Early(context.Context, policy.Stage) policy.Verdict { return policy.Verdict{} }
func (nothing) Recipient(context.Context, string) policy.Verdict   { return policy.Verdict{} }
func (nothing) Reads(*policy.Headers) bool                         { return false }
func (nothing) Fail(string)                                        {}
func (nothing) End(policy.End)                                     {}
func (nothing) Close()                                             {}
func (nothing) Event(milter.Event)                                 {}
func (nothing) Sessions(int)                                       {}
func (nothing) Message(context.Context, string, *policy.Headers) policy.Verdict {
	return policy.Verdict{Mark: headerValue}
}
