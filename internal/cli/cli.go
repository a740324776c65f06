// Package cli is the command line. Exit codes: 0 ok, 1 trouble at run time, 2 a
// wrong configuration or command line.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/daemon"
)

// The exit codes.
const (
	exitOK      = 0
	exitRuntime = 1
	exitUsage   = 2
)

// Build says what was built.
type Build struct {
	Version string
	Commit  string
	Config  string // the file that is read without -c, where it exists; "" is none
}

// runtimeError is trouble that is not the command line's.
type runtimeError struct{ error }

func (e runtimeError) Unwrap() error { return e.error }

// trouble makes err, unless it is nil, a runtimeError.
func trouble(err error) error {
	if err == nil {
		return nil
	}
	return runtimeError{err}
}

// Root is the tree of commands, for what describes it; Main runs it.
func Root(b Build) *cobra.Command {
	root := &cobra.Command{
		Use:   "iot-milter",
		Short: "tells a mail server what kind of machine is on the other end",
		Long: "iot-milter is a milter for Postfix and Sendmail. It classifies the SMTP client (mail server,\n" +
			"hosted machine, business line, access line, embedded device) while the connection is open,\n" +
			"and tags, limits, defers or rejects its mail.",
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRun: func(c *cobra.Command, _ []string) { b.config(c) },
	}
	root.AddCommand(runCommand(b), checkCommand(), explainCommand(), identifyCommand(), replayCommand(), versionCommand(b),
		cacheCommand(), allowCommand(), topCommand(), statsCommand(), tailCommand(), historyCommand(), reloadCommand(), mtaConfigCommand(), completionCommand())
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	completes(root)
	return root
}

// Main runs the command that args name and returns the exit code.
func Main(args []string, b Build, in io.Reader, out, errOut io.Writer) int {
	root := Root(b)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	var broken conf.Errors
	if errors.As(err, &broken) {
		fmt.Fprintln(errOut, broken)
		return exitUsage
	}
	var atRuntime runtimeError
	if errors.As(err, &atRuntime) {
		fmt.Fprintln(errOut, "iot-milter:", err)
		return exitRuntime
	}
	fmt.Fprintln(errOut, "iot-milter:", err)
	fmt.Fprintln(errOut, "hint: iot-milter --help")
	return exitUsage
}

// config lets a command that was given no -c read the file that the daemon reads. Of one
// that cannot be looked at the error is Load's: silence would mean the defaults.
func (b Build) config(c *cobra.Command) {
	flag := c.Flags().Lookup("config")
	if flag == nil || flag.Changed || b.Config == "" {
		return
	}
	if _, err := os.Stat(b.Config); errors.Is(err, os.ErrNotExist) {
		return
	}
	flag.Value.Set(b.Config)
}

// configFlag adds -c to a command.
func configFlag(c *cobra.Command) *string {
	return c.Flags().StringP("config", "c", "", "configuration `file`; without one the installed one, \"\" for all defaults")
}

func runCommand(b Build) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "run the daemon in the foreground, logging to stderr",
		Long: "Run the daemon in the foreground, logging to stderr. SIGHUP reads the configuration again\n" +
			"(a wrong one changes nothing), SIGTERM lets open messages end and exits 0, a second one at once.",
		Args: cobra.NoArgs,
	}
	path := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		err := daemon.Run(*path, b.Version, c.ErrOrStderr(), hasten())
		var broken conf.Errors
		if err == nil || errors.As(err, &broken) {
			return err
		}
		return trouble(err)
	}
	return c
}
