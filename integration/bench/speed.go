package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// series is what was measured for one filter, a value for each round.
type series struct {
	wall []float64 // seconds
	cpu  []float64 // microseconds a message
}

func measureSpeed(ctx context.Context, o options) (result, error) {
	if o.messages == 0 {
		o.messages = 3000
		if o.quick {
			o.messages = 200
		}
	}
	if o.rounds == 0 {
		o.rounds = 5
		if o.quick {
			o.rounds = 1
		}
	}
	filters, err := started(
		func() (*filter, error) { return startC("C plain", o) },
		func() (*filter, error) { return startC("C with bits", o, "-n") },
		func() (*filter, error) { return startDaemon("iot-milter", o, setup{mode: "tag"}) })
	if err != nil {
		return result{}, err
	}
	defer stopAll(filters)
	p, err := startPostfix(ctx, filepath.Join(o.dir, "postfix"), filters, "")
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	results, err := timeAll(ctx, p, filters, o)
	if err != nil {
		return result{}, err
	}
	return report(filters, results, o), nil
}

func timeAll(ctx context.Context, p *postfix, filters []*filter, o options) ([]series, error) {
	eml := filepath.Join(p.dir, "msg.eml")
	if err := writeMessage(eml); err != nil {
		return nil, err
	}
	for _, f := range filters {
		if _, err := p.send(ctx, f, eml, max(o.messages/10, o.sessions), o.sessions); err != nil {
			return nil, err
		}
	}
	results := make([]series, len(filters))
	for round := range o.rounds {
		// Each round begins with another filter, so that none always profits from
		// its place.
		for k := range filters {
			i := (round + k) % len(filters)
			wall, cpu, err := timed(ctx, p, filters[i], eml, o)
			if err != nil {
				return nil, err
			}
			results[i].wall = append(results[i].wall, wall)
			results[i].cpu = append(results[i].cpu, cpu)
			fmt.Fprintf(os.Stderr, "round %d %-12s %.2f s\n", round+1, filters[i].name, wall)
		}
	}
	return results, nil
}

func timed(ctx context.Context, p *postfix, f *filter, eml string, o options) (wall, cpu float64, err error) {
	before, err := f.cpu()
	if err != nil {
		return 0, 0, err
	}
	took, err := p.send(ctx, f, eml, o.messages, o.sessions)
	if err != nil {
		return 0, 0, err
	}
	after, err := f.cpu()
	return took.Seconds(), (after - before).Seconds() * 1e6 / float64(o.messages), err
}

// send loads one listener. The time is that of the SMTP sessions; the queue is
// drained after it, so that its work falls on no other run.
func (p *postfix) send(ctx context.Context, f *filter, eml string, messages, sessions int) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, "smtp-source", "-s", fmt.Sprint(sessions), "-m", fmt.Sprint(messages),
		"-M", "mail.example.net", "-f", "a@example.net", "-t", "b@example.test", "-F", eml,
		fmt.Sprintf("127.0.0.1:%d", p.ports[f]))
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("smtp-source to %s: %w\n%s%s", f.name, err, out, tail(f.log))
	}
	return took, p.drained(messages)
}

func report(filters []*filter, results []series, o options) result {
	t := table{head: []string{"filter", "seconds", "to C plain", "to C with bits", "CPU µs/message"}}
	for i, f := range filters {
		t.rows = append(t.rows, []string{f.name, spread("%.2f", results[i].wall),
			spread("%.2f", ratios(results[i], results[0])),
			spread("%.2f", ratios(results[i], results[1])),
			spread("%.0f", results[i].cpu)})
	}
	mine := results[len(results)-1]
	return result{
		notes: []string{fmt.Sprintf("%d messages of %d header fields, %d sessions, %d rounds; median (min–max).",
			o.messages, len(headers()), o.sessions, o.rounds)},
		tables: []table{t},
		targets: []target{
			{what: "wall time to the plain C filter", got: median(ratios(mine, results[0])), limit: 0.90},
			{what: "wall time to the C filter with bits", got: median(ratios(mine, results[1])), limit: 1.00},
		},
	}
}

// ratios pairs the rounds: what slowed the machine in one slowed both.
func ratios(a, b series) []float64 {
	out := make([]float64, len(a.wall))
	for i := range out {
		out[i] = a.wall[i] / b.wall[i]
	}
	return out
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s)%2 == 0 {
		return (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
	return s[len(s)/2]
}

func spread(format string, v []float64) string {
	return fmt.Sprintf(format+" ("+format+"–"+format+")", median(v), slices.Min(v), slices.Max(v))
}
