package cli

import (
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

func cacheCommand() *cobra.Command {
	return group("cache", "what the running daemon remembers of hosts", cacheList(), cacheShow(), cacheForget())
}

func cacheList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "list hosts, those seen last first", Args: cobra.NoArgs,
		Long: "List the hosts that the running daemon remembers, those seen last first. With a network instead of\n" +
			"an address the counts are those of its hosts that found no room.",
	}
	q := asks(c)
	prefix := c.Flags().String("prefix", "", "only those of this `network`")
	limit := c.Flags().Int("limit", 100, "at most so many, 1 to 10000")
	c.RunE = func(c *cobra.Command, _ []string) error {
		query := url.Values{"limit": {strconv.Itoa(*limit)}}
		if *limit < 1 || *limit > 10_000 {
			return fmt.Errorf("--limit %d is not 1 to 10000", *limit)
		}
		if *prefix != "" {
			p, err := admin.ParsePrefix(*prefix)
			if err != nil {
				return err
			}
			query.Set("prefix", p.String())
		}
		var found admin.Hosts
		return q.answer(http.MethodGet, "/v1/hosts?"+query.Encode(), nil, &found, func(w io.Writer) { printHosts(w, &found) })
	}
	return c
}

func printHosts(w io.Writer, found *admin.Hosts) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "host\tsessions\tsuspect\tflagged\tdays\tdevice\tlast")
	for _, h := range found.Hosts {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%s\n", nameOf(&h), h.Sessions, h.Suspect, h.Flagged, h.Days, dash(h.Device), stamp(h.Last))
	}
	t.Flush()
	if n := found.Total - len(found.Hosts); n > 0 {
		fmt.Fprintf(w, "and %d more\n", n)
	}
}

func nameOf(h *admin.Host) string {
	if h.Network != "" {
		return harmless(h.Network)
	}
	return h.Addr.String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return harmless(s)
}

func cacheShow() *cobra.Command {
	c := &cobra.Command{Use: "show ADDR", Short: "show what is remembered of one address", Args: cobra.ExactArgs(1),
		Long: "Show what is remembered of one address: its sessions, and the facts that look-ups found, each with how long\n" +
			"it holds yet. The class is not among it: it is judged anew in each session."}
	q := asks(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		p, err := admin.ParsePrefix(args[0])
		if err != nil {
			return err
		}
		if !p.IsSingleIP() {
			return fmt.Errorf("%s is a network; hint: iot-milter cache list --prefix %s", p, p)
		}
		var h admin.Host
		return q.answer(http.MethodGet, "/v1/hosts/"+p.Addr().String(), nil, &h, func(w io.Writer) { printHost(w, &h) })
	}
	return c
}

func printHost(w io.Writer, h *admin.Host) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(key string, value any) { fmt.Fprintf(t, "%s\t%v\n", key, value) }
	if h.Network == "" {
		row("host", h.Addr)
	} else {
		row("network", harmless(h.Network)+" (counts of its hosts that found no room)")
	}
	if h.Sessions > 0 {
		printSessions(row, h)
	} else {
		row("sessions", "none that was judged")
	}
	for _, f := range h.Facts {
		row(strings.TrimSpace(harmless(f.Kind)+" "+harmless(f.List)), fmt.Sprintf("%s, for %s", harmless(f.Text), time.Duration(f.Left)*time.Second))
	}
	if h.Allowed {
		row("allowed", "yes: it is not judged (iot-milter allow list)")
	}
	t.Flush()
}

func printSessions(row func(string, any), h *admin.Host) {
	row("first", stamp(h.First))
	row("last", stamp(h.Last))
	row("sessions", h.Sessions)
	row("  suspect", h.Suspect)
	row("  flagged", h.Flagged)
	row("days", h.Days)
	var classes []string
	for _, class := range policy.Words("class") {
		if n := h.Classes[class]; n > 0 {
			classes = append(classes, fmt.Sprintf("%s=%d", class, n))
		}
	}
	row("classes", dash(strings.Join(classes, " ")))
	device := dash(h.Device)
	if h.Shown != nil {
		device += fmt.Sprintf(", shown %d times, last %s", h.Shows, stamp(*h.Shown))
	}
	row("device", device)
}

func cacheForget() *cobra.Command {
	c := &cobra.Command{
		Use: "forget ADDR|NETWORK", Short: "forget an address or a network", Args: cobra.ExactArgs(1),
		Long: "Forget what is remembered of the hosts of an address or a network, facts too. Deferrals, limits and habits know\n" +
			"only the /24 or /48 that they are of: all those of the networks that it touches go.",
	}
	q := asks(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		p, err := admin.ParsePrefix(args[0])
		if err != nil {
			return err
		}
		var f admin.Forgotten
		return q.answer(http.MethodDelete, "/v1/hosts?"+url.Values{"prefix": {p.String()}}.Encode(), nil, &f, func(w io.Writer) {
			fmt.Fprintf(w, "forgot %d entries of %s\n", f.Entries, f.Prefix)
		})
	}
	return c
}
