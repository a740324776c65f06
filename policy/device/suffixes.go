package device

const (
	srcG        = "RFC 6762, appendix G: private top-level domains in common use"
	srcPseudo   = "fqrdns.pcre 75dc512: top-level domains that access equipment invents"
	srcSALan    = "SpamAssassin 4.0.1 HELO_LH_HOME: HELO *.home, *.lan in 0.914 % of spam, 0.0077 % of ham"
	srcSASetup  = "SpamAssassin 4.0.1 FSL_HELO_SETUP: HELO *.setup in 0.0104 % of spam, 0.0006 % of ham"
	srcSADevice = "SpamAssassin 4.0.1 FSL_HELO_DEVICE: HELO of these names in 0.827 % of spam, 0.0006 % of ham"
)

// Suffixes are the endings of names in private networks. A name below an
// unlisted top-level domain that no registry has is private as well.
var Suffixes = []Suffix{
	{"corp", None, "", srcG},
	{"home", None, "", srcSALan},
	{"internal", None, "", srcG},
	{"intranet", None, "", srcG},
	{"lan", None, "", srcSALan},
	{"private", None, "", srcG},
	{"local", None, "", "RFC 6762, section 3"},
	{"home.arpa", None, "", "RFC 8375"},
	{"in-addr.arpa", None, "", "RFC 1035, section 3.5: no host's name"},
	{"ip6.arpa", None, "", "RFC 3596, section 2.5: no host's name"},
	{"localdomain", None, "", srcPseudo},
	{"config", None, "", srcPseudo},
	{"domain", None, "", srcPseudo},
	{"adsl", None, "", srcPseudo},
	{"bellcanada", None, "", srcPseudo},
	{"gdljal", None, "", srcPseudo},
	{"hananet", None, "", srcPseudo},
	{"kornet", None, "", srcPseudo},
	{"mexdf", None, "", srcPseudo},
	{"mtyxl", None, "", srcPseudo},
	{"fritz.box", None, "", "AVM FRITZ!Box: its local domain; .box is delegated since 2016, this name is the maker's"},
	{"alice.box", None, "", srcJD},
	{"congstar.box", None, "", srcJD},
	{"easy.box", None, "", srcJD},

	{"actdsltmp", Router, "Actiontec", srcPseudo},
	{"belkin", Router, "Belkin", srcPseudo},
	{"setup", Router, "", srcSASetup},
}
