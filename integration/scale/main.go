// Command scale plays the shared store of many MX hosts: a redis-server of its own and a hundred nodes in
// this process, each with the store's real client, the real look-ups and the real decider, and connections
// that begin at given rates. It counts what the store is asked, what that costs it, how long answers take and
// how many come too late; fills a store with ten million hosts; and computes from that what sites of several
// sizes need. The figures and what follows from them go into docs/scale.md. DNS is answered by the
// program itself and there is no MTA, so it says nothing about either. It needs redis-server and redis-cli,
// no root, and touches nothing but that document and its own folder under the temporary one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	quick, write bool
	nodes        int
	costNodes    int // of the part about costs: as many as this machine can play at a host's true rate
	rates        []float64
	shares       []float64 // of a processor, for the store
	slowRate     float64   // of all nodes while the store has but a share
	long         time.Duration
	silent       time.Duration
	after        time.Duration
	fresh        float64
	zipf         float64
	known        int
	rtt          time.Duration
	dnsDelay     time.Duration
	hosts        int
	readURL      string
	again        bool
	parts        []part

	from int // fresh addresses so far
}

func main() {
	o, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(2)
	}
	switch {
	case o.readURL != "":
		err = read(o.readURL, o.hosts)
	case o.again:
		err = rewrite()
	default:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func parse() (*options, error) {
	o := &options{}
	var rates, shares, names string
	flag.StringVar(&names, "parts", "", "what to measure: enforce, tag (what a connection costs the store), answers, outage, store, by commas; all unless given. The page keeps the figures of the others")
	flag.BoolVar(&o.quick, "quick", false, "the small form, which shows that it works and measures little; writes nothing")
	flag.BoolVar(&o.write, "write", true, "write the figures and tables into docs/scale.md")
	flag.IntVar(&o.nodes, "nodes", manyHosts, "MX hosts")
	flag.IntVar(&o.costNodes, "cost-nodes", 16, "MX hosts of the part about costs, each at its true rate")
	flag.StringVar(&rates, "rates", "500,1000,2000,3000", "connections a second of all nodes, by commas")
	flag.StringVar(&shares, "shares", "0.5,0.25,0.15,0.1", "shares of a processor that the store has, by commas")
	flag.Float64Var(&o.slowRate, "slow-rate", 1000, "connections a second while it has but a share, or is silent")
	flag.DurationVar(&o.long, "long", 8*time.Second, "how long each rate is kept up")
	flag.DurationVar(&o.silent, "silent", 10*time.Second, "how long the store is silent")
	flag.DurationVar(&o.after, "after", 20*time.Second, "how long that is watched afterwards")
	flag.Float64Var(&o.fresh, "new", .3, "share of connections from addresses of which the store knows nothing")
	flag.Float64Var(&o.zipf, "zipf", 1.1, "exponent of the popularity of the others, above 1")
	flag.IntVar(&o.known, "known", 20_000, "how many the others are")
	flag.DurationVar(&o.rtt, "rtt", 20*time.Millisecond, "between clients and MX hosts")
	flag.DurationVar(&o.dnsDelay, "dns", 5*time.Millisecond, "until DNS answers")
	flag.IntVar(&o.hosts, "hosts", 10_000_000, "hosts that the store is to remember")
	flag.BoolVar(&o.again, "again", false, "measure nothing: write the tables anew from the figures that the document has")
	flag.StringVar(&o.readURL, "read", "", "what the program calls itself with: the `URL` of a large store")
	flag.Parse()
	if o.quick {
		o.write, rates, shares, o.long, o.hosts = false, "300", "0.3", 500*time.Millisecond, 100_000
		o.costNodes, o.slowRate, o.silent, o.after = 2, 300, 2*time.Second, 4*time.Second
	}
	var errs [3]error
	o.rates, errs[0] = numbers(rates)
	o.shares, errs[1] = numbers(shares)
	o.parts, errs[2] = partsOf(names)
	if flag.NArg() > 0 || o.zipf <= 1 || o.known < 2 || o.nodes < 1 || o.costNodes < 1 || o.hosts < 1000 {
		return nil, errors.New("a wrong argument; -h lists them")
	}
	return o, errors.Join(errs[:]...)
}

func numbers(text string) (all []float64, err error) {
	for word := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil || v <= 0 {
			return nil, fmt.Errorf("%q is no number above 0", word)
		}
		all = append(all, v)
	}
	return all, nil
}

// partsOf are the named ones in their order, all without a name.
func partsOf(names string) (some []part, err error) {
	if names == "" {
		return allParts, nil
	}
	wanted := strings.Split(names, ",")
	for _, p := range allParts {
		if i := slices.Index(wanted, p.name); i >= 0 {
			some, wanted = append(some, p), slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("there is no part %q; -h lists them", wanted[0])
	}
	return some, nil
}

func run(ctx context.Context, o *options) error {
	f := figures{Measured: map[string]string{}}
	if len(o.parts) < len(allParts) {
		b, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		if f, err = kept(string(b)); err != nil {
			return err
		}
	}
	said := how() // before the run: afterwards it may be another commit
	for _, p := range o.parts {
		began := time.Now()
		if err := p.run(ctx, o, &f); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		f.Measured[p.name] = said
		fmt.Fprintf(os.Stderr, "%s took %v\n", p.name, time.Since(began).Round(time.Second))
	}
	for _, b := range f.blocks() {
		fmt.Println("==", b.name)
		b.table.text(os.Stdout)
	}
	fmt.Println(f.readerNote())
	if !o.write {
		return nil
	}
	return f.write()
}
