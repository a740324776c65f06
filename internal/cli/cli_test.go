package cli_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/iot-milter/iot-milter/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"iot-milter": func() {
			os.Exit(cli.Main(os.Args[1:], cli.Build{Version: "1.2.3", Commit: "abc"}, os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// The scripts read like a manual of the commands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}
