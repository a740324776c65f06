// Package replay judges recorded mail: what would have happened to it. It reads
// JSON lines, mbox files, Maildirs, single messages and logs of Postfix and
// Sendmail, finds the client that handed each message to one's own MX, and takes
// it along the path of the daemon, through policy/decider.
//
// What a recording does not say is an unknown fact, never an empty one. Memory is
// bounded whatever the input is; what cannot be read is told by its place and
// left out. The package looks nothing up and prints no secrets of its own: the
// texts in a Report are made harmless, those in a Decision are not.
//
// Received is read as RFC 5321, section 4.4, has it, in the shapes that MTAs
// write.
package replay

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
)

// Record is what a recording says of one message, or why it says nothing.
type Record struct {
	ID       string // as recorded, or the place
	Place    string // "path:line", or "path" of a file that is one message
	QueueID  string // "" when it is not recorded
	Client   policy.Client
	Greeting policy.Greeting
	Envelope policy.Envelope
	Headers  *policy.Headers // nil when they are unknown

	// Was is the flag that the daemon gave it when it came: yes, suspect or no;
	// "" when that is not recorded.
	Was string
	// Undecidable is why the client could not be found, "" when it was found:
	// NoHop or BadHop.
	Undecidable string
	// Damage is why the record could not be read; then only Place is set.
	Damage string
	// Note is something odd about a record that could be read.
	Note string
}

// Why a message is undecidable: stable tokens, which stand as reasons in JSON.
const (
	NoHop  = "no-border-hop"  // no Received field tells of a client from outside
	BadHop = "bad-border-hop" // the Received field that should tell is not understood
)

// Format is how mail is recorded.
type Format string

// The formats. Auto looks at each file.
const (
	Auto    Format = "auto"
	JSONL   Format = "jsonl"
	Mbox    Format = "mbox"
	Maildir Format = "maildir"
	EML     Format = "eml"
	Maillog Format = "maillog"
)

// Formats are all of them, in the order in which help lists them.
var Formats = []Format{Auto, JSONL, Mbox, Maildir, EML, Maillog}

// Options are what reading needs. Own says which clients are one's own.
type Options struct {
	Format   Format
	Exempt   *policy.Exempt
	OwnHosts []string         // names of one's own MTAs, lower case
	Stdin    io.Reader        // for the path "-"
	Now      func() time.Time // for logs without a year that come without a file time
	Location *time.Location   // of logs whose times name none
	Workers  int              // that parse; at least 1
	Progress func(bytes int)  // told of what was read of files; nil is nobody
	Bodies   bool             // what messages link to is wanted; it stays unknown where no body is recorded
}

// Records reads all paths and calls f with each record in the order of the
// input, in the caller's goroutine. It ends early with f's error, or with ctx.
func (o *Options) Records(ctx context.Context, paths []string, f func(*Record) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()

	p := &pipe{ctx: ctx, jobs: make(chan *batch), order: make(chan *batch, maxPending)}
	for range max(o.Workers, 1) {
		group.Go(p.work)
	}
	group.Go(func() {
		defer close(p.order)
		defer close(p.jobs)
		s := &source{o: o, out: p}
		for _, path := range paths {
			s.path(path)
		}
		p.flush()
	})
	for b := range p.order {
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		for i := range b.records {
			if err := f(&b.records[i]); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// Judge takes records through the decider, one after the other. It is for one
// goroutine.
type Judge struct {
	main   *decider.Decider
	aside  *decider.Decider
	last   policy.Decision
	judged bool
}

// NewJudge returns a Judge with a memory of its own for limits and deferrals.
func NewJudge(o decider.Options, s *decider.Settings) *Judge {
	j := new(Judge)
	o.Recorder, o.Meter = j, noMeter{}
	j.main, j.aside = decider.New(o, s), decider.New(o, s)
	return j
}

// Message judges one message as the daemon would have, were its only recipient
// an ordinary one. It reports false when no decision was made.
func (j *Judge) Message(ctx context.Context, r *Record) (policy.Decision, policy.Verdict, bool) {
	d := j.main
	if r.Client.Iprev == policy.IprevUnknown {
		d = j.aside // a name that was not recorded says nothing about the MTA's resolver
	}
	j.judged = false
	c := d.Open(r.Client)
	if r.Greeting.Name.Known() || r.Greeting.TLSVersion != "" {
		c.Greeting(r.Greeting)
	}
	c.Sender(r.Envelope)
	v := c.Recipient(ctx, "")
	if !v.Refuses() {
		v = c.Message(ctx, r.QueueID, r.Headers)
		c.End(policy.EndEOM)
	}
	c.Close()
	return j.last, v, j.judged
}

// Record implements policy.Recorder.
func (j *Judge) Record(r *policy.Record) { j.last, j.judged = r.Decision(), true }

type noMeter struct{}

func (noMeter) FailOpen(string)     {}
func (noMeter) NamesSuspended(bool) {}
func (noMeter) ClientHidden(bool)   {}
func (noMeter) LimitedBystander()   {}
func (noMeter) CampaignBegan()      {}
func (noMeter) CampaignMessage()    {}

func lowerHost(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
