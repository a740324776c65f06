package evidence

import (
	"cmp"
	"encoding/binary"
	"math"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// MaxRecord is how many bytes the facts of one address take at most. What finds no room
// in it is not kept.
const MaxRecord = 256

// recordVersion is that of the format: the first byte. A record of another one tells
// nothing.
const recordVersion = 2

// factKind is what a fact is about.
type factKind uint8

// The kinds of facts. Their numbers are stored.
const (
	factIprev factKind = iota + 1
	factNetwork
	factList // one for each list
	factP0f
	factBanner
	numFacts
)

// FactKinds are the words that Meter.Fact is called with.
var FactKinds = []string{factNames[factIprev], factNames[factNetwork], factNames[factList], factNames[factP0f]}

var factNames = [numFacts]string{factIprev: "iprev", factNetwork: "network", factList: "list", factP0f: "p0f", factBanner: "banner"}

// What a fact may live at most, whatever its answers' times to live say. What is good
// news for a client lives longest; what the admin of a name may be about to mend, or a
// list to remove, is asked for soon again.
const (
	strong    = 24 * time.Hour   // a confirmed name, a network
	weak      = 2 * time.Hour    // a name that is not confirmed, a listing
	negative  = 5 * time.Minute  // that there is no name, no network, no listing
	p0fMatch  = 5 * time.Minute  // p0f itself forgets after two hours
	p0fPart   = 30 * time.Second // without a system: it may know that soon
	probeLife = 24 * time.Hour   // lines change hands
)

// shortest is what a fact of DNS lives at least: many names have a time of zero, and a
// bot comes ten times in a minute.
const shortest = time.Minute

// skew is how far the clocks of hosts that share facts may be apart.
const skew = time.Minute

// fact is one thing that is known of an address.
type fact struct {
	kind   factKind
	what   string // of several of a kind: the list's zone
	body   string // by the kind
	life   time.Duration
	learnt int64 // unix seconds; 0 is now
}

// longest is what the fact may live.
func (f *fact) longest() time.Duration {
	switch f.kind {
	case factIprev:
		if _, result, _ := parseIprev(f.body); result == policy.IprevPass {
			return strong
		} else if result == policy.IprevFail {
			return weak
		}
	case factNetwork:
		if f.body != "" {
			return strong
		}
	case factList:
		if f.body != "" {
			return weak
		}
	case factP0f:
		return p0fMatch
	case factBanner:
		return probeLife
	}
	return negative
}

// A record is the version and the facts, each as kind, time when it was learnt and end in
// unix seconds, length, length of what, what and body.
const factHead = 1 + 4 + 4 + 1 + 1

// next takes one fact off a record without its version. ok is false at its end, and
// where the rest cannot be read.
func next(record string) (f fact, end int64, rest string, ok bool) {
	if len(record) < factHead {
		return f, 0, "", false
	}
	size, what := int(record[9]), int(record[10])
	if f.kind = factKind(record[0]); f.kind == 0 || f.kind >= numFacts || what > size || factHead+size > len(record) {
		return f, 0, "", false
	}
	f.learnt, end = number(record[1:]), number(record[5:])
	f.what, f.body = record[factHead:factHead+what], record[factHead+what:factHead+size]
	return f, end, record[factHead+size:], true
}

// number reads one of 4 bytes.
func number(record string) int64 {
	return int64(record[0])<<24 | int64(record[1])<<16 | int64(record[2])<<8 | int64(record[3])
}

// lives sets the life that a fact with such an end has left at a time, and reports whether
// it holds. What was learnt in the future does not: the clock was set back, and how old it
// is nobody knows.
func (f *fact) lives(end int64, at time.Time) bool {
	age, longest := time.Duration(at.Unix()-f.learnt)*time.Second, f.longest()
	f.life = min(time.Duration(end-at.Unix())*time.Second, longest)
	return f.life > 0 && age >= -skew && age+f.life <= longest
}

// living returns what of a record holds at a time, fact by fact.
func living(record string, at time.Time) func(yield func(fact) bool) {
	return func(yield func(fact) bool) {
		if record == "" || record[0] != recordVersion {
			return
		}
		for f, end, rest, ok := next(record[1:]); ok; f, end, rest, ok = next(rest) {
			if f.lives(end, at) && !yield(f) {
				return
			}
		}
	}
}

// factOf finds a fact in a record.
func factOf(record string, kind factKind, what string, at time.Time) (fact, bool) {
	if record == "" || record[0] != recordVersion {
		return fact{}, false
	}
	for f, end, rest, ok := next(record[1:]); ok; f, end, rest, ok = next(rest) {
		if f.kind == kind && f.what == what && f.lives(end, at) {
			return f, true
		}
	}
	return fact{}, false
}

// appendFact adds a fact to a record, unless it finds no room or lives no more.
func appendFact(record []byte, f *fact, at time.Time) []byte {
	size, learnt := len(f.what)+len(f.body), cmp.Or(f.learnt, at.Unix())
	if f.life < time.Second || size > math.MaxUint8 || len(record)+factHead+size > MaxRecord {
		return record
	}
	record = append(record, byte(f.kind))
	record = binary.BigEndian.AppendUint32(record, uint32(learnt))
	record = binary.BigEndian.AppendUint32(record, uint32(at.Add(f.life).Unix()))
	record = append(record, byte(size), byte(len(f.what)))
	return append(append(record, f.what...), f.body...)
}

// Join returns the record of what two hosts know of one address: of each thing the fact
// that was learnt last.
func Join(own, other string, at time.Time) string {
	var buf [MaxRecord]byte
	record := append(buf[:0], recordVersion)
	for f := range living(own, at) {
		if g, ok := factOf(other, f.kind, f.what, at); ok && g.learnt > f.learnt {
			f = g
		}
		record = appendFact(record, &f, at)
	}
	for f := range living(other, at) {
		if _, ok := factOf(own, f.kind, f.what, at); !ok {
			record = appendFact(record, &f, at)
		}
	}
	return string(record)
}
