package mtascript

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ErrNegotiate is an OPTNEG answer that an MTA would refuse.
var ErrNegotiate = errors.New("milter negotiation refused")

// Offer is what the MTA proposes in OPTNEG.
type Offer struct {
	Version, Actions, Protocol uint32
}

// FullOffer is what Sendmail 8.14 and later and Postfix 2.6 and later offer:
// version 6 with all actions and all protocol bits.
func FullOffer() Offer { return Offer{6, AllActions, AllProtocol} }

// Agreement is the filter's answer. Macros is keyed by the event's command code
// and nil when the filter sent no lists. Protocol holds what is in force, that
// is with the bits that the version implies (doc item 6).
type Agreement struct {
	Version, Actions, Protocol uint32
	Macros                     map[byte][]string

	masked uint32 // events outside the agreed version: not even their macros go out
}

// Suppressed tells whether the event of that code is not sent.
func (a Agreement) Suppressed(code byte) bool { return a.Protocol&events[code].suppress != 0 }

// ReplyDue tells whether the filter must answer the event of that code. Nothing
// but an event is answered.
func (a Agreement) ReplyDue(code byte) bool {
	bits, ok := events[code]
	return ok && a.Protocol&(bits.suppress|bits.noReply) == 0
}

// macroStages orders the SMFIM_* numbers of libmilter/mfapi.h.
var macroStages = [...]byte{CmdConnect, CmdHelo, CmdMail, CmdRcpt, CmdData, CmdEOM, CmdEOH}

// Negotiate sends the offer, reads the answer and puts it in force for Event. It
// is as strict as the stricter MTA in each point and then fails with
// ErrNegotiate: another frame than OPTNEG; version 0, 1 or above the offer;
// actions or protocol bits that were not offered (Postfix overlooks the latter);
// a macro list without offered ActSetSymList (both overlook it, libmilter does
// not send it) or for an unknown stage.
func (c *Conn) Negotiate(o Offer) (Agreement, error) {
	c.Queue(OptNeg(o))
	f, err := c.Recv()
	if err != nil {
		return Agreement{}, err
	}
	a, err := parseAgreement(f, o)
	if err != nil {
		return a, err
	}
	c.agreed = a
	return a, nil
}

func parseAgreement(f Frame, o Offer) (Agreement, error) {
	var a Agreement
	if f.Code != CmdOptNeg || len(f.Payload) < 12 {
		return a, fmt.Errorf("%w: answer %v", ErrNegotiate, f)
	}
	a.Version = binary.BigEndian.Uint32(f.Payload)
	a.Actions = binary.BigEndian.Uint32(f.Payload[4:])
	a.Protocol = binary.BigEndian.Uint32(f.Payload[8:])
	var err error
	switch {
	case a.Version < 2 || a.Version > o.Version:
		err = fmt.Errorf("%w: version %d of %d", ErrNegotiate, a.Version, o.Version)
	case a.Actions&^o.Actions != 0:
		err = fmt.Errorf("%w: actions %#x were not offered", ErrNegotiate, a.Actions&^o.Actions)
	case a.Protocol&^o.Protocol != 0:
		err = fmt.Errorf("%w: protocol bits %#x were not offered", ErrNegotiate, a.Protocol&^o.Protocol)
	default:
		err = a.parseMacros(f.Payload[12:], o)
	}
	if a.Version < 4 {
		a.masked |= ProtoNoData
	}
	if a.Version < 3 {
		a.masked |= ProtoNoUnknown
	}
	a.Protocol |= a.masked
	return a, err
}

func (a *Agreement) parseMacros(p []byte, o Offer) error {
	if len(p) == 0 {
		return nil
	}
	if o.Actions&ActSetSymList == 0 {
		return fmt.Errorf("%w: macro lists were not offered", ErrNegotiate)
	}
	a.Macros = map[byte][]string{}
	for len(p) > 0 {
		if len(p) < 5 {
			return fmt.Errorf("%w: macro list %q", ErrNegotiate, p)
		}
		stage := binary.BigEndian.Uint32(p)
		list, rest, ok := strings.Cut(string(p[4:]), "\x00")
		if !ok || stage >= uint32(len(macroStages)) {
			return fmt.Errorf("%w: macro list %d %q", ErrNegotiate, stage, list)
		}
		a.Macros[macroStages[stage]] = strings.FieldsFunc(list, func(r rune) bool {
			return r == ' ' || r == ','
		})
		p = []byte(rest)
	}
	return nil
}
