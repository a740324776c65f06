//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// quantile is the smallest sample that at least the share q of all samples do not exceed; 0
// of none. It sorts them.
func quantile(samples []time.Duration, q float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	slices.Sort(samples)
	return samples[max(0, int(math.Ceil(q*float64(len(samples))))-1)]
}

// percentiles is a cell: 50, 99 and 99.9 % in milliseconds.
func percentiles(samples []time.Duration) string {
	if len(samples) == 0 {
		return "–"
	}
	var parts []string
	for _, q := range []float64{0.5, 0.99, 0.999} {
		parts = append(parts, figure(quantile(samples, q).Seconds()*1000))
	}
	return strings.Join(parts, " / ")
}

// quotients pairs the rounds of two series; a series that broke off ends them.
func quotients(a, b []float64) []float64 {
	n := min(len(a), len(b))
	out := make([]float64, n)
	for i := range n {
		out[i] = a[i] / b[i]
	}
	return out
}

// middle is the median, NaN of nothing.
func middle(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return median(v)
}

func middleSpread(format string, v []float64) string {
	if len(v) == 0 {
		return "failed"
	}
	return spread(format, v)
}

func reportLoad(all []*loaded, size loadSize, questions int) result {
	own, plain := all[loadOwn], all[loadPlain]
	at := func(f *loaded, n int) *closedFigures { return f.closed[n] }
	most := size.connected[len(size.connected)-1]
	return result{
		notes:  loadNotes(all, size, questions),
		tables: []table{rateTable(all, size), stageTable(all, size), openTable(all)},
		targets: []target{
			{what: "CPU of a warm session to one of go-milter that does nothing, 16 connections",
				got: middle(quotients(at(own, 16).sessionCPU, at(plain, 16).sessionCPU)), limit: 1.5},
			{what: fmt.Sprintf("CPU of a session at %d connections to that at 16", most),
				got: middle(quotients(at(own, most).sessionCPU, at(own, 16).sessionCPU)), limit: 2},
			{what: "99 % of RCPT at 256 connections to the plain C filter",
				got: middle(quotients(at(own, 256).rcpt, at(all[loadC], 256).rcpt)), limit: 0.6},
			{what: fmt.Sprintf("99 %% of RCPT, open loop of %d sessions/s", openRate),
				got: middle(own.open.rcpt) * 1000, limit: 1, unit: "ms"},
		},
	}
}

func loadNotes(all []*loaded, size loadSize, questions int) []string {
	var late []time.Duration
	var trouble []string
	sessions := 0
	for _, f := range all {
		late = append(late, f.open.late...)
		for _, n := range size.connected {
			c := f.closed[n]
			if c.failed != nil {
				trouble = append(trouble, fmt.Sprintf("%s at %d connections: %v.", f.name, n, c.failed))
			}
			if c.full > 0 {
				trouble = append(trouble, fmt.Sprintf("%s at %d connections: its queue of connections was full %d times.", f.name, n, c.full))
			}
		}
		if f.open.failed != nil {
			trouble = append(trouble, fmt.Sprintf("%s in the open loop: %v.", f.name, f.open.failed))
		}
	}
	for _, n := range size.connected {
		sessions += len(all[loadOwn].closed[n].took[stageOf(mtascript.CmdOptNeg)])
	}
	notes := []string{
		fmt.Sprintf("The frames of Postfix over a UNIX socket without Postfix, on the machine that the filter shares: sessions from connect to the end of "+
			"the connection, with one message or %d, of %d header fields. Closed loop: each connection begins its next session where one ends. %d clients, all known: "+
			"%d mail servers and %d consumer lines; the kernel knows no TCP connection of theirs. %d rounds, each filter once in each; median (min–max); ratios of the same round. "+
			"CPU is the filter's. iot-milter tags by all default signals, logs a verdict for each message, has its default limit of 4000 sessions, and asked DNS %d times "+
			"in %d sessions of one message and the others.",
			manyMessages, len(headers()), loadClients, loadServers, loadClients-loadServers, size.rounds, questions, sessions),
		fmt.Sprintf("Open loop: %d sessions/s come at times fixed in advance (Poisson), and take %v between SMTP commands. Latencies are counted "+
			"from when a command was due, with this program's own delay: 50 / 99 / 99.9 %% %s ms.", openRate, roundTrip, percentiles(late)),
	}
	if len(trouble) > 0 {
		notes = append(notes, strings.Join(trouble, " "))
	}
	return notes
}

func rateTable(all []*loaded, size loadSize) table {
	t := table{caption: "Sessions of one message, and messages in sessions of ten.",
		head: []string{"connections", "filter", "sessions/s", "CPU µs/session", "to go-milter", "to go-milter in our edge", "messages/s", "CPU µs/message"}}
	for _, n := range size.connected {
		for _, f := range all {
			c := f.closed[n]
			t.rows = append(t.rows, []string{fmt.Sprint(n), f.name, middleSpread("%.0f", c.sessions), middleSpread("%.0f", c.sessionCPU),
				middleSpread("%.2f", quotients(c.sessionCPU, all[loadPlain].closed[n].sessionCPU)),
				middleSpread("%.2f", quotients(c.sessionCPU, all[loadEdge].closed[n].sessionCPU)),
				middleSpread("%.0f", c.messages), middleSpread("%.0f", c.messageCPU)})
		}
	}
	return t
}

func stageTable(all []*loaded, size loadSize) table {
	t := table{caption: "How long answers take in sessions of one message, of all rounds: 50 / 99 / 99.9 %, ms; – needs none. OPTNEG begins with connect(2).",
		head: []string{"connections", "filter"}}
	for _, s := range stages {
		t.head = append(t.head, strings.ToUpper(mtascript.StageName(s)))
	}
	t.head = append(t.head, "99 % of RCPT to C plain")
	for _, n := range size.connected {
		for _, f := range all {
			c := f.closed[n]
			row := []string{fmt.Sprint(n), f.name}
			for i := range stages {
				row = append(row, percentiles(c.took[i]))
			}
			t.rows = append(t.rows, append(row, middleSpread("%.2f", quotients(c.rcpt, all[loadC].closed[n].rcpt))))
		}
	}
	return t
}

func openTable(all []*loaded) table {
	t := table{caption: fmt.Sprintf("Open loop of %d sessions/s: 50 / 99 / 99.9 %%, ms.", openRate), head: []string{"filter"}}
	for _, s := range stages {
		t.head = append(t.head, strings.ToUpper(mtascript.StageName(s)))
	}
	t.head = append(t.head, "99 % of RCPT in each round", "CPU µs/session")
	for _, f := range all {
		row := []string{f.name}
		for i := range stages {
			row = append(row, percentiles(f.open.took[i]))
		}
		rcpt := make([]float64, len(f.open.rcpt))
		for i, s := range f.open.rcpt {
			rcpt[i] = s * 1000
		}
		t.rows = append(t.rows, append(row, middleSpread("%.2f", rcpt), middleSpread("%.0f", f.open.cpu)))
	}
	return t
}
