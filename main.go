// Command iot-milter tells a mail server what kind of machine is on the other
// end of an SMTP connection. See README.md.
package main

import (
	"cmp"
	"os"
	"runtime/debug"

	"github.com/iot-milter/iot-milter/internal/cli"
)

// version and commit are set by the linker: -X main.version=1.2.3. Without commit, what Go found out
// about the checkout counts.
var (
	version = "devel"
	commit  = ""
)

// config is the file that is read without -c, where it exists; set by the linker
// where packages keep it elsewhere: -X main.config=/usr/local/etc/iot-milter/iot-milter.toml.
var config = "/etc/iot-milter/iot-milter.toml"

func main() {
	os.Exit(cli.Main(os.Args[1:], build(), os.Stdin, os.Stdout, os.Stderr))
}

// build is what the linker and the Go toolchain left in the binary.
func build() cli.Build {
	b := cli.Build{Version: version, Commit: cmp.Or(commit, "unknown"), Config: config}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && commit == "" {
				b.Commit = s.Value
			}
		}
	}
	return b
}
