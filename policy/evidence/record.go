package evidence

import (
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
const recordVersion = 1

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

// fact is one thing that is known of an address.
type fact struct {
	kind factKind
	what string // of several of a kind: the list's zone
	body string // by the kind
	life time.Duration
}

// longest is what the fact may live. One that says it lives longer is of the future: the
// clock was set back, and how old it is nobody knows.
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

// A record is the version and the facts, each as kind, end in unix seconds, length,
// length of what, what and body.
const factHead = 1 + 4 + 1 + 1

// next takes one fact off a record without its version. ok is false at its end, and
// where the rest cannot be read.
func next(record string) (f fact, end int64, rest string, ok bool) {
	if len(record) < factHead {
		return f, 0, "", false
	}
	size, what := int(record[5]), int(record[6])
	if f.kind = factKind(record[0]); f.kind == 0 || f.kind >= numFacts || what > size || factHead+size > len(record) {
		return f, 0, "", false
	}
	end = int64(record[1])<<24 | int64(record[2])<<16 | int64(record[3])<<8 | int64(record[4])
	f.what, f.body = record[factHead:factHead+what], record[factHead+what:factHead+size]
	return f, end, record[factHead+size:], true
}

// living returns what of a record holds at a time, fact by fact.
func living(record string, at time.Time) func(yield func(fact) bool) {
	return func(yield func(fact) bool) {
		if record == "" || record[0] != recordVersion {
			return
		}
		for f, end, rest, ok := next(record[1:]); ok; f, end, rest, ok = next(rest) {
			f.life = time.Duration(end-at.Unix()) * time.Second
			if f.life > 0 && f.life <= f.longest() && !yield(f) {
				return
			}
		}
	}
}

// factOf finds a fact in a record.
func factOf(record string, kind factKind, what string, at time.Time) (fact, bool) {
	for f := range living(record, at) {
		if f.kind == kind && f.what == what {
			return f, true
		}
	}
	return fact{}, false
}

// appendFact adds a fact to a record, unless it finds no room or lives no more.
func appendFact(record []byte, f *fact, at time.Time) []byte {
	size := len(f.what) + len(f.body)
	if f.life < time.Second || size > math.MaxUint8 || len(record)+factHead+size > MaxRecord {
		return record
	}
	record = append(record, byte(f.kind))
	record = binary.BigEndian.AppendUint32(record, uint32(at.Add(f.life).Unix()))
	record = append(record, byte(size), byte(len(f.what)))
	return append(append(record, f.what...), f.body...)
}
