package remote

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/iot-milter/iot-milter/policy/state"
)

// The bounds of package state.
const (
	clockStep  = 24 * time.Hour
	maxDebt    = 24 * time.Hour
	triesOver  = 24 * 60 * 60
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

//go:embed scripts/passed.lua
var passed string

//go:embed scripts/tried.lua
var tried string

//go:embed scripts/take.lua
var take string

//go:embed scripts/habit.lua
var habit string

//go:embed scripts/known.lua
var known string

//go:embed scripts/learn.lua
var learn string

//go:embed scripts/seen.lua
var seen string

//go:embed scripts/mail.lua
var mail string

//go:embed scripts/visit.lua
var visit string

//go:embed scripts/facts.lua
var facts string

//go:embed scripts/forget.lua
var forget string

// op is a question to the store. One that writes proves that the store is well. One
// about buckets has an answer more of each.
type op struct {
	name    string
	script  *redis.Script // nil: no script
	answers int
	writes  bool
}

var (
	takeScript   = redis.NewScript(common + take)
	forgetScript = redis.NewScript(forget)

	opRetried   = &op{"retried", redis.NewScript(common + retried), 1, true}
	opPassed    = &op{"passed", redis.NewScript(passed), 1, false}
	opTake      = &op{"take", takeScript, 1, true}
	opAvailable = &op{"available", takeScript, 1, false}
	opTried     = &op{"tried", redis.NewScript(common + tried), 1, true}
	opKnown     = &op{"known", redis.NewScript(common + habit + known), 1, false}
	opHabits    = &op{"habits", redis.NewScript(common + habit + learn), 1, true}
	opMail      = &op{"mail", redis.NewScript(common + habit + seen + mail), 2 + 2*7, true}
	opHosts     = &op{"hosts", nil, 0, false}
	opVisits    = &op{"visits", redis.NewScript(common + visit), 1, true}
	opFacts     = &op{"facts", redis.NewScript(facts), 1, true}
)

var errAnswer = errors.New("the store's answer has another shape")

// ask runs a script; ok is false where the own memory is to answer.
func (s *Store) ask(o *op, keys []string, args []any) (answer []int64, ok bool) {
	ok = s.call(o, func(ctx context.Context) (err error) {
		answer, err = o.script.Run(ctx, s.client, keys, args...).Int64Slice()
		if err == nil && len(answer) != o.answers {
			err = errAnswer
		}
		return err
	})
	return answer, ok
}

// call asks the store, if it is well, and counts how that ended.
func (s *Store) call(o *op, question func(context.Context) error) (ok bool) {
	if s.circuit.down.Load() {
		s.opts.Meter.Call(o.name, "local", 0)
		return false
	}
	start := s.opts.Now()
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Timeout)
	defer cancel()
	if err := question(ctx); err != nil {
		s.failed(o.name, err, s.opts.Now().Sub(start))
		return false
	}
	if o.writes {
		s.circuit.row.Store(0)
	}
	s.opts.Meter.Call(o.name, "ok", s.opts.Now().Sub(start))
	return true
}

// key is an entry's name in the store: its table and what it is in there. What one network
// alone can have begins with that, by which Forget finds it.
func (s *Store) key(table string, path ...state.Key) string {
	b := make([]byte, 0, 80)
	b = append(append(b, s.opts.Prefix...), table...)
	for _, k := range path {
		b = strconv.AppendUint(append(b, ':'), uint64(k), 16)
	}
	return string(b)
}

// Retried is state.Memory's, over all hosts.
func (s *Store) Retried(it state.Attempt, at time.Time, delay, keep time.Duration) (passed, room bool) {
	here, room := s.local.Retried(it, at, delay, keep)
	keys := []string{
		s.key("waiting", it.Network, it.Key), s.key("passed", it.Network, it.Key),
		s.key("waiting", it.Network, it.Wide), s.key("passed", it.Network, it.Wide), s.key("holds-waiting", it.Network),
	}
	if it.Client != 0 {
		keys = append(keys, s.key("passed", it.Network, it.Client))
	}
	answer, ok := s.ask(opRetried, keys, []any{at.Unix(), int64(delay / time.Second), int64(keep / time.Second), s.opts.Share, int64(clockStep / time.Second), slack})
	if !ok {
		return here, room
	}
	return answer[0] == 1, true
}

// Passed is state.Memory's, over all hosts.
func (s *Store) Passed(it state.Attempt, at time.Time, keep time.Duration) bool {
	keys := []string{s.key("passed", it.Network, it.Key)}
	if it.Client != 0 {
		keys = append(keys, s.key("passed", it.Network, it.Client))
	}
	answer, ok := s.ask(opPassed, keys, []any{at.Unix(), int64(keep / time.Second), int64(clockStep / time.Second)})
	if !ok {
		return s.local.Passed(it, at, keep)
	}
	return answer[0] == 1
}

// Tried is state.Memory's, over all hosts.
func (s *Store) Tried(it state.Item, at time.Time) (times int) {
	here := s.local.Tried(it, at)
	answer, ok := s.ask(opTried, []string{s.key("tries", it.Network, it.Key), s.key("holds-tries", it.Network)},
		[]any{at.Unix(), s.opts.Share, triesOver, int64(clockStep / time.Second), slack})
	if !ok {
		return here
	}
	return int(max(0, answer[0]))
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
		s.local.Take(at, slices.Clone(draws)) // which are told of what the store has
	}
	return empty, true
}

func (s *Store) draw(o *op, at time.Time, draws []state.Draw) (empty int, ok bool) {
	if len(draws) == 0 {
		return -1, true
	}
	keys, args := make([]string, 0, 3*len(draws)), make([]any, 0, 6+4*len(draws))
	// Microseconds, for Lua counts in float64: 2^53 of them last until 2255.
	args = append(args, at.UnixMicro(), clockStep.Microseconds(), s.opts.Share, slack, o.writes, maxDebt.Microseconds())
	for i := range draws {
		d := &draws[i]
		keys = append(keys, s.key("bucket", d.Key), s.key("bucket", d.Wide), s.key("holds-bucket", d.Network))
		args = append(args, d.Rate.Count, max(1, d.Rate.Per.Microseconds()), d.Rate.Burst, max(1, d.N))
	}
	each := *o
	each.answers += len(draws)
	answer, ok := s.ask(&each, keys, args)
	if !ok {
		return 0, false
	}
	if answer[0] < 0 || answer[0] > int64(len(draws)) { // of a bucket that there is not
		return 0, false
	}
	empty = int(answer[0]) - 1
	for i := range draws {
		d := &draws[i]
		d.Found(answer[i+1], empty >= 0 && answer[i+1] < 1e6*int64(d.Needs(o.writes)))
	}
	return empty, true
}

// Known is state.Memory's, over all hosts.
func (s *Store) Known(it state.Item, at time.Time) bool {
	answer, ok := s.ask(opKnown, []string{s.key("habit", it.Network, it.Key)}, []any{at.Unix() / daySeconds, habitDays})
	if !ok {
		return s.local.Known(it, at)
	}
	return answer[0] == 1
}

// Mailed is state.Memory's, over all hosts: one of them is told that a campaign began.
func (s *Store) Mailed(mail state.Mail, rule state.CampaignRule) state.MailAnswer {
	here := s.local.Mailed(mail, rule)
	it := &mail.Habit
	keys := append(make([]string, 0, 5+3*len(mail.Templates)),
		s.key("habit", it.Network, it.Key), s.key("habit", it.Network, it.Wide), s.key("holds-habit", it.Network), s.key("campaigns"),
		s.key("habit", mail.Sender.Network, mail.Sender.Key))
	args := append(make([]any, 0, 11+len(mail.Templates)),
		mail.At.Unix(), s.opts.Share, habitDays, strconv.FormatUint(uint64(mail.Network), 16), mail.ASN, int64(rule.Window/time.Second),
		rule.Hosts, int64(rule.Hold/time.Second), int64(clockStep/time.Second), slack, minSystems)
	for _, t := range mail.Templates {
		if t == 0 {
			break // the first is the one that every message has
		}
		keys = append(keys, s.key("few", t), s.key("members", t), s.key("run", t))
		args = append(args, strconv.FormatUint(uint64(t), 16))
	}
	answer, ok := s.ask(opMail, keys, args)
	if !ok {
		return here
	}
	said := state.MailAnswer{Habit: answer[0] == 1, Sender: answer[1] == 1}
	if said.Habit {
		return said
	}
	for i, t := range mail.Templates {
		c := &said.Campaigns[i]
		c.Template = t
		if a := answer[2+7*i:]; a[0] == 1 {
			c.On, c.Began, c.Networks, c.Messages = a[1] == 1, a[2] == 1, int(max(0, a[3])), a[4]
			c.Since, c.Last = time.Unix(a[5], 0), time.Unix(a[6], 0)
		}
	}
	return said
}
