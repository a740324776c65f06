package device

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The golden model says the same as the parser in another way: it writes down
// every spelling of an address and searches for each, and it compares each run of
// letters with each row. It is slow, and short enough to be seen to be right.

var (
	digitRuns  = regexp.MustCompile(`[0-9]+`)
	hexRuns    = regexp.MustCompile(`[0-9a-f]+`)
	letterRuns = regexp.MustCompile(`[a-z]+`)
)

func goldenAddress(text string, addr netip.Addr, enough int) (traits Traits) {
	if goldenQuad(text) {
		traits |= Numbers
	}
	if addr = addr.Unmap(); addr.Is4() && golden4(text, addr, enough) || addr.Is6() && golden6(text, addr) {
		traits |= Own
	}
	return traits
}

func isOctet(s string) bool {
	v, err := strconv.Atoi(s)
	return err == nil && len(s) <= 3 && v <= 255
}

// goldenQuad: four octets, one byte between them that is no letter but x.
func goldenQuad(text string) bool {
	at := digitRuns.FindAllStringIndex(text, -1)
	for i := 0; i+4 <= len(at); i++ {
		ok := true
		for k := i; k < i+4; k++ {
			ok = ok && isOctet(text[at[k][0]:at[k][1]])
			if k > i {
				gap := text[at[k-1][1]:at[k][0]]
				ok = ok && len(gap) == 1 && (gap == "x" || !letterRuns.MatchString(gap))
			}
		}
		if ok {
			return true
		}
	}
	return false
}

func golden4(text string, addr netip.Addr, enough int) bool {
	o := addr.As4()
	back := [4]byte{o[3], o[2], o[1], o[0]}
	all := digitRuns.FindAllString(text, -1)
	for size := enough; size <= 4; size++ {
		for at := 0; at+size <= 4; at++ {
			for i := 0; i+size <= len(all); i++ {
				part, window := all[i:i+size], o[at:at+size]
				wide := slices.ContainsFunc(part, func(s string) bool { return len(s) > 1 })
				if size == 2 && (at != 2 || !wide) {
					continue // two must be the last two
				}
				if sameOctets(part, window, false) || sameOctets(part, window, true) {
					return true
				}
			}
		}
	}
	spellings := []string{
		fmt.Sprintf("%02x%02x%02x%02x", o[0], o[1], o[2], o[3]), fmt.Sprintf("%02x%02x%02x%02x", back[0], back[1], back[2], back[3]),
		fmt.Sprintf("%03d%03d%03d%03d", o[0], o[1], o[2], o[3]), fmt.Sprintf("%03d%03d%03d%03d", back[0], back[1], back[2], back[3]),
	}
	if slices.ContainsFunc(spellings, func(s string) bool { return strings.Contains(text, s) }) {
		return true
	}
	ends := []string{fmt.Sprintf("%03d%03d", o[2], o[3]) + `([^0-9]|$)`}
	if enough == 2 {
		ends = append(ends, fmt.Sprintf("%02x%02x", o[2], o[3])+`([^0-9a-z]|$)`, fmt.Sprintf("%d%03d", o[2], o[3])+`([^0-9]|$)`)
		if s := fmt.Sprintf("%d%d", o[2], o[3]); len(s) >= 4 {
			ends = append(ends, s+`([^0-9]|$)`)
		}
	}
	if len(text) >= 6 && regexp.MustCompile(ends[0]).MatchString(text) || len(ends) > 1 && regexp.MustCompile(strings.Join(ends[1:], "|")).MatchString(text) {
		return true
	}
	whole := uint64(o[0])<<24 | uint64(o[1])<<16 | uint64(o[2])<<8 | uint64(o[3])
	for _, run := range all {
		bare := strings.TrimLeft(run, "0")
		if len(run) >= 8 && (bare == strings.TrimLeft(fmt.Sprint(whole), "0") ||
			bare == strings.TrimLeft(fmt.Sprintf("%d%d%d%d", o[0], o[1], o[2], o[3]), "0")) {
			return true
		}
	}
	return false
}

func sameOctets(part []string, window []byte, backward bool) bool {
	for i, s := range part {
		k := i
		if backward {
			k = len(window) - 1 - i
		}
		if v, _ := strconv.Atoi(s); !isOctet(s) || v != int(window[k]) {
			return false
		}
	}
	return true
}

func golden6(text string, addr netip.Addr) bool {
	forward := strings.ReplaceAll(addr.StringExpanded(), ":", "")
	reversed := []byte(forward)
	slices.Reverse(reversed)
	run := strings.Join(hexRuns.FindAllString(text, -1), "")
	for _, all := range []string{forward, string(reversed)} {
		for i := 0; i+minNibbles <= len(all); i++ {
			part := all[i : i+minNibbles]
			if len(strings.ReplaceAll(part, "0", "")) >= 4 && strings.Contains(run, part) {
				return true
			}
		}
	}
	plain := func(groups []string) (out []string) {
		for _, g := range groups {
			if g = strings.TrimLeft(g, "0"); g != "" {
				out = append(out, g)
			}
		}
		return out
	}
	want := plain(strings.Split(addr.StringExpanded(), ":"))
	got := " " + strings.Join(plain(hexRuns.FindAllString(text, -1)), " ") + " "
	for i := 0; i+3 <= len(want); i++ {
		if strings.Contains(got, " "+strings.Join(want[i:i+3], " ")+" ") {
			return true
		}
	}
	return false
}

func goldenWord(run string) (traits Traits) {
	if len(run) < 2 {
		return 0
	}
	for _, match := range []Match{Whole, Begin, End} {
		longest := 0
		for _, w := range Words {
			fits := match == Whole && run == w.Text || match == Begin && strings.HasPrefix(run, w.Text) ||
				match == End && strings.HasSuffix(run, w.Text)
			if w.Match != match || !fits || len(w.Text) < longest {
				continue
			}
			if len(w.Text) > longest {
				longest, traits = len(w.Text), 0
			}
			traits |= w.Traits
		}
		if longest > 0 {
			return traits
		}
	}
	return 0
}

func goldenWords(text string) (strong, weak Traits, unnumbered int) {
	for _, at := range letterRuns.FindAllStringIndex(text, -1) {
		before, run, after := text[:at[0]], text[at[0]:at[1]], text[at[1]:]
		traits := goldenWord(run)
		if traits == 0 || hexRuns.FindString(run) == run && regexp.MustCompile(`[0-9]\||\|[0-9]`).MatchString(before+"|"+after) {
			continue
		}
		if traits&Weak != 0 {
			weak |= traits &^ Weak
			continue
		}
		label, _, _ := strings.Cut(after, ".")
		if traits&Access != 0 && !digitRuns.MatchString(before+label) {
			unnumbered++
			traits &^= Access
		}
		strong |= traits
	}
	return strong, weak, unnumbered
}

func compare(t *testing.T, text string, addr netip.Addr) {
	t.Helper()
	for _, enough := range []int{2, 3} {
		if got, want := addressTraits(text, addr, enough), goldenAddress(text, addr, enough); got != want {
			t.Fatalf("address traits of %q for %v, enough %d: %b, golden %b", text, addr, enough, got, want)
		}
	}
	f := builtin.words(text)
	if strong, weak, unnumbered := goldenWords(text); f.strong != strong || f.weak != weak || f.unnumbered != unnumbered {
		t.Fatalf("words of %q: %b %b %d, golden %b %b %d", text, f.strong, f.weak, f.unnumbered, strong, weak, unnumbered)
	}
}

// randomName makes a name of pieces of addr, words and noise.
func randomName(r *rand.Rand, addr netip.Addr) string {
	var b strings.Builder
	raw := addr.AsSlice()
	noise := []string{"-", ".", "x", "a", "0", "1", "00", "ff", "ip", "p", "--", "cpe", "ded", "7", "255", "256", "mx"}
	for range 1 + r.IntN(9) {
		switch r.IntN(5) {
		case 0:
			b.WriteString(noise[r.IntN(len(noise))])
		case 1:
			b.WriteString(Words[r.IntN(len(Words))].Text)
		default:
			at := r.IntN(len(raw))
			n := 1 + r.IntN(len(raw)-at)
			sep := []string{"", "-", ".", "x", "a"}[r.IntN(5)]
			format := []string{"%d", "%03d", "%02x", "%x"}[r.IntN(4)]
			part := slices.Clone(raw[at : at+n])
			if r.IntN(3) == 0 {
				slices.Reverse(part)
			}
			for i, v := range part {
				if i > 0 && (len(raw) == 4 || i%2 == 0) {
					b.WriteString(sep)
				}
				fmt.Fprintf(&b, format, v)
			}
		}
	}
	return b.String()[:min(b.Len(), maxName)]
}

func TestGolden(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n := 20000
	if testing.Short() {
		n = 1000
	}
	for range n {
		raw := make([]byte, []int{4, 16}[r.IntN(2)])
		for i := range raw {
			if raw[i] = byte(r.IntN(256)); r.IntN(3) == 0 {
				raw[i] = byte(r.IntN(12)) // short numbers, zeros and repetitions
			}
		}
		addr, _ := netip.AddrFromSlice(raw)
		if addr.Is4In6() {
			continue
		}
		compare(t, randomName(r, addr), addr)
	}
}

func FuzzGolden(f *testing.F) {
	f.Add("cpe-203-0-113-7.dyn", "203.0.113.7")
	f.Add("a-c-d", "a:b:a:c:d::")
	f.Add("p20010db800010002.dip0", "2001:db8:1:2::7")
	f.Fuzz(func(t *testing.T, text, client string) {
		addr, err := netip.ParseAddr(client)
		text = lowerASCII(text)
		if err != nil || addr.Zone() != "" || len(text) == 0 || len(text) > maxName || !isHost(strings.ReplaceAll(text, ".", "a")) {
			return
		}
		compare(t, text, addr)
	})
}
