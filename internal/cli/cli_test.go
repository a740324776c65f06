package cli_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/iot-milter/iot-milter/internal/cli"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
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
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: nameServer})
}

// nameServer gives each script a DNS server of its own, at $DNS, which knows the
// zone of the script's file "zone".
func nameServer(env *testscript.Env) error {
	server, err := dnstest.Start("")
	if err != nil {
		return err
	}
	env.Defer(server.Close)
	env.Setenv("DNS", server.Addr().String())
	zone, err := os.ReadFile(filepath.Join(env.WorkDir, "zone"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return server.Set(string(zone))
}
