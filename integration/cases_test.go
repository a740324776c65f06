//go:build integration

package integration

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// bench is one way to bring a client to an MTA.
type bench struct {
	name    string
	mta     *mta
	second  *mta // the hub behind it, or nil
	xclient bool
}

var benches = []bench{
	{name: "postfix", mta: postfix},
	{name: "xclient", mta: postfix, xclient: true},
	{name: "sendmail", mta: sendmail},
	{name: "hub", mta: postfix, second: hub},
}

var (
	worldOnce sync.Once
	world     []*scenario
	worldErr  error
)

// setUp loads all cases and starts the services that they share.
func setUp(t *testing.T) []*scenario {
	t.Helper()
	worldOnce.Do(func() {
		if world, worldErr = loadScenarios(); worldErr != nil {
			return
		}
		worldErr = serveWorld(world)
	})
	if worldErr != nil {
		t.Fatal(worldErr)
	}
	return world
}

func serveWorld(all []*scenario) error {
	z := newZone()
	for _, s := range all {
		clients, err := s.clients()
		if err != nil {
			return err
		}
		for _, c := range clients {
			if err := z.addClient(c); err != nil {
				return err
			}
		}
		for _, line := range lines(s.sections["names"]) {
			if err := z.add(line); err != nil {
				return err
			}
		}
	}
	if err := z.serve(); err != nil {
		return err
	}
	if err := serveSASL(); err != nil {
		return err
	}
	if err := placeClients(all); err != nil {
		return err
	}
	return serveSources()
}

// TestCases plays every file of cases/ on every bench that it names. The two
// MTAs work at the same time; one MTA plays one case after the other.
func TestCases(t *testing.T) {
	all := setUp(t)
	if len(all) == 0 {
		t.Fatal("no cases")
	}
	for _, b := range benches {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			tags, err := b.mta.tags()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				if !slices.Contains(s.on, b.name) {
					continue
				}
				if lacking := s.lacking(tags); lacking != "" {
					t.Logf("%s is left out: %s has no %s", s.name, b.mta.name, lacking)
					continue
				}
				t.Run(s.name, func(t *testing.T) { b.play(t, s) })
			}
		})
	}
}

// lacking is the first tag that the case needs and the MTA has not, or "".
func (s *scenario) lacking(tags map[string]bool) string {
	for _, need := range s.needs {
		if !tags[need] {
			return need
		}
	}
	return ""
}

// play runs one case.
func (b bench) play(t *testing.T, s *scenario) {
	for _, m := range []*mta{b.mta, b.second} {
		if m == nil {
			continue
		}
		m.start(t)
		m.Lock()
		defer m.Unlock()
		m.clear()
	}
	d := startDaemon(t, b.mta, s.sections["config"])
	last := b.mta
	var second *daemon
	if b.second != nil {
		second = startDaemon(t, b.second, s.sections["config hub"])
		last = b.second
	}
	mark := len(b.mta.log())
	defer explain(t, b.mta, mark, d, second)
	talk := &dialogue{t: t, s: s, mta: b.mta, told: b.xclient, alone: true, daemon: d}
	talk.run()
	family := b.mta.family()
	got := last.sink.Wait(len(s.stored), 10*time.Second)
	b.judge(t, s, d, "verdict")
	if second != nil {
		b.judge(t, s, second, "verdict hub")
	}
	checkQueue(t, s, b.mta)
	if len(got) == len(s.stored) {
		got = last.sink.Messages() // nothing may have come late
	}
	checkStored(t, s, family, got)
}

func startDaemon(t *testing.T, m *mta, config string) *daemon {
	t.Helper()
	d := newDaemon(t, m.socket())
	d.configure(only(m.family(), config))
	d.start()
	t.Cleanup(func() { d.stop(syscall.SIGKILL) })
	return d
}

// judge ends a daemon and reads its log.
func (b bench) judge(t *testing.T, s *scenario, d *daemon, section string) {
	t.Helper()
	want := lines(only(b.mta.family(), s.sections[section]))
	d.verdicts(len(want))
	d.stop(syscall.SIGTERM)
	checkVerdicts(t, want, d.verdicts(0))
	if section == "verdict" {
		checkLog(t, only(b.mta.family(), s.sections["log"]), d.log.String())
	}
}

func checkQueue(t *testing.T, s *scenario, m *mta) {
	t.Helper()
	want := strings.TrimSpace(s.sections["queue"])
	if want == "" {
		want = "quarantined: 0"
	}
	held := m.settle(t)
	if got := "quarantined: " + strconv.Itoa(held); got != want {
		t.Errorf("queue: %s, not %s", got, want)
	}
}

// explain shows what both sides wrote when a case has failed.
func explain(t *testing.T, m *mta, mark int, daemons ...*daemon) {
	if !t.Failed() {
		return
	}
	for _, d := range daemons {
		if d != nil {
			t.Logf("the daemon's log:\n%s", clip(d.log.String()))
		}
	}
	t.Logf("%s's log:\n%s", m.name, clip(m.log()[mark:]))
}
