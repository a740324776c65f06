//go:build linux

package main

import (
	"bufio"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/disk"
)

const (
	warmHosts = 100_000
	manyHosts = 1_000_000
	manyFacts = 50_000 // the most that are kept, however many hosts there are
	mostStart = 10 * time.Second
)

// startForm is how much is measured.
type startForm struct {
	times        int           // that the daemon is started with each store
	idle, settle time.Duration // that it is left alone before its memory is read
	warm, many   int           // hosts
	sessions     int           // that come to it with many hosts
}

// measureStart measures what a daemon costs that does nothing: the time until it serves,
// its memory, and the size of its program.
func measureStart(ctx context.Context, o options) (result, error) {
	form := startForm{7, time.Minute, 10 * time.Second, warmHosts, manyHosts, 2000}
	if o.quick {
		form = startForm{3, time.Second, time.Second, warmHosts / 10, manyHosts / 50, 200}
	}
	r := result{notes: []string{"From exec to the first connection to the milter socket that is taken, and to the answer to option negotiation on it, which comes when all history is loaded. RSS has the pages of the program's file that were " +
		"read (file), which the kernel takes back when it needs them; PSS counts what is shared with others in part. No message has come yet, but where sessions are named."}}
	if err := measureSize(o, &r); err != nil {
		return r, err
	}
	empty, err := fill(filepath.Join(o.dir, "empty"), 0, 0)
	if err != nil {
		return r, err
	}
	warm, err := fill(filepath.Join(o.dir, "warm"), form.warm, manyFacts)
	if err != nil {
		return r, err
	}
	starts := table{head: []string{"start with", "listening, ms, median", "least", "greatest", "first answer, ms, median", "least", "greatest"}}
	for _, s := range []*world{empty, warm} {
		listening, answer, err := s.starts(ctx, o, form.times)
		if err != nil {
			return r, err
		}
		row := []string{s.what()}
		for _, took := range [][]float64{listening, answer} {
			row = append(row, figure(median(took)), figure(slices.Min(took)), figure(slices.Max(took)))
		}
		starts.rows = append(starts.rows, row)
		if s == warm && !o.quick {
			r.targets = append(r.targets, target{what: "start to listening (a connection is taken), 100,000 hosts", got: median(listening), limit: 100, unit: "ms"})
		}
	}
	many, err := fill(filepath.Join(o.dir, "many"), form.many, manyFacts)
	if err != nil {
		return r, err
	}
	sizes := table{head: []string{"memory, MiB", "RSS", "of it anonymous", "file", "PSS", "peak"}}
	for _, c := range []struct {
		world    *world
		sessions int
		wait     time.Duration
		what     string
		limit    float64
	}{
		{empty, 0, form.idle, "idle RSS", 25},
		{warm, 0, form.settle, "", 0},
		{many, form.sessions, form.settle, "RSS with 1,000,000 hosts", 320},
	} {
		m, err := c.world.memory(ctx, o, c.sessions, c.wait)
		if err != nil {
			return r, err
		}
		name := fmt.Sprintf("%s, %v after the start", c.world.what(), c.wait)
		if c.sessions > 0 {
			name = fmt.Sprintf("%s, %d sessions, %v later", c.world.what(), c.sessions, c.wait)
		}
		sizes.rows = append(sizes.rows, append([]string{name}, m.cells()...))
		if c.limit > 0 && !o.quick {
			r.targets = append(r.targets, target{what: c.what, got: m.rss, limit: c.limit, unit: "MiB"})
		}
	}
	r.tables = append(r.tables, starts, sizes)
	return r, nil
}

// measureSize tells the size of the program, which must be stripped as packages have it.
func measureSize(o options, r *result) error {
	f, err := elf.Open(o.daemon)
	if err != nil {
		return fmt.Errorf("%s: %w", o.daemon, err)
	}
	defer f.Close()
	if f.Section(".symtab") != nil {
		return fmt.Errorf("%s is not stripped; hint: make build", o.daemon)
	}
	info, err := os.Stat(o.daemon)
	if err != nil {
		return err
	}
	const mebi = 1 << 20
	r.notes = append(r.notes, fmt.Sprintf("The program has %d bytes.", info.Size()))
	r.targets = append(r.targets, target{what: "program, stripped", got: float64(info.Size()) / mebi, limit: 20, unit: "MiB"})
	return nil
}

// world is a state folder and the configuration beside it: the default one but for
// where the sockets and the state are, and room for the hosts.
type world struct {
	dir          string
	hosts, facts int
}

func (w *world) what() string {
	if w.hosts == 0 {
		return "an empty store"
	}
	return fmt.Sprintf("%s hosts, %s of facts", thousands(w.hosts), thousands(w.facts))
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// unmetered counts nothing.
type unmetered struct{}

func (unmetered) StoreUp(bool)                   {}
func (unmetered) StoreLoaded(int, time.Duration) {}
func (unmetered) StoreFlushed(int)               {}
func (unmetered) StoreLost(int)                  {}

// fill makes a state folder as the daemon leaves it that has seen so many hosts, half of
// them on two days, and knows facts of some.
func fill(dir string, hosts, facts int) (*world, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	w := &world{dir, hosts, min(hosts, facts)}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf("listen = [\"unix:%[1]s/m.sock\"]\nstate_dir = %[1]q\n[admin]\nlisten = \"127.0.0.1:%[3]d\"\ncontrol = \"%[1]s/c.sock\"\n[store]\nhosts = %[2]d\n",
		dir, max(hosts, 200_000), port)
	if err := os.WriteFile(w.config(), []byte(config), 0o644); err != nil || hosts == 0 {
		return w, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	memory, err := state.New(state.Options{Entries: 1000, Hosts: hosts, Secret: disk.Secret(dir, log)})
	if err != nil {
		return nil, err
	}
	store := disk.Open(memory, disk.Options{Dir: dir, Log: log, Meter: unmetered{}, Now: time.Now})
	now := time.Now()
	record := strings.Repeat("x", 100) // bytes: as long as a name, a network and a list's answer
	for i := range hosts {
		a := host(i)
		if i%2 == 0 {
			memory.Visit(a, state.Visit{At: now.Add(-25 * time.Hour), Class: policy.ClassAccess, Flag: policy.FlagSuspect})
		}
		memory.Visit(a, state.Visit{At: now, Class: policy.ClassAccess, Flag: policy.FlagSuspect})
		if i < w.facts {
			memory.KeepFacts(a, record, now, now.Add(24*time.Hour))
		}
	}
	return w, store.Close(5 * time.Minute)
}

// host is the ith of 2^28 addresses from 64.0.0.0 up, in an order that spreads them over
// networks: one network may have a hundredth of a table.
func host(i int) netip.Addr {
	h := uint32(i)*2654435761&0x0fffffff | 0x40000000 // a permutation, for the factor is odd
	return netip.AddrFrom4([4]byte{byte(h >> 24), byte(h >> 16), byte(h >> 8), byte(h)})
}

func (w *world) config() string { return filepath.Join(w.dir, "iot-milter.toml") }

// starts measures how long the daemon takes until it listens, and to its first answer, in ms.
func (w *world) starts(ctx context.Context, o options, times int) (listening, answer []float64, err error) {
	for range times {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		f, to, err := w.start(o)
		if err != nil {
			return nil, nil, err
		}
		f.stop()
		listening, answer = append(listening, ms(to.listening)), append(answer, ms(to.answer))
	}
	return listening, answer, nil
}

// startTimes are how long a start took.
type startTimes struct{ listening, answer time.Duration }

// start starts the daemon and waits for its first answer.
func (w *world) start(o options) (f *filter, to startTimes, err error) {
	f = &filter{name: "iot-milter", socket: filepath.Join(w.dir, "m.sock"), log: filepath.Join(w.dir, "log"), exited: make(chan error, 1)}
	out, err := os.Create(f.log)
	if err != nil {
		return nil, to, err
	}
	defer out.Close()
	f.cmd = exec.Command(o.daemon, "run", "-c", w.config())
	f.cmd.Stdout, f.cmd.Stderr = out, out
	began := time.Now()
	if err := f.cmd.Start(); err != nil {
		return nil, to, err
	}
	go func() { f.exited <- f.cmd.Wait() }()
	for {
		if conn, err := net.Dial("unix", f.socket); err == nil {
			to.listening = time.Since(began)
			err = negotiate(conn)
			to.answer = time.Since(began)
			if err != nil {
				f.stop()
				return nil, to, fmt.Errorf("the first connection has no answer: %w\n%s", err, tail(f.log))
			}
			return f, to, nil
		}
		select {
		case err := <-f.exited:
			return nil, to, fmt.Errorf("%s ended at its start: %v\n%s", f.name, err, tail(f.log))
		case <-time.After(250 * time.Microsecond):
		}
		if time.Since(began) > mostStart {
			f.stop()
			return nil, to, fmt.Errorf("nobody listens after %v\n%s", mostStart, tail(f.log))
		}
	}
}

// negotiate asks for option negotiation, waits for the answer and closes the connection.
func negotiate(conn net.Conn) error {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(mostStart))
	if _, err := conn.Write(mtascript.OptNeg(mtascript.FullOffer()).Bytes()); err != nil {
		return err
	}
	got, err := mtascript.ReadFrame(bufio.NewReader(conn))
	if err == nil && got.Code != mtascript.CmdOptNeg {
		err = fmt.Errorf("answered by %q", got.Code)
	}
	return err
}

// memory starts the daemon, sends it so many sessions, waits and reads what it uses.
func (w *world) memory(ctx context.Context, o options, sessions int, wait time.Duration) (m usage, err error) {
	f, _, err := w.start(o)
	if err != nil {
		return m, err
	}
	defer f.stop()
	for i := range sessions {
		s := session(i, i%memoryClients, 1)
		s.Client.Family, s.Client.Addr = mtascript.FamilyInet, host(i).String()
		s.MTA = mtascript.Postfix
		if _, err := s.Dial("unix", f.socket); err != nil {
			return m, fmt.Errorf("session %d: %w\n%s", i, err, tail(f.log))
		}
	}
	select {
	case <-time.After(wait):
	case err := <-f.exited:
		return m, errors.Join(err, errors.New(tail(f.log)))
	case <-ctx.Done():
		return m, ctx.Err()
	}
	return f.usage()
}

// usage is a process' memory, in MiB.
type usage struct{ rss, anon, file, pss, peak float64 }

func (u usage) cells() []string {
	return []string{figure(u.rss), figure(u.anon), figure(u.file), figure(u.pss), figure(u.peak)}
}

func (f *filter) usage() (u usage, err error) {
	for file, keys := range map[string]map[string]*float64{
		"status":       {"VmRSS:": &u.rss, "RssAnon:": &u.anon, "RssFile:": &u.file, "VmHWM:": &u.peak},
		"smaps_rollup": {"Pss:": &u.pss},
	} {
		r, err := os.Open(fmt.Sprintf("/proc/%d/%s", f.cmd.Process.Pid, file))
		if err != nil {
			return u, err
		}
		err = kibi(r, keys)
		r.Close()
		if err != nil {
			return u, fmt.Errorf("%s: %w", r.Name(), err)
		}
	}
	return u, nil
}

// kibi reads lines of "key: n kB" as MiB.
func kibi(r io.Reader, keys map[string]*float64) error {
	found := 0
	for s := bufio.NewScanner(r); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) == 3 && keys[f[0]] != nil {
			var n float64
			if _, err := fmt.Sscan(f[1], &n); err != nil {
				return err
			}
			*keys[f[0]] = n / 1024
			found++
		}
	}
	if found < len(keys) {
		return errors.New("not all of it is there")
	}
	return nil
}
