package device

import (
	"net/netip"
	"strings"
	"testing"
)

func TestTables(t *testing.T) {
	seen := make(map[string]bool)
	row := func(table, text, source string) {
		if text == "" || text != strings.ToLower(text) {
			t.Errorf("%s: %q is empty or not lower case", table, text)
		}
		if source == "" {
			t.Errorf("%s: %q has no source", table, text)
		}
		if seen[table+text] {
			t.Errorf("%s: %q stands twice", table, text)
		}
		seen[table+text] = true
	}
	for _, w := range Words {
		row("word "+string(rune('0'+w.Match)), w.Text, w.Source)
		if w.Traits == 0 || len(w.Text) < 2 {
			t.Errorf("word %q says nothing or is too short to be found", w.Text)
		}
		for i := range len(w.Text) {
			if !isLetter(w.Text[i]) {
				t.Errorf("word %q is more than one run of letters", w.Text)
			}
		}
	}
	for _, d := range Domains {
		row("domain", d.Name, d.Source)
	}
	for _, s := range Suffixes {
		row("suffix", s.Suffix, s.Source)
		if strings.Count(s.Suffix, ".") > 1 {
			t.Errorf("suffix %q: only the last two labels are looked up", s.Suffix)
		}
	}
	for _, h := range Hosts {
		row("host", h.Stem+strings.Repeat("#", h.Hex), h.Source)
		if h.Kind == None {
			t.Errorf("host %q is no device", h.Stem)
		}
	}
}

func TestNewTable(t *testing.T) {
	table := NewTable(
		[]Word{{"gizmo", Whole, Access, "test"}, {"srv", Begin, Server, "test"}},
		[]Domain{{"cloud.example", Hosting, "test"}},
		[]Suffix{{"house", Router, "Maker", "test"}},
		[]Host{{"box-", 4, Camera, "Maker", "test"}})
	for name, want := range map[string]Name{
		"gizmo7.isp.example":  {Traits: Access, Word: "gizmo"},
		"srvx.isp.example":    {Traits: Server, Word: "srvx"},
		"a.b.cloud.example":   {Traits: Hosting},
		"pc.house":            {Kind: Router, Vendor: "Maker", Word: "house"},
		"BOX-12ab.house":      {Kind: Camera, Vendor: "Maker", Word: "BOX-12ab"},
		"box-12abc":           {},
		"dyn7.isp.example":    {},
		"diskstation.example": {},
	} {
		n := table.Parse(name, netip.Addr{})
		if n.Traits != want.Traits || n.Kind != want.Kind || n.Vendor != want.Vendor || n.Word != want.Word {
			t.Errorf("%s: %+v, want %+v", name, n, want)
		}
	}
}
