//go:build linux

// Command bench measures iot-milter, part by part: beside C filters on libmilter that only add a
// header, other filters and Go filters that do nothing, through one private Postfix on loopback
// whose listeners differ in nothing but their milter; how long clients wait for the answer to RCPT
// while DNS takes its time; and its memory over 100,000 messages. All ratios are of runs in pairs.
// The tables are printed and written into docs/performance.md. With -soak it sends a million sessions
// of all sorts instead, and watches more. It needs root for Postfix and touches nothing but that
// document and its own folder under the temporary one. integration/bench/bench.sh builds what it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// parts are what can be measured, in the order in which that is done.
var parts = []part{
	{"postfix", "through Postfix", measureSpeed},
	{"wait", "how long clients wait", measureWait},
	{"protocol", "the protocol without an MTA", measureLoad},
	{"go", "functions: Go benchmarks", measureGo},
	{"instructions", "functions: instructions", measureInstructions},
	{"start", "start, memory and size", measureStart},
	{"memory", "memory over many messages", measureMemory},
}

type options struct {
	daemon, filter, noop string // binaries
	dir                  string // of a part: its files
	inside               string // that, in a network of its own
	parts                []part
	quick, write         bool
	strict, keep         bool
	record               bool

	messages, sessions int
	rounds             int
	waitSessions       int
	memoryMessages     int

	soak         bool
	soakSessions int
	soakTime     time.Duration
}

func main() {
	o, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	// Whoever reads may go: servers are to be stopped all the same. Ignored it would be by all children, too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse() (options, error) {
	var o options
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	list := flag.String("parts", strings.Join(names, ","), "what to measure, in `names` with commas")
	flag.BoolVar(&o.quick, "quick", false, "the small form, which shows that it works and measures little; writes nothing")
	flag.BoolVar(&o.write, "write", true, "write the tables into docs/performance.md; with -soak, where it is off unless given, into docs/reliability.md")
	flag.BoolVar(&o.strict, "strict", false, "fail if a target is missed")
	flag.BoolVar(&o.record, "record", false, "make what is measured now the results that later ones are compared with, in integration/bench/recorded")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder with logs and configuration")
	flag.StringVar(&o.daemon, "daemon", "build/iot-milter", "iot-milter's `binary`")
	flag.StringVar(&o.filter, "filter", "build/bench-filter", "`binary` of filter.c")
	flag.StringVar(&o.noop, "noop", "build/bench-noop", "`binary` of the Go filter that does nothing")
	flag.IntVar(&o.messages, "messages", 0, "messages in each timed run of postfix; 0 is the part's own choice")
	flag.IntVar(&o.sessions, "sessions", 16, "SMTP sessions at once in postfix")
	flag.IntVar(&o.rounds, "rounds", 0, "rounds of postfix, each of which times every filter once; 0 is the part's own choice")
	flag.IntVar(&o.waitSessions, "wait-sessions", 0, "sessions of each kind in wait; 0 is the part's own choice")
	flag.IntVar(&o.memoryMessages, "memory-messages", 0, "messages of memory, a multiple of 10; 0 is the part's own choice")
	flag.StringVar(&o.inside, "inside", "", "what postfix calls itself with, in a network of its own: the `folder`")
	flag.BoolVar(&o.soak, "soak", false, "watch memory, goroutines, descriptors and files over many sessions, and nothing else")
	flag.IntVar(&o.soakSessions, "soak-sessions", 1_000_000, "sessions of -soak")
	flag.DurationVar(&o.soakTime, "soak-time", 0, "end -soak after so `long`, with what was sent until then; 0 is off")
	flag.Parse()
	if flag.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %s", flag.Arg(0))
	}
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "write" })
	o.write = o.write && !o.quick && (given || !o.soak)
	var err error
	o.parts, err = choose(*list)
	return o, err
}

// choose finds the parts by name; their order is always the same.
func choose(list string) (chosen []part, err error) {
	names := strings.Split(list, ",")
	for _, n := range names {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == n }) {
			return nil, fmt.Errorf("there is no part %q", n)
		}
	}
	for _, p := range parts {
		if slices.Contains(names, p.name) {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

func run(ctx context.Context, o options) (err error) {
	if err := binaries(o); err != nil {
		return err
	}
	if o.inside != "" {
		o.dir = o.inside
		return inside(ctx, o)
	}
	if o.dir, err = os.MkdirTemp("", "iot-milter-bench"); err != nil {
		return err
	}
	defer func() {
		if o.keep || err != nil {
			fmt.Fprintln(os.Stderr, "bench: logs are in", o.dir)
			return
		}
		os.RemoveAll(o.dir)
	}()
	// Postfix's daemons look up the sockets in here under their own user.
	if err := os.Chmod(o.dir, 0o755); err != nil {
		return err
	}
	if o.soak {
		return soak(ctx, o)
	}
	return measure(ctx, o)
}

// measure runs the parts; one that fails does not keep the others from it.
func measure(ctx context.Context, o options) error {
	var all []measured
	var failed error
	for _, p := range o.parts {
		own := o
		own.dir = filepath.Join(o.dir, p.name)
		if err := os.Mkdir(own.dir, 0o755); err != nil {
			return err
		}
		how := provenance(strings.Join(append([]string{"build/bench"}, os.Args[1:]...), " "))
		began := time.Now()
		r, err := p.run(ctx, own)
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.name, err))
			fmt.Fprintf(os.Stderr, "%s failed: %v\n", p.name, err)
			continue
		}
		m := measured{part: p, result: r, how: how}
		if err := m.text(os.Stdout); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s took %v\n", p.name, time.Since(began).Round(time.Second))
		all = append(all, m)
	}
	fmt.Println()
	if err := targetTable(all).text(os.Stdout); err != nil {
		return err
	}
	if o.write && len(all) > 0 {
		failed = errors.Join(failed, writePage(all, parts))
	}
	if list := missed(all); o.strict && len(list) > 0 {
		failed = errors.Join(failed, fmt.Errorf("targets are missed:\n%s", strings.Join(list, "\n")))
	}
	return failed
}
