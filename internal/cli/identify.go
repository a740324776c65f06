package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/recog"
	"github.com/iot-milter/iot-milter/policy/device"
)

// maxIdentifyLine is the longest line that identify takes, in bytes.
const maxIdentifyLine = 64 << 10

func identifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "identify [flags] [FILE|-]",
		Short: "say which device a greeting is from",
		Long: "Say which device a greeting is from. Each line of the file, or of standard input, is a kind, a tab and\n" +
			"the text; kinds are helo ptr http title telnet ssh ftp rtsp smtp snmp upnp, http being a Server or\n" +
			"WWW-Authenticate value, and the text is escaped \\t \\r \\n \\\\. Each gets one line of answer, in order:\n" +
			"device, vendor, model and the words that say so, with tabs between; all empty when it is no device.\n" +
			"Fingerprints of [identify] recog in the configuration are asked first, the built-in tables after them.\n" +
			"A line that cannot be read gets an empty answer, a message on stderr, and at the end exit code 1.",
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(c)
	asJSON := c.Flags().Bool("json", false, `print one JSON object a line: {"device","vendor","model","words"}`)
	c.RunE = func(c *cobra.Command, args []string) error {
		config, _, err := conf.Load(*path)
		if err != nil {
			return err
		}
		in := c.InOrStdin()
		if len(args) == 1 && args[0] != "-" {
			f, err := os.Open(args[0])
			if err != nil {
				return trouble(err)
			}
			defer f.Close()
			in = f
		}
		who, err := newIdentifier(config, c.ErrOrStderr())
		if err != nil {
			return trouble(err)
		}
		out := bufio.NewWriter(c.OutOrStdout())
		answer := answerText
		if *asJSON {
			answer = answerJSON
		}
		err = who.lines(in, out, c.ErrOrStderr(), answer)
		return trouble(errors.Join(err, out.Flush()))
	}
	return c
}

// identifier answers what device a greeting is from.
type identifier struct {
	recog *recog.Database // nil without one
}

// newIdentifier loads what the configuration names, and tells errOut what of it
// cannot be used.
func newIdentifier(config *conf.Config, errOut io.Writer) (*identifier, error) {
	dir := config.Identify.Recog
	if dir == "" {
		return &identifier{}, nil
	}
	database, report, err := recog.Load(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("identify.recog: %s: %w", dir, err)
	}
	for _, what := range report.Unusable {
		fmt.Fprintf(errOut, "iot-milter: recog: not used: %s\n", escape(what))
	}
	fmt.Fprintf(errOut, "iot-milter: recog: %d fingerprints in %d files: %d used, %d of other kinds, %d not used\n",
		report.Fingerprints, report.Files, report.Used, report.Elsewhere, len(report.Unusable))
	return &identifier{database}, nil
}

// lines answers each line of in with one of out, and tells of bad ones in errOut.
// It needs memory for one line.
func (who *identifier) lines(in io.Reader, out *bufio.Writer, errOut io.Writer, answer func(*bufio.Writer, device.Answer) error) error {
	r := bufio.NewReaderSize(in, maxIdentifyLine)
	bad := 0
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		long := false
		for errors.Is(err, bufio.ErrBufferFull) {
			long = true
			_, err = r.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err != nil && len(line) == 0 {
			break
		}
		a, what := device.Answer{}, fmt.Sprintf("longer than %d bytes", maxIdentifyLine)
		if !long {
			a, what = who.line(string(line))
		}
		if what != "" {
			bad++
			fmt.Fprintf(errOut, "iot-milter: line %d: %s\n", n, what)
		}
		if e := answer(out, a); e != nil {
			return e
		}
		if r.Buffered() == 0 {
			// Whoever asks by a pipe, line by line, waits for this answer.
			if e := out.Flush(); e != nil {
				return e
			}
		}
		if err != nil {
			break
		}
	}
	switch bad {
	case 0:
		return nil
	case 1:
		return errors.New("1 line could not be read")
	}
	return fmt.Errorf("%d lines could not be read", bad)
}

// line answers one line, or says what is wrong with it.
func (who *identifier) line(line string) (a device.Answer, what string) {
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	kind, text, ok := strings.Cut(line, "\t")
	if !ok {
		return a, "no tab; hint: kind, a tab, the text"
	}
	if _, ok := device.ParseProtocol(kind); !ok {
		return a, fmt.Sprintf("kind %.32q is not known; hint: helo ptr http title telnet ssh ftp rtsp smtp snmp upnp", kind)
	}
	return who.identify(kind, unescape(text)), ""
}

func (who *identifier) identify(kind, text string) device.Answer {
	if who.recog != nil {
		return who.recog.Identify(kind, text)
	}
	return device.Identify(kind, text)
}

var unescaper = strings.NewReplacer(`\t`, "\t", `\r`, "\r", `\n`, "\n", `\\`, `\`)

// unescape undoes the escapes of a line; a backslash before any other letter is
// one.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return unescaper.Replace(s)
}

// escape makes text fit in a field of a line, and harmless on a terminal.
func escape(s string) string {
	clean := func(r rune) bool { return unicode.IsPrint(r) && r != '\\' && r != utf8.RuneError }
	if strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case clean(r):
			b.WriteString(s[i : i+n])
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\\':
			b.WriteString(`\\`)
		default:
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		i += n
	}
	return b.String()
}

func answerText(w *bufio.Writer, a device.Answer) error {
	words := make([]string, len(a.Words))
	for i, word := range a.Words {
		words[i] = escape(word)
	}
	_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Device, escape(a.Vendor), escape(a.Model), strings.Join(words, ", "))
	return err
}

func answerJSON(w *bufio.Writer, a device.Answer) error {
	if a.Words == nil {
		a.Words = []string{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Device string   `json:"device"`
		Vendor string   `json:"vendor"`
		Model  string   `json:"model"`
		Words  []string `json:"words"`
	}{a.Device.String(), a.Vendor, a.Model, a.Words})
}
