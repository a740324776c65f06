// Command bench compares iot-milter with C filters on libmilter that only add a
// header: the same messages, in one run, through one private Postfix on loopback
// whose listeners differ in nothing but their milter. With -wait it measures how long
// clients wait for the answer to RCPT while DNS takes its time. With -memory it sends
// 100,000 messages straight into the milter socket and watches the daemon's
// resident memory; -soak does so for a million sessions of all sorts, and watches more. It needs root for Postfix and touches nothing but its own
// folder under the temporary one. integration/bench/bench.sh builds what it needs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

type options struct {
	daemon, filter  string
	messages        int
	sessions, pairs int
	limit           float64
	cOnly, memory   bool
	wait            bool
	waitSessions    int
	waitLimit       time.Duration
	dns             string // of -wait
	keep            bool
	memoryMessages  int
	soak, write     bool
	soakSessions    int
	soakTime        time.Duration
	admin           string // of -soak
}

func main() {
	var o options
	flag.StringVar(&o.daemon, "daemon", "build/iot-milter", "iot-milter's `binary`")
	flag.StringVar(&o.filter, "filter", "build/bench-filter", "`binary` of filter.c")
	flag.IntVar(&o.messages, "messages", 3000, "messages in each timed run")
	flag.IntVar(&o.sessions, "sessions", 16, "SMTP sessions at once")
	flag.IntVar(&o.pairs, "pairs", 5, "rounds; each times every filter once")
	flag.Float64Var(&o.limit, "limit", 0, "fail if iot-milter's median `ratio` to plain C is above; 0 is off")
	flag.BoolVar(&o.cOnly, "c-only", false, "leave iot-milter out: the C filters alone")
	flag.BoolVar(&o.memory, "memory", false, "measure memory instead of time")
	flag.IntVar(&o.memoryMessages, "memory-messages", 100000, "messages of -memory, a multiple of 10")
	flag.BoolVar(&o.soak, "soak", false, "watch memory, goroutines, descriptors and files over many sessions")
	flag.IntVar(&o.soakSessions, "soak-sessions", 1_000_000, "sessions of -soak")
	flag.DurationVar(&o.soakTime, "soak-time", 0, "end -soak after so `long`, with what was sent until then; 0 is off")
	flag.BoolVar(&o.write, "write", false, "write the report of -soak into docs/reliability.md")
	flag.BoolVar(&o.wait, "wait", false, "measure how long clients wait at RCPT while DNS is slow")
	flag.IntVar(&o.waitSessions, "wait-sessions", 120, "sessions of each kind in -wait")
	flag.DurationVar(&o.waitLimit, "wait-limit", 0, "fail if the median of an accepted client's RCPT is so much `longer` than with plain C; 0 is off")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder with logs and configuration")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "bench: unexpected argument", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if err := binaries(o); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "iot-milter-bench")
	if err != nil {
		return err
	}
	defer func() {
		if o.keep || err != nil {
			fmt.Fprintln(os.Stderr, "bench: logs are in", dir)
			return
		}
		os.RemoveAll(dir)
	}()
	// Postfix's daemons look up the sockets in here under their own user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if o.soak {
		port, err := freePort()
		if err != nil {
			return err
		}
		o.admin = fmt.Sprintf("127.0.0.1:%d", port)
	}
	if o.wait {
		dns, err := slowDNS()
		if err != nil {
			return err
		}
		defer dns.Close()
		o.dns = dns.Addr().String()
	}
	filters, err := startFilters(dir, o)
	defer func() {
		for _, f := range filters {
			f.stop()
		}
	}()
	if err != nil {
		return err
	}
	if o.soak {
		return soak(ctx, filters[len(filters)-1], o)
	}
	if o.memory {
		return measureMemory(ctx, filters[len(filters)-1], o)
	}
	p, err := startPostfix(ctx, filepath.Join(dir, "postfix"), filters, o)
	if err != nil {
		return err
	}
	defer p.stop()
	if o.wait {
		return measureWait(ctx, p, filters, o)
	}
	return measureSpeed(ctx, p, filters, o)
}
