package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/plumbing"
)

func mtaConfigCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "mta-config postfix|sendmail",
		Short: "print the lines that the MTA's configuration needs, or find what is wrong with it",
		Long: "Print the lines for main.cf and master.cf, or for sendmail.mc, that fit this configuration and what\n" +
			"the MTA has already. With --verify compare them with the running MTA, speak to the socket, and name\n" +
			"each fault with the line that mends it. Nothing is changed. Exit code 1 says that there are faults.",
		Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs), ValidArgs: []string{"postfix", "sendmail"},
	}
	path := configFlag(c)
	verify := c.Flags().Bool("verify", false, "find the faults of what is there")
	mta := c.Flags().String("mta", "", "the MTA's configuration: `path` of Postfix's folder, or of sendmail.cf, sendmail.mc or their folder")
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		config, _, err := conf.Load(*path)
		if err != nil {
			return err
		}
		ask := plumbing.Advise
		if *verify {
			ask = plumbing.Verify
		}
		report, err := ask(args[0], plumbing.Options{Config: config, ConfigFile: *path, MTA: *mta})
		if err != nil {
			return trouble(err)
		}
		switch {
		case *asJSON:
			encoder := json.NewEncoder(c.OutOrStdout())
			encoder.SetIndent("", "  ")
			encoder.SetEscapeHTML(false)
			err = encoder.Encode(report)
		case *verify:
			report.WriteFindings(c.OutOrStdout())
		default:
			report.WriteLines(c.OutOrStdout())
		}
		if n := report.Faults(); err == nil && n > 0 {
			err = fmt.Errorf("faults found: %d", n)
		}
		return trouble(err)
	}
	return c
}
