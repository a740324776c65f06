package asn

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/iot-milter/iot-milter/policy"
)

func TestBuiltinKindsAreRight(t *testing.T) {
	last, rows := uint32(0), 0
	count := map[policy.NetworkKind]int{}
	for i, line := range strings.Split(strings.TrimSuffix(kindsTSV, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			t.Errorf("line %d: %d columns, want 4", i+1, len(f))
			continue
		}
		n, ok := number(f[0])
		if !ok || n <= last {
			t.Errorf("line %d: %q does not follow %d: the rows are sorted by number, each once", i+1, f[0], last)
		}
		last = n
		// RFC 6996, RFC 5398, RFC 7300
		if n >= 64496 && n <= 65551 || n >= 4200000000 {
			t.Errorf("line %d: %d is for private use, documentation or reserved", i+1, n)
		}
		kind, err := policy.ParseNetworkKind(f[1])
		if err != nil || kind == policy.NetworkUnknown {
			t.Errorf("line %d: kind %q: %v", i+1, f[1], err)
		}
		count[kind]++
		for _, text := range f[2:] {
			if text == "" || strings.TrimSpace(text) != text || !utf8.ValidString(text) || clean(text) != text {
				t.Errorf("line %d: %q", i+1, text)
			}
		}
		if KindOf(n) != kind {
			t.Errorf("line %d: KindOf(%d) is %v, want %v", i+1, n, KindOf(n), kind)
		}
	}
	if len(builtin()) != rows {
		t.Errorf("%d rows are known of %d", len(builtin()), rows)
	}
	for kind := policy.NetworkAccess; kind <= policy.NetworkEducation; kind++ {
		if count[kind] < 20 {
			t.Errorf("%d rows of the kind %v", count[kind], kind)
		}
	}
}

func TestKindsThatMatter(t *testing.T) {
	for asn, want := range map[uint32]policy.NetworkKind{
		7922: policy.NetworkAccess, 3320: policy.NetworkAccess, 28573: policy.NetworkAccess,
		21928: policy.NetworkMobile, 51207: policy.NetworkMobile,
		16509: policy.NetworkHosting, 8075: policy.NetworkHosting, 396982: policy.NetworkHosting, 24940: policy.NetworkHosting,
		680: policy.NetworkEducation, 786: policy.NetworkEducation, 20965: policy.NetworkEducation,
		702: policy.NetworkBusiness,
		// backbones, and lines beside rented servers
		0: 0, 174: 0, 1299: 0, 3356: 0, 4134: 0, 7018: 0, 701: 0, 3462: 0, 64496: 0,
	} {
		if got := KindOf(asn); got != want {
			t.Errorf("AS%d: %v, want %v", asn, got, want)
		}
	}
}

func TestReadKinds(t *testing.T) {
	got, err := ReadKinds([]byte("# ours\n\nasn\tkind\tsource\r\n64496\taccess\tticket 12\r\nAS7922\tunknown\tmeasured here\nas64497\tmobile\tx"))
	if err != nil {
		t.Fatal(err)
	}
	if got[64496] != policy.NetworkAccess || got[64497] != policy.NetworkMobile || len(got) != 3 {
		t.Errorf("got %v", got)
	}
	if k, ok := got[7922]; !ok || k != policy.NetworkUnknown {
		t.Errorf("AS7922: %v %v, want a row that says unknown", k, ok)
	}
	for _, none := range []string{"", "# nothing\n\n"} {
		if got, err := ReadKinds([]byte(none)); err != nil || got != nil {
			t.Errorf("%q: %v %v", none, got, err)
		}
	}
	_, err = ReadKinds([]byte("asn\tkind\tsource\n0\taccess\tx\n1\thome\tx\n1\taccess\t \n1 access x\n4294967296\taccess\tx\n1\t\tx\n\xff\taccess\tx\n"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"line 2: ", "line 3: ", "line 4: no source", "line 5: 1 columns", "line 6: ", "line 7: ", "line 8: is not UTF-8", "hint: access, mobile"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if _, err := ReadKinds([]byte("7922\taccess\tx\n")); err == nil || !strings.Contains(err.Error(), "hint: the names of the columns") {
		t.Errorf("without a heading: %v", err)
	}
}

func FuzzReadKinds(f *testing.F) {
	f.Add([]byte("asn\tkind\tsource\nAS64496\taccess\tx\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		kinds, err := ReadKinds(data)
		if err != nil && kinds != nil {
			t.Error("rows beside an error")
		}
		if _, ok := kinds[0]; ok {
			t.Error("a row of 0")
		}
	})
}

func TestNumber(t *testing.T) {
	for s, want := range map[string]uint32{"AS1": 1, "as4294967295": 4294967295, "7922": 7922} {
		if got, ok := number(s); !ok || got != want {
			t.Errorf("%q: %d %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "AS", "AS-1", "AS+1", "4294967296", "AS1 ", "1.5", "ASAS1", "AS1_0"} {
		if got, ok := number(s); ok {
			t.Errorf("%q: %d, want none", s, got)
		}
	}
}

func TestClean(t *testing.T) {
	for s, want := range map[string]string{
		"Telefônica Brasil":            "Telefônica Brasil",
		"a\x1b[2Jb\nc\x7f":             "a?[2Jb?c?",
		"a\u202eb":                     "a?b",
		"\xff\xfe":                     "??",
		strings.Repeat("é", maxName):   strings.Repeat("é", maxName/2),
		strings.Repeat("x", maxName+1): strings.Repeat("x", maxName),
	} {
		if got := clean(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if got := slices.Max([]int{len(clean(strings.Repeat("\u20ac", 99)))}); got > maxName {
		t.Errorf("%d bytes", got)
	}
}
