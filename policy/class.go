package policy

import (
	"math"

	"github.com/iot-milter/iot-milter/policy/device"
)

// PerClass holds a number for each class; index it with a Class. The entry of
// ClassUnknown is not used.
type PerClass [numClasses]float64

// groupCap bounds, in decibans, how far the findings of one group can move a
// class against a mail server. Signals of a group look at the same text and
// repeat each other; the caps keep a sum of echoes from passing for certainty.
var groupCap = [numGroups]float64{
	GroupName:     20,
	GroupGreeting: 24,
	GroupStack:    15,
	GroupNetwork:  15,
	GroupLists:    18,
	GroupMessage:  15,
	GroupHistory:  10,
	GroupBanner:   10,
}

// Thresholds are the confidences from which the header says Yes and Suspect.
type Thresholds struct {
	Device float64 // P(device) for Yes
	Access float64 // P(device) + P(access) for Suspect
}

// Judgement is what the facts amount to. It belongs to one session.
type Judgement struct {
	Class      Class
	Device     device.Kind // with class device, or flag yes
	Flag       Flag
	Vendor     string
	Confidence float64 // P of Class; 0 for ClassUnknown
	P          PerClass
	Findings   Findings

	// Families says which families have measured evidence against the client.
	Families [numFamilies]bool
	// Independent says that HELO is a fully qualified name of its own: not the
	// line's, not the address, not the MTA's.
	Independent bool
	// Confirmed is whether that name resolves to the client.
	Confirmed Iprev
	// Sending is whether the sender's domain names the client.
	Sending Iprev
}

// Judge runs the signals up to stage over the facts and concludes the class.
func (j *Judgement) Judge(f *Facts, stage Stage, prior *PerClass, limit Thresholds) {
	j.Findings.Run(f, stage)
	j.Independent = independent(f)
	j.Confirmed, j.Sending = f.Confirmed, f.Sending
	j.Weigh(prior, limit)
}

// Weigh concludes the class from the findings as they stand. Judge has done so;
// whoever fits the weights changes those of the findings and weighs again.
func (j *Judgement) Weigh(prior *PerClass, limit Thresholds) {
	sums := j.sum()
	j.P = posterior(prior, &sums)
	j.conclude(limit)
	j.Families = j.families()
}

// Reach is the highest P(device) + P(access) that the message's headers, which
// come only after the recipients, could still lead to.
func (j *Judgement) Reach(prior *PerClass) float64 {
	sums := j.sum()
	sums[ClassAccess] += groupCap[GroupMessage]
	sums[ClassDevice] += groupCap[GroupMessage]
	sums[ClassHosting] -= groupCap[GroupMessage]
	sums[ClassBusiness] -= groupCap[GroupMessage]
	p := posterior(prior, &sums)
	return p[ClassAccess] + p[ClassDevice]
}

// Strongest appends to names those of the weightiest signals for the decided
// class, the heaviest first, and returns it. It stops when names is full.
func (j *Judgement) Strongest(names []string) []string {
	var taken [maxFindings]bool
	for len(names) < cap(names) {
		best, weight := -1, 0.0
		for i := range j.Findings.List() {
			w := math.Abs(j.Findings.list[i].Against(j.Class))
			if !taken[i] && w > weight {
				best, weight = i, w
			}
		}
		if best < 0 {
			break
		}
		taken[best] = true
		names = append(names, j.Findings.list[best].Signal.Name)
	}
	return names
}

// sum adds the weights per group, caps each group and adds the groups.
func (j *Judgement) sum() (total PerClass) {
	var groups [numGroups]PerClass
	var some [numGroups]bool
	for i := range j.Findings.List() {
		f := &j.Findings.list[i]
		if f.Weight == nil {
			continue
		}
		g := f.Signal.Group
		some[g] = true
		for c := ClassMailserver; c < numClasses; c++ {
			groups[g][c] += f.Weight.Decibans[c]
		}
	}
	for g := range groups {
		if !some[g] {
			continue
		}
		limitGroup(&groups[g], groupCap[g])
		for c := ClassMailserver; c < numClasses; c++ {
			total[c] += groups[g][c]
		}
	}
	return total
}

// limitGroup keeps a group's sums within its cap. What access or device lose the
// other classes lose too: else one more bad finding could make a client look
// better.
func limitGroup(w *PerClass, limit float64) {
	over := max(w[ClassAccess]-limit, w[ClassDevice]-limit, 0)
	for c := ClassHosting; c < numClasses; c++ {
		w[c] = min(w[c], limit)
		if c != ClassAccess && c != ClassDevice {
			w[c] -= over
		}
		w[c] = max(w[c], -limit)
	}
}

// nats is a deciban in units of the natural logarithm.
const nats = math.Ln10 / 10

func posterior(prior, sums *PerClass) (p PerClass) {
	total := 0.0
	for c := ClassMailserver; c < numClasses; c++ {
		p[c] = prior[c] * math.Exp(sums[c]*nats)
		total += p[c]
	}
	for c := ClassMailserver; c < numClasses; c++ {
		p[c] /= total
	}
	return p
}

func (j *Judgement) conclude(limit Thresholds) {
	j.Class, j.Confidence = ClassUnknown, 0
	j.Device, j.Vendor = device.None, ""
	j.Flag = FlagNo
	if !j.weighed() {
		return
	}
	for c := ClassMailserver; c < numClasses; c++ {
		if j.P[c] > j.Confidence {
			j.Class, j.Confidence = c, j.P[c]
		}
	}
	switch {
	case j.P[ClassDevice] >= limit.Device:
		j.Flag = FlagYes
	case j.P[ClassDevice]+j.P[ClassAccess] >= limit.Access:
		j.Flag = FlagSuspect
	}
	if j.Class == ClassDevice || j.Flag == FlagYes {
		j.Device, j.Vendor = j.device()
	}
}

// weighed reports whether a finding says something: without one the class would
// be the prior's, and that is not knowledge. That a server has memory is not,
// either: unmeasured evidence for the commonest class adds nothing to the prior.
func (j *Judgement) weighed() bool {
	for i := range j.Findings.List() {
		f := &j.Findings.list[i]
		if f.Weight != nil && (f.Weight.Measured || f.Status == StatusFail) {
			return true
		}
	}
	return false
}

// device returns the kind and vendor of the finding that weighs most for a
// device.
func (j *Judgement) device() (kind device.Kind, vendor string) {
	best := math.Inf(-1)
	for i := range j.Findings.List() {
		f := &j.Findings.list[i]
		if f.Kind == device.None || f.Weight == nil || f.Weight.Decibans[ClassDevice] <= best {
			continue
		}
		best = f.Weight.Decibans[ClassDevice]
		kind, vendor = f.Kind, f.Vendor
	}
	if kind == device.None {
		kind = device.Other
	}
	return kind, vendor
}

// Shows reports whether a finding of the family says which device it is.
func (j *Judgement) Shows(family Family) bool {
	for i := range j.Findings.List() {
		f := &j.Findings.list[i]
		if f.Family == family && f.Kind != device.None && f.Kind == j.Device {
			return true
		}
	}
	return false
}

// minFamily is the evidence in decibans, summed over a family, from which it
// counts towards a refusal: a likelihood ratio of two.
const minFamily = 3

// families sums, per family, the measured evidence for access or device (the
// stronger of both) against a mail server. Findings without a measured or cited
// rate never complete a refusal.
func (j *Judgement) families() (has [numFamilies]bool) {
	var sums [numFamilies]float64
	for i := range j.Findings.List() {
		f := &j.Findings.list[i]
		if f.Weight == nil || !f.Weight.Measured {
			continue
		}
		w := &f.Weight.Decibans
		sums[f.Family] += max(w[ClassAccess], w[ClassDevice]) - w[ClassMailserver]
	}
	for f := range sums {
		has[f] = sums[f] >= minFamily
	}
	return has
}

// Against returns a finding's weight in decibans for the decided class: against
// a mail server, or against an access line when a mail server is decided.
func (f *Finding) Against(decided Class) float64 {
	if f.Weight == nil || decided == ClassUnknown {
		return 0
	}
	other := ClassMailserver
	if decided == ClassMailserver {
		other = ClassAccess
	}
	return f.Weight.Decibans[decided] - f.Weight.Decibans[other]
}
