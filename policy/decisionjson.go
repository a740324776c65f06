package policy

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// AppendJSON appends what encoding/json makes of the record's Decision, and allocates
// nothing but b's growth: it is written for every message. (A test holds the two
// equal.)
func (r *Record) AppendJSON(b []byte) []byte {
	f := r.Facts
	j := r.Judgement
	if j == nil {
		j = &unjudged
	}
	o := object{b: append(b, '{')}
	o.text("id", r.ID)
	o.key("client")
	o.b = appendAddr(o.b, f.Client.Addr)
	o.optional("ptr", f.Client.Name.String())
	o.word("iprev", f.Client.Iprev.String())
	if f.Greeting.Name.Known() {
		o.text("helo", f.Greeting.Name.String())
	}
	if f.Envelope.From.Known() {
		o.text("from", r.Sender)
	}
	o.list("to", r.To)
	o.word("class", j.Class.String())
	o.word("device", j.Device.String())
	o.text("vendor", j.Vendor)
	o.number("confidence", j.Confidence, 4)
	o.word("flag", j.Flag.String())
	o.word("mode", r.Mode.String())
	o.word("verdict", r.Verdict.String())
	o.word("action", r.Action.String())
	o.text("reason", r.Reason)
	o.text("exempt", r.Exempt)
	if r.Judgement != nil {
		o.probabilities(&j.P)
	}
	if !f.Client.At.IsZero() {
		o.key("time")
		o.b = append(f.Client.At.UTC().AppendFormat(append(o.b, '"'), time.RFC3339Nano), '"')
	}
	o.optional("session", f.Client.Session)
	o.optional("mta", f.Client.MTA)
	o.optional("qid", r.QueueID)
	o.word("stage", r.Stage.String())
	o.key("rcpts")
	o.b = strconv.AppendInt(o.b, int64(r.Rcpts), 10)
	o.key("took")
	o.b = append(AppendTook(append(o.b, '"'), r.Took), '"')
	o.optional("end", r.End.String())
	o.limits(r.Limits)
	o.findings(r, j)
	return append(o.b, '}')
}

// unjudged stands for no judgement. It is only read.
var unjudged Judgement

// object appends the members of a JSON object.
type object struct {
	b    []byte
	more bool // a member is there already
}

func (o *object) key(name string) {
	if o.more {
		o.b = append(o.b, ',')
	}
	o.more = true
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

func (o *object) text(name, value string) {
	o.key(name)
	o.b = appendString(o.b, value)
}

// word is text for values of our own, in which nothing is to be escaped.
func (o *object) word(name, value string) {
	o.key(name)
	o.b = append(append(append(o.b, '"'), value...), '"')
}

// optional leaves an empty value out.
func (o *object) optional(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

// number is a value, rounded.
func (o *object) number(name string, value float64, decimals int) {
	o.key(name)
	o.b = appendRounded(o.b, value, decimals)
}

// appendRounded appends what encoding/json writes of a rounded value: as many digits as
// tell it from its neighbours, which are no more than it was rounded to. No number of ours
// has more than fifteen; whatever else a bug makes of one, NaN too, is 0, for the line must
// stay JSON.
func appendRounded(b []byte, x float64, decimals int) []byte {
	scaled := math.Round(x * powers[decimals])
	if !(math.Abs(scaled) < 1e15) {
		return append(b, '0')
	}
	if math.Signbit(scaled) {
		b = append(b, '-')
	}
	whole, part := uint64(math.Abs(scaled)), uint64(powers[decimals])
	b = strconv.AppendUint(b, whole/part, 10)
	if whole %= part; whole == 0 {
		return b
	}
	for b = append(b, '.'); whole > 0; whole %= part {
		part /= 10
		b = append(b, byte('0'+whole/part))
	}
	return b
}

// AppendTook appends the text of a duration, rounded to microseconds: what its String
// returns, without an allocation where it is below a second.
func AppendTook(b []byte, took time.Duration) []byte {
	took = took.Round(time.Microsecond)
	switch {
	case took <= 0 || took >= time.Second:
		return append(b, took.String()...)
	case took < time.Millisecond:
		return append(strconv.AppendInt(b, took.Microseconds(), 10), "µs"...)
	}
	return append(appendRounded(b, float64(took.Microseconds())/1000, 3), "ms"...)
}

func (o *object) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	o.key(name)
	o.b = append(o.b, '[')
	for i, v := range values {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendString(o.b, v)
	}
	o.b = append(o.b, ']')
}

// sortedClasses are the classes in the order of their words, which is that of a JSON
// object's keys.
var sortedClasses = [...]Class{ClassAccess, ClassBusiness, ClassDevice, ClassHosting, ClassMailserver}

func (o *object) probabilities(p *PerClass) {
	o.key("p")
	in := object{b: append(o.b, '{')}
	for _, c := range sortedClasses {
		in.number(c.String(), p[c], 4)
	}
	o.b = append(in.b, '}')
}

func (o *object) limits(all []LimitUse) {
	if len(all) == 0 {
		return
	}
	o.key("limits")
	o.b = append(o.b, '[')
	for i := range all {
		u := &all[i]
		if i > 0 {
			o.b = append(o.b, ',')
		}
		in := object{b: append(o.b, '{')}
		in.text("name", u.Name)
		in.text("count", u.count())
		if u.Key == nil {
			in.level(u)
		} else if len(u.Key) > 0 {
			in.texts("key", u.Key)
		}
		o.b = append(in.b, '}')
	}
	o.b = append(o.b, ']')
}

// level is what is left of a limit.
func (o *object) level(u *LimitUse) {
	o.key("full")
	o.b = strconv.AppendBool(o.b, u.Full)
	o.key("left")
	o.b = strconv.AppendInt(o.b, int64(u.left()), 10)
	if !u.Room.IsZero() {
		o.key("room")
		o.b = append(u.room().AppendFormat(append(o.b, '"'), time.RFC3339Nano), '"')
	}
}

func (o *object) texts(name string, values map[string]string) {
	o.key(name)
	in := object{b: append(o.b, '{')}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		in.text(key, values[key])
	}
	o.b = append(in.b, '}')
}

func (o *object) findings(r *Record, j *Judgement) {
	o.key("signals")
	o.b = append(o.b, '[')
	for i := range j.Findings.List() {
		f := &j.Findings.list[i]
		if i > 0 {
			o.b = append(o.b, ',')
		}
		b := append(append(o.b, `{"name":"`...), f.Signal.Name...)
		b = append(append(b, `","group":"`...), word(groupWords, int(f.Signal.Group))...)
		b = append(append(b, `","family":"`...), word(familyWords, int(f.Family))...)
		b = append(append(b, `","status":"`...), word(statusWords, int(f.Status))...)
		b = appendRounded(append(b, `","weight":`...), f.Against(j.Class), 1)
		b = append(appendEscaped(append(b, `,"fact":"`...), f.Key), '=')
		o.b = append(appendEscaped(b, r.factOf(f)), `"}`...)
	}
	o.b = append(o.b, ']')
}

func appendString(b []byte, s string) []byte { return append(appendEscaped(append(b, '"'), s), '"') }

// plain are the bytes that stand for themselves.
var plain = func() (is [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		is[c] = !strings.ContainsRune(`"\\<>&`, c)
	}
	return is
}()

// appendEscaped escapes what encoding/json does: controls, the quote and the
// backslash, what HTML obeys, what JavaScript takes for line ends, and what is not
// UTF-8.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	from := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
		}
		escape := ""
		switch {
		case c == '"' || c == '\\':
			b = append(append(b, s[from:i]...), '\\', byte(c))
			i, from = i+1, i+1
			continue
		case c == utf8.RuneError && size == 1:
			escape = `\ufffd`
		case c == '\n':
			escape = `\n`
		case c == '\r':
			escape = `\r`
		case c == '\t':
			escape = `\t`
		case c == '\b':
			escape = `\b`
		case c == '\f':
			escape = `\f`
		case c < ' ', c == '<', c == '>', c == '&':
			b = append(append(b, s[from:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			i, from = i+1, i+1
			continue
		case c == '\u2028':
			escape = `\u2028`
		case c == '\u2029':
			escape = `\u2029`
		}
		if escape != "" {
			b = append(append(b, s[from:i]...), escape...)
			from = i + size
		}
		i += size
	}
	return append(b, s[from:]...)
}

// appendAddr appends an address, "" when it is unknown.
func appendAddr(b []byte, a netip.Addr) []byte {
	b = append(b, '"')
	if a.IsValid() {
		b = a.AppendTo(b)
	}
	return append(b, '"')
}
