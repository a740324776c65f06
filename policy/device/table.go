package device

import (
	"slices"
	"strings"
)

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
	Inside // of the first label of the registered domain, anywhere
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
	begins   map[string]Traits
	ends     map[string]Traits
	insides  []Word
	domains  map[string]*Domain
	suffixes map[string]*Suffix
	hosts    map[hostKey]*Host
	tails    []int // the values of Host.Hex that occur, without 0
	makers   *Makers

	beginLengths, endLengths [26][]int // of the keys by their first or last letter, longest first
}

type hostKey struct {
	stem string
	hex  int
}

// NewTable returns a table of the rows; words must be runs of the letters a to z. Of two rows with the same text the later
// counts, but the traits of words add. It keeps no slice.
func NewTable(words []Word, domains []Domain, suffixes []Suffix, hosts []Host) *Table {
	t := &Table{
		whole:    make(map[string]Traits, len(words)),
		begins:   make(map[string]Traits),
		ends:     make(map[string]Traits),
		domains:  make(map[string]*Domain, len(domains)),
		suffixes: make(map[string]*Suffix, len(suffixes)),
		hosts:    make(map[hostKey]*Host, len(hosts)),
		makers:   builtinMakers,
	}
	for _, w := range words {
		switch w.Match {
		case Begin:
			t.begins[w.Text] |= w.Traits
		case Inside:
			t.insides = append(t.insides, w)
		case End:
			t.ends[w.Text] |= w.Traits
		default:
			t.whole[w.Text] |= w.Traits
		}
	}
	for key := range t.begins {
		addLength(&t.beginLengths, key[0], len(key))
	}
	for key := range t.ends {
		addLength(&t.endLengths, key[len(key)-1], len(key))
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

func addLength(lengths *[26][]int, letter byte, n int) {
	all := &lengths[letter-'a']
	if i, found := slices.BinarySearchFunc(*all, n, func(a, b int) int { return b - a }); !found {
		*all = slices.Insert(*all, i, n)
	}
}

func (t *Table) addHost(h Host) {
	t.hosts[hostKey{h.Stem, h.Hex}] = &h
	if h.Hex == 0 {
		return
	}
	if !slices.Contains(t.tails, h.Hex) {
		t.tails = append(t.tails, h.Hex)
	}
}

var builtin = NewTable(Words, append(providers(), Domains...), Suffixes, Hosts)

// WithMakers returns a table with the rows of t, or with the built-in ones if t is
// nil, that knows the makers of m.
func (t *Table) WithMakers(m *Makers) *Table {
	if t == nil {
		t = builtin
	}
	c := *t
	c.makers = m
	return &c
}

// OUI is Makers.OUI by t's makers, or by the built-in ones if t is nil.
func (t *Table) OUI(mac [3]byte) (vendor string, kind Kind, ok bool) {
	if t == nil {
		t = builtin
	}
	return t.makers.OUI(mac)
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
