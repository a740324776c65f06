//go:build integration

package integration

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// TestFaults is `make faults`: each fault of the table, under load, with the outcome
// that was written down first. Whatever breaks, three things hold, counted at the sink:
// a message that the MTA accepted arrives once, nothing legitimate is refused, and the
// daemon serves within a second of the fault's end.

var (
	runFaults      = flag.Bool("faults", false, "break things under load: make faults")
	writeFaults    = flag.Bool("faults.write", false, "write the matrix of docs/reliability.md")
	faultsNetworks = flag.Int("faults.networks", 20_000, "networks of the fault with that name")
	faultsFrames   = flag.Int("faults.frames", 100_000, "frames of the fault with that name")
)

const (
	reliability = "../docs/reliability.md"
	servesAgain = time.Second
)

// fault is one row of the matrix.
type fault struct {
	name   string
	expect string // what is to happen: written before the case was run
	config string
	prefix []string
	before func(*testing.T)
	breaks bool // sessions of the MTA itself break
	run    func(*faultRun)
}

// faultRun is a fault under way.
type faultRun struct {
	*trial
	load  *load
	again time.Duration // from the fault's end to a judged message
	note  string        // a figure of the fault's own
}

func TestFaults(t *testing.T) {
	if !*runFaults {
		t.Skip("make faults runs these")
	}
	setUp(t)
	for _, m := range []*mta{postfix, sendmail} {
		m.start(t)
	}
	began := time.Now()
	rows := []string{
		"| fault, under load | expected | accepted = stored | passed unjudged | suspects refused | longest session of a legitimate client | serves again after | also |",
		"| --- | --- | --- | --- | --- | --- | --- | --- |",
	}
	for _, f := range faults {
		t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) { rows = append(rows, f.play(t)) })
	}
	table := strings.Join(rows, "\n") + "\n"
	fmt.Printf("%s%d faults in %v\n", table, len(faults), time.Since(began).Round(time.Second))
	if *writeFaults && !t.Failed() {
		writeMatrix(t, table)
	}
}

// play is one fault from warm-up to count.
func (f *fault) play(t *testing.T) string {
	if f.before != nil {
		f.before(t)
	}
	tr := newTrial(t, f.config, f.prefix...)
	sendmail.clear()
	if err := names.Set(loadNames(t)); err != nil {
		t.Fatal(err)
	}
	if tr.dns != nil {
		tr.dnsDoes(loadNames(t))
	}
	r := &faultRun{trial: tr, load: startLoad(t, f.breaks)}
	r.load.more(20)
	f.run(r)
	r.recovered(time.Now())
	r.load.more(20)
	r.load.end()
	accepted, stored, unjudged := r.load.arrived(postfix, sendmail)
	if unknown := stored - accepted; unknown > 0 {
		r.note = strings.TrimPrefix(r.note+fmt.Sprintf("; %d stored whose answer the client did not get", unknown), "; ")
	}
	if r.load.suspects == 0 && !strings.Contains(r.config(), "\"tag\"") {
		t.Error("no suspect was refused: what was tried?")
	}
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %s | %s | %s |", f.name, f.expect, accepted, unjudged, r.load.suspects,
		short(r.load.longest), short(r.again), r.note)
}

func (r *faultRun) config() string { return strings.Join(r.daemon.base, "\n") }

func short(d time.Duration) string { return d.Round(time.Millisecond).String() }

// recovered waits until the daemon judges a message, straight on its socket, and counts
// from the given moment, the end of the fault.
func (r *faultRun) recovered(since time.Time) {
	r.t.Helper()
	for time.Since(since) < 20*time.Second {
		if serves() {
			took := time.Since(since)
			r.again = max(r.again, took)
			if took > servesAgain {
				r.t.Errorf("the daemon serves again only after %v", took)
			}
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.t.Fatalf("the daemon does not serve again\n%s", clip(r.daemon.log.String()))
}

// direct is a session of a mail server on the milter socket itself.
func direct() mtascript.Session {
	return mtascript.Session{
		Client: mtascript.Client{Host: faultServer.name, Port: 4000, Addr: faultServer.addr}, Helo: faultServer.name,
		Messages: []mtascript.Message{{From: "anna@fault.example.org", Rcpts: []string{"user@example.test"}}},
	}
}

func serves() bool {
	tr, err := direct().Dial("unix", postfix.socket())
	return err == nil && len(tr.Messages) == 1 && marked(tr.Messages[0])
}

// marked says whether a message got a verdict.
func marked(o mtascript.Outcome) bool {
	for _, h := range o.Headers {
		if h.Name == headerName && !strings.Contains(h.Value, "reason=fail-open") {
			return o.Delivered
		}
	}
	return false
}

// writeMatrix puts the table between its marks.
func writeMatrix(t *testing.T, table string) {
	t.Helper()
	const begin, end = "<!-- make faults -->\n", "<!-- end of faults -->"
	page, err := os.ReadFile(reliability)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q … %q", reliability, begin, end)
	}
	if err := os.WriteFile(reliability, []byte(head+begin+table+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
