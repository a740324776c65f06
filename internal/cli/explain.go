package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/daemon"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
)

// question is what explain is asked.
type question struct {
	client, ptr, iprev, helo, from, message, stack string
	online, json                                   bool
}

func explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain --client IP[:PORT] [flags]",
		Short: "show how a client would be judged, and why",
		Long: "Show how a client would be judged: the facts, each signal with its status, its weight in decibans\n" +
			"and the fact that caused it, the class and the verdict. What is not given is unknown, which is no evidence.",
		Args: cobra.NoArgs,
	}
	path := configFlag(c)
	var q question
	f := c.Flags()
	f.StringVar(&q.client, "client", "", "`IP[:PORT]` of the SMTP client; required")
	f.StringVar(&q.ptr, "ptr", "", "its PTR `name`")
	f.StringVar(&q.iprev, "iprev", "", "`result` of confirming that name: pass, fail, permerror or temperror; with --ptr alone it is pass")
	f.StringVar(&q.helo, "helo", "", "its HELO `name`")
	f.StringVar(&q.from, "from", "", "the envelope sender's `address`, \"<>\" for the null sender")
	f.StringVar(&q.message, "message", "", "`file` with the message's header as the client sent it, \"-\" for standard input")
	f.StringVar(&q.stack, "stack", "", "`facts` of the TCP stack: ws=3,mss=1452,ts=1,sack=1; window scale \"-\" is none")
	f.BoolVar(&q.online, "online", false, "look up what is missing, with the sources of the configuration")
	f.BoolVar(&q.json, "json", false, "print the decision as one JSON object")
	c.MarkFlagRequired("client")
	c.RunE = func(c *cobra.Command, _ []string) error {
		config, _, err := conf.Load(*path)
		if err != nil {
			return err
		}
		return explain(c, config, &q)
	}
	return c
}

func explain(c *cobra.Command, config *conf.Config, q *question) error {
	headers, err := q.headers(c.InOrStdin())
	if err != nil {
		return trouble(err)
	}
	ask := replay.Question{Client: q.client, PTR: q.ptr, Iprev: q.iprev, Stack: q.stack, Headers: headers}
	if c.Flags().Changed("helo") {
		ask.HELO = &q.helo
	}
	if c.Flags().Changed("from") {
		ask.From = &q.from
	}
	if err := ask.Check(); err != nil {
		return fmt.Errorf("--%w", err)
	}
	settings := daemon.Settings(config)
	if q.online {
		sources := online(c.Context(), settings, config, c.ErrOrStderr())
		defer sources.Close()
	}
	decision, verdict, err := ask.Explain(c.Context(), settings)
	if err != nil {
		return trouble(err)
	}
	if q.json {
		return trouble(json.NewEncoder(c.OutOrStdout()).Encode(decision))
	}
	return trouble(printTrace(c.OutOrStdout(), decision, verdict))
}

// headers reads the message's, nil when none is given.
func (q *question) headers(stdin io.Reader) (*policy.Headers, error) {
	if q.message == "" {
		return nil, nil
	}
	r := stdin
	if q.message != "-" {
		f, err := os.Open(q.message)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	h := &policy.Headers{}
	if err := replay.ReadHeaders(r, h); err != nil {
		return nil, fmt.Errorf("%s: %w", q.message, err)
	}
	return h, nil
}

// table writes rows of a key and a value; what is empty is left out, and what a terminal
// obeys is shown as what it is.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (t table) row(key, value string) {
	if value != "" {
		fmt.Fprintf(t, "%s\t%s\n", key, harmless(value))
	}
}

func printTrace(w io.Writer, d *policy.Decision, v policy.Verdict) error {
	t := newTable(w)
	printDecision(t, d)
	printWire(t, v)
	return t.Flush()
}

// printDecision writes the facts, each signal, and what was concluded.
func printDecision(t table, d *policy.Decision) {
	row := t.row
	row("client", d.Client)
	row("ptr", replay.Harmless(d.PTR))
	row("iprev", d.Iprev)
	if d.HELO != nil {
		row("helo", fmt.Sprintf("%q", *d.HELO))
	}
	if d.From != nil {
		row("from", fmt.Sprintf("%q", *d.From))
	}
	fmt.Fprintln(t)
	if len(d.Signals) > 0 {
		fmt.Fprintln(t, "signal\tstatus\tgroup\tfamily\tdecibans\tfact")
	}
	for _, s := range d.Signals {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%+.1f\t%s\n", harmless(s.Name), harmless(s.Status), harmless(s.Group), harmless(s.Family),
			s.Weight, replay.Harmless(s.Fact))
	}
	fmt.Fprintln(t)
	row("class", d.Class)
	row("device", strings.TrimSpace(d.Device+" "+d.Vendor))
	row("confidence", fmt.Sprintf("%.4f", d.Confidence))
	for _, class := range policy.Words("class")[1:] {
		if p, ok := d.P[class]; ok {
			row("  p "+class, fmt.Sprintf("%.4f", p))
		}
	}
	row("flag", d.Flag)
	row("exempt", d.Exempt)
	row("verdict", d.Verdict)
	row("reason", d.Reason)
	row("action", d.Action+" (mode "+d.Mode+")")
	for i := range d.Limits {
		row("limit", limit(&d.Limits[i]))
	}
}

// printWire writes what the MTA would be told.
func printWire(t table, v policy.Verdict) {
	t.row("reply", v.Reply)
	if v.Mark != "" {
		fmt.Fprintf(t, "header\t%s: %s\n", policy.HeaderName, strings.ReplaceAll(v.Mark, "\n", "\n\t")) // its letters are the contract's
	}
}

// limit says which limit counted the client, and what was left of it; or which would count
// it, and by what.
func limit(l *policy.DecisionLimit) string {
	var b strings.Builder
	b.WriteString(l.Name + " (" + l.Count + ")")
	if l.Left != nil {
		fmt.Fprintf(&b, " %d left", *l.Left)
	}
	if l.Full != nil && *l.Full {
		b.WriteString(", full")
	}
	if l.Room != nil {
		b.WriteString(", room again " + l.Room.Format(time.RFC3339))
	}
	for _, key := range slices.Sorted(maps.Keys(l.Key)) {
		b.WriteString(" " + key + "=" + replay.Harmless(l.Key[key]))
	}
	return b.String()
}
