package decider

import "github.com/iot-milter/iot-milter/policy"

// Ramp says on which share of clients mode enforce acts, in percent. The others are
// tagged, and their verdicts logged.
type Ramp struct {
	All, Device, Access float64 // of all of them; of those flagged Yes; of those flagged Suspect
}

// share is the share of clients with the flag on which anything is done.
func (r *Ramp) share(f policy.Flag) float64 {
	if r == nil {
		return 100
	}
	switch f {
	case policy.FlagYes:
		return min(r.All, r.Device)
	case policy.FlagSuspect:
		return min(r.All, r.Access)
	}
	return r.All
}

// done is what is done of an action: what the mode allows, on clients of the share.
func (c *decision) done(a policy.Action) policy.Action {
	a = c.rules().InMode(a)
	if a > policy.ActionTag && !c.ramped() {
		return policy.ActionTag
	}
	return a
}

// ramped reports whether the client is of the share. A network is, or is not, for as
// long as the installation's secret and the share stay: whoever is of 10 % is of
// 20 %.
func (c *decision) ramped() bool {
	share := c.settings.Ramp.share(c.judged.Flag)
	if share >= 100 {
		return true
	}
	const steps = 10_000
	place := uint64(c.decider.opts.State.Key("ramp", c.network())) % steps
	return float64(place) < share*steps/100
}
