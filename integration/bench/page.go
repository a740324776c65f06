//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const reportPage = "docs/performance.md"

// writePage puts what was measured into the document, and leaves what other parts said.
func writePage(all []measured, order []part) error {
	page, err := os.ReadFile(reportPage)
	if err != nil {
		return err
	}
	text := string(page)
	for _, m := range all {
		if text, err = between(text, m.name, m.markdown()); err != nil {
			return err
		}
	}
	if text, err = between(text, "machine", machine().markdown()); err != nil {
		return err
	}
	old, err := block(text, "targets")
	if err != nil {
		return err
	}
	if text, err = between(text, "targets", mergeTargets(old, all, order)); err != nil {
		return err
	}
	return os.WriteFile(reportPage, []byte(text), 0o644)
}

const markEnd = "<!-- end -->"

func markBegin(name string) string { return "<!-- make bench: " + name + " -->\n" }

// cut is the text before a block, in it and after it.
func cut(text, name string) (before, inside, after string, err error) {
	before, rest, ok := strings.Cut(text, markBegin(name))
	inside, after, ok2 := strings.Cut(rest, markEnd)
	if !ok || !ok2 || strings.Contains(inside, "<!-- make bench: ") {
		return "", "", "", fmt.Errorf("%s has no %q … %q", reportPage, markBegin(name), markEnd)
	}
	return before, inside, after, nil
}

func block(text, name string) (string, error) {
	_, inside, _, err := cut(text, name)
	return inside, err
}

// between puts content into the block of that name.
func between(text, name, content string) (string, error) {
	before, _, after, err := cut(text, name)
	if err != nil {
		return "", err
	}
	if content != "" {
		content = "\n" + content + "\n"
	}
	return before + markBegin(name) + content + markEnd + after, nil
}

// mergeTargets is the table of targets; parts that did not run keep their rows of the old one.
func mergeTargets(old string, all []measured, order []part) string {
	fresh := targetTable(all)
	rows := map[string][]string{}
	for line := range strings.Lines(old) {
		if cells := strings.Split(line, " | "); len(cells) > 1 {
			name := strings.TrimPrefix(cells[0], "| ")
			rows[name] = append(rows[name], line)
		}
	}
	t := table{head: fresh.head}
	var b strings.Builder
	b.WriteString(t.markdown())
	for _, p := range order {
		if !slices.ContainsFunc(all, func(m measured) bool { return m.name == p.name }) {
			b.WriteString(strings.Join(rows[p.name], ""))
			continue
		}
		for _, row := range fresh.rows {
			if row[0] == p.name {
				one := table{head: row}.markdown()
				line, _, _ := strings.Cut(one, "\n")
				b.WriteString(line + "\n")
			}
		}
	}
	return b.String()
}

// provenance says when, on which commit and by which command something was measured, and how
// busy the machine was before that.
func provenance(command string) string {
	load := "unknown"
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(b), " ")
	}
	return fmt.Sprintf("Measured %s on commit %s by `%s`, on %s with %d cores; load average of the minute before: %s.",
		time.Now().UTC().Format(time.DateOnly), said("git", "describe", "--always", "--dirty", "--exclude=*"), command,
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), load)
}

// machine describes where and with what it was measured.
func machine() table {
	var u unix.Utsname
	_ = unix.Uname(&u)
	t := table{head: []string{"what", "is"}, rows: [][]string{
		{"CPU", fmt.Sprintf("%s, %d cores", field("/proc/cpuinfo", "model name"), runtime.NumCPU())},
		{"RAM", field("/proc/meminfo", "MemTotal")},
		{"system", strings.Trim(field("/etc/os-release", "PRETTY_NAME"), `"`) + ", Linux " + unix.ByteSliceToString(u.Release[:])},
		{"Go", strings.TrimPrefix(runtime.Version(), "go")},
		{"Postfix", said("postconf", "-d", "-h", "mail_version")},
	}}
	for _, p := range []string{"libmilter1.0.1", "opendkim", "rspamd"} {
		t.rows = append(t.rows, []string{p, said("dpkg-query", "-W", "-f", "${Version}", p)})
	}
	return t
}

// field is the value of a key in a file of "key: value" or "key=value".
func field(path, key string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			return strings.Join(strings.Fields(strings.TrimLeft(rest, " \t:=")), " ")
		}
	}
	return "unknown"
}

// said is what a command prints, or that it says nothing.
func said(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if s := strings.TrimSpace(string(out)); err == nil && s != "" {
		return s
	}
	return "unknown"
}
