package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/daemon"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// maxNamed is how many records that cannot be read are named on stderr.
const maxNamed = 100

// recording is what replay is asked.
type recording struct {
	format       string
	mx           []string
	online, json bool
}

func replayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "replay [flags] PATH...",
		Short: "judge recorded mail: what would have happened to it",
		Long: "Judge recorded mail as the daemon would have, by the client that handed it to one's own MX, and\n" +
			"report what the configured mode and mode enforce would have done. Nothing is looked up without\n" +
			"--online, which tells what is true now, not what was then.\n\n" +
			"A PATH is a file of JSON lines, an mbox, a Maildir, a message (.eml), a mail log of Postfix or\n" +
			"Sendmail, any of them gzipped or by bzip2, a folder of these, or \"-\" for standard input.",
		Args: cobra.MinimumNArgs(1),
	}
	path := configFlag(c)
	var q recording
	f := c.Flags()
	f.StringVar(&q.format, "format", string(replay.Auto), "`format` of the recordings: auto, jsonl, mbox, maildir, eml or maillog")
	f.StringArrayVar(&q.mx, "mx", nil, "`name` of an own MX or relay, whose hop is not the border; may be repeated")
	f.BoolVar(&q.online, "online", false, "look up what is missing, with the sources of the configuration")
	f.BoolVar(&q.json, "json", false, "print one decision a line, in the order of the input")
	c.RunE = func(c *cobra.Command, paths []string) error {
		config, _, err := conf.Load(*path)
		if err != nil {
			return err
		}
		if !slices.Contains(replay.Formats, replay.Format(q.format)) {
			return fmt.Errorf("--format %q is none; hint: auto, jsonl, mbox, maildir, eml or maillog", q.format)
		}
		return q.run(c, config, paths)
	}
	return c
}

func (q *recording) run(c *cobra.Command, config *conf.Config, paths []string) error {
	settings := daemon.Settings(config)
	for _, name := range q.mx {
		settings.Rules.OwnHosts = append(settings.Rules.OwnHosts, strings.ToLower(strings.TrimSuffix(name, ".")))
	}
	ctx := c.Context()
	report := replay.NewReport(settings.Rules.Mode)
	if q.online {
		sources := online(ctx, settings, config, c.ErrOrStderr())
		defer sources.Close()
		report.Finds = sources.Finds
	}
	judge, err := newJudge(settings, config.Store.Hosts)
	if err != nil {
		return trouble(err)
	}
	own := slices.Clone(settings.Rules.OwnHosts)
	if settings.Rules.Hostname != "" {
		own = append(own, strings.ToLower(settings.Rules.Hostname))
	}
	bar := newProgress(c.ErrOrStderr(), paths)
	reader := replay.Options{
		Format: replay.Format(q.format), Exempt: &settings.Rules.Exempt, OwnHosts: own, Stdin: c.InOrStdin(),
		Now: time.Now, Location: time.Local, Workers: runtime.GOMAXPROCS(0), Progress: bar.add,
		Bodies: config.Campaign.URLs,
	}
	s := &sum{report: report, judge: judge, mode: settings.Rules.Mode, errOut: c.ErrOrStderr(), bar: bar}
	out := bufio.NewWriterSize(c.OutOrStdout(), 1<<16)
	if q.json {
		s.lines = replay.NewEncoder(out)
	} else if s.enforce, err = enforcing(settings, config.Store.Hosts); err != nil {
		return trouble(err)
	}
	ahead := &window{evidence: settings.Evidence, judge: func(r *replay.Record) error { return s.add(ctx, r) }}
	if err := reader.Records(ctx, paths, ahead.add); err != nil {
		return trouble(err)
	}
	if err := ahead.flush(); err != nil {
		return trouble(err)
	}
	bar.clear()
	if !q.json {
		if err := s.report.Print(out); err != nil {
			return trouble(err)
		}
	}
	if err := out.Flush(); err != nil {
		return trouble(err)
	}
	if s.report.Read() == 0 && s.report.Damaged() > 0 {
		return trouble(errors.New("nothing could be read"))
	}
	return nil
}

func newJudge(settings *decider.Settings, entries int) (*replay.Judge, error) {
	memory, err := state.New(state.Options{Entries: entries})
	if err != nil {
		return nil, err
	}
	return replay.NewJudge(decider.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, State: memory}, settings), nil
}

// enforcing is a judge with the same rules in mode enforce, and a memory of its
// own.
func enforcing(settings *decider.Settings, entries int) (*replay.Judge, error) {
	if settings.Rules.Mode == policy.ModeEnforce {
		return nil, nil
	}
	enforced := *settings
	enforced.Rules.Mode = policy.ModeEnforce
	return newJudge(&enforced, entries)
}

// sum takes records as they come.
type sum struct {
	report         *replay.Report
	judge, enforce *replay.Judge // enforce is nil where judge is one, or for JSON
	mode           policy.Mode
	lines          *replay.Encoder // nil for a report
	errOut         io.Writer
	bar            *progress
}

func (s *sum) add(ctx context.Context, r *replay.Record) error {
	if r.Damage != "" {
		s.report.AddDamage(r)
		if s.lines != nil {
			s.name(r)
		}
		return nil
	}
	if r.Undecidable != "" {
		s.report.AddUndecidable(r)
		if s.lines == nil {
			return nil
		}
		return s.lines.Encode(r, replay.Undecided(r, s.mode))
	}
	d, _, ok := s.judge.Message(ctx, r)
	if !ok {
		return errors.New("no decision was made on " + r.Place)
	}
	enforced := d
	if s.enforce != nil {
		enforced, _, _ = s.enforce.Message(ctx, r)
	}
	s.report.Add(r, &d, &enforced)
	if s.lines == nil {
		return nil
	}
	return s.lines.Encode(r, &d)
}

// name tells of a record that cannot be read, beside JSON lines. A report tells
// of it at its end.
func (s *sum) name(r *replay.Record) {
	switch n := s.report.Damaged(); {
	case n <= maxNamed:
		s.bar.clear()
		fmt.Fprintln(s.errOut, replay.Harmless(r.Place+": "+r.Damage))
	case n == maxNamed+1:
		fmt.Fprintf(s.errOut, "more than %d records cannot be read; the others are not named\n", maxNamed)
	}
}
