package cli_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/iot-milter/iot-milter/internal/cli"
	"github.com/iot-milter/iot-milter/milter/mtascript"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"iot-milter": func() {
			os.Exit(cli.Main(os.Args[1:], cli.Build{Version: "1.2.3", Commit: "abc", Config: "etc/iot-milter.toml"}, os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// The scripts read like a manual of the commands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: nameServer, Cmds: commands})
}

// commands are what scripts have beside testscript's own.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"expand":  expand,
	"waitfor": waitFor,
	"mail":    mail,
	"lastid":  lastID,
	"watched": watched,
}

// lastID sets $ID to the first id of a decision that the last command printed.
func lastID(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Setenv("ID", regexp.MustCompile(`[a-z0-9]{12}\.[0-9]+`).FindString(ts.ReadFile("stdout")))
}

// watched is mail for a second, for somebody who has just begun to watch.
func watched(ts *testscript.TestScript, neg bool, args []string) {
	for range 10 {
		mail(ts, neg, args)
		time.Sleep(100 * time.Millisecond)
	}
}

// expand puts values in the place of $NAME in files.
func expand(ts *testscript.TestScript, _ bool, files []string) {
	for _, file := range files {
		text := os.Expand(ts.ReadFile(file), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}

// waitFor waits until there is a socket, and somebody takes connections on it.
func waitFor(ts *testscript.TestScript, _ bool, files []string) {
	for range 500 {
		c, err := net.Dial("unix", ts.MkAbs(files[0]))
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("no %s within 5 s", files[0])
}

// mail sends a message by m.sock as a client with the address, PTR name and HELO, and
// prints the header that is written. A client named unknown is one whose name the MTA
// could not ask for.
func mail(ts *testscript.TestScript, _ bool, args []string) {
	s := mtascript.Session{
		Client: mtascript.Client{Addr: args[0], Host: args[1], Port: 4000}, Helo: args[2],
		Messages: []mtascript.Message{{From: "a@example.org", Rcpts: []string{"u@example.test"}}},
	}
	if s.Client.Host == "unknown" {
		s.Client.Host = "[" + s.Client.Addr + "]"
		s.Macros = mtascript.StandardMacros(s.MTA, s.Client)
		s.Macros["{client_resolve}"] = "TEMP"
	}
	tr, err := s.Dial("unix", ts.MkAbs("m.sock"))
	ts.Check(err)
	for _, h := range tr.Messages[0].Headers {
		fmt.Fprintln(ts.Stdout(), h.Value)
	}
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
