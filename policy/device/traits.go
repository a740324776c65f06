package device

import (
	"net/netip"
	"strings"
)

// found are the words of a text.
type found struct {
	strong, weak         Traits
	strongWord, weakWord string // the first ones
	unnumbered           int    // words of access lines that no digit stands left of
}

// line is what marks a name that a network gave to its address.
const line = Own | Numbers | Hardware

// traits replaces the traits of n's domain, with which it is called, by what
// these and the text left of the domain say together.
func (t *Table) traits(n *Name, text string, addr netip.Addr) {
	place, weakPlace := n.Traits, Traits(0)
	switch {
	case place == 0 && hasDigit(text):
		place, weakPlace = t.inside(n.Domain)
	case place&Weak != 0:
		place, weakPlace = 0, place&^Weak
	}
	f := t.words(text)
	switch {
	case place&Hosting != 0:
		f.strong &^= Access // what it calls its customers makes no lines of machines
	case f.unnumbered >= 2 && n.Domain != "":
		f.strong |= Access
	}
	enough := 3
	if (f.strong|place)&(Access|Provider) != 0 {
		enough = 2
	}
	n.Traits = place&^Access | f.strong | addressTraits(text, addr, enough)
	if n.Traits&(Own|Server|Hosting) == 0 {
		if m, ok := t.findMAC(text); ok {
			n.MAC = m
			n.Traits |= Hardware
		}
	}
	if n.Traits&line != 0 {
		n.Traits |= weakPlace
		f.weak &^= Server
	} else if place&(Access|Provider) == 0 || !hasDigit(text) {
		f.weak &^= Access
	}
	if n.Traits&Server != 0 {
		f.weak &^= Hosting
	}
	n.Traits |= f.weak
	if n.Traits&(Server|Business|Hosting) == 0 && n.isLine(place, text) {
		n.Traits |= Access
	}
	switch {
	case n.Word != "":
	case f.strongWord != "":
		n.Word = f.strongWord
	case f.weak != 0:
		n.Word = f.weakWord
	}
}

// isLine reports whether the name without a word of lines is one's all the same.
func (n *Name) isLine(place Traits, text string) bool {
	return n.Domain != "" && n.Traits&Hardware != 0 || n.Has(Own|Provider) || place&Access != 0 && hasDigit(text)
}

// inside returns what the words in the first label of a registered domain say;
// weak is what counts only where an address stands in the name.
func (t *Table) inside(domain string) (strong, weak Traits) {
	label, _, _ := strings.Cut(domain, ".")
	if hasPrefix(label, "ip-") && hasDigit(label) {
		strong = Hosting // OVH registers a domain for each of its networks: ip-192-0-2.eu
	}
	for i := range t.insides {
		if strings.Contains(label, t.insides[i].Text) {
			if traits := t.insides[i].Traits; traits&Weak != 0 {
				weak |= traits &^ Weak
			} else {
				strong |= traits
			}
		}
	}
	return strong, weak
}

// words finds the words of the text. Lines are numbered below the word that says
// what they are: cpe-7.dyn is one, home and mail.home.7th are somebody's own. Two
// words of lines in one name need no number, see traits.
func (t *Table) words(text string) (f found) {
	for i := 0; i < len(text); {
		if !isLetter(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && isLetter(text[i]) {
			i++
		}
		run := text[start:i]
		traits := t.word(run)
		if traits == 0 || allHex(run) && insideNumber(text, start, i) {
			continue
		}
		if traits&Weak != 0 {
			f.weak |= traits &^ Weak
			if f.weakWord == "" {
				f.weakWord = run
			}
			continue
		}
		if traits&Access != 0 && !numberedTo(text, i) {
			f.unnumbered++
			traits &^= Access
		}
		f.strong |= traits
		if f.strongWord == "" && traits != 0 {
			f.strongWord = run
		}
	}
	return f
}

// insideNumber reports whether a digit stands beside text[start:end]: letters up
// to f are then part of a hexadecimal number.
func insideNumber(text string, start, end int) bool {
	return start > 0 && isDigit(text[start-1]) || end < len(text) && isDigit(text[end])
}

// numberedTo reports whether a digit stands in the label around position i or left
// of it.
func numberedTo(text string, i int) bool {
	if end := strings.IndexByte(text[i:], '.'); end >= 0 {
		text = text[:i+end]
	}
	return hasDigit(text)
}

// word returns what a run of letters says: as a whole, by the longest known
// beginning, or by the longest known end.
func (t *Table) word(run string) Traits {
	if len(run) < 2 {
		return 0
	}
	if traits, ok := t.whole[run]; ok {
		return traits
	}
	for _, n := range t.beginLengths[run[0]-'a'] {
		if n <= len(run) {
			if traits, ok := t.begins[run[:n]]; ok {
				return traits
			}
		}
	}
	for _, n := range t.endLengths[run[len(run)-1]-'a'] {
		if n <= len(run) {
			if traits, ok := t.ends[run[len(run)-n:]]; ok {
				return traits
			}
		}
	}
	return 0
}
