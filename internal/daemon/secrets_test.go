package daemon_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// TestSecretsAreNotShown: neither the log at level debug nor metrics and health have the
// store's password, the key of a list or the hash of the page's password.
func TestSecretsAreNotShown(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	const user, password, key, hash = "mallory-user", "open-sesame-77", "abcdefghijklmnopqrstuvwxyz", "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
	p := launch(t, t.TempDir(),
		"[admin]", `control = ""`, fmt.Sprintf("listen = %q", address), fmt.Sprintf("password = %q", hash), "[store]",
		fmt.Sprintf("url = %q", "redis://"+user+":"+password+"@127.0.0.1:1/0"),
		"[[dnslist]]", fmt.Sprintf("zone = %q", key+".zen.dq.spamhaus.net"), "weight = 1.0", `kind = "abuse"`, "[log]", `level = "debug"`)
	p.says("msg=ready")
	p.message("mx1.example.org")
	shown := ""
	for _, path := range []string{"/metrics", "/ready", "/healthy"} {
		answer, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		shown += string(body)
	}
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.says("msg=reloaded")
	p.cmd.Process.Signal(syscall.SIGTERM)
	if code := p.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	shown += p.log.String()
	if !strings.Contains(shown, "zen.dq.spamhaus.net") || !strings.Contains(shown, "the shared store does not answer") {
		t.Errorf("nothing is said of list and store: %s", shown)
	}
	for _, secret := range []string{user, password, key, hash} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is shown:\n%s", secret, shown)
		}
	}
}
