// Command burst plays the report of 2014 again: 100,000 messages within an hour from
// 45,000 addresses in 12,000 networks, none more than ten, a quarter of the addresses
// things and the rest PCs on access lines, with 40 templates; eight hours later a
// second such burst from new addresses with half of the templates changed; and
// 100,000 legitimate messages among them, a fleet of 300 NAS boxes that mail one alert
// within ten minutes included. It goes through the real milter socket, with a
// scripted MTA and a clock that is the scene's; configurations that are only compared
// ask the decider itself, unless -socket is given. It fails if the recommended one
// does not do what is asked.
//
// Hosts and messages are made up, by measured rates where there are any; no name in
// it is anybody's. It touches nothing but a folder of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

type options struct {
	scale, lines, retrying float64
	seed                   uint64
	bursts, entries        int
	names, json, explain   bool
	socket                 bool // for all configurations
	postfix                bool
	script                 string
	only                   string
	judge                  string
	parallel               int
	vary                   bool
	hosts                  int
	window                 time.Duration
}

var errMust = errors.New("a requirement is not met")

func main() {
	var o options
	flag.Float64Var(&o.scale, "scale", 1, "`factor` of messages, hosts and networks")
	flag.Float64Var(&o.lines, "lines", 1, "`factor` of legitimate mail from access lines; 1 is the measured share")
	flag.Float64Var(&o.retrying, "retry", 0, "`share` of the bursts' messages that come again after 451, 0 to 1")
	flag.Uint64Var(&o.seed, "seed", 1, "of all that is by chance")
	flag.IntVar(&o.bursts, "bursts", 2, "how many, eight hours apart")
	flag.IntVar(&o.entries, "entries", entries(), "of each table, [store] hosts")
	flag.BoolVar(&o.names, "names", true, "whether own look-ups tell about HELO names and senders' domains")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.BoolVar(&o.explain, "explain", false, "say who escapes the recommended configuration, by class, name and greeting")
	flag.BoolVar(&o.postfix, "postfix", false, "a fiftieth of the scene through a real Postfix, compared message by message; needs root")
	flag.StringVar(&o.script, "script", "integration/mta/postfix.sh", "the `script` that starts and stops Postfix")
	flag.BoolVar(&o.socket, "socket", false, "all configurations through the milter socket, not only the one that is judged; takes ten minutes")
	flag.StringVar(&o.only, "only", "", "the `names` of the configurations to run, with commas; empty is all")
	flag.StringVar(&o.judge, "judge", recommended, "the configuration that must meet the requirements")
	flag.BoolVar(&o.vary, "vary", false, "headers of one template have nothing in common, only the domain that bodies advertise; with -judge links")
	flag.IntVar(&o.hosts, "hosts", 0, "networks that make a campaign; 0 is the configuration's")
	flag.DurationVar(&o.window, "window", 0, "the time in which they are counted; 0 is the configuration's")
	flag.IntVar(&o.parallel, "parallel", runtime.NumCPU(), "configurations at once")
	flag.Parse()
	debug.SetGCPercent(400) // the scene is large and stays; sessions are short
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "burst: unexpected argument", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	task := run
	if o.postfix {
		task = throughPostfix
	}
	if err := task(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "burst:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	began := time.Now()
	results, err := measure(ctx, o)
	if err != nil {
		return err
	}
	if o.json {
		err = results.printJSON(os.Stdout)
	} else {
		results.print(os.Stdout)
		fmt.Fprintf(os.Stderr, "%.0f s\n", time.Since(began).Seconds())
	}
	if err == nil && len(results.Failed) > 0 {
		err = fmt.Errorf("%w: %s", errMust, strings.Join(results.Failed, "; "))
	}
	return err
}

// measure plays the scene through each configuration, several at once.
func measure(ctx context.Context, o *options) (*results, error) {
	s := whole().by(o.scale)
	s.bursts = o.bursts
	sc := compose(s, o.seed, o.lines)
	sc.retryBots, sc.vary = o.retrying, o.vary
	chosen := slices.DeleteFunc(chosen(o.only), func(c configuration) bool { return c.bodies && !o.vary })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no configuration is called %q", o.only)
	}
	dir, err := os.MkdirTemp("", "iot-milter-burst")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tallies, errs := make([]*tally, len(chosen)), make([]error, len(chosen))
	trouble := make([]int, len(chosen))
	turns := make(chan struct{}, max(1, o.parallel))
	var wg sync.WaitGroup
	for i := range chosen {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if tallies[i], trouble[i], errs[i] = playOne(ctx, &chosen[i], sc, o, dir); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", chosen[i].name, errs[i])
				cancel()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return conclude(o, sc, chosen, tallies, trouble), nil
}

func playOne(ctx context.Context, c *configuration, sc *scene, o *options, dir string) (*tally, int, error) {
	f, err := newFilter(c, sc, o)
	if err != nil {
		return nil, 0, err
	}
	if o.socket || c.name == o.judge {
		if err := f.listen(filepath.Join(dir, c.name+".sock")); err != nil {
			return nil, 0, err
		}
	}
	p := &play{scene: sc, filter: f, tally: newTally()}
	err = p.run(ctx)
	return p.tally, f.trouble, errors.Join(err, f.close())
}

// chosen are the configurations of these names.
func chosen(names string) []configuration {
	if names == "" {
		return slices.Clone(configurations)
	}
	wanted := strings.Split(names, ",")
	return slices.DeleteFunc(slices.Clone(configurations), func(c configuration) bool { return !slices.Contains(wanted, c.name) })
}
