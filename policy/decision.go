package policy

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Record is one decision as it is made: of a message, or of one refused
// recipient. What it points to is valid only until Recorder.Record returns.
type Record struct {
	ID        string
	Facts     *Facts
	Judgement *Judgement // nil when nothing was judged
	QueueID   string
	Sender    string // the sender's address as logs and decisions show it, see Envelope.Sender
	Rcpts     int    // accepted ones
	// To are the domains of the recipients, in lower case, at most MaxTo: of the message,
	// or of the refused one.
	To        []string
	Limits    []LimitUse // those that counted
	Exempt    string
	Reason    string
	Took      time.Duration // own work over the whole message
	Addresses AddressForm
	Stage     Stage
	Mode      Mode
	Verdict   Action // what policy concludes
	Action    Action // what was done
	End       End
}

// AddressForm is how much of mail addresses a record shows. Whoever sets it to
// another than AddressFull sets Sender to match.
type AddressForm uint8

// The forms: the whole address; "@domain"; a hash under the installation's secret;
// nothing. Facts that quote an address show its domain at most in all but the first.
const (
	AddressFull AddressForm = iota
	AddressDomain
	AddressHash
	AddressNone
)

var addressWords = []string{"full", "domain", "hash", "none"}

func (a AddressForm) String() string { return word(addressWords, int(a)) }

// ParseAddressForm returns the form that s names.
func ParseAddressForm(s string) (AddressForm, error) {
	return parse[AddressForm](addressWords, s, "form of addresses")
}

// factOf is the value of a finding's fact as the record shows it.
func (r *Record) factOf(f *Finding) string {
	if r.Addresses == AddressFull || f.Key != "from" && f.Key != "message-id" {
		return f.Value
	}
	if r.Addresses == AddressDomain {
		return f.Value[strings.LastIndexByte(f.Value, '@')+1:]
	}
	return ""
}

// MaxTo is how many domains a Record names.
const MaxTo = 8

// Recorder takes decisions. It must be safe for concurrent use, and must not
// wait: it stands in the way of mail.
type Recorder interface{ Record(*Record) }

// Decision is a Record in the form that explain, replay and the event log print:
// the contract's JSON. It owns its memory.
type Decision struct {
	ID         string             `json:"id"`
	Client     string             `json:"client"`
	PTR        string             `json:"ptr,omitempty"`
	Iprev      string             `json:"iprev"`
	HELO       *string            `json:"helo,omitempty"`
	From       *string            `json:"from,omitempty"`
	To         []string           `json:"to,omitempty"` // domains
	Class      string             `json:"class"`
	Device     string             `json:"device"`
	Vendor     string             `json:"vendor"`
	Confidence float64            `json:"confidence"`
	Flag       string             `json:"flag"`
	Mode       string             `json:"mode"`
	Verdict    string             `json:"verdict"`
	Action     string             `json:"action"`
	Reason     string             `json:"reason"`
	Exempt     string             `json:"exempt"`
	P          map[string]float64 `json:"p,omitempty"`
	Time       *time.Time         `json:"time,omitempty"`
	Session    string             `json:"session,omitempty"`
	MTA        string             `json:"mta,omitempty"`
	QueueID    string             `json:"qid,omitempty"`
	Stage      string             `json:"stage"`
	Rcpts      int                `json:"rcpts"`
	Took       string             `json:"took,omitempty"`
	End        string             `json:"end,omitempty"`
	Limits     []DecisionLimit    `json:"limits,omitempty"`
	Signals    []DecisionSignal   `json:"signals"`
}

// DecisionSignal is a finding in a Decision.
type DecisionSignal struct {
	Name   string  `json:"name"`
	Group  string  `json:"group"`
	Family string  `json:"family"`
	Status string  `json:"status"`
	Weight float64 `json:"weight"`
	Fact   string  `json:"fact"`
}

// Decision copies the record.
func (r *Record) Decision() Decision {
	f := r.Facts
	d := Decision{
		ID: r.ID, Client: AddrText(f.Client.Addr), PTR: f.Client.Name.String(), Iprev: f.Client.Iprev.String(),
		HELO: pointer(f.Greeting.Name, f.Greeting.Name.String()), From: pointer(f.Envelope.From, r.Sender),
		To:    slices.Clone(r.To),
		Class: ClassUnknown.String(), Flag: FlagNo.String(), Mode: r.Mode.String(),
		Verdict: r.Verdict.String(), Action: r.Action.String(), Reason: r.Reason, Exempt: r.Exempt,
		Session: f.Client.Session, MTA: f.Client.MTA, QueueID: r.QueueID, Stage: r.Stage.String(), Rcpts: r.Rcpts,
		Took: r.Took.Round(time.Microsecond).String(), End: r.End.String(), Signals: []DecisionSignal{},
	}
	if at := f.Client.At; !at.IsZero() {
		at = at.UTC()
		d.Time = &at
	}
	for i := range r.Limits {
		d.Limits = append(d.Limits, r.Limits[i].decision())
	}
	if r.Judgement != nil {
		d.judged(r)
	}
	return d
}

func (d *Decision) judged(r *Record) {
	j := r.Judgement
	d.Class, d.Device, d.Vendor = j.Class.String(), j.Device.String(), j.Vendor
	d.Confidence, d.Flag = round(j.Confidence, 4), j.Flag.String()
	d.P = make(map[string]float64, int(numClasses))
	for c := ClassMailserver; c < numClasses; c++ {
		d.P[c.String()] = round(j.P[c], 4)
	}
	for i := range j.Findings.List() {
		f := &j.Findings.list[i]
		d.Signals = append(d.Signals, DecisionSignal{
			Name: f.Signal.Name, Group: word(groupWords, int(f.Signal.Group)), Family: word(familyWords, int(f.Family)),
			Status: word(statusWords, int(f.Status)), Weight: round(f.Against(j.Class), 1), Fact: f.Key + "=" + r.factOf(f),
		})
	}
}

// AddrText is an address in text, "" when it is unknown.
func AddrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// pointer is nil when the fact is unknown: its field is then left out.
func pointer(fact Text, shown string) *string {
	if fact.Known() {
		return &shown
	}
	return nil
}

// powers are those of ten that numbers are rounded by.
var powers = [...]float64{1, 10, 100, 1000, 10_000}

func round(x float64, decimals int) float64 {
	f := powers[decimals]
	return math.Round(x*f) / f
}
