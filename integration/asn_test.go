//go:build integration

package integration

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFaultNetworksCorruptHot: the database of networks is replaced by rubbish while
// the daemon runs, and nobody tells it. It looks once a minute, says so once, and keeps
// what it has. The other tests run while that minute passes.
func TestFaultNetworksCorruptHot(t *testing.T) {
	const (
		path   = "/srv/networks-hot.mmdb"
		socket = "/srv/hot/milter.sock"
	)
	setUp(t)
	if err := writeNetworks(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("/srv/hot", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown("/srv/hot", nobody, nobody); err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t, socket)
	d.configure("asn.database = \"" + path + "\"\ntables.dir = \"" + tablesDir + "\"\n")
	d.start()
	t.Cleanup(func() { d.stop(syscall.SIGKILL) })
	if err := replace(path, []byte(strings.Repeat("rubbish ", 1000))); err != nil {
		t.Fatal(err)
	}
	replaced := time.Now()
	t.Parallel()

	const line = "the new database of networks is not used"
	for time.Since(replaced) < 70*time.Second && !strings.Contains(d.log.String(), line) {
		time.Sleep(100 * time.Millisecond)
	}
	if n := strings.Count(d.log.String(), line); n != 1 {
		t.Errorf("that the file is rubbish stands %d times in the log:\n%s", n, d.log.String())
	}
	postfix.start(t)
	postfix.Lock()
	defer postfix.Unlock()
	postfix.clear()
	// Postfix finds the daemon at its own place.
	if err := os.Rename(socket, postfix.socket()); err != nil {
		t.Fatal(err)
	}
	tr := &trial{t: t, daemon: d}
	if s := tr.send(client{addr: "203.0.113.208", iprev: "permerror"}, "user-pc", "offer@sender.example.org"); !strings.Contains(s.header, "asn-access") {
		t.Errorf("the network is forgotten: %s", s.header)
	}
}
