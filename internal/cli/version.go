package cli

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/net/publicsuffix"

	"github.com/iot-milter/iot-milter/policy"
)

func versionCommand(b Build) *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "print version, commit, Go version and the dates of the data", Args: cobra.NoArgs}
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, _ []string) error {
		v := struct {
			Version  string `json:"version"`
			Commit   string `json:"commit"`
			Go       string `json:"go"`
			Weights  string `json:"weights"`
			Suffixes string `json:"suffixes"`
		}{b.Version, b.Commit, runtime.Version(), policy.WeightsDate, publicsuffix.List.String()}
		if *asJSON {
			return trouble(json.NewEncoder(c.OutOrStdout()).Encode(v))
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "iot-milter %s\ncommit     %s\ngo         %s\nweights    %s\nsuffixes   %s\n",
			v.Version, v.Commit, v.Go, v.Weights, v.Suffixes)
		return trouble(err)
	}
	return c
}
