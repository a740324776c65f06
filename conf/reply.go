package conf

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	// maxReply is the longest reply text that Postfix and Sendmail carry whole.
	maxReply = 980
	// maxContact leaves room for the text around it.
	maxContact = 200
	// idLength is what {id} counts for in that bound.
	idLength = 40
)

var (
	replyText   = regexp.MustCompile(`^([245])([0-5][0-9]) (?:([245])\.[0-9]{1,3}\.[0-9]{1,3} )?(.*)$`)
	placeholder = regexp.MustCompile(`\{[^{}]*\}?|\}`)
)

// checkReply judges a whole reply. A limit says 451 and nothing else (safety
// rule 8): 421 would end the connection, 450 and 452 blame the mailbox.
func checkReply(s string, class byte) *valueError {
	if err := checkASCII(s); err != nil {
		return err
	}
	example := `such as "550 5.7.1 Text"`
	if class == '4' {
		example = `such as "451 4.7.1 Text"`
	}
	m := replyText.FindStringSubmatch(s)
	switch {
	case m == nil:
		return badf(example, "does not begin with a reply code")
	case m[1][0] != class:
		return badf(example, "%s is no code of class %c", m[1]+m[2], class)
	case class == '4' && m[2] != "51":
		return badf(example, "%s is not 451, the only code of a limit", m[1]+m[2])
	case m[3] == "":
		return badf(example, "has no enhanced status code")
	case m[3][0] != class:
		return badf(example, "the enhanced code %s.x.x does not fit the code %s", m[3], m[1]+m[2])
	case strings.TrimSpace(m[4]) == "":
		return badf(example, "has no text")
	}
	for _, p := range placeholder.FindAllString(m[4], -1) {
		if p != "{id}" && p != "{contact}" {
			return badf("only {id} and {contact} are replaced", "%s is no placeholder", strconv.Quote(p))
		}
	}
	return nil
}

// expandedLength is the length of a reply with its placeholders replaced.
func expandedLength(text, contact string) int {
	return len(strings.NewReplacer("{id}", strings.Repeat("0", idLength), "{contact}", contact).Replace(text))
}

func checkASCII(s string) *valueError {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c == 0x7f:
			return badf("one line of printable ASCII", "has a control character")
		case c > 0x7f:
			return badf("plain ASCII; SMTP replies know nothing else", "has a character that is not ASCII")
		}
	}
	return nil
}

func checkContact(s string) *valueError {
	if err := checkASCII(s); err != nil {
		return err
	}
	switch {
	case len(s) > maxContact:
		return badf("at most "+strconv.Itoa(maxContact), "has %d characters", len(s))
	case strings.ContainsAny(s, "{}"):
		return badf("no placeholders here", "has braces")
	}
	return nil
}
