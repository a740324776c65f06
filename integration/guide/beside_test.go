//go:build integration

package guide

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// besides is a machine with iot-milter in tag mode behind Postfix, without the page.
func besides(t *testing.T, lines ...string) *walk {
	t.Helper()
	w := newWalk(t)
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	w.command("postconf", "-e", "smtpd_milters = { unix:iot-milter/iot-milter.sock, connect_timeout=2s, command_timeout=8s, content_timeout=30s, default_action=accept }")
	for _, line := range lines {
		w.command("postconf", strings.Split(line, "\t")...)
	}
	w.command("postfix", "stop") // a reload takes effect a moment later
	w.command("postfix", "start")
	return w
}

// TestBesidePostscreen: docs/comparison.md says that who passes postscreen is judged as if it were not there, by the
// TCP connection, too.
func TestBesidePostscreen(t *testing.T) {
	w := besides(t, "-M\tsmtp/inet=smtp inet n - y - 1 postscreen", "-M\tsmtpd/pass=smtpd pass - - y - - smtpd",
		"-M\tdnsblog/unix=dnsblog unix - - y - 0 dnsblog", "-M\ttlsproxy/unix=tlsproxy unix - - y - 0 tlsproxy",
		"-e\tpostscreen_greet_action = enforce", "-e\tpostscreen_greet_wait = 1s")
	c := nas
	c.addr, c.ptr = "203.0.113.99", "cpe-203-0-113-99.dyn.isp.example"
	w.command("ip", "address", "add", c.addr+"/32", "dev", "lo")
	if err := w.names.Set("99.113.0.203.in-addr.arpa 60 IN PTR " + c.ptr + "\n" + c.ptr + " 60 IN A " + c.addr + "\n"); err != nil {
		t.Fatal(err)
	}
	nc, err := (&net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.addr), 0)), Timeout: 5 * time.Second}).Dial("tcp", "127.0.0.1:25")
	if err != nil {
		t.Fatal(err)
	}
	c.over(t, nc, false, "berta@example.com")
	got := w.mailbox(1)
	w.with("X-IoT-Spam: Yes, class=device device=nas ", got)
	if !strings.Contains(got, "stack-") {
		t.Errorf("the TCP connection was not seen:\n%s", got)
	}
	if log := w.command("cat", "/var/log/mail.log"); !strings.Contains(log, "PASS NEW ["+c.addr+"]") {
		t.Errorf("postscreen did not see the client:\n%s", log)
	}
}

// TestBesideRspamd: a filter behind iot-milter in the list has its header, as docs/comparison.md says of rspamd: its rules
// give points.
func TestBesideRspamd(t *testing.T) {
	const etc = "/etc/rspamd/"
	write(t, etc+"local.d/worker-proxy.inc", "milter = yes;\nbind_socket = \"127.0.0.1:11332\";\nupstream \"local\" { default = yes; self_scan = yes; }\n")
	write(t, etc+"local.d/milter_headers.conf", "use = [\"x-spamd-result\"];\n")
	write(t, etc+"local.d/options.inc", "dns { nameserver = [\"127.0.0.1\"]; timeout = 0.2s; }\ndisable_hyperscan = true;\n")
	write(t, etc+"local.d/worker-normal.inc", "enabled = false;\n")
	write(t, etc+"local.d/worker-controller.inc", "enabled = false;\n")
	rules, err := os.ReadFile(filepath.Join(root, "packaging", "rspamd", "regexp.conf"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, etc+"local.d/regexp.conf", string(rules))
	w := besides(t, "-e\tsmtpd_milters = { unix:iot-milter/iot-milter.sock, connect_timeout=2s, command_timeout=8s, content_timeout=30s, default_action=accept }, inet:localhost:11332")
	w.command("sh", "-c", "mkdir -p /run/rspamd /var/lib/rspamd /var/log/rspamd && chown _rspamd /run/rspamd /var/lib/rspamd /var/log/rspamd")
	rspamd := exec.Command("rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd")
	if err := rspamd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rspamd.Process.Kill(); _ = rspamd.Wait() })
	listens := false
	for end := time.Now().Add(2 * time.Minute); !listens; time.Sleep(100 * time.Millisecond) { // it compiles lists first
		nc, err := net.Dial("tcp", "127.0.0.1:11332")
		if listens = err == nil; listens {
			nc.Close()
		} else if time.Now().After(end) {
			t.Fatal("rspamd does not listen")
		}
	}
	nas.sent(t, "250 ")
	got := w.mailbox(1)
	w.with("X-IoT-Spam: Yes, class=device ", got)
	if !strings.Contains(got, "IOT_MILTER_YES(3.50)") {
		log, _ := os.ReadFile("/var/log/rspamd/rspamd.log")
		t.Errorf("rspamd did not see the header:\n%s\n%s", got, log)
	}
}
