package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/iot-milter/iot-milter/internal/admin"
)

const (
	refresh = 2 * time.Second
	// redraw moves to the upper left corner and clears from there (ECMA-48).
	redraw = "\x1b[H\x1b[J"
)

func topCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "top [campaigns|networks]",
		Short: "watch the running daemon",
		Long: "Watch the running daemon: decisions, networks that most suspects come from within an hour, campaigns that\n" +
			"are on, how full the memory is, and how the sources of evidence are; or one of the two lists. On a\n" +
			"terminal it goes on until it is interrupted; elsewhere, and with --json, it prints once.",
		ValidArgs: []string{"campaigns", "networks"}, Args: cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
	}
	q := asks(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		view := append(args, "")[0]
		f, ok := c.OutOrStdout().(*os.File)
		if *q.asJSON || !ok || !term.IsTerminal(int(f.Fd())) {
			return topOnce(q, view)
		}
		for {
			var s admin.Snapshot
			if err := q.ask(http.MethodGet, "/v1/top", nil, &s); err != nil {
				return err
			}
			var b bytes.Buffer
			printTop(&b, &s, view)
			if _, err := io.WriteString(f, redraw+b.String()); err != nil {
				return trouble(err)
			}
			select {
			case <-time.After(refresh):
			case <-c.Context().Done():
				return nil
			}
		}
	}
	return c
}

func topOnce(q *inquiry, view string) error {
	var s admin.Snapshot
	if err := q.ask(http.MethodGet, "/v1/top", nil, &s); err != nil {
		return err
	}
	var part any = s
	switch view {
	case "campaigns":
		part = s.Campaigns
	case "networks":
		part = s.Networks
	}
	return q.print(part, func(w io.Writer) { printTop(w, &s, view) })
}

func printTop(w io.Writer, s *admin.Snapshot, view string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	if view == "" {
		printCounts(t, s)
	}
	switch {
	case view == "campaigns":
	case len(s.Networks) == 0:
		fmt.Fprintln(t, "no suspect within an hour")
	default:
		fmt.Fprintln(t, "network\tsuspects in 1h\tflagged\tlast")
		for _, n := range s.Networks {
			fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", n.Network, n.Suspects, n.Flagged, stamp(n.Last))
		}
	}
	if view == "" {
		fmt.Fprintln(t)
	}
	switch {
	case view == "networks":
	case len(s.Campaigns) == 0:
		fmt.Fprintln(t, "no campaign is on")
	default:
		fmt.Fprintln(t, "campaign\tnetworks\tmessages\tsince\tlast")
		for _, c := range s.Campaigns {
			fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", harmless(c.ID), c.Networks, c.Messages, stamp(c.Since), stamp(c.Last))
		}
	}
}

func printCounts(t io.Writer, s *admin.Snapshot) {
	fmt.Fprintf(t, "iot-milter, mode %s, %s, up %s\n\n", harmless(s.Mode), stamp(s.Time), s.Time.Sub(s.Since).Round(time.Second))
	if s.ClientHidden {
		fmt.Fprint(t, "the clients' addresses are hidden: see the log\n\n")
	}
	fmt.Fprintln(t, "decisions\tlast minute\tsince start")
	row := func(name string, minute, total int64) { fmt.Fprintf(t, "%s\t%d\t%d\n", harmless(name), minute, total) }
	m, d := &s.Minute, &s.Decisions
	row("all", m.Decisions, d.Decisions)
	row("exempt", m.Exempt, d.Exempt)
	row("fail open", m.FailOpen, d.FailOpen)
	row("suspects", m.Suspects, d.Suspects)
	for _, of := range []struct {
		name          string
		minute, total map[string]int64
	}{{"class", m.Class, d.Class}, {"action", m.Action, d.Action}, {"device", m.Device, d.Device}} {
		for _, word := range byCount(of.total) {
			row(of.name+" "+word, of.minute[word], of.total[word])
		}
	}
	fmt.Fprint(t, "\nsource\tstate\n")
	for _, name := range slices.Sorted(maps.Keys(s.Sources)) {
		fmt.Fprintf(t, "%s\t%s\n", harmless(name), harmless(s.Sources[name]))
	}
	fmt.Fprint(t, "\ntable\tentries\tlost\n")
	for _, table := range s.Tables {
		fmt.Fprintf(t, "%s\t%d\t%d\n", harmless(table.Name), table.Entries, table.Lost)
	}
	fmt.Fprintln(t)
}

func byCount(of map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), strings.Compare(a, b))
	})
}

func statsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "stats",
		Short: "print the numbers of the running daemon, one a line",
		Long: "Print the numbers of the running daemon, one a line as key value: decisions since the start, those\n" +
			"of the last minute (minute_…), tables, campaigns, and sources (1 where one is ok). What was zero so far may be missing.",
		Args: cobra.NoArgs,
	}
	q := asks(c)
	c.RunE = func(*cobra.Command, []string) error {
		var s admin.Snapshot
		if err := q.ask(http.MethodGet, "/v1/top", nil, &s); err != nil {
			return err
		}
		all := numbers(&s)
		return q.print(all, func(w io.Writer) {
			for _, key := range slices.Sorted(maps.Keys(all)) {
				fmt.Fprintf(w, "%s %d\n", key, all[key])
			}
		})
	}
	return c
}

// numbers are those of a snapshot by their keys, which have no blanks.
func numbers(s *admin.Snapshot) map[string]int64 {
	all := map[string]int64{}
	set := func(key string, n int64) { all[strings.ReplaceAll(harmless(key), " ", "_")] = n }
	set("uptime_seconds", int64(s.Time.Sub(s.Since)/time.Second))
	set("campaigns", int64(len(s.Campaigns)))
	set("client_hidden", digit(s.ClientHidden))
	for prefix, c := range map[string]*admin.Counts{"": &s.Decisions, "minute_": &s.Minute} {
		set(prefix+"decisions", c.Decisions)
		set(prefix+"exempt", c.Exempt)
		set(prefix+"fail_open", c.FailOpen)
		set(prefix+"suspects", c.Suspects)
		for name, of := range map[string]map[string]int64{"class_": c.Class, "action_": c.Action, "device_": c.Device} {
			for word, n := range of {
				set(prefix+name+word, n)
			}
		}
	}
	for _, t := range s.Tables {
		set("table_"+t.Name+"_entries", int64(t.Entries))
		set("table_"+t.Name+"_lost", t.Lost)
	}
	for name, state := range s.Sources {
		set("source_"+name, digit(state == "ok"))
	}
	return all
}

func digit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
