package milter

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/policy"
)

// minVersion is the oldest protocol that can be spoken: the one that is answered.
const minVersion = 2

// offer is what the MTA proposes in OPTNEG.
type offer struct {
	version  uint32
	actions  gomilter.OptAction
	protocol gomilter.OptProtocol
}

// parseOffer reads an OPTNEG frame with its length prefix.
func parseOffer(b []byte) (offer, error) {
	if len(b) < offerLength || b[lengthPrefix] != byte(gomilter.CodeOptNeg) ||
		binary.BigEndian.Uint32(b) < offerLength-lengthPrefix {
		return offer{}, fmt.Errorf("%w: the session does not begin with an option negotiation", errFrame)
	}
	b = b[lengthPrefix+1:]
	o := offer{
		version:  binary.BigEndian.Uint32(b),
		actions:  gomilter.OptAction(binary.BigEndian.Uint32(b[4:])),
		protocol: gomilter.OptProtocol(binary.BigEndian.Uint32(b[8:])),
	}
	if o.version < minVersion {
		return offer{}, fmt.Errorf("%w: protocol version %d, at least %d is needed", errFrame, o.version, minVersion)
	}
	return o, nil
}

// agreement is our wishes within the offer.
type agreement struct {
	actions  gomilter.OptAction
	protocol gomilter.OptProtocol
	macros   bool // whether to ask for connectMacros
}

// connectMacros are the facts of a connection that an MTA tells only when asked
// (quirk 7): daemon_* which of the admin's listeners, client_* the address's
// reverse DNS as the MTA saw it, v the MTA's version, _ its own wording.
var connectMacros = []string{"j", "{daemon_name}", "{daemon_addr}", "{daemon_port}", "{client_port}",
	"{client_ptr}", "{client_name}", "{client_resolve}", "{if_addr}", "{if_port}", "v", "_"}

var connectMacroList = strings.Join(connectMacros, " ")

// ConnectMacros are those that an answer to OPTNEG asks for at connect. No other milter
// that is known asks for just these, so they also tell who answers.
func ConnectMacros() []string { return slices.Clone(connectMacros) }

// agree intersects what we want with what the MTA offers.
func agree(o offer, w policy.Wishes) agreement {
	actions := wantedActions(w) | gomilter.OptSetSymList
	protocol := gomilter.OptNoUnknown | gomilter.OptNoData | gomilter.OptNoHeaderReply | gomilter.OptNoEOHReply
	if w.Body {
		protocol |= gomilter.OptNoBodyReply
	} else {
		protocol |= gomilter.OptNoBody
	}
	// A stage that cannot be answered with anything but "continue" needs no answer.
	// But Postfix holds frames back until it wants one (quirk 14).
	if w.Earliest > policy.StageConnect && !w.Prompt {
		protocol |= gomilter.OptNoConnReply
	}
	if w.Earliest > policy.StageHelo {
		protocol |= gomilter.OptNoHeloReply
	}
	if w.Earliest > policy.StageMail {
		protocol |= gomilter.OptNoMailReply
	}
	a := agreement{actions: o.actions & actions, protocol: o.protocol & protocol}
	a.macros = a.can(gomilter.OptSetSymList)
	return a
}

// answer is the payload of our OPTNEG. The library would write one of its own, but is
// given what it shall agree on before the MTA has said what it offers.
func (a agreement) answer() string {
	b := make([]byte, 0, 256)
	for _, v := range []uint32{minVersion, uint32(a.actions), uint32(a.protocol)} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	if a.macros {
		b = binary.BigEndian.AppendUint32(b, uint32(gomilter.StageConnect))
		b = append(append(b, connectMacroList...), 0)
	}
	return string(b)
}

// wantedActions are those without which a wish cannot be carried out.
func wantedActions(w policy.Wishes) gomilter.OptAction {
	want := gomilter.OptChangeHeader // forged fields are removed in every mode
	if w.Mark || w.AuthResult {
		want |= gomilter.OptAddHeader
	}
	if w.Quarantine {
		want |= gomilter.OptQuarantine
	}
	return want
}

// lacking names the wanted actions that the MTA does not offer, "" when it
// offers all.
func (a agreement) lacking(w policy.Wishes) string {
	var names []string
	missing := wantedActions(w) &^ a.actions
	for _, action := range []struct {
		bit  gomilter.OptAction
		name string
	}{
		{gomilter.OptAddHeader, "add headers"},
		{gomilter.OptChangeHeader, "change headers"},
		{gomilter.OptQuarantine, "quarantine"},
	} {
		if missing&action.bit != 0 {
			names = append(names, action.name)
		}
	}
	return strings.Join(names, ", ")
}

func (a agreement) can(action gomilter.OptAction) bool { return a.actions&action != 0 }

// silent reports whether the MTA expects no answer at the stage.
func (a agreement) silent(at policy.Stage) bool {
	switch at {
	case policy.StageConnect:
		return a.protocol&gomilter.OptNoConnReply != 0
	case policy.StageHelo:
		return a.protocol&gomilter.OptNoHeloReply != 0
	case policy.StageMail:
		return a.protocol&gomilter.OptNoMailReply != 0
	case policy.StageHeader:
		return a.protocol&gomilter.OptNoHeaderReply != 0
	case policy.StageEOH:
		return a.protocol&gomilter.OptNoEOHReply != 0
	case policy.StageBody:
		return a.protocol&gomilter.OptNoBodyReply != 0
	}
	return false
}
