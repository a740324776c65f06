package decider

import (
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// record tells of a decision, once.
func (c *decision) record(id string, stage policy.Stage, o outcome, end policy.End, to []string) {
	rec := &c.told
	*rec = policy.Record{
		ID: id, Facts: &c.facts, QueueID: c.message.queueID, Sender: c.facts.Envelope.Sender(),
		Rcpts: c.message.accepted, To: to, Limits: c.limits.used, Stage: stage,
		Mode: c.rules().Mode, Verdict: o.verdict, Action: o.action, Exempt: c.message.exempt, Reason: o.reason,
		Took: c.message.took, End: end,
	}
	if c.settings.Explain && o.verdict == policy.ActionLimit {
		rec.Limits = c.wouldCount()
	}
	if !c.began.IsZero() {
		rec.Took += c.decider.opts.Now().Sub(c.began)
	}
	if c.fresh {
		rec.Judgement = &c.judged
		c.remember()
		if c.lookups != nil {
			c.lookups.Judged(&c.facts, &c.judged)
		}
	}
	c.decider.opts.Recorder.Record(rec)
}

// start and stop measure own work.
func (c *decision) start() { c.began = c.decider.opts.Now() }

func (c *decision) stop() {
	c.message.took += c.decider.opts.Now().Sub(c.began)
	c.began = time.Time{}
}
