//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

const (
	soakClients  = 2000
	soakParallel = 8
	soakSamples  = 60
	soakReport   = "docs/reliability.md"
)

// soakConfig keeps files small, so that they reach their bounds in the first third.
const soakConfig = `
[store]
hosts = 2000

[history]
size = "1MiB"
`

// sample is what the daemon has at one moment.
type sample struct {
	sessions int
	values   [4]int // in the order of watched
}

// watched are the figures that must be flat after the first third of the sessions: the
// median of the last third is at most that of the middle third and 10 % and slack.
var watched = [4]struct {
	name  string
	slack int
}{{"RSS KiB", 8 << 10}, {"goroutines", 10}, {"descriptors", 5}, {"files KiB", 1 << 10}}

// soak sends sessions of all sorts, with a reload after each sixtieth.
func soak(ctx context.Context, o options) error {
	if o.soakSessions < soakSamples*soakParallel {
		return fmt.Errorf("-soak-sessions %d is too small", o.soakSessions)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	daemon := setup{mode: "tag", admin: fmt.Sprintf("127.0.0.1:%d", port), more: soakConfig}
	f, err := startDaemon("iot-milter", o, daemon)
	if err != nil {
		return err
	}
	defer f.stop()
	began := time.Now()
	home := filepath.Dir(f.socket)
	var samples []sample
	step := o.soakSessions / soakSamples
	if o.soakTime > 0 { // as many steps as there is time for
		step = min(step, 5000)
	}
	for sent := 0; sent < o.soakSessions && (o.soakTime == 0 || time.Since(began) < o.soakTime); sent += step {
		if err := soakStep(ctx, f, sent, step); err != nil {
			return err
		}
		if err := f.reload(home, daemon, len(samples)); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // sessions end
		s, err := f.sample(home, daemon.admin)
		if err != nil {
			return err
		}
		s.sessions = sent + step
		samples = append(samples, s)
	}
	report, err := flat(samples)
	report = fmt.Sprintf("%d sessions in %v (%s), a reload after each %d.\n\n", samples[len(samples)-1].sessions,
		time.Since(began).Round(time.Second), time.Now().UTC().Format(time.DateOnly), step) + report
	fmt.Print(report)
	if err == nil && o.write {
		err = writeReport(report)
	}
	return err
}

// soakStep sends n sessions from the first on.
func soakStep(ctx context.Context, f *filter, first, n int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, soakParallel)
	for w := range soakParallel {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil && errs[w] == nil; i = int(next.Add(1)) - 1 {
				errs[w] = soakSession(f, first+i)
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// soakSession is the ith session: six of sixteen end in other ways than they should.
func soakSession(f *filter, i int) error {
	s := session(i, i%soakClients, 1)
	m := &s.Messages[0]
	whole := false
	switch i % 16 {
	case 0:
		s.NoQuit = true
	case 1:
		m.ResetAfter = mtascript.CmdRcpt
	case 2:
		m.LostAfter = mtascript.CmdRcpt
	case 3:
		s.Fault = &mtascript.Fault{Kind: mtascript.FaultHalf, At: mtascript.CmdEOM}
	case 4:
		s.Fault = &mtascript.Fault{Kind: mtascript.FaultZero, At: mtascript.CmdRcpt, Limit: 5 * time.Second}
	case 5:
		s.Messages = nil
	default:
		whole = true
	}
	t, err := s.Dial("unix", f.socket)
	if err != nil {
		return fmt.Errorf("session %d: %w", i, err)
	}
	if whole && (!t.Messages[0].Delivered || len(t.Messages[0].Final.Edits) == 0) {
		return fmt.Errorf("session %d: %+v", i, t.Messages[0].Final)
	}
	return nil
}

// reload changes a limit, and has the daemon read that.
func (f *filter) reload(home string, s setup, n int) error {
	text := append(s.text(home), fmt.Sprintf("\n[campaign]\nhosts = %d\n", 30+n%2)...)
	if err := os.WriteFile(filepath.Join(home, "iot-milter.toml"), text, 0o644); err != nil {
		return err
	}
	return f.cmd.Process.Signal(syscall.SIGHUP)
}

func (f *filter) sample(home, admin string) (s sample, err error) {
	if s.values[0], err = f.rss(); err != nil {
		return s, err
	}
	if s.values[1], err = goroutines(admin); err != nil {
		return s, err
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", f.cmd.Process.Pid))
	if err != nil {
		return s, err
	}
	s.values[2] = len(fds)
	size := int64(0)
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path == f.log {
			return nil // the history removes old parts
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	s.values[3] = int(size >> 10)
	return s, err
}

func goroutines(admin string) (int, error) {
	resp, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			return strconv.Atoi(v)
		}
	}
	return 0, errors.New("no go_goroutines in /metrics")
}

// flat is the report, and an error if something grows.
func flat(samples []sample) (report string, err error) {
	if len(samples) < 6 {
		return "", fmt.Errorf("%d samples say nothing", len(samples))
	}
	var b strings.Builder
	b.WriteString("| sessions | RSS KiB | goroutines | descriptors | files KiB |\n| --- | --- | --- | --- | --- |\n")
	for i := range 12 {
		s := samples[(i+1)*len(samples)/12-min(1, (i+1)*len(samples)/12)]
		fmt.Fprintf(&b, "| %d | %d | %d | %d | %d |\n", s.sessions, s.values[0], s.values[1], s.values[2], s.values[3])
	}
	third := len(samples) / 3
	middle, last := samples[third:2*third], samples[len(samples)-third:]
	for i, w := range watched {
		was, is := middleOf(middle, i), middleOf(last, i)
		fmt.Fprintf(&b, "%s%s: median %d of the middle third, %d of the last.", map[bool]string{true: "\n"}[i == 0], w.name, was, is)
		b.WriteString(map[bool]string{true: "\n", false: " "}[i == len(watched)-1])
		if is > was+was/10+w.slack {
			err = errors.Join(err, fmt.Errorf("%s grow: %d, then %d", w.name, was, is))
		}
	}
	return b.String(), err
}

func middleOf(samples []sample, i int) int {
	var all []int
	for _, s := range samples {
		all = append(all, s.values[i])
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func writeReport(report string) error {
	const begin, end = "<!-- make soak -->\n", "<!-- end of soak -->"
	page, err := os.ReadFile(soakReport)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(page), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no %q … %q", soakReport, begin, end)
	}
	return os.WriteFile(soakReport, []byte(head+begin+report+end+tail), 0o644)
}
