package policy

// The sources of the weights. A measured row gives two rates: among spam of 2007
// sent by access lines for the most part, and among legitimate mail of the same
// years. They are printed by internal/rates over the development recordings,
// distinct connections. No data labels the device: unless a row says otherwise
// what holds for the access line holds for the device on it. Where signals go
// together the weight is nearer to the one of a joint fit (logistic regression
// at the default prior, ridge) than to the ratio of its own rates.
//
// The parts of the sources that repeat:
const (
	spam07 = " of 18,715 spam connections of trec07p; "
	ham07  = " of 1,496 legitimate ones of 2007; "
	hamL2  = " of 2,066 of developers' own servers (-l2); "
	massCk = "SpamAssassin mass-check, 354,116 spam / 168,179 ham: "
	noRate = "no rate among legitimate mail is known: "
)

// Weights is what findings are worth, one row for each status that carries
// weight. The columns are hosting, business, access, device.
var Weights = []Weight{
	{"ptr-none", StatusFail, weigh(2, 2, 7, 7), true,
		"5,366" + spam07 + "164" + ham07 + "265" + hamL2 + "joint 7.3 dB; " + massCk + "39.15 % / 1.346 %"},
	{"ptr-unconfirmed", StatusFail, weigh(4, 4, 10, 10), true,
		"2,814" + spam07 + "7" + ham07 + "10" + hamL2 + "joint 13.7 dB, less for a forward zone that is ill"},
	{"ptr-access", StatusFail, weigh(0, 3, 12, 12), true,
		"8,879" + spam07 + "18" + ham07 + "54" + hamL2 + "joint 10.9 dB; " + massCk + "26.27 % / 0.747 %"},
	{"ptr-address", StatusFail, weigh(3, 3, 7, 7), true,
		"2,128" + spam07 + "8" + ham07 + "27" + hamL2 + "joint 7.0 dB; 338 of 1,417 names of authenticated users, 25 of 5,493 of mail servers"},
	{"ptr-business", StatusFail, weigh(2, 17, 3, 3), true,
		"429" + spam07 + "16" + ham07 + "16" + hamL2 + "183 of 188 names labelled static lines, 33 of 1,417 of authenticated users"},
	{"ptr-hosting", StatusFail, weigh(18, 0, -6, -6), true,
		"10" + spam07 + "7" + ham07 + "12" + hamL2 + "131 of 215 names labelled hosting, 13 of 5,493 of mail servers; joint -6.6 dB"},
	{"ptr-server", StatusPass, weigh(-5, -10, -10, -18), true,
		"291" + spam07 + "693" + ham07 + "842" + hamL2 + "joint -8.0 dB; 47 of 215 names of hosting, 0 of 188 static; " +
			"a device is assumed not to sit behind a confirmed name of a mail server"},
	{"ptr-device", StatusFail, weigh(0, 0, 0, 5), false, noRate + "none of 10,468 legitimate connections, none of spam"},

	{"helo-device", StatusFail, weigh(0, 3, 2, 20), true,
		massCk + "HELO dsldevice.lan, device.lan, speedtouch.lan 0.827 % / 0.0006 %; 98" + spam07 + "0 of 10,468 legitimate ones; " +
			"assumed: the name is 63 times likelier from the device than from a computer behind it"},
	{"helo-address", StatusFail, weigh(0, 0, 10, 10), true,
		"1,868" + spam07 + "4" + ham07 + "12" + hamL2 + "joint 8.0 dB; " + massCk + "bare address 1.51 % / 0.099 %"},
	{"helo-cpe", StatusFail, weigh(2, 3, 12, 12), true,
		"6,234" + spam07 + "7" + ham07 + "6" + hamL2 + "joint 12.3 dB; " + massCk + "11.64 % / 0.0000 %"},
	{"helo-single", StatusFail, weigh(0, 2, 11, 11), true,
		"4,175" + spam07 + "7" + ham07 + "14" + hamL2 + "joint 9.8 dB; " + massCk + "14.65 % / 0.288 %"},
	{"helo-private", StatusFail, weigh(0, 2, 3, 3), true,
		"98" + spam07 + "5" + ham07 + "13" + hamL2 + "joint -6.3 dB; " + massCk + "*.home, *.lan 0.914 % / 0.0077 %"},
	{"helo-localhost", StatusFail, weigh(1, 1, 3, 3), true,
		"1,107" + spam07 + "2" + ham07 + "28" + hamL2 + "joint 1.9 dB; " + massCk + "2.14 % / 0.0006 %"},
	{"helo-empty", StatusFail, weigh(0, 0, 2, 2), true,
		"16" + spam07 + "0" + ham07 + "1" + hamL2 + "joint 0.3 dB"},
	{"helo-broken", StatusFail, weigh(0, 0, 3, 3), false, noRate + "1 connection in 32,877"},
	{"helo-own-name", StatusFail, weigh(0, 0, 5, 5), true,
		"22 of 22,409 spam connections of all corpora; 0 of 10,468 legitimate ones; joint 1.5 dB"},
	{"helo-ptr", StatusPass, weigh(-2, -3, -4, -6), true,
		"1,020" + spam07 + "1,203" + ham07 + "1,561" + hamL2 + "joint -3.0 dB"},
	{"helo-independent", StatusPass, weigh(0, 0, -5, -5), true,
		"4,352" + spam07 + "1,465" + ham07 + "1,982" + hamL2 + "joint -5.3 dB; not looked up whether the name resolves"},

	{"msg-direct", StatusFail, weigh(2, 2, 6, 6), true,
		"357 of 1,000 spam mails of trec07p; 61 of 880 legitimate ones of 2007; 148 of 2,405 of other years"},
	{"msg-no-date", StatusFail, weigh(2, 2, 10, 10), true,
		massCk + "3.28 % / 0.032 %; 15 of 830 spam mails of 2001-10, 0 of 3,285 legitimate ones"},
	{"msg-no-id", StatusFail, weigh(1, 1, 3, 3), true,
		massCk + "4.13 % / 1.34 %; 91 of 1,000 spam mails of trec07p, 41 of 880 legitimate ones of 2007"},
	{"msg-id-host", StatusFail, weigh(0, 0, 2, 5), false, noRate + "0 of 3,285 legitimate mails, 2 of 1,000 spam mails of trec07p"},
	{"msg-date-epoch", StatusFail, weigh(0, 0, 2, 5), false,
		noRate + "0 of 3,285 legitimate mails; the nearest is SpamAssassin DATE_IN_PAST_96_XX, 0.671 % / 0.0226 %"},
	{"msg-mailer-device", StatusFail, weigh(0, 0, 0, 5), false, noRate + "Canon MFP, one public example"},
	{"msg-busybox", StatusFail, weigh(0, 0, 0, 5), false, noRate + "busybox mailutils/sendmail.c adds no Date, Message-ID, From or Received"},
}
