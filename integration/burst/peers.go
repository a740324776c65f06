package main

import (
	"context"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
)

// peers is what mail servers have without iot-milter: a limit of messages by
// address, whoever it is. It is a decider of its own, behind the same socket.
type peers struct {
	memory *state.Memory
	rate   state.Rate
}

var _ policy.Decider = (*peers)(nil)

func (p *peers) Open(c policy.Client) policy.Case           { return &peersCase{peers: p, client: c} }
func (p *peers) Pass(c policy.Client, _ string) policy.Case { return p.Open(c) }
func (p *peers) Wishes() policy.Wishes                      { return policy.Wishes{Earliest: policy.StageRcpt} }

type peersCase struct {
	peers  *peers
	client policy.Client
}

func (c *peersCase) Greeting(policy.Greeting) {}
func (c *peersCase) Sender(policy.Envelope)   {}
func (c *peersCase) Early(context.Context, policy.Stage) policy.Verdict {
	return policy.Verdict{}
}

// Recipient counts messages: those of the scene have one recipient.
func (c *peersCase) Recipient(context.Context, string) policy.Verdict {
	if c.client.Addr.IsPrivate() {
		return policy.Verdict{} // as mynetworks are
	}
	key := c.peers.memory.Key(policy.AddrText(c.client.Addr))
	draw := state.Draw{Item: state.Item{Key: key, Wide: key, Network: key}, Rate: c.peers.rate}
	if empty, _ := c.peers.memory.Take(c.client.At.Truncate(time.Millisecond), []state.Draw{draw}); empty >= 0 {
		return policy.Verdict{Action: policy.ActionLimit, Reply: "451 4.7.1 Too much mail"}
	}
	return policy.Verdict{}
}

func (c *peersCase) Reads(*policy.Headers) bool { return false }
func (c *peersCase) Message(context.Context, string, *policy.Headers) policy.Verdict {
	return policy.Verdict{}
}
func (c *peersCase) Fail(string)    {}
func (c *peersCase) End(policy.End) {}
func (c *peersCase) Close()         {}
