package device

import "strings"

// Word is a word in a host name and what it says. Words are compared with the
// runs of letters left of the registered domain.
type Word struct {
	Text   string // lower case
	Match  Match
	Traits Traits
	Source string
}

// Match is which part of a run of letters a Word is.
type Match uint8

// The matches.
const (
	Whole Match = iota
	Begin
	End
)

// Domain is a provider's domain, or a part of one, and what it says about the
// hosts below it.
type Domain struct {
	Name   string // lower case
	Traits Traits
	Source string
}

// Suffix is the ending of names that work in one private network only. Kind and
// Vendor are those of the equipment that invented it.
type Suffix struct {
	Suffix string // lower case, no leading dot
	Kind   Kind
	Vendor string
	Source string
}

// Host is a host name that a device has from its maker: Stem, then Hex
// hexadecimal digits of its MAC address. It is the first label of a name, or
// with dots the whole name.
type Host struct {
	Stem   string // lower case
	Hex    int
	Kind   Kind
	Vendor string
	Source string
}

// Table is what names are parsed by. It is immutable after NewTable and safe for
// concurrent use.
type Table struct {
	whole    map[string]Traits
	begins   []Word
	ends     []Word
	domains  map[string]*Domain
	suffixes map[string]*Suffix
	hosts    map[hostKey]*Host
	tails    []int // the values of Host.Hex that occur, without 0
}

type hostKey struct {
	stem string
	hex  int
}

// NewTable returns a table of the rows. Of two rows with the same text the later
// counts, but the traits of words add. It keeps no slice.
func NewTable(words []Word, domains []Domain, suffixes []Suffix, hosts []Host) *Table {
	t := &Table{
		whole:    make(map[string]Traits, len(words)),
		domains:  make(map[string]*Domain, len(domains)),
		suffixes: make(map[string]*Suffix, len(suffixes)),
		hosts:    make(map[hostKey]*Host, len(hosts)),
	}
	for _, w := range words {
		switch w.Match {
		case Begin:
			t.begins = append(t.begins, w)
		case End:
			t.ends = append(t.ends, w)
		default:
			t.whole[w.Text] |= w.Traits
		}
	}
	for _, d := range domains {
		t.domains[d.Name] = &d
	}
	for _, s := range suffixes {
		t.suffixes[s.Suffix] = &s
	}
	for _, h := range hosts {
		t.addHost(h)
	}
	return t
}

func (t *Table) addHost(h Host) {
	t.hosts[hostKey{h.Stem, h.Hex}] = &h
	if h.Hex == 0 {
		return
	}
	for _, n := range t.tails {
		if n == h.Hex {
			return
		}
	}
	t.tails = append(t.tails, h.Hex)
}

var builtin = NewTable(Words, Domains, Suffixes, Hosts)

// words adds the traits of the words in the text.
func (t *Table) words(n *Name, text string) {
	for i := 0; i < len(text); {
		if !isLetter(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && isLetter(text[i]) {
			i++
		}
		traits := t.word(text[start:i])
		if traits&Access != 0 && !numberedTo(text, i) {
			traits &^= Access
		}
		n.Traits |= traits
		if n.Word == "" && traits != 0 {
			n.Word = text[start:i]
		}
	}
}

// numberedTo reports whether a digit stands in the label around position i or left
// of it. Lines are numbered below the word that says what they are: cpe-7.dyn is
// one, home and mail.home.7th are somebody's own.
func numberedTo(text string, i int) bool {
	if end := strings.IndexByte(text[i:], '.'); end >= 0 {
		text = text[:i+end]
	}
	return hasDigit(text)
}

func (t *Table) word(run string) Traits {
	if len(run) < 2 {
		return 0
	}
	if traits, ok := t.whole[run]; ok {
		return traits
	}
	for i := range t.begins {
		if hasPrefix(run, t.begins[i].Text) {
			return t.begins[i].Traits
		}
	}
	for i := range t.ends {
		if hasSuffix(run, t.ends[i].Text) {
			return t.ends[i].Traits
		}
	}
	return 0
}

// device looks for a device's own name: the whole of host, or its first label.
func (t *Table) device(n *Name, host string) {
	name, _, _ := strings.Cut(host, ".")
	row := t.hosts[hostKey{host, 0}]
	if row != nil {
		name = host
	} else if row = t.host(name); row == nil {
		return
	}
	n.Kind, n.Vendor, n.Word = row.Kind, row.Vendor, n.Text[:len(name)]
}

func (t *Table) host(label string) *Host {
	if row := t.hosts[hostKey{label, 0}]; row != nil {
		return row
	}
	for _, hex := range t.tails {
		stem := len(label) - hex
		if stem > 0 && allHex(label[stem:]) {
			if row := t.hosts[hostKey{label[:stem], hex}]; row != nil {
				return row
			}
		}
	}
	return nil
}
