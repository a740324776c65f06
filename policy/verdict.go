package policy

import (
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// Rules is what the admin wants to follow from a judgement. It is read-only
// after it was made and safe for concurrent use.
type Rules struct {
	Mode       Mode
	EnforceAt  Stage // the earliest stage at which anything is done
	Prior      PerClass
	Thresholds Thresholds
	Device     Action                 // of FlagYes
	Access     Action                 // of FlagSuspect
	Kinds      map[device.Kind]Action // overrides Device for a kind
	Exempt     Exempt
	Replies    Replies

	Hostname   string   // host= in headers; "" is the MTA's own name
	OwnHosts   []string // further names of own MX hosts, lower case
	AuthResult bool
	Authserv   string
	Notify     string // who releases quarantined mail; "" forbids quarantine
}

// Replies are the SMTP replies, with the placeholders {id} and {contact}.
type Replies struct {
	Reject  string
	Limit   string // also of defer
	Contact string
}

// The reasons of a verdict: stable tokens.
const (
	ReasonDevice       = "device"        // P(device) reached its confidence
	ReasonAccess       = "access"        // P(device) + P(access) reached its confidence
	ReasonFamily       = "one-family"    // a refusal lacks evidence of the line or of the client
	ReasonIndependent  = "own-name"      // a refusal withheld: HELO is an independent name
	ReasonOffice       = "small-office"  // a refusal withheld: the sender's domain names the client, or cannot be asked
	ReasonKnown        = "known"         // its sender mailed the same domain from the same network on earlier days
	ReasonCampaign     = "campaign"      // one template from many suspects at once
	ReasonRecipient    = "recipient"     // an exempt recipient is aboard: tagged at most
	ReasonMixed        = "mixed"         // exempt and ordinary recipients do not share a transaction
	ReasonNoHold       = "no-hold"       // the MTA does not let milters quarantine
	ReasonKept         = "kept"          // an own MX host judged already
	ReasonFailOpen     = "fail-open"     // own trouble
	ReasonLimitPassed  = "within-limit"  // a limit applies and is not reached
	ReasonLimitRefused = "limit-refused" // a limit put the message off so often that it refuses it
	ReasonDeferPassed  = "retried"       // a deferred message came again, as mail servers do
	ReasonNoRecipients = "no-recipient"  // no recipient was accepted
)

// mixedReply answers a recipient that must come in a transaction of its own.
const mixedReply = "452 4.5.3 Too many recipients, send this one separately"

// Conclude returns what the rules want of the judgement, and why. A refusal
// needs the line and the client, and is withheld from a client that has a name of
// its own unless that name is known not to be its, and from one that the sender's
// domain names, or may name while DNS is ill. Nothing is put aside where
// nobody would look after it.
func (r *Rules) Conclude(j *Judgement) (Action, string) {
	action, reason := r.wanted(j)
	switch {
	case action == ActionQuarantine && r.Notify == "":
		return ActionTag, reason
	case action != ActionReject:
		return action, reason
	}
	if why := withheld(j); why != "" {
		return ActionTag, why
	}
	return ActionReject, reason
}

// MayRefuse reports whether a client so judged may be refused at all.
func (r *Rules) MayRefuse(j *Judgement) bool { return j.Flag != FlagNo && withheld(j) == "" }

// withheld is why a refusal is, "" where it is not.
func withheld(j *Judgement) string {
	switch {
	case !j.Families[FamilyLine] || !j.Families[FamilyClient]:
		return ReasonFamily
	case j.Independent && j.Confirmed != IprevFail && j.Confirmed != IprevPermError:
		return ReasonIndependent
	case j.Sending == IprevPass || j.Sending == IprevTempError:
		return ReasonOffice
	}
	return ""
}

// wanted is the action that the admin wants for the flag.
func (r *Rules) wanted(j *Judgement) (Action, string) {
	switch j.Flag {
	case FlagYes:
		if a, ok := r.Kinds[j.Device]; ok {
			return a, ReasonDevice
		}
		return r.Device, ReasonDevice
	case FlagSuspect:
		return r.Access, ReasonAccess
	}
	return ActionAccept, ""
}

// Pardoned reports whether a refusal is withheld only because nobody knows yet
// whether the client's name of its own is its.
func (r *Rules) Pardoned(j *Judgement) bool {
	_, reason := r.Conclude(j)
	return reason == ReasonIndependent && j.Confirmed == IprevUnknown
}

// MayAct reports whether a client so judged at RCPT may yet meet with more than a
// tag at end of message.
func (r *Rules) MayAct(j *Judgement) bool {
	if r.Mode != ModeEnforce || j.Reach(&r.Prior) < min(r.Thresholds.Access, r.Thresholds.Device) {
		return false
	}
	most := max(r.Device, r.Access)
	for _, a := range r.Kinds {
		most = max(most, a)
	}
	return most > ActionTag
}

// InMode returns what the mode lets be done of an action.
func (r *Rules) InMode(a Action) Action {
	switch r.Mode {
	case ModeObserve:
		return ActionAccept
	case ModeTag:
		return min(a, ActionTag)
	}
	return a
}

// maxReply is the longest reply, in bytes, that every MTA carries whole.
const maxReply = 980

// Reply returns the SMTP reply of a refusing action: at most 980 bytes, without
// control bytes, and of the class that the action asks for, whatever the admin's
// text is.
func (r *Rules) Reply(a Action, id string) string {
	text, class, plain := r.Replies.Limit, "4", "451 4.7.1 Try again later [id={id}]"
	if a == ActionReject {
		text, class, plain = r.Replies.Reject, "5", "550 5.7.1 Not accepted [id={id}]"
	}
	if !strings.HasPrefix(text, class) {
		text = plain
	}
	text = strings.ReplaceAll(text, "{id}", id)
	text = strings.ReplaceAll(text, "{contact}", r.Replies.Contact)
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return ' '
		}
		return c
	}, text)
	return strings.TrimRight(text[:min(len(text), maxReply)], " ")
}

// MixedReply is the reply to a recipient of the other kind.
func (r *Rules) MixedReply() string { return mixedReply }

// Host is the name for host= in headers, where the MTA calls itself mta.
func (r *Rules) Host(mta string) string {
	if r.Hostname != "" {
		return r.Hostname
	}
	return mta
}
