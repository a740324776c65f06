package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/internal/admin"
)

func allowCommand() *cobra.Command {
	return group("allow", "the list of clients that the running daemon does not judge", allowAdd(), allowList(), allowRemove())
}

func allowAdd() *cobra.Command {
	c := &cobra.Command{
		Use: "add WHAT | --from-id ID", Short: "put a client on the list", Args: cobra.MaximumNArgs(1),
		Long: "Put a client on the list: an address, a network, or a domain, which stands for confirmed PTR names that\n" +
			"are it or below it; or, with --from-id, the client of a decision, which is kept with the entry. It holds\n" +
			"for connections that begin from now on, and outlives the daemon.",
	}
	q := asks(c)
	note := c.Flags().String("note", "", "why: `text` of at most 200 characters")
	id := c.Flags().String("from-id", "", "the client of the decision with this `id`, as in the reply and the log; WHAT may name it otherwise")
	span := c.Flags().String("for", "", "for this `time` only, such as 30d or 12h; without it for ever")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *span != "" {
			if _, err := admin.ParseSpan(*span); err != nil {
				return err
			}
		}
		what := append(args, "")[0]
		if what == "" && *id == "" {
			return errors.New("who is meant? hint: iot-milter allow add 203.0.113.7, or --from-id ID")
		}
		var e admin.Allowed
		return q.answer(http.MethodPost, "/v1/allow", admin.Permit{What: what, FromID: *id, Note: *note, For: *span}, &e, func(w io.Writer) {
			fmt.Fprintf(w, "%s is allowed %s\n", harmless(e.What), until(&e))
		})
	}
	return c
}

func until(e *admin.Allowed) string {
	switch {
	case e.Until == nil:
		return "for ever"
	case e.Until.Before(time.Now()):
		return "no longer"
	}
	return "until " + stamp(*e.Until)
}

func allowList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "print the list", Args: cobra.NoArgs}
	q := asks(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		var found struct {
			Allow []admin.Allowed `json:"allow"`
		}
		return q.answer(http.MethodGet, "/v1/allow", nil, &found, func(w io.Writer) {
			if len(found.Allow) == 0 {
				fmt.Fprintln(w, "the list is empty")
				return
			}
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "what\tadded\tholds\tfor\tnote")
			for _, e := range found.Allow {
				id := ""
				if e.Evidence != nil {
					id = e.Evidence.ID
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", harmless(e.What), stamp(e.Added), until(&e), dash(id), harmless(e.Note))
			}
			t.Flush()
		})
	}
	return c
}

func allowRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove WHAT", Short: "take an entry off the list", Args: cobra.ExactArgs(1)}
	q := asks(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		var gone struct {
			Removed string `json:"removed"`
		}
		return q.answer(http.MethodDelete, "/v1/allow?"+url.Values{"what": {args[0]}}.Encode(), nil, &gone, func(w io.Writer) {
			fmt.Fprintf(w, "%s is judged again\n", harmless(gone.Removed))
		})
	}
	return c
}
