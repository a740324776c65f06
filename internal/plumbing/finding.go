package plumbing

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Severity is how bad a finding is.
type Severity string

// The severities. Notes are no faults.
const (
	Error   Severity = "error"   // mail is not judged, or may be refused or lost
	Warning Severity = "warning" // works, but not as it should, or not in each case
	Note    Severity = "note"    // what could not be looked at, or is a matter of taste
)

// Shell is where a Fix goes that is a command.
const Shell = "shell"

// Fix is a line to write.
type Fix struct {
	// In is the file that Line goes into, or Shell.
	In string `json:"in"`
	// At is the line of In that Line replaces, or that it stands below; 0 is unknown.
	At    int  `json:"at,omitempty"`
	Below bool `json:"below,omitempty"`
	// Line may have several lines.
	Line string `json:"line"`
	// Why is for a reader; it may be "".
	Why string `json:"why,omitempty"`
}

// Finding is one fault.
type Finding struct {
	Severity Severity `json:"severity"`
	Check    string   `json:"check"` // a stable token
	What     string   `json:"what"`
	Where    string   `json:"where"` // file:line, file, socket or process
	Fix      []Fix    `json:"fix"`
}

// Report is what Advise and Verify found.
type Report struct {
	MTA      string    `json:"mta"`
	Version  string    `json:"version"`
	Config   string    `json:"config"` // the MTA's
	Lines    []Fix     `json:"lines,omitempty"`
	Remarks  []string  `json:"remarks,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}

// Faults counts the findings that are no notes.
func (r *Report) Faults() (n int) {
	for _, f := range r.Findings {
		if f.Severity != Note {
			n++
		}
	}
	return n
}

func (r *Report) add(s Severity, check, where, what string, fix ...Fix) {
	r.Findings = append(r.Findings, Finding{s, check, what, where, append([]Fix{}, fix...)})
}

func (r *Report) remark(format string, args ...any) {
	r.Remarks = append(r.Remarks, fmt.Sprintf(format, args...))
}

// sort puts the worst first and drops repetitions.
func (r *Report) sort() {
	rank := map[Severity]int{Error: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return rank[a.Severity] - rank[b.Severity] })
	seen := map[string]bool{}
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool {
		key := f.Check + "\x00" + f.Where + "\x00" + f.What
		defer func() { seen[key] = true }()
		return seen[key]
	})
}

// upward sorts lines of one file from its end to its beginning: written in that order, the
// numbers of those to come still hold. Files keep the order of their first line.
func upward(lines []Fix) {
	first := map[string]int{}
	for i, f := range lines {
		if _, ok := first[f.In]; !ok {
			first[f.In] = i
		}
	}
	slices.SortStableFunc(lines, func(a, b Fix) int {
		if a.In != b.In {
			return first[a.In] - first[b.In]
		}
		return b.At - a.At
	})
}

// place is how a reader finds where a line goes.
func (f Fix) place() string {
	switch {
	case f.In == Shell:
		return "as root"
	case f.At > 0 && f.Below:
		return fmt.Sprintf("%s, below line %d", f.In, f.At)
	case f.At > 0:
		return fmt.Sprintf("%s, instead of what begins in line %d", f.In, f.At)
	}
	return f.In
}

// WriteLines writes advice as text that can be pasted: all but the lines are comments.
func (r *Report) WriteLines(w io.Writer) {
	fmt.Fprintf(w, "# for %s %s, as configured in %s\n", r.MTA, r.Version, r.Config)
	for _, f := range r.Lines {
		fmt.Fprintf(w, "\n# %s:\n", f.place())
		if f.Why != "" {
			fmt.Fprintf(w, "# %s\n", f.Why)
		}
		fmt.Fprintln(w, f.Line)
	}
	for i, s := range r.Remarks {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "# note: %s\n", s)
	}
}

// WriteFindings writes findings for a reader.
func (r *Report) WriteFindings(w io.Writer) {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%s: %s: %s: %s\n", f.Severity, f.Where, f.Check, f.What)
		for _, x := range f.Fix {
			fmt.Fprintf(w, "    %s:\n", x.place())
			for line := range strings.SplitSeq(x.Line, "\n") {
				fmt.Fprintf(w, "        %s\n", line)
			}
			if x.Why != "" {
				fmt.Fprintf(w, "    (%s)\n", x.Why)
			}
		}
	}
	if r.Faults() == 0 {
		fmt.Fprintf(w, "%s %s, %s: no faults found\n", r.MTA, r.Version, r.Config)
	}
}
