package main

import "github.com/iot-milter/iot-milter/policy"

// rowSpec says how one row of the table is come by. What the recordings cannot
// tell is stated here, for people to judge: bounds, citations, and what is
// assumed of the device, which no recording labels.
type rowSpec struct {
	signal string
	status policy.Status

	// Decibans for an access line: fitted between least and most, or, where
	// fixed is set, the number in most.
	least, most float64
	fixed       bool

	// device is added to the access line's decibans to make the device's.
	device float64

	// hosting and business are assumed where no recorded label tells; names says
	// that they are fitted from labelled names instead, and share that they are
	// that part of the access line's.
	hosting, business float64
	names             bool
	share             float64

	unmeasured bool
	unrecorded bool   // the recordings do not have the fact
	cite       string // published rates, and assumptions
}

// worst bounds fitted rows: evidence against a mail server must not count for one, and the
// other way round.
const (
	worst = 18.0 // decibans: no fitted row says more, however rare it is in ham
	none  = 0.0
)

const (
	massCk = "SpamAssassin mass-check, 354,116 spam / 168,179 ham: "
	noRate = "no rate among legitimate mail is known: "
)

func fail(signal string, s rowSpec) rowSpec {
	s.signal, s.status = signal, policy.StatusFail
	if !s.fixed && s.most == 0 {
		s.least, s.most = none, worst
	}
	return s
}

func pass(signal string, s rowSpec) rowSpec {
	s.signal, s.status, s.least, s.most = signal, policy.StatusPass, -worst, none
	return s
}

// unmeasured is a row that no rate stands behind.
func unmeasured(signal string, access, device float64, why string) rowSpec {
	return fail(signal, rowSpec{fixed: true, most: access, device: device - access, unmeasured: true, cite: noRate + why})
}

// unrecorded is an unmeasured row about a fact that no recording has.
func unrecorded(signal string, access, device float64, why string) rowSpec {
	s := unmeasured(signal, access, device, why)
	s.unrecorded = true
	return s
}

// unrecordedPass is the same of what speaks for a mail server, or against a device.
func unrecordedPass(signal string, access, device float64, why string) rowSpec {
	s := unrecorded(signal, access, device, why)
	s.status = policy.StatusPass
	return s
}

// with sets what is assumed of the other two classes.
func (s rowSpec) with(hosting, business float64) rowSpec {
	s.hosting, s.business = hosting, business
	return s
}

// specs are the rows, in the order of the table.
var specs = []rowSpec{
	fail("ptr-none", rowSpec{share: 0.3, cite: massCk + "39.15 % / 1.346 %"}),
	fail("ptr-unconfirmed", rowSpec{share: 0.4, most: 13, cite: "a forward zone that is ill looks the same"}),
	fail("ptr-unconfirmed-line", rowSpec{share: 0.4, cite: "on top of ptr-unconfirmed"}),
	fail("ptr-access", rowSpec{names: true, cite: massCk + "26.27 % / 0.747 %"}),
	fail("ptr-address", rowSpec{names: true}),
	fail("ptr-business", rowSpec{names: true, most: 8, cite: "bounded: a static line is a class of its own"}),
	fail("ptr-hosting", rowSpec{names: true, least: -worst, most: 0.01}),
	pass("ptr-server", rowSpec{names: true, device: -13, cite: "a device is assumed not to sit behind a confirmed name of a mail server"}),
	unmeasured("ptr-device", 0, 5, "none of spam, none of legitimate connections"),
	unmeasured("ip-eui64", 0, 5, "makers by the IEEE MA-L registry; servers of such makers were not counted"),

	unrecorded("asn-access", 4, 4, "a network of lines has servers, too").with(0, 2),
	unrecorded("asn-mobile", 5, 5, "a mobile network has few servers"),
	unrecorded("asn-hosting", 0, 0, "a class of its own").with(5, 0),
	unrecorded("asn-business", 0, 0, "a class of its own").with(0, 5),
	unrecorded("asn-education", 0, 0, "offices and their servers").with(0, 3),
	unrecorded("stack-small-ram", 0, 5, "SNARE and Esquivel (CEAS 2009) measured whole signatures, not this one"),
	unrecordedPass("stack-server", 0, -2, "larger devices have the memory, too"),
	unrecordedPass("stack-windows", 0, -5, "what runs Windows is a computer"),
	unrecorded("stack-pppoe", 3, 3, "offices and homes have DSL alike").with(0, 3),
	unrecorded("stack-desktop", 0, 5, "mail relayed through a device"),

	fail("helo-device", rowSpec{fixed: true, most: 0, device: 20, business: 2, cite: massCk +
		"HELO dsldevice.lan, device.lan, speedtouch.lan 0.827 % / 0.0006 %; assumed: the name is 100 times likelier from the device than from a computer behind it"}),
	fail("helo-address", rowSpec{cite: massCk + "bare address 1.51 % / 0.099 %"}),
	fail("helo-cpe", rowSpec{share: 0.3, cite: massCk + "11.64 % / 0.0000 %"}),
	fail("helo-single", rowSpec{share: 0.2, cite: massCk + "14.65 % / 0.288 %"}),
	fail("helo-private", rowSpec{share: 0.3, cite: massCk + "*.home, *.lan 0.914 % / 0.0077 %"}),
	fail("helo-localhost", rowSpec{share: 0.3, cite: massCk + "2.14 % / 0.0006 %"}),
	fail("helo-empty", rowSpec{most: 5}),
	unmeasured("helo-broken", 3, 3, "1 connection in 32,877"),
	fail("helo-own-name", rowSpec{most: 8}),
	pass("helo-ptr", rowSpec{share: 0.5, device: -2}),
	pass("helo-independent", rowSpec{share: 0.3, cite: "not looked up whether the name resolves"}),
	fail("helo-bare", rowSpec{cite: "on top of helo-address"}),
	fail("helo-domain", rowSpec{share: 0.2, most: mostDomain, cite: "on top of helo-independent"}),
	fail("helo-provider", rowSpec{share: 0.3}),
	pass("helo-localdomain", rowSpec{share: 0.3, cite: "makes up for helo-localhost"}),
	fail("helo-unrelated", rowSpec{share: 0.5}),
	unmeasured("helo-recipient", 5, 5, "recorded Received fields name few recipients"),
	unmeasured("helo-changed", 3, 3, "the recordings do not tell earlier greetings"),

	fail("sender-random", rowSpec{fixed: true, most: 4, unmeasured: true, unrecorded: true, cite: "distinct envelope senders: 90 of 883 of spam of 2007, 1 of 277 of legitimate mail; bounded, and completes no refusal: it tells of spam as much as of hosts"}),
	unrecordedPass("sender-host", -5, -5, "the small office of Botnet.pm"),
	unrecordedPass("spf-pass", -3, -3, "spammers have domains, too"),
	unrecorded("spf-open", 3, 3, "20,000 domains of a run through routers, 2024"),

	fail("msg-direct", rowSpec{share: 0.3}),
	fail("msg-no-date", rowSpec{cite: massCk + "3.28 % / 0.032 %"}),
	fail("msg-no-id", rowSpec{share: 0.3, most: 3, cite: massCk + "4.13 % / 1.34 %"}),
	fail("msg-id-single", rowSpec{share: 0.3, most: 8}),
	unmeasured("msg-id-host", 2, 5, "2 of 1,000 spam mails of trec07p, no legitimate ones"),
	fail("msg-trace", rowSpec{share: 0.3}),
	{signal: "msg-trace", status: policy.StatusPass, least: mostPardon, most: none, share: 0.3, cite: forgeable},
	{signal: "msg-trace-helo", status: policy.StatusPass, least: 2 * mostPardon, most: none, share: 0.3, cite: forgeable},
	fail("msg-desktop", rowSpec{share: 0.3}),
	fail("msg-date-zone", rowSpec{most: 12, cite: "no place on earth has such a zone"}),
	unmeasured("msg-date-epoch", 2, 5, "the nearest is SpamAssassin DATE_IN_PAST_96_XX, 0.671 % / 0.0226 %"),
	unmeasured("msg-mailer-device", 0, 5, "Canon MFP, one public example"),
	unmeasured("msg-busybox", 0, 5, "busybox mailutils/sendmail.c adds no Date, Message-ID, From or Received"),

	unrecorded("history-device", 0, 5, "the address may have changed hands"),
	unrecordedPass("history-regular", -3, -3, "what was never flagged need not be a mail server"),
	unrecorded("p0f-device", 0, 5, "seen at the address, not on the connection"),
	unrecordedPass("p0f-windows", 0, -3, "seen at the address, not on the connection"),
	unrecorded("p0f-line", 2, 2, "by the size of segments, as stack-pppoe").with(0, 2),
	unrecorded("banner-device", 0, 5, "who answers at the address need not be who sends"),
}

// Whoever reads the source can forge a field, so what speaks for a message weighs
// little.
const (
	mostPardon = -3.0
	forgeable  = "bounded: whoever reads the source can forge it"
)

// mostDomain keeps a server of one's own on a line, which greets with its domain,
// below the threshold of Suspect.
const mostDomain = 10.0
