package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
)

// shells are those that completionCommand writes for.
var shells = []string{"bash", "zsh", "fish"}

// completionCommand stands in the place of cobra's own command of that name, which has a
// command below it for each shell.
func completionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print the script that completes this command line in a shell",
		Long: "Print the script that completes commands, flags and their words in a shell. Packages install it; by hand,\n" +
			"bash takes it as /etc/bash_completion.d/iot-milter (with the package bash-completion), zsh as _iot-milter in a\n" +
			"folder of $fpath, fish as ~/.config/fish/completions/iot-milter.fish.",
		Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs), ValidArgs: shells,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		root, out := c.Root(), c.OutOrStdout()
		switch args[0] {
		case "bash":
			return trouble(root.GenBashCompletionV2(out, true))
		case "zsh":
			return trouble(root.GenZshCompletion(out))
		}
		return trouble(root.GenFishCompletion(out, true))
	}
	return c
}

// flagWords are the words that flags take, by the flags' names.
func flagWords() map[string][]string {
	formats := make([]string, len(replay.Formats))
	for i, f := range replay.Formats {
		formats[i] = string(f)
	}
	return map[string][]string{
		"iprev": {"pass", "fail", "permerror", "temperror"}, "format": formats,
		"class": policy.Words("class"), "device": policy.Words("device"),
		"action": policy.Words("action"), "flag": policy.Words("flag"),
	}
}

// Flags and commands whose value is the name of a file or a folder.
var (
	pathFlags    = []string{"message", "socket", "mta"}
	pathCommands = []string{"replay", "identify"}
)

// completes says what the shell offers below c: the words of a closed list, files where
// files are meant, and nothing elsewhere, where names of files would mislead.
func completes(c *cobra.Command) {
	for _, below := range c.Commands() {
		completes(below)
	}
	if slices.Contains(pathCommands, c.Name()) {
		c.ValidArgsFunction = anyFile
	}
	for name, list := range flagWords() {
		if c.Flags().Lookup(name) != nil {
			c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	for _, name := range pathFlags {
		if c.Flags().Lookup(name) != nil {
			c.RegisterFlagCompletionFunc(name, anyFile)
		}
	}
	if c.Flags().Lookup("config") != nil {
		c.MarkFlagFilename("config", "toml")
	}
}

func anyFile(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}
