package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/daemon"
)

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "validate the configuration and print what holds",
		Long: "Validate the configuration and print the effective one, secrets left out. Problems go to\n" +
			"stderr as file:line:col: key: what; hint, all at once, and the exit code is 2.",
		Args: cobra.NoArgs,
	}
	path := configFlag(c)
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, _ []string) error {
		config, warnings, err := conf.Load(*path)
		if err == nil {
			wrong, more := daemon.CheckSources(*path, config)
			warnings = append(warnings, more...)
			if len(wrong) > 0 {
				config, err = nil, wrong
			}
		}
		if *asJSON {
			return checkJSON(c.OutOrStdout(), config, warnings, err)
		}
		for _, w := range warnings {
			fmt.Fprintln(c.ErrOrStderr(), "warning:", w)
		}
		if err != nil {
			return err
		}
		_, err = c.OutOrStdout().Write(conf.Effective(config))
		return trouble(err)
	}
	return c
}

// problem is a conf.Problem in JSON.
type problem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
	Key  string `json:"key"`
	What string `json:"what"`
	Hint string `json:"hint"`
}

func checkJSON(w io.Writer, config *conf.Config, warnings []conf.Warning, err error) error {
	report := struct {
		OK       bool           `json:"ok"`
		Errors   []problem      `json:"errors"`
		Warnings []problem      `json:"warnings"`
		Config   map[string]any `json:"config,omitempty"`
	}{OK: err == nil, Errors: []problem{}, Warnings: []problem{}}
	var broken conf.Errors
	errors.As(err, &broken)
	for _, p := range broken {
		report.Errors = append(report.Errors, problem{p.File, p.Line, p.Col, p.Key, p.What, p.Hint})
	}
	for _, p := range warnings {
		report.Warnings = append(report.Warnings, problem{p.File, p.Line, p.Col, p.Key, p.What, p.Hint})
	}
	if err == nil {
		if err := toml.Unmarshal(conf.Effective(config), &report.Config); err != nil {
			return trouble(err)
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if e := encoder.Encode(report); e != nil {
		return trouble(e)
	}
	return err
}
