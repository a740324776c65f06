package plumbing

import (
	"regexp"
	"strings"
)

// role is what another milter does, as far as that can be told.
type role int

const (
	unknown  role = iota
	verifier      // judges what arrived: it must see the message untouched, so it comes first
	signer        // signs or seals what leaves this MTA: our header must be there then
)

// The words are looked for in name, path and host, in this order; ports are those that
// the programs' own documents use. What is not here is unknown.
var roles = []struct {
	words []string
	port  string
	role  role
	about string // "" is sure
}{
	{[]string{"opendmarc", "dmarc"}, "", verifier, ""},
	{[]string{"openarc", "arc-seal", "arcseal"}, "", signer, ""},
	{[]string{"pyspf", "spf"}, "8893", verifier, ""},
	{[]string{"authentication_milter", "authmilter", "authentication-milter"}, "", verifier, ""},
	{[]string{"dkim-sign", "dkimsign", "signing", "signer"}, "", signer, ""},
	{[]string{"opendkim"}, "8891", verifier, "opendkim's mode decides: with Mode s in opendkim.conf it belongs behind iot-milter"},
	{[]string{"dkim"}, "8892", verifier, "it is taken for a verifier: if it only signs, it belongs behind iot-milter"},
	{[]string{"rspamd"}, "11332", unknown, "rspamd may sign and seal, so iot-milter stands before it; it then sees X-IoT-Spam, too"},
	{[]string{"amavis"}, "", unknown, "amavis may sign, so iot-milter stands before it"},
	{[]string{"milter-greylist", "greylist", "clamav", "clamsmtp", "spamass", "mimedefang", "milter-regex"}, "", unknown, ""},
}

const unsure = "what it does is not known: if it verifies, it belongs before iot-milter; if it signs, behind"

var opendkimMode = regexp.MustCompile(`(?m)^\s*Mode\s+([sv]+)\s*$`)

// role tells another milter's role, and what is doubtful about it.
func (o *Options) role(e entry) (role, string) {
	network, address := e.socket()
	text := strings.ToLower(e.name + " " + address)
	port := address[strings.LastIndexByte(address, ':')+1:]
	for _, r := range roles {
		found := network == "tcp" && port == r.port
		for _, w := range r.words {
			found = found || strings.Contains(text, w)
		}
		if !found {
			continue
		}
		if r.words[0] == "opendkim" {
			if m := opendkimMode.FindStringSubmatch(o.file("/etc/opendkim.conf")); m != nil {
				return map[bool]role{true: verifier, false: signer}[strings.Contains(m[1], "v")], ""
			}
		}
		return r.role, r.about
	}
	return unknown, unsure
}

// merge puts ours into the list: where it stands, if that is right, or else behind the
// verifiers and before the first signer. ours tells which entries are ours; all but one go.
func (o *Options) merge(list []entry, ours func(entry) bool, line entry) (merged []entry, remarks []string) {
	if at, ok := o.wellPlaced(list, ours); ok {
		merged = append(merged, list...)
		merged[at] = line
		return merged, nil
	}
	var others []entry
	for _, e := range list {
		if !ours(e) {
			others = append(others, e)
		}
	}
	at, signers := 0, false
	for i, e := range others {
		r, doubt := o.role(e)
		switch {
		case r == signer:
			signers = true
		case r == verifier && signers:
			remarks = append(remarks, e.endpoint+" verifies behind one that signs; iot-milter stands before the signer")
		case r == verifier:
			at = i + 1
		}
		if doubt != "" {
			remarks = append(remarks, e.endpoint+": "+doubt)
		}
	}
	merged = append(merged, others[:at]...)
	merged = append(merged, line)
	return append(merged, others[at:]...), remarks
}

// wellPlaced finds the only entry of ours, unless a signer is before or a verifier behind it.
func (o *Options) wellPlaced(list []entry, ours func(entry) bool) (int, bool) {
	at := -1
	for i, e := range list {
		if ours(e) {
			if at >= 0 {
				return 0, false
			}
			at = i
		}
	}
	return at, at >= 0 && o.misplaced(list, at) == nil
}

// misplaced returns the entry that is on the wrong side of the one at the index, or nil.
// A verifier behind a signer cannot be had on the right side.
func (o *Options) misplaced(list []entry, at int) *entry {
	signers := false
	for i := range list {
		r, _ := o.role(list[i])
		switch {
		case i < at && r == signer, i > at && r == verifier && !signers:
			return &list[i]
		case i > at && r == signer:
			signers = true
		}
	}
	return nil
}
