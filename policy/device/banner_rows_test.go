package device

import (
	"strings"
	"testing"
)

// Every row can match, is bounded, and says where it is from.
func TestBannerRows(t *testing.T) {
	seen := make(map[string]rank)
	for _, r := range banners.rows {
		p := r.pattern
		switch {
		case p == "" || p != strings.TrimSpace(p):
			t.Errorf("%q is no pattern", p)
		case lowerASCII(p) != p:
			t.Errorf("%q has capitals", p)
		case p[0] == '*' && !r.start:
			t.Errorf("%q begins anywhere", p)
		case strings.Count(strings.TrimSuffix(p, "*"), "*") > 2:
			t.Errorf("%q has more than two stars inside", p)
		case r.source == "":
			t.Errorf("%q has no source", p)
		case (r.rank > rankVendor && r.rank != rankVeto) != (r.kind != None):
			t.Errorf("%q: rank %d and kind %q", p, r.rank, r.kind)
		case len(strings.TrimRight(p, "*#%?")) < 2:
			t.Errorf("%q is too short to say anything", p)
		}
		if before, ok := seen[p]; ok && before == r.rank && r.in == greetings && !r.start {
			t.Logf("%q is there twice", p)
		}
		seen[p] = r.rank
	}
	t.Logf("%d rows", len(banners.rows))
}

func TestMatchAt(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		end           int
	}{
		{"rt-ac#", "rt-ac68", 7},
		{"rt-ac#", "rt-ac68u", -1},
		{"rt-ac#*", "rt-ac68u", 7},
		{"et%* ftp", "et0021aa model ftp", 18},
		{"a b", "a   b", 5},
		{"a b", "ab", -1},
		{"^a"[1:] + "$", "a. ", 3},
		{"p-#?", "p-660h", 6},
		{"p-#?", "p-660", -1},
		{"nas", "nase", -1},
		{"a*z", "a" + strings.Repeat("-", starSpan+1) + "z", -1},
		{"a*z", "a" + strings.Repeat("-", starSpan) + "z", starSpan + 2},
	} {
		if end := matchAt(c.pattern, []byte(c.text), 0); end != c.end {
			t.Errorf("%q in %q ends at %d, want %d", c.pattern, c.text, end, c.end)
		}
	}
}
