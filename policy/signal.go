package policy

import "github.com/iot-milter/iot-milter/policy/device"

// maxFindings bounds what one judgement can collect. There are more signals, but
// most of a group exclude each other.
const maxFindings = 40

// fewFindings is what there is room for at first: most judgements have fewer.
const fewFindings = 8

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
	Weight *Weight // nil when the status carries none
	Status Status
	Family Family
	Kind   device.Kind
	Vendor string
	Key    string // the fact that caused it: what it is …
	Value  string // … and its text, which may be an attacker's
}

// Fact is the quoted fact, "key=value".
func (f *Finding) Fact() string { return f.Key + "=" + f.Value }

// Findings is the buffer that signals append to. The zero value is ready;
// Reset empties it. It belongs to one goroutine at a time, and is not copied:
// the copy would have the same memory.
type Findings struct {
	list []Finding // at most maxFindings; none before the first
	rows *[]row    // the signals …
	at   int       // … and which of them is being run
}

// Reset empties the buffer.
func (fs *Findings) Reset() { fs.list = fs.list[:0] }

// List returns the findings in the order of Signals; valid until Reset.
func (fs *Findings) List() []Finding { return fs.list }

// Add appends a finding of the signal that is being run and returns it, so that
// the signal can add what it knows of the device or change the family: until the
// next is added. The key and value quote the fact.
func (fs *Findings) Add(status Status, key, value string) *Finding {
	if fs.list == nil {
		fs.list = make([]Finding, 0, fewFindings)
	}
	if len(fs.list) == maxFindings {
		fs.list = fs.list[:maxFindings-1] // the last one gives way
	}
	row := &(*fs.rows)[fs.at]
	fs.list = append(fs.list, Finding{
		Signal: row.signal, Status: status, Family: row.signal.Family,
		Key: key, Value: value, Weight: row.weights[status],
	})
	return &fs.list[len(fs.list)-1]
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
	fs.rows = &rows
	for i := range Signals {
		s := &Signals[i]
		if s.Stage > stage || (f.NamesSuspended && s.Group == GroupName) {
			continue
		}
		fs.at = i
		s.Test(f, fs)
	}
}
