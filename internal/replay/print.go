package replay

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	maxShown = 20 // rows of a list that may be long
	maxCell  = 44 // characters of a client's text
)

// Harmless makes a client's text safe to print on a terminal: what is not plain
// is quoted.
func Harmless(s string) string {
	q := fmt.Sprintf("%q", s)
	if q == `"`+s+`"` {
		return s
	}
	return q
}

func clip(s string) string {
	if utf8.RuneCountInString(s) > maxCell {
		s = string([]rune(s)[:maxCell-2]) + ".."
	}
	return Harmless(s)
}

// Print writes the report as plain text in aligned columns.
func (p *Report) Print(out io.Writer) error {
	w := bufio.NewWriter(out)
	p.printHead(w)
	p.printSums(w)
	p.printOutcome(w)
	p.printLegitimate(w)
	p.printExamples(w)
	p.printDamage(w)
	return w.Flush()
}

func (p *Report) printHead(w io.Writer) {
	judged := 0
	for _, n := range p.signals {
		if n > 0 {
			judged++
		}
	}
	undecidable := sum(p.undecidable)
	fmt.Fprintf(w, "%d of %d signals could be judged; %s of %s records were undecidable", judged, len(p.signals), number(undecidable), number(p.records))
	if p.damaged > 0 {
		fmt.Fprintf(w, "; %s more could not be read", number(p.damaged))
	}
	fmt.Fprint(w, ".\n")
	if !p.first.IsZero() {
		fmt.Fprintf(w, "From %s to %s (UTC).\n", p.first.UTC().Format("2006-01-02"), p.last.UTC().Format("2006-01-02"))
	}
	switch without := p.records - sum(p.undecidable) - p.timed; {
	case p.records > 0 && p.timed == 0:
		fmt.Fprintln(w, "No record has a time: limits and deferrals were not judged.")
	case without > 0 && p.timed > 0 && p.timed < p.facts["address"]:
		fmt.Fprintf(w, "%s records have no time: limits and deferrals were not judged for them.\n", number(p.facts["address"]-p.timed))
	}
	if p.back > 0 {
		fmt.Fprintf(w, "%s records are older than one before them: limits and deferrals are judged in the order of the input.\n", number(p.back))
	}
	for _, note := range slices.Sorted(maps.Keys(p.notes)) {
		fmt.Fprintf(w, "%s records: %s.\n", number(p.notes[note]), note)
	}
	t := table{head: []string{"known fact", "records", "%", "signals that look at it"}, right: " rrr"}
	for _, f := range factRows {
		t.add(f.name, number(p.facts[f.name]), percent(p.facts[f.name], p.records), p.lookedAt(f.name))
	}
	fmt.Fprintln(w)
	t.print(w)
	if never := p.never(); len(never) > 0 {
		fmt.Fprintln(w)
		wrap(w, "not judged:", never)
	}
}

// never are the signals that no record had the facts for: by the fact where it
// was never known, else by name.
func (p *Report) never() (words []string) {
	for i, n := range p.signals {
		word := policy.Signals[i].Name
		if fact := factOf(&policy.Signals[i]); p.facts[fact] == 0 {
			word = fact
		}
		if n == 0 && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

func (p *Report) lookedAt(fact string) string {
	n := 0
	for i := range policy.Signals {
		if p.signals[i] > 0 && factOf(&policy.Signals[i]) == fact {
			n++
		}
	}
	if n == 0 {
		return "-"
	}
	return number(n)
}

func factOf(s *policy.Signal) string {
	if s.Name == "sender-random" {
		return "sender"
	}
	switch s.Group {
	case policy.GroupName:
		return "name"
	case policy.GroupGreeting:
		return "greeting"
	case policy.GroupMessage:
		return "header"
	}
	return "address"
}

func (p *Report) printSums(w io.Writer) {
	t := table{head: []string{"", "records", "%"}, right: " rr"}
	section := func(name string, words []string, counts map[string]int) {
		if sum(counts) == 0 {
			return
		}
		if len(t.rows) > 0 {
			t.add()
		}
		for _, word := range words {
			if n := counts[word]; n > 0 {
				t.add(name+" "+word, number(n), percent(n, p.records))
			}
		}
	}
	section("class", policy.Words("class"), p.class)
	section("device", byCount(p.kind), p.kind)
	section("flag", []string{"yes", "suspect", "no"}, p.flag)
	section("exempt", byCount(p.exempt), p.exempt)
	section("undecidable", byCount(p.undecidable), p.undecidable)
	section("was > is now", byCount(p.changed), p.changed)
	if len(t.rows) > 0 {
		fmt.Fprintln(w)
		t.print(w)
	}
}

func (p *Report) printOutcome(w io.Writer) {
	if p.records == 0 {
		return
	}
	t := table{head: []string{"what would have happened", "mode " + p.Mode.String(), "%", "mode enforce", "%"}, right: " rrrr"}
	row := func(name string, done, enforced int) {
		t.add(name, number(done), percent(done, p.records), number(enforced), percent(enforced, p.records))
	}
	for _, o := range []struct{ name, action string }{
		{"passed", "accept"}, {"passed, tagged", "tag"}, {"passed, limit not judged", timeless}, {"limited (451)", "limit"}, {"deferred (451)", "defer"},
		{"quarantined", "quarantine"}, {"refused (550)", "reject"},
	} {
		if o.action != timeless || p.enforced[o.action] > 0 {
			row(o.name, p.done[o.action], p.enforced[o.action])
		}
	}
	row("passed, exempt", sum(p.exempt), sum(p.exempt))
	row("passed, undecidable", sum(p.undecidable), sum(p.undecidable))
	if len(p.fullEnforced) > 0 { // in any other mode none is
		t.add()
	}
	for _, name := range byCount(p.fullEnforced) {
		row("limit "+name+" was full", p.full[name], p.fullEnforced[name])
	}
	fmt.Fprintln(w)
	t.print(w)
}

func (p *Report) printLegitimate(w io.Writer) {
	all := p.legitimate()
	if len(p.hits) == 0 {
		return
	}
	fmt.Fprintf(w, "\nHits that look legitimate: %s of %s clients with flag yes or suspect. Look at these before you enforce.\n",
		number(len(all)), number(len(p.hits)))
	if p.forgot > 0 {
		fmt.Fprintf(w, "Beyond %s such clients no more were remembered: %s mails are not in this list.\n", number(maxHits), number(p.forgot))
	}
	if len(all) == 0 {
		return
	}
	t := table{head: []string{"client", "mails", "days", "name", "greeting", "sender's domain", "flag", "enforce", "because"}, right: " rr"}
	for _, h := range all[:min(len(all), maxShown)] {
		t.add(h.key.client, number(h.mails), dash(number(len(h.days))), clip(h.key.name), dash(clip(h.key.helo)), dash(clip(h.domain)), h.flag, enforceWord(h.enforce), strings.Join(h.why, ","))
	}
	t.print(w)
	if more := len(all) - maxShown; more > 0 {
		fmt.Fprintf(w, "and %s more\n", number(more))
	}
}

func enforceWord(action string) string {
	if action == timeless {
		return "limit?"
	}
	return action
}

func (p *Report) printExamples(w io.Writer) {
	t := table{head: []string{"example of", "client", "name", "greeting", "flag", "device", "signals", "where"}}
	words := policy.Words("class")
	for i := len(words) - 1; i >= 0; i-- {
		for _, e := range p.examples[words[i]] {
			t.add(words[i], e.client, clip(e.name), dash(clip(e.helo)), e.flag, dash(e.device), dash(e.signals), Harmless(e.place))
		}
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(w)
		t.print(w)
	}
}

func (p *Report) printDamage(w io.Writer) {
	if p.damaged == 0 {
		return
	}
	fmt.Fprintf(w, "\nCould not be read: %s\n", number(p.damaged))
	for _, d := range p.damages {
		fmt.Fprintf(w, "  %s\n", Harmless(d))
	}
	if more := p.damaged - len(p.damages); more > 0 {
		fmt.Fprintf(w, "  and %s more\n", number(more))
	}
}

// wrap prints words on lines of a terminal's width.
func wrap(w io.Writer, line string, words []string) {
	for _, word := range words {
		if len(line)+1+len(word) > 79 {
			fmt.Fprintln(w, line)
			line = " "
		}
		line += " " + word
	}
	fmt.Fprintln(w, line)
}

// table prints rows in aligned columns.
type table struct {
	head  []string
	right string // an r for each column that is set to the right
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	rows := append([][]string{t.head}, t.rows...)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if i < len(t.right) && t.right[i] == 'r' {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// number groups digits by three.
func number(n int) string {
	s := itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func percent(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100*float64(n)/float64(of))
}

func dash(s string) string {
	if s == "" || s == "0" {
		return "-"
	}
	return s
}

func sum(counts map[string]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// byCount are the keys, the most frequent first.
func byCount(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if n := counts[b] - counts[a]; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
}
