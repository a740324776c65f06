package device

import (
	"net/netip"
	"strings"
	"testing"
)

func TestRows(t *testing.T) {
	var r Rows
	for name, text := range map[string]string{
		"words.tsv":    "# mine\nword\tmatch\ttraits\tsource\n\nlinje\twhole\taccess\tmine\nsnabel\tbegin\tweak,server\tmine\r\n",
		"domains.tsv":  "domain\ttraits\tsource\nlines.isp.example\tprovider\tmine\n",
		"suffixes.tsv": "suffix\tkind\tvendor\tsource\nhus\trouter\tMaker\tmine\nwork\t\t\tmine\n",
		"hosts.tsv":    "stem\thex\tkind\tvendor\tsource\ncam-\t6\tcamera\tMaker\tmine\n",
	} {
		if wrong := r.Read(name, []byte(text)); wrong != nil {
			t.Fatalf("%s: %v", name, wrong)
		}
	}
	table := Extend(&r)
	for name, want := range map[string]Name{
		"linje7.isp.example":          {Traits: Access},
		"snabel7.isp.example":         {Traits: Server},
		"c113-77.lines.isp.example":   {Traits: Own | Access | Provider},
		"pc.hus":                      {Kind: Router, Vendor: "Maker"},
		"cam-12ab34":                  {Kind: Camera, Vendor: "Maker"},
		"cpe-7.dyn.isp.example":       {Traits: Access}, // the built-in rows stay
		"snabel-203-0-113-77.example": {},
	} {
		n := table.Parse(name, netip.MustParseAddr("203.0.113.77"))
		if n.Traits != want.Traits || n.Kind != want.Kind || n.Vendor != want.Vendor {
			t.Errorf("%s: %+v, want %+v", name, n, want)
		}
	}
}

func TestRowErrors(t *testing.T) {
	const words = "word\tmatch\ttraits\tsource\n"
	tests := []struct{ name, text, want string }{
		{"word.tsv", "", "1: is no table; hint: one of domains.tsv, hosts.tsv, suffixes.tsv, words.tsv"},
		{"words.tsv", "linje\twhole\taccess\tmine\n", `1: the first line is "linje\twhole\taccess\tmine"; hint: the names of the columns`},
		{"words.tsv", words + "linje whole access mine", "2: 1 columns, want 4; hint: with tabs between"},
		{"words.tsv", words + "linje\twhole\taccess\t", "2: no source; hint: "},
		{"words.tsv", words + "Linje\twhole\taccess\tmine", `2: "Linje" is not a word`},
		{"words.tsv", words + "l\twhole\taccess\tmine", `2: "l" is too short`},
		{"words.tsv", words + "linje\thole\taccess\tmine", `2: match is "hole"; hint: whole, begin, end, inside`},
		{"words.tsv", words + "linje\twhole\taces\tmine", `2: "aces" is no trait; hint: access,`},
		{"words.tsv", words + "linje\twhole\tweak\tmine", "2: weak alone"},
		{"words.tsv", words + "\n# \n\xff\twhole\taccess\tmine", "4: is not UTF-8; hint: save"},
		{"domains.tsv", "domain\ttraits\tsource\na..example\taccess\tmine", `2: "a..example" is no name`},
		{"suffixes.tsv", "suffix\tkind\tvendor\tsource\na.b.hus\trooter\t\tmine", `2: "rooter" is no device kind; hint: router nas`},
		{"suffixes.tsv", "suffix\tkind\tvendor\tsource\na.b.hus\trouter\t\tmine", "2: \"a.b.hus\" has more than two labels"},
		{"hosts.tsv", "stem\thex\tkind\tvendor\tsource\ncam\tsix\tcamera\t\tmine", `2: hex is "six"; hint: how many`},
		{"hosts.tsv", "stem\thex\tkind\tvendor\tsource\ncam\t6\t\t\tmine", "2: a host of no kind; hint: router"},
	}
	for _, tt := range tests {
		var r Rows
		wrong := r.Read(tt.name, []byte(tt.text))
		if len(wrong) != 1 || !strings.HasPrefix(wrong[0].Error(), tt.want) {
			t.Errorf("%s: %q: %v, want %s", tt.name, tt.text, wrong, tt.want)
		}
	}
	var r Rows
	if wrong := r.Read("words.tsv", []byte(words+"a\twhole\taccess\tx\nok\twhole\taccess\tx\nb\twhole\taccess\tx\n")); len(wrong) != 2 || wrong[1].Line != 4 {
		t.Errorf("%v, want lines 2 and 4", wrong)
	}
	if wrong := r.Read("words.tsv", []byte(words+strings.Repeat("\n", MaxRows)+"a\tb\n")); len(wrong) != 1 {
		t.Errorf("%v, want one error of too many rows", wrong)
	}
}

func FuzzRows(f *testing.F) {
	f.Add("words.tsv", []byte("word\tmatch\ttraits\tsource\nlinje\twhole\tweak,access\tmine\n"))
	f.Add("hosts.tsv", []byte("stem\thex\tkind\tvendor\tsource\ncam\t6\tcamera\t\tmine\n"))
	f.Add("suffixes.tsv", []byte("suffix\tkind\tvendor\tsource\nhus\t\t\tmine\n"))
	f.Add("domains.tsv", []byte("domain\ttraits\tsource\nisp.example\taccess\tmine\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		var r Rows
		if r.Read(name, data) == nil {
			Extend(&r).Parse("cam12ab34.linje.isp.example", netip.Addr{})
		}
	})
}
