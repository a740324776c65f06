// Package plumbing is what stands between the MTA and the milter's sockets: it writes
// the lines that an MTA's configuration needs, and finds what is wrong with those
// that are there. It only reads, as root or not; what it may not read it says.
//
// It is the only package that runs a program: postconf, Postfix's own tool for reading
// main.cf, which knows defaults, the expansion of $name and the instance's
// folders. It is run without a shell, with fixed options and a clean environment, for at
// most postconfTime, and may print postconfOutput bytes. master.cf, sendmail.cf and sendmail.mc are read here.
//
// It never proposes the global milter_default_action, non_smtpd_milters, or F= for
// Sendmail (safety rule 16).
package plumbing

import (
	"os"
	"strings"

	"github.com/iot-milter/iot-milter/conf"
)

// Options say what is compared.
type Options struct {
	Config     *conf.Config
	ConfigFile string // where Config was read from, for advice
	// MTA is Postfix's configuration folder, or Sendmail's folder, sendmail.cf or
	// sendmail.mc; "" is the MTA's default.
	MTA string
	// Root is where the machine's own files lie, "" but in tests.
	Root string
}

// file is the text of one of the machine's files, "" when it cannot be read.
func (o *Options) file(path string) string {
	b, _ := os.ReadFile(o.Root + path)
	return string(b)
}

// setting is a line of the configuration, where it goes into the file that is there: a
// table that came twice would be no TOML.
func (o *Options) setting(table, key, value string) Fix {
	src, _ := os.ReadFile(o.ConfigFile) // "" when there is none yet
	p := conf.Where(string(src), table, key, value)
	f := Fix{In: o.toml(), At: p.Line, Below: p.Below, Line: p.Text}
	if p.Inline {
		f.Why = "within the braces"
	}
	return f
}

// renewal is the command that puts lines of the configuration in force, if there are any: what
// is about sockets waits for the next start.
func (o *Options) renewal(lines []Fix) (command string) {
	for _, f := range lines {
		if f.In != o.toml() {
			continue
		}
		if strings.HasPrefix(f.Line, "listen") || strings.HasPrefix(f.Line, "socket_mode") {
			return "restart iot-milter; "
		}
		command = "iot-milter reload; "
	}
	return command
}

// toml is the file that changes of the configuration go into.
func (o *Options) toml() string {
	if o.ConfigFile == "" {
		return "/etc/iot-milter/iot-milter.toml"
	}
	return o.ConfigFile
}
