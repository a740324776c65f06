package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/iot-milter/iot-milter/policy"
)

// Encoder writes decisions as lines of JSON that are safe to look at: what a
// terminal would not print stands as its \u escape. It is for one goroutine.
type Encoder struct {
	out  io.Writer
	line bytes.Buffer
	json *json.Encoder
}

// NewEncoder returns an Encoder that writes to out.
func NewEncoder(out io.Writer) *Encoder {
	e := &Encoder{out: out}
	e.json = json.NewEncoder(&e.line)
	e.json.SetEscapeHTML(false)
	return e
}

// line is a decision as replay prints it: what the recording lacks is left out.
type line struct {
	ID     string `json:"id,omitempty"`
	Client string `json:"client,omitempty"`
	policy.Decision
	Iprev string `json:"iprev,omitempty"`
	Rcpts int    `json:"rcpts,omitempty"` // no recording tells
	Was   string `json:"was,omitempty"`
}

// Encode writes the decision on a record.
func (e *Encoder) Encode(r *Record, d *policy.Decision) error {
	l := line{ID: r.ID, Client: d.Client, Decision: *d, Iprev: d.Iprev, Was: r.Was}
	l.Session, l.Took, l.End = "", "", ""
	e.line.Reset()
	if err := e.json.Encode(&l); err != nil {
		return err
	}
	text := e.line.Bytes()
	for _, c := range text {
		if c >= 0x7f {
			text = []byte(escaped(string(text)))
			break
		}
	}
	_, err := e.out.Write(text)
	return err
}

func escaped(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\n' || unicode.IsPrint(c):
			b.WriteRune(c)
		case c > 0xffff:
			c -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

// Undecided is the decision on a message whose client could not be found.
func Undecided(r *Record, mode policy.Mode) *policy.Decision {
	return &policy.Decision{
		Class: policy.ClassUnknown.String(), Flag: policy.FlagNo.String(), Mode: mode.String(),
		Verdict: policy.ActionAccept.String(), Action: policy.ActionAccept.String(), Reason: r.Undecidable,
		Stage: policy.StageConnect.String(), Signals: []policy.DecisionSignal{},
	}
}
