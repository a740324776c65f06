//go:build integration

package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/integration/sink"
)

// headerName is the field that the daemon writes.
const headerName = "X-IoT-Spam"

// field is one header field: raw with its folds, and unfolded.
type field struct {
	name, value, raw string
}

// parseMessage splits a stored message. The name keeps blanks before the colon.
func parseMessage(data []byte) (fields []field, body string) {
	r := bufio.NewScanner(bytes.NewReader(data))
	r.Buffer(nil, 1<<24)
	inBody := false
	var rest strings.Builder
	for r.Scan() {
		line := strings.TrimSuffix(r.Text(), "\r")
		switch {
		case inBody:
			rest.WriteString(line + "\n")
		case line == "":
			inBody = true
		case (line[0] == ' ' || line[0] == '\t') && len(fields) > 0:
			last := &fields[len(fields)-1]
			last.raw += "\n" + line
			last.value += " " + strings.TrimSpace(line)
		default:
			name, value, _ := strings.Cut(line, ":")
			fields = append(fields, field{name: name, value: strings.TrimSpace(value), raw: line})
		}
	}
	return fields, rest.String()
}

func named(fields []field, name string) []field {
	var out []field
	for _, f := range fields {
		if strings.EqualFold(strings.TrimSpace(f.name), name) {
			out = append(out, f)
		}
	}
	return out
}

// checkStored compares all stored messages with the case.
func checkStored(t *testing.T, s *scenario, family string, got []sink.Message) {
	t.Helper()
	if len(got) != len(s.stored) {
		t.Errorf("%d messages are stored, not %d", len(got), len(s.stored))
	}
	for i, m := range got {
		fields, body := parseMessage(m.Data)
		if i >= len(s.stored) {
			checkAlways(t, fields, 1, s.anyOrder)
			continue
		}
		checkAlways(t, fields, mostOfOurs(s.stored[i]), s.anyOrder)
		for _, line := range lines(only(family, s.stored[i])) {
			if err := checkLine(line, m, fields, body); err != nil {
				t.Errorf("message %d: %v\nits header:\n%s", i+1, err, clip(show(fields)))
			}
		}
	}
}

// checkLine checks one expectation of a section stored.
func checkLine(line string, m sink.Message, fields []field, body string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "to:":
		want := strings.Split(rest, ", ")
		if slices.Sort(want); !slices.Equal(want, slices.Sorted(slices.Values(m.To))) {
			return fmt.Errorf("recipients are %v, not %v", m.To, want)
		}
		return nil
	case "body:":
		if ok, err := regexp.MatchString(rest, body); err != nil || !ok {
			return fmt.Errorf("the body has no %q %v", rest, err)
		}
		return nil
	case "-":
		if n := len(named(fields, rest)); n > 0 {
			return fmt.Errorf("%d fields %s", n, rest)
		}
		return nil
	}
	return checkCount(verb, rest, fields)
}

func checkCount(verb, rest string, fields []field) error {
	n := 1
	if verb != "+" {
		var err error
		if n, err = strconv.Atoi(verb); err != nil {
			return fmt.Errorf("no expectation begins with %q", verb)
		}
	}
	name, pattern, _ := strings.Cut(rest, ":")
	re, err := regexp.Compile("^(?:" + strings.TrimSpace(pattern) + ")$")
	if err != nil {
		return err
	}
	found := named(fields, name)
	if len(found) != n {
		return fmt.Errorf("%d fields %s, not %d", len(found), name, n)
	}
	for _, f := range found {
		if !re.MatchString(f.value) {
			return fmt.Errorf("%s is %q\nnot %q", name, f.value, pattern)
		}
	}
	return nil
}

var (
	grammar  = regexp.MustCompile(`^(Yes|Suspect|No),( [a-z]+=[A-Za-z0-9._:,-]+)+$`)
	foldedAt = regexp.MustCompile(`,\n[ \t]`)
)

// mostOfOurs is how many fields of our name a message may have: one, unless its
// section counts more.
func mostOfOurs(section string) int {
	n := 1
	fmt.Sscanf(counted.FindString(section), "%d", &n)
	return n
}

var counted = regexp.MustCompile(`(?m)^[0-9]+ ` + headerName + `:`)

// checkAlways is what holds for every stored message.
func checkAlways(t *testing.T, fields []field, most int, anyOrder bool) {
	t.Helper()
	ours := named(fields, headerName)
	if len(ours) > most {
		t.Errorf("%d fields %s", len(ours), headerName)
	}
	if len(ours) == 0 {
		return
	}
	first := slices.IndexFunc(fields, func(f field) bool { return strings.EqualFold(f.name, "Received") })
	if at := slices.Index(fields, ours[0]); !anyOrder && first >= 0 && at > first {
		t.Errorf("%s stands below the MTA's Received", headerName)
	}
	for _, line := range strings.Split(ours[0].raw, "\n") {
		if len(line) >= 78 {
			t.Errorf("%q is %d octets long", line, len(line))
		}
	}
	// A fold may follow a comma inside a value.
	raw := foldedAt.ReplaceAllString(ours[0].raw[len(headerName)+1:], ",")
	value := strings.Join(strings.Fields(strings.Replace(raw, ",", ", ", 1)), " ")
	if !grammar.MatchString(value) {
		t.Errorf("%s has the value %q", headerName, value)
	}
}

// verdictKeys is the contract's order.
var verdictKeys = strings.Fields("id session mta qid client ptr iprev helo from rcpts stage class device " +
	"confidence flag mode verdict action exempt reason signals took end")

// checkVerdicts compares the daemon's verdict lines with a section.
func checkVerdicts(t *testing.T, want []string, got []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d verdict lines, not %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i, line := range got {
		checkKeys(t, line)
		if i >= len(want) {
			continue
		}
		have := words(line)
		for _, w := range logWords(want[i]) {
			if sign := w.key[len(w.key)-1]; sign == '+' || sign == '-' {
				checkList(t, w, have[w.key[:len(w.key)-1]], line)
				continue
			}
			value, there := have[w.key]
			if ok, err := regexp.MatchString("^(?:"+w.value+")$", value); err != nil || !ok || !there {
				t.Errorf("verdict %d: %s=%q, not %q\n%s", i+1, w.key, value, w.value, line)
			}
		}
	}
}

// checkList: "key+=a,b" wants both among the value's words, "key-=a,b" neither.
func checkList(t *testing.T, want word, value, line string) {
	t.Helper()
	got := strings.Split(value, ",")
	for _, w := range strings.Split(want.value, ",") {
		if slices.Contains(got, w) != strings.HasSuffix(want.key, "+") {
			t.Errorf("%s%s: the list is %s\n%s", want.key, w, value, line)
		}
	}
}

// checkKeys: after msg=verdict come the contract's keys and no others.
func checkKeys(t *testing.T, line string) {
	t.Helper()
	var keys []string
	for _, w := range logWords(line) {
		keys = append(keys, w.key)
	}
	at := slices.Index(keys, "msg")
	if got := keys[at+1:]; !slices.Equal(got, verdictKeys) {
		t.Errorf("the verdict line has the keys\n%v\nnot\n%v", got, verdictKeys)
	}
}

// word is one key=value of a line in logfmt.
type word struct {
	key, value string
}

// logWords takes a line apart; a value in quotes may hold blanks and escapes.
func logWords(line string) []word {
	var out []word
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " ") {
		key, rest, ok := strings.Cut(line, "=")
		if !ok {
			return append(out, word{key: line})
		}
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			value, _ := strconv.Unquote(quoted)
			out = append(out, word{key, value})
			line = rest[len(quoted):]
			continue
		}
		value, after, _ := strings.Cut(rest, " ")
		out = append(out, word{key, value})
		line = after
	}
	return out
}

// checkLog looks for regexps in the daemon's log, or for their absence.
func checkLog(t *testing.T, want, log string) {
	t.Helper()
	for _, line := range lines(want) {
		pattern, absent := strings.CutPrefix(line, "! ")
		found, err := regexp.MatchString("(?m)"+pattern, log)
		if err != nil || found == absent {
			t.Errorf("log: %s: found is %v %v", line, found, err)
		}
	}
	if strings.Contains(log, "panic") || strings.Contains(log, "DATA RACE") {
		t.Errorf("the daemon's log has a panic or a race")
	}
}

func show(fields []field) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(f.raw + "\n")
	}
	return b.String()
}

// clip keeps a failing test readable.
func clip(text string) string {
	const most = 4000
	if len(text) <= most {
		return text
	}
	return text[:most/2] + "\n[…]\n" + text[len(text)-most/2:]
}
