package remote

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/iot-milter/iot-milter/policy/state"
)

// The bounds of package state.
const (
	clockStep  = 24 * time.Hour
	habitDays  = 60
	minSystems = 3
	daySeconds = 24 * 60 * 60
)

// slack is what an entry's time to live has beyond its use, in seconds: hosts' clocks
// differ.
const slack = 60

//go:embed scripts/common.lua
var common string

//go:embed scripts/retried.lua
var retried string

//go:embed scripts/take.lua
var take string

//go:embed scripts/habit.lua
var habit string

//go:embed scripts/seen.lua
var seen string

// op is a question to the store. One that writes proves that the store is well.
type op struct {
	name    string
	script  *redis.Script
	answers int
	writes  bool
}

var (
	takeScript  = redis.NewScript(common + take)
	opRetried   = &op{"retried", redis.NewScript(common + retried), 1, true}
	opTake      = &op{"take", takeScript, 1, true}
	opAvailable = &op{"available", takeScript, 1, false}
	habitScript = redis.NewScript(common + habit)
	opHabit     = &op{"habit", habitScript, 1, true}
	opKnown     = &op{"known", habitScript, 1, false}
	opSeen      = &op{"seen", redis.NewScript(seen), 7, true}
)

var errAnswer = errors.New("the store's answer has another shape")

// ask runs a script; ok is false where the own memory is to answer.
func (s *Store) ask(o *op, keys []string, args []any) (answer []int64, ok bool) {
	if s.circuit.down.Load() {
		s.opts.Meter.Call(o.name, "local", 0)
		return nil, false
	}
	start := s.opts.Now()
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Timeout)
	defer cancel()
	answer, err := o.script.Run(ctx, s.client, keys, args...).Int64Slice()
	if err == nil && len(answer) != o.answers {
		err = errAnswer
	}
	if err != nil {
		s.failed(o.name, err, s.opts.Now().Sub(start))
		return nil, false
	}
	if o.writes {
		s.circuit.row.Store(0)
	}
	s.opts.Meter.Call(o.name, "ok", s.opts.Now().Sub(start))
	return answer, true
}

// key is an entry's name in the store.
func (s *Store) key(table string, k state.Key) string {
	b := make([]byte, 0, 64)
	b = append(append(append(b, s.opts.Prefix...), table...), ':')
	return string(strconv.AppendUint(b, uint64(k), 16))
}

// Retried is state.Memory's, over all hosts.
func (s *Store) Retried(it state.Attempt, at time.Time, delay, keep time.Duration) (passed, room bool) {
	here, room := s.local.Retried(it, at, delay, keep)
	keys := []string{
		s.key("waiting", it.Key), s.key("passed", it.Key),
		s.key("waiting", it.Wide), s.key("passed", it.Wide), s.key("holds-waiting", it.Network),
	}
	if it.Client != 0 {
		keys = append(keys, s.key("passed", it.Client))
	}
	answer, ok := s.ask(opRetried, keys, []any{at.Unix(), int64(delay / time.Second), int64(keep / time.Second), s.opts.Share, int64(clockStep / time.Second), slack})
	if !ok {
		return here, room
	}
	return answer[0] == 1, true
}

// Available is state.Memory's, over all hosts.
func (s *Store) Available(at time.Time, draws []state.Draw) (empty int) {
	if empty, ok := s.draw(opAvailable, at, draws); ok {
		return empty
	}
	return s.local.Available(at, draws)
}

// Take is state.Memory's, over all hosts.
func (s *Store) Take(at time.Time, draws []state.Draw) (empty int, room bool) {
	empty, ok := s.draw(opTake, at, draws)
	if !ok {
		return s.local.Take(at, draws)
	}
	if empty < 0 {
		s.local.Take(at, draws)
	}
	return empty, true
}

func (s *Store) draw(o *op, at time.Time, draws []state.Draw) (empty int, ok bool) {
	if len(draws) == 0 {
		return -1, true
	}
	keys, args := make([]string, 0, 3*len(draws)), make([]any, 0, 5+3*len(draws))
	// Microseconds, for Lua counts in float64: 2^53 of them last until 2255.
	args = append(args, at.UnixMicro(), clockStep.Microseconds(), s.opts.Share, slack, o.writes)
	for i := range draws {
		d := &draws[i]
		keys = append(keys, s.key("bucket", d.Key), s.key("bucket", d.Wide), s.key("holds-bucket", d.Network))
		args = append(args, d.Rate.Count, max(1, d.Rate.Per.Microseconds()), d.Rate.Burst)
	}
	answer, ok := s.ask(o, keys, args)
	if !ok {
		return 0, false
	}
	return int(answer[0]) - 1, true
}

// Habit is state.Memory's, over all hosts.
func (s *Store) Habit(it state.Item, at time.Time) (known bool) {
	here := s.local.Habit(it, at)
	if known, ok := s.habit(opHabit, it, at); ok {
		return known
	}
	return here
}

// Known is state.Memory's, over all hosts.
func (s *Store) Known(it state.Item, at time.Time) bool {
	if known, ok := s.habit(opKnown, it, at); ok {
		return known
	}
	return s.local.Known(it, at)
}

func (s *Store) habit(o *op, it state.Item, at time.Time) (known, ok bool) {
	answer, ok := s.ask(o, []string{s.key("habit", it.Key), s.key("habit", it.Wide), s.key("holds-habit", it.Network)},
		[]any{at.Unix() / daySeconds, s.opts.Share, habitDays, o.writes})
	return ok && answer[0] == 1, ok
}

// Seen is state.Memory's, over all hosts: one of them is told that the campaign began.
func (s *Store) Seen(sight state.Sighting, rule state.CampaignRule) state.Campaign {
	here := s.local.Seen(sight, rule)
	answer, ok := s.ask(opSeen, []string{s.key("few", sight.Template), s.key("members", sight.Template), s.key("run", sight.Template)},
		[]any{
			strconv.FormatUint(uint64(sight.Network), 16), sight.ASN, sight.At.Unix(), int64(rule.Window / time.Second), rule.Hosts,
			int64(rule.Hold / time.Second), int64(clockStep / time.Second), slack, minSystems,
		})
	if !ok {
		return here
	}
	if answer[0] == 0 {
		return state.Campaign{Template: sight.Template}
	}
	return state.Campaign{
		Template: sight.Template, On: answer[1] == 1, Began: answer[2] == 1, Networks: int(answer[3]), Messages: answer[4],
		Since: time.Unix(answer[5], 0), Last: time.Unix(answer[6], 0),
	}
}
