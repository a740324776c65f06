package policy

import "github.com/iot-milter/iot-milter/policy/device"

// maxFindings bounds what one judgement can collect. There are more signals, but
// most of a group exclude each other.
const maxFindings = 40

// Signal is a named test of facts. Names are lower-kebab and stable for ever:
// they stand in headers, logs and admins' scripts.
type Signal struct {
	Name  string
	Group Group
	// Family is whom its findings tell about, unless the finding says
	// otherwise: a HELO that repeats the PTR tells only about the line.
	Family Family
	// Stage is the first judgement that can run it: StageRcpt or StageEOM.
	Stage Stage
	// Test appends at most one finding. It must be pure, must not keep f, and
	// runs on the hot path: no allocation, no regular expression.
	Test func(f *Facts, out *Findings)
}

// Finding is what one signal found.
type Finding struct {
	Signal *Signal
	Status Status
	Family Family
	Key    string // the fact that caused it: what it is …
	Value  string // … and its text, which may be an attacker's
	Kind   device.Kind
	Vendor string
	Weight *Weight // nil when the status carries none
}

// Fact is the quoted fact, "key=value".
func (f *Finding) Fact() string { return f.Key + "=" + f.Value }

// Findings is the buffer that signals append to. The zero value is ready;
// Reset empties it. It belongs to one goroutine at a time.
type Findings struct {
	list   [maxFindings]Finding
	n      int
	signal *Signal
}

// Reset empties the buffer.
func (fs *Findings) Reset() { fs.n = 0 }

// List returns the findings in the order of Signals; valid until Reset.
func (fs *Findings) List() []Finding { return fs.list[:fs.n] }

// Add appends a finding of the signal that is being run and returns it, so that
// the signal can add what it knows of the device or change the family. The key
// and value quote the fact.
func (fs *Findings) Add(status Status, key, value string) *Finding {
	f := &fs.list[min(fs.n, maxFindings-1)]
	*f = Finding{
		Signal: fs.signal, Status: status, Family: fs.signal.Family,
		Key: key, Value: value, Weight: weightOf(fs.signal.Name, status),
	}
	if fs.n < maxFindings {
		fs.n++
	}
	return f
}

// On sets what the finding says about the device, and returns it.
func (f *Finding) On(kind device.Kind, vendor string) *Finding {
	f.Kind, f.Vendor = kind, vendor
	return f
}

// Of sets the family, and returns the finding.
func (f *Finding) Of(family Family) *Finding {
	f.Family = family
	return f
}

// Run runs every signal that can be judged at the stage over the facts.
func (fs *Findings) Run(f *Facts, stage Stage) {
	fs.Reset()
	for i := range Signals {
		s := &Signals[i]
		if s.Stage > stage || (f.NamesSuspended && s.Group == GroupName) {
			continue
		}
		fs.signal = s
		s.Test(f, fs)
	}
}
