// Command fit fits the weights of policy.Weights to recorded mail and measures
// what they find. From a directory of recordings, which are not part of the
// project, it prints the table as Go source, writes it, compares the committed one
// with it, or writes docs/accuracy.md. Only aggregates leave the recordings.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

// howToGet is told to whoever has no recordings.
const howToGet = `the recordings are not part of the project: their licences forbid to pass them on, and they hold personal data.
hint: get the public collections that docs/accuracy.md names, write each border hop as a line of connections.jsonl,
mails.jsonl and hostnames.tsv (internal/recording says what a line holds), then: make accuracy DATA=that-directory`

type options struct {
	dir, date, docs string
	write, check    bool
}

func main() {
	var o options
	flag.StringVar(&o.dir, "data", "", "directory with the recordings")
	flag.StringVar(&o.date, "date", policy.WeightsDate, "day of the measurement, for the table")
	flag.BoolVar(&o.write, "write", false, "write policy/weights.go instead of printing it")
	flag.BoolVar(&o.check, "check", false, "compare the committed table with a refit")
	flag.StringVar(&o.docs, "accuracy", "", "write accuracy.md and its curve into this directory")
	flag.Parse()
	if o.dir == "" {
		fmt.Fprintln(os.Stderr, "fit: no -data; "+howToGet)
		os.Exit(2)
	}
	if err := run(&o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fit:", err)
		os.Exit(1)
	}
}

func run(o *options, out io.Writer) error {
	d, err := load(o.dir)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w; %s", err, howToGet)
	}
	if err != nil {
		return err
	}
	if o.docs != "" {
		return d.accuracy(o.docs)
	}
	t := d.fit(everything)
	if o.check {
		if wrong := check(t); len(wrong) > 0 {
			return errors.New("policy.Weights is not what a refit says; hint: -write\n" + strings.Join(wrong, "\n"))
		}
		fmt.Fprintln(out, "policy.Weights is what a refit says")
		return nil
	}
	var text bytes.Buffer
	d.print(&text, t, o.date)
	source, err := format.Source(text.Bytes())
	if err != nil {
		return err
	}
	if o.write {
		return os.WriteFile(filepath.Join("policy", "weights.go"), source, 0o644)
	}
	_, err = out.Write(source)
	return err
}

func everything(*unit) bool { return true }
