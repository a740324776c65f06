package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/policy"
)

// chosen are the flags that say which decisions are meant.
type chosen struct{ values map[string]*string }

// chooses adds them to a command.
func chooses(c *cobra.Command) chosen {
	f := chosen{map[string]*string{}}
	for key, what := range map[string]string{
		"id": "of this `id`, or of this session", "qid": "with this queue `id` of the MTA", "client": "of this `address` or network",
		"to": "to a recipient in this `domain`", "from": "from this `address` or domain, as far as it is kept",
		"class": "of this `class`", "device": "of this `kind` of device", "action": "with this `action`", "flag": "with this `flag`",
		"reason": "for this `reason`", "since": "since this `time`: 2026-11-22T20:00:00Z, or how long ago: 2h, 3d", "until": "until this `time`",
	} {
		f.values[key] = c.Flags().String(key, "", "only those "+what)
	}
	return f
}

// query is what the flags say, checked: a typing error is the command line's.
func (f chosen) query() (url.Values, error) {
	q := url.Values{}
	for key, value := range f.values {
		if *value != "" {
			q.Set(key, *value)
		}
	}
	if _, err := admin.ParseQuery(q, time.Now()); err != nil {
		return nil, errors.New(harmless(err.Error()))
	}
	return q, nil
}

func historyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "history [ID]", Short: "search the decisions of the running daemon", Args: cobra.MaximumNArgs(1),
		Long: "Search the decisions of the running daemon, the newest first: one line each, or with an ID (of the\n" +
			"reply, the log, or a session) the facts, each signal and what was concluded.",
		Example: "  iot-milter history 9mxde4ke8mrm.1\n  iot-milter history --to example.org --action reject --since 3d",
	}
	q, which := asks(c), chooses(c)
	limit := c.Flags().Int("limit", 100, "at most so many, 1 to 10000")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			*which.values["id"] = args[0]
		}
		query, err := which.query()
		if err != nil {
			return err
		}
		if *limit < 1 || *limit > 10_000 {
			return fmt.Errorf("--limit %d is not 1 to 10000", *limit)
		}
		query.Set("limit", strconv.Itoa(*limit))
		var found admin.Found
		return q.answer(http.MethodGet, "/v1/history?"+query.Encode(), nil, &found, func(w io.Writer) {
			switch {
			case len(found.Decisions) == 0:
				fmt.Fprintln(w, "no decision is found")
			case query.Get("id") != "":
				for i := range found.Decisions {
					printPast(w, &found.Decisions[i])
				}
			default:
				printPasts(w, found.Decisions)
			}
		})
	}
	c.AddCommand(historyForget())
	return c
}

// printPasts writes a line a decision.
func printPasts(w io.Writer, list []policy.Decision) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "time\tid\tclient\tclass\tdevice\tflag\tverdict\taction\treason\tto\thelo")
	for i := range list {
		fmt.Fprintln(t, brief(&list[i], "\t"))
	}
	t.Flush()
}

// brief is a decision on one line.
func brief(d *policy.Decision, between string) string {
	at, helo := "-", "-"
	if d.Time != nil {
		at = stamp(*d.Time)
	}
	if d.HELO != nil {
		helo = dash(*d.HELO)
	}
	reason := d.Reason
	if d.Exempt != "" {
		reason = d.Exempt
	}
	return strings.Join([]string{at, dash(d.ID), dash(d.Client), dash(d.Class), dash(d.Device), dash(d.Flag), dash(d.Verdict), dash(d.Action),
		dash(reason), dash(strings.Join(d.To, ",")), helo}, between)
}

// printPast writes all that is known of a decision.
func printPast(w io.Writer, d *policy.Decision) {
	t := newTable(w)
	if d.Time != nil {
		t.row("time", stamp(*d.Time))
	}
	t.row("id", d.ID)
	t.row("session", d.Session)
	t.row("mta", d.MTA)
	t.row("qid", d.QueueID)
	t.row("to", strings.Join(d.To, ", "))
	t.row("stage", fmt.Sprintf("%s, %d recipients accepted, ended by %s", d.Stage, d.Rcpts, dash(d.End)))
	printDecision(t, d)
	fmt.Fprintln(t)
	t.Flush()
}

func historyForget() *cobra.Command {
	c := &cobra.Command{
		Use: "forget", Short: "remove decisions from the history", Args: cobra.NoArgs,
		Long: "Remove decisions from the history of the running daemon, those that meet all flags; --until now means\n" +
			"all of them. The log and the event file are not touched.",
	}
	q, which := asks(c), chooses(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		query, err := which.query()
		if err != nil {
			return err
		}
		if len(query) == 0 {
			return errors.New("nothing says which decisions; hint: --client 203.0.113.7, or --until now for all")
		}
		var gone admin.ForgottenDecisions
		return q.answer(http.MethodDelete, "/v1/history?"+query.Encode(), nil, &gone, func(w io.Writer) {
			fmt.Fprintf(w, "forgot %d decisions\n", gone.Decisions)
		})
	}
	return c
}

func tailCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "tail", Short: "watch decisions as the running daemon makes them", Args: cobra.NoArgs,
		Long: "Watch decisions as the running daemon makes them, one a line, until it is interrupted or the daemon ends.\n" +
			"With --json each is the object that the history and the event file have.",
		Example: "  iot-milter tail --flag yes\n  iot-milter tail --json | jq .client",
	}
	q, which := asks(c), chooses(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		query, err := which.query()
		if err != nil {
			return err
		}
		return q.follow("/v1/tail?"+query.Encode(), func(line []byte) error {
			return printTail(c.OutOrStdout(), c.ErrOrStderr(), line, *q.asJSON)
		})
	}
	return c
}

// printTail writes a decision, or how many of them came too fast.
func printTail(out, errOut io.Writer, line []byte, asJSON bool) error {
	var d struct {
		policy.Decision
		Dropped int64 `json:"dropped"`
	}
	if err := json.Unmarshal(line, &d); err != nil {
		return trouble(fmt.Errorf("the daemon's answer: %w; hint: is it of the same version?", err))
	}
	var err error
	switch {
	case d.Dropped > 0:
		_, err = fmt.Fprintf(errOut, "iot-milter: %d decisions came too fast\n", d.Dropped)
	case asJSON:
		_, err = out.Write(escaped(line))
	default:
		_, err = fmt.Fprintln(out, brief(&d.Decision, "  "))
	}
	return trouble(err)
}
