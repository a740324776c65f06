package policy

import (
	"fmt"

	"github.com/iot-milter/iot-milter/policy/device"
)

// The closed vocabularies. Each is a small integer with the word that the
// configuration, the log, the metrics and the JSON use; the words are part of
// the contract with admins and never change. String of a value that is out of
// range is "invalid". All are safe for concurrent use.

// Class is what kind of machine the client is.
type Class uint8

// The classes. ClassUnknown means that no evidence was found either way.
const (
	ClassUnknown Class = iota
	ClassMailserver
	ClassHosting
	ClassBusiness
	ClassAccess
	ClassDevice
	numClasses
)

var classWords = []string{"unknown", "mailserver", "hosting", "business", "access", "device"}

func (c Class) String() string { return word(classWords, int(c)) }

// ParseClass returns the class that s names.
func ParseClass(s string) (Class, error) { return parse[Class](classWords, s, "class") }

// Mode is how far the daemon goes: it logs, it also writes headers, or it also
// acts on mail.
type Mode uint8

// The modes, from the mildest.
const (
	ModeObserve Mode = iota
	ModeTag
	ModeEnforce
)

var modeWords = []string{"observe", "tag", "enforce"}

func (m Mode) String() string { return word(modeWords, int(m)) }

// ParseMode returns the mode that s names.
func ParseMode(s string) (Mode, error) { return parse[Mode](modeWords, s, "mode") }

// Action is what policy concludes about a message, or what was done to it.
type Action uint8

// The actions, from the mildest. The order is meaningful: of two actions that
// apply, the larger is the stricter.
const (
	ActionAccept Action = iota
	ActionTag
	ActionLimit
	ActionDefer
	ActionQuarantine
	ActionReject
)

var actionWords = []string{"accept", "tag", "limit", "defer", "quarantine", "reject"}

func (a Action) String() string { return word(actionWords, int(a)) }

// ParseAction returns the action that s names.
func ParseAction(s string) (Action, error) { return parse[Action](actionWords, s, "action") }

// Stage is a point of the SMTP dialogue as the milter protocol tells it.
type Stage uint8

// The stages, in the order of the dialogue.
const (
	StageConnect Stage = iota
	StageHelo
	StageMail
	StageRcpt
	StageData
	StageHeader
	StageEOH
	StageBody
	StageEOM
	StageAbort
	StageQuit
)

var stageWords = []string{"connect", "helo", "mail", "rcpt", "data", "header", "eoh", "body", "eom", "abort", "quit"}

func (s Stage) String() string { return word(stageWords, int(s)) }

// ParseStage returns the stage that s names.
func ParseStage(s string) (Stage, error) { return parse[Stage](stageWords, s, "stage") }

// Flag is the first word of the X-IoT-Spam header.
type Flag uint8

// The flags: Yes for a device, Suspect for a consumer line or a device.
const (
	FlagNo Flag = iota
	FlagSuspect
	FlagYes
)

var flagWords = []string{"no", "suspect", "yes"}

func (f Flag) String() string { return word(flagWords, int(f)) }

// Iprev is the result of reverse DNS and its confirmation (RFC 8601, section
// 2.7.3). IprevUnknown means that nobody told us, which is no evidence.
type Iprev uint8

// The results. IprevPermError is "there is no PTR record", IprevFail "there is
// one and it does not resolve back", IprevTempError "DNS was ill".
const (
	IprevUnknown Iprev = iota
	IprevPass
	IprevFail
	IprevPermError
	IprevTempError
)

var iprevWords = []string{"", "pass", "fail", "permerror", "temperror"}

func (i Iprev) String() string { return word(iprevWords, int(i)) }

// ParseIprev returns the result that s names; "" is IprevUnknown.
func ParseIprev(s string) (Iprev, error) { return parse[Iprev](iprevWords, s, "iprev") }

// Status is how a signal's test of the facts came out (words of RFC 8601).
type Status uint8

// The statuses. StatusFail is evidence against a mail server, StatusPass
// evidence for one, StatusNeutral a fact without weight.
const (
	StatusNone Status = iota
	StatusPass
	StatusFail
	StatusNeutral
	StatusTempError
	StatusPermError
	numStatuses
)

var statusWords = []string{"none", "pass", "fail", "neutral", "temperror", "permerror"}

func (s Status) String() string { return word(statusWords, int(s)) }

// Group collects signals that look at one thing; the sum of a group is capped.
type Group uint8

// The groups.
const (
	GroupName Group = iota
	GroupGreeting
	GroupStack
	GroupNetwork
	GroupLists
	GroupMessage
	GroupHistory
	GroupBanner
	numGroups
)

var groupWords = []string{"name", "greeting", "stack", "network", "lists", "message", "history", "banner"}

func (g Group) String() string { return word(groupWords, int(g)) }

// Family says whom a finding tells about: the line, the client itself, or
// something heard of the address at another time. A refusal needs line and
// client both; hearsay never counts towards one.
type Family uint8

// The families.
const (
	FamilyLine Family = iota
	FamilyClient
	FamilyHearsay
	numFamilies
)

var familyWords = []string{"line", "client", "hearsay"}

func (f Family) String() string { return word(familyWords, int(f)) }

// End is how a message ended.
type End uint8

// The ends: EndEOM after the final dot, EndAbort when the client or the MTA
// gave up, EndImplied when the next MAIL or HELO came without an end,
// EndLost when the connection to the MTA broke, EndRefused for one refused
// recipient.
const (
	EndEOM End = iota
	EndAbort
	EndImplied
	EndLost
	EndRefused
)

var endWords = []string{"eom", "abort", "implied", "lost", "refused"}

func (e End) String() string { return word(endWords, int(e)) }

func word(words []string, i int) string {
	if i >= len(words) {
		return "invalid"
	}
	return words[i]
}

func parse[T ~uint8](words []string, s, what string) (T, error) {
	for i, w := range words {
		if w == s {
			return T(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no %s", s, what)
}

// Words returns the words of a vocabulary by its name (class, device, flag, mode, action,
// stage), for error messages and documentation. The caller must not change
// the slice.
func Words(vocabulary string) []string {
	switch vocabulary {
	case "class":
		return classWords
	case "device":
		return device.Kinds[1:]
	case "flag":
		return flagWords
	case "mode":
		return modeWords
	case "action":
		return actionWords
	case "stage":
		return stageWords
	}
	return nil
}
