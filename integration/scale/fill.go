package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

// filled is a store that remembers so many hosts.
type filled struct {
	Hosts      int
	Used       float64 // bytes, as the store counts them
	RSS        float64 // bytes
	PerSecond  float64 // visits told
	VisitCost  float64 // µs of the store's processor
	PerHost    float64 // bytes used
	PerNetwork int
}

const (
	fillers    = 16
	fillAhead  = 4000 // what a filler may have waiting: its queue has room for 4096
	mostMemory = 4 << 30
)

// measureStore fills a store through the client, and looks at its memory on the way.
func measureStore(ctx context.Context, o *options, f *figures) error {
	s, err := startServer()
	if err != nil {
		return err
	}
	defer s.stop()
	ctx, cancel := s.living(ctx)
	defer cancel()
	empty, err := s.stats()
	if err != nil {
		return err
	}
	f.Store = nil
	base := empty.values["used_memory"]
	from := 0
	for _, hosts := range []int{o.hosts / 10, o.hosts} {
		if n := len(f.Store); n > 0 && f.Store[n-1].PerHost*float64(hosts) > mostMemory {
			fmt.Fprintf(os.Stderr, "scale: %d hosts would take more than %d GiB: left out\n", hosts, mostMemory>>30)
			break
		}
		began, cpu := time.Now(), s.cpu()
		if err := fill(ctx, s, from, hosts); err != nil {
			return err
		}
		took := time.Since(began).Seconds()
		now, err := s.stats()
		if err != nil {
			return err
		}
		told := float64(hosts - from)
		f.Store = append(f.Store, filled{Hosts: hosts, Used: now.values["used_memory"], RSS: float64(rss(s.cmd.Process.Pid)), PerSecond: told / took,
			VisitCost: (s.cpu() - cpu).Seconds() * 1e6 / told, PerHost: (now.values["used_memory"] - base) / float64(hosts), PerNetwork: perNetwork})
		from = hosts
	}
	if f.Reader, err = readFrom(ctx, s, from); err != nil {
		return err
	}
	f.Facts, err = measureFacts(ctx, s, from/10)
	return err
}

// fill tells the store of one session of each host.
func fill(ctx context.Context, s *server, from, to int) error {
	var all sync.WaitGroup
	failed := make(chan error, fillers)
	for i := range fillers {
		all.Go(func() {
			m := newMeter()
			store, err := open(s, m, 1000, 5*time.Second)
			if err != nil {
				failed <- err
				return
			}
			defer store.Close()
			told, at := 0, time.Now()
			for n := from + i; n < to && ctx.Err() == nil; n += fillers {
				for told-m.done("visits") >= fillAhead && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
				store.Visit(clientOf(n).addr, state.Visit{At: at, Class: policy.ClassAccess})
				told++
			}
			for m.done("visits") < told && ctx.Err() == nil {
				time.Sleep(10 * time.Millisecond)
			}
			if t := m.take(); t.behind["visits"]["dropped"] > 0 {
				failed <- fmt.Errorf("%d of %d visits were not told", t.behind["visits"]["dropped"], told)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// open is a client with an own memory of so many entries. Who fills a store has time; 0 is the daemon's own.
func open(s *server, m *meter, entries int, timeout time.Duration) (*remote.Store, error) {
	local, err := state.New(state.Options{Entries: entries})
	if err != nil {
		return nil, err
	}
	return remote.Open(remote.Options{URL: s.url(), Local: local, Join: evidence.Join, Log: nowhere, Meter: m, Now: time.Now, Timeout: timeout})
}

// measureFacts is what the store needs for the facts of an address, beside its history: such as look-ups in two
// lists leave.
func measureFacts(ctx context.Context, s *server, n int) (bytes float64, err error) {
	m := newMeter()
	store, err := open(s, m, 1000, 5*time.Second)
	if err != nil {
		return 0, err
	}
	defer store.Close()
	before, err := s.stats()
	if err != nil {
		return 0, err
	}
	record, at := strings.Repeat("r", sizeOfRecord), time.Now()
	for i := range n {
		for i-m.done("facts") >= fillAhead && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		store.KeepFacts(clientOf(i).addr, record, at, at.Add(time.Hour))
	}
	for m.done("facts") < n && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	after, err := s.stats()
	return (after.values["used_memory"] - before.values["used_memory"]) / float64(max(1, n)), err
}

// sizeOfRecord is that of a client which two lists were asked about; the test compares.
const sizeOfRecord = 57

// reader is a host that meets clients of a large store.
type reader struct {
	Sessions      int
	Known         float64 // share of them whose history the store had in time
	Before, After float64 // bytes of its process
	Entries       int     // hosts that it remembers itself
	Room          int
	P50, P99      float64 // ms until the store had answered
}

// readFrom has a process of its own meet clients by chance.
func readFrom(ctx context.Context, s *server, hosts int) (r reader, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, "-read", s.url(), "-hosts", fmt.Sprint(hosts))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// read is that process: with the daemon's own memory, in which more clients come than there is room for.
func read(url string, hosts int) error {
	const room, workers = 200_000, 32
	m := newMeter()
	r := reader{Sessions: min(3*room/2, hosts), Room: room}
	store, err := open(&server{address: url}, m, room, 0)
	if err != nil {
		return err
	}
	r.Before = float64(rss(os.Getpid()))
	var mu sync.Mutex
	var waits []time.Duration
	var known int
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			by := rand.New(rand.NewPCG(2, uint64(w)))
			for range r.Sessions / workers {
				addr, at := clientOf(by.IntN(hosts)).addr, time.Now()
				store.Prefetch(addr)
				if coming := store.Coming(addr); coming != nil {
					<-coming
				}
				took := time.Since(at)
				_, ok := store.Host(addr, at)
				store.Visit(addr, state.Visit{At: at, Class: policy.ClassAccess})
				mu.Lock()
				waits = append(waits, took)
				if ok {
					known++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	r.Known = share(known, len(waits))
	r.P50, r.P99 = quantile(waits, .5).Seconds()*1e3, quantile(waits, .99).Seconds()*1e3
	waits = nil
	store.View().Tables(func(name string, entries int, _ int64) {
		if name == "hosts" {
			r.Entries = entries
		}
	})
	r.After = float64(rss(os.Getpid()))
	store.Close()
	return json.NewEncoder(os.Stdout).Encode(r)
}
