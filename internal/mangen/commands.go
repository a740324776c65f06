package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// common are flags of many commands: the frame describes them once.
var common = []string{"config", "socket", "json", "help"}

// commands describes the commands, each once.
type commands struct {
	byPath map[string]*cobra.Command // "cache list"
	told   map[string]bool
	flags  map[string]string // told flags, by name and usage: the command that told them
}

func newCommands(root *cobra.Command) *commands {
	c := &commands{byPath: map[string]*cobra.Command{}, told: map[string]bool{}, flags: map[string]string{}}
	c.add(root)
	return c
}

// add collects what can be called: no hidden commands, no bare groups of others.
func (c *commands) add(parent *cobra.Command) {
	for _, below := range parent.Commands() {
		if below.Hidden || below.Name() == "help" {
			continue
		}
		if !isGroup(below) {
			_, path, _ := strings.Cut(below.CommandPath(), " ")
			c.byPath[path] = below
		}
		c.add(below)
	}
}

// isGroup tells a command that only lists those below it.
func isGroup(c *cobra.Command) bool { return c.HasSubCommands() && c.Long == "" }

func (c *commands) left() []string {
	var left []string
	for _, path := range slices.Sorted(maps.Keys(c.byPath)) {
		if !c.told[path] {
			left = append(left, "the command "+path)
		}
	}
	return left
}

// Command is the item of one command: how it is called, what it does, its flags.
func (m *manual) Command(path string) (string, error) {
	c := m.commands
	command := c.byPath[path]
	if command == nil {
		return "", fmt.Errorf("there is no command %q", path)
	}
	c.told[path] = true
	var b strings.Builder
	fmt.Fprintf(&b, ".It Xo\n.Cm %s\n", path)
	flags := flagsOf(command)
	for _, f := range flags {
		b.WriteString(inSynopsis(f))
	}
	b.WriteString(arguments(command.Use) + ".Xc\n")
	text := command.Long
	if text == "" {
		text = strings.ToUpper(command.Short[:1]) + command.Short[1:] + "."
	}
	b.WriteString(mdoc(text))
	c.describe(&b, path, flags)
	return b.String(), nil
}

// flagsOf are a command's own flags without --help, which all have.
func flagsOf(command *cobra.Command) []*pflag.Flag {
	var flags []*pflag.Flag
	command.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			flags = append(flags, f)
		}
	})
	return flags
}

func inSynopsis(f *pflag.Flag) string {
	name := "-" + f.Name
	if f.Shorthand != "" {
		name = f.Shorthand
	}
	text := name
	if arg := argument(f); arg != "" {
		text += " Ar " + arg
	}
	if _, required := f.Annotations[cobra.BashCompOneRequiredFlag]; required {
		return ".Fl " + text + "\n"
	}
	return ".Op Fl " + text + "\n"
}

// argument is what stands behind a flag: what its usage has in backquotes, else a word for
// its type.
func argument(f *pflag.Flag) string {
	arg, _ := pflag.UnquoteUsage(f)
	switch {
	case arg == "int":
		return "number"
	case arg == "string" || arg == "stringArray":
		return "word"
	}
	return arg
}

var (
	useFlag  = regexp.MustCompile(`\| --\S+ \S+|--\S+ \S+|\[flags\]`)
	lowWords = regexp.MustCompile(`^[a-z|]+$`)
)

// arguments are those in a command's line of use.
func arguments(use string) string {
	var b strings.Builder
	for _, word := range strings.Fields(useFlag.ReplaceAllString(use, ""))[1:] {
		inner := strings.Trim(word, "[]")
		kind := "Ar "
		if lowWords.MatchString(inner) {
			kind = "Cm "
		}
		inner = strings.ReplaceAll(strings.ReplaceAll(inner, "...", " ..."), "|", " | ")
		if strings.HasPrefix(word, "[") || strings.Contains(use, "| --") { // WHAT | --from-id ID: either
			kind = "Op " + kind
		}
		b.WriteString("." + kind + inner + "\n")
	}
	return b.String()
}

// describe lists the flags that were not told before.
func (c *commands) describe(b *strings.Builder, path string, flags []*pflag.Flag) {
	var list strings.Builder
	as := ""
	for _, f := range flags {
		key := f.Name + "\x00" + f.Usage
		switch before := c.flags[key]; {
		case slices.Contains(common, f.Name) && f.Usage == plainUsage(f):
		case before != "":
			as = before
		default:
			c.flags[key] = path
			list.WriteString(describeFlag(f))
		}
	}
	if as != "" {
		fmt.Fprintf(b, ".Pp\nFlags that are not described here are those of\n.Cm %s .\n", as)
	}
	if list.Len() > 0 {
		b.WriteString(".Pp\n.Bl -tag -width Ds -compact\n" + list.String() + ".El\n")
	}
}

// plainUsage is the usage of a common flag that says no more than the frame.
func plainUsage(f *pflag.Flag) string {
	if f.Name == "json" && f.Usage != "print JSON" && f.Usage != "print one JSON object" {
		return ""
	}
	return f.Usage
}

func describeFlag(f *pflag.Flag) string {
	head := ".It Fl -" + f.Name
	if arg := argument(f); arg != "" {
		head += " Ar " + arg
	}
	_, usage := pflag.UnquoteUsage(f)
	usage = strings.ToUpper(usage[:1]) + usage[1:]
	switch f.DefValue {
	case "", "false", "[]":
	default:
		usage += "; the default is " + f.DefValue
	}
	return head + "\n" + mdoc(usage+".")
}
