package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/admin"
)

// inquiry is what the commands that ask the running daemon share.
type inquiry struct {
	command *cobra.Command
	config  *string
	socket  *string
	asJSON  *bool
}

// asks adds the flags of an inquiry to a command.
func asks(c *cobra.Command) *inquiry {
	return &inquiry{
		command: c, config: c.Flags().StringP("config", "c", "", "configuration `file` that names the control socket; without one the installed one"),
		socket: c.Flags().String("socket", "", "the control socket's `path`, instead of the configuration's"),
		asJSON: c.Flags().Bool("json", false, "print JSON"),
	}
}

// where is the control socket's path.
func (q *inquiry) where() (string, error) {
	if *q.socket != "" {
		return *q.socket, nil
	}
	config, _, err := conf.Load(*q.config)
	if err != nil {
		return "", err
	}
	if config.Admin.Control == "" {
		return "", errors.New(`there is no control socket: [admin] control is ""; hint: set it and restart the daemon, or name another with --socket`)
	}
	return config.Admin.Control, nil
}

// ask asks the running daemon.
func (q *inquiry) ask(method, path string, body, answer any) error {
	socket, err := q.where()
	if err != nil {
		return err
	}
	return plainly(admin.NewClient(socket).Do(q.command.Context(), method, path, body, answer))
}

// follow hands on each line of an answer that does not end, until the command is
// interrupted.
func (q *inquiry) follow(path string, line func([]byte) error) error {
	socket, err := q.where()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(q.command.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var wrong error // of what takes the lines
	err = admin.NewClient(socket).Follow(ctx, path, func(b []byte) error { wrong = line(b); return wrong })
	if ctx.Err() != nil || wrong != nil {
		return wrong
	}
	return plainly(err)
}

// plainly is an error as it is printed.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	var no *admin.Refusal
	if errors.As(err, &no) && no.Status == http.StatusBadRequest {
		return errors.New(harmless(no.What)) // the command line's
	}
	return trouble(errors.New(harmless(err.Error())))
}

// answer asks and prints: v as JSON, or what plain writes.
func (q *inquiry) answer(method, path string, body, v any, plain func(io.Writer)) error {
	if err := q.ask(method, path, body, v); err != nil {
		return err
	}
	return q.print(v, plain)
}

func (q *inquiry) print(v any, plain func(io.Writer)) error {
	var b bytes.Buffer
	if *q.asJSON {
		if err := json.NewEncoder(&b).Encode(v); err != nil {
			return trouble(err)
		}
		_, err := q.command.OutOrStdout().Write(escaped(b.Bytes()))
		return trouble(err)
	}
	plain(&b)
	_, err := q.command.OutOrStdout().Write(b.Bytes())
	return trouble(err)
}

// escaped writes what a terminal obeys or hides, and JSON leaves as it is, in JSON's
// own way: it can only be in strings.
func escaped(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r < 0x7f || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// harmless shows no character that a terminal obeys or hides.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// stamp is a time as it is printed.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// group is a command that only has others below it.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(below...)
	return c
}

func reloadCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "reload",
		Short: "have the running daemon read its configuration again",
		Long: "Have the running daemon read its configuration again, and wait for the result. A wrong one changes\n" +
			"nothing: its problems go to stderr as file:line:col: key: what; hint, and the exit code is 2.",
		Args: cobra.NoArgs,
	}
	q := asks(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		var r admin.Reloaded
		if err := q.ask(http.MethodPost, "/v1/reload", nil, &r); err != nil {
			return err
		}
		if *q.asJSON {
			if err := q.print(r, nil); err != nil {
				return err
			}
		}
		for _, w := range r.Warnings {
			fmt.Fprintln(c.ErrOrStderr(), "warning:", harmless(problemOf(w).Error()))
		}
		for _, key := range r.Later {
			fmt.Fprintf(c.ErrOrStderr(), "warning: %s takes effect at the next start\n", key)
		}
		if !r.OK {
			var wrong conf.Errors
			for _, p := range r.Errors {
				wrong = append(wrong, problemOf(p))
			}
			return wrong
		}
		if *q.asJSON {
			return nil
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), "reloaded, mode", r.Mode)
		return trouble(err)
	}
	return c
}

func problemOf(p admin.Problem) conf.Problem {
	return conf.Problem{File: harmless(p.File), Line: p.Line, Col: p.Col, Key: harmless(p.Key), What: harmless(p.What), Hint: harmless(p.Hint)}
}
