package probe

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// need returns the path of a daemon, which only root's PATH may have. Where tests
// must be complete a missing one is a failure.
func need(t *testing.T, name, debian string) string {
	t.Helper()
	for _, n := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(n); err == nil {
			return path
		}
	}
	missing(t, name, debian)
	return ""
}

func missing(t *testing.T, name, debian string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing; hint: apt-get install %s", name, debian)
	}
	t.Skipf("%s is missing; hint: apt-get install %s", name, debian)
}

// busybox returns one with the applet: Debian's package busybox has fewer.
func busybox(t *testing.T, applet string) string {
	path := need(t, "busybox", "busybox-static")
	out, err := exec.Command(path, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains("\n"+string(out), "\n"+applet+"\n") {
		missing(t, "busybox "+applet, "busybox-static")
	}
	return path
}

// daemon starts a program that listens on the client's port until the test ends.
func daemon(t *testing.T, port uint16, path string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	for range 500 {
		if c, err := net.Dial("tcp4", netip.AddrPortFrom(client, port).String()); err == nil {
			c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s: %v\n%s", filepath.Base(path), err, out.Bytes())
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not listen", filepath.Base(path))
}

// write puts files below a new folder that daemons without privileges can read.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// expect probes what listens at the port.
func expect(t *testing.T, spoken *protocol, port uint16, want policy.Banner) {
	t.Helper()
	w := start(t, map[uint16]*protocol{port: spoken}, port)
	b, outcome := w.probe(t, client)
	w.Close()
	if outcome != done || b != want {
		t.Errorf("%s, %+v; want %+v\n%s", outcome, b, want, w.log.String())
	}
}

const page = "<!DOCTYPE html>\n<html><head><meta charset=utf-8>\n<title>%s</title></head><body>Welcome</body></html>\n"

func TestDaemonBusyBoxHTTPTitle(t *testing.T) {
	bin, port := busybox(t, "httpd"), closedPort(t)
	dir := write(t, map[string]string{"index.html": fmt.Sprintf(page, "Synology DiskStation - NAS")})
	daemon(t, port, bin, "httpd", "-f", "-p", fmt.Sprintf("%s:%d", client, port), "-h", dir)
	expect(t, http, port, policy.Banner{Kind: device.NAS, Vendor: "Synology", Place: "title", Text: "DiskStation Synology"})
}

func TestDaemonBusyBoxHTTPRealm(t *testing.T) {
	bin, port := busybox(t, "httpd"), closedPort(t)
	dir := write(t, map[string]string{"httpd.conf": "/:admin:secret\n", "index.html": fmt.Sprintf(page, "DiskStation")})
	daemon(t, port, bin, "httpd", "-f", "-p", fmt.Sprintf("%s:%d", client, port), "-h", dir, "-c", dir+"/httpd.conf", "-r", "TD-W8960N")
	expect(t, http, port, policy.Banner{Kind: device.Router, Vendor: "TP-Link", Place: "http", Text: "TD-W8960N"})
}

func TestDaemonBusyBoxTelnet(t *testing.T) {
	bin, port := busybox(t, "telnetd"), closedPort(t)
	if _, err := os.Stat("/dev/ptmx"); err != nil {
		t.Skip("no terminals:", err)
	}
	dir := write(t, map[string]string{"issue": "BCM96338 ADSL Router\n", "login": "#!/bin/sh\nprintf 'Login: '\nread user\n"})
	if err := os.Chmod(dir+"/login", 0o755); err != nil {
		t.Fatal(err)
	}
	daemon(t, port, bin, "telnetd", "-F", "-b", client.String(), "-p", fmt.Sprint(port), "-f", dir+"/issue", "-l", dir+"/login")
	expect(t, telnet, port, policy.Banner{Kind: device.Router, Place: "telnet", Text: "BCM96338 ADSL ADSL Router Router"})
}

// TestDaemonMiniHTTPD has a Server field that only devices have, and no page of a
// device: what kind it is cannot be told.
func TestDaemonMiniHTTPD(t *testing.T) {
	bin, port := need(t, "mini_httpd", "mini-httpd"), closedPort(t)
	dir := write(t, map[string]string{"index.html": fmt.Sprintf(page, "Index")})
	daemon(t, port, bin, "-D", "-h", client.String(), "-p", fmt.Sprint(port), "-d", dir, "-i", dir+"/pid")
	expect(t, http, port, policy.Banner{Kind: device.Other, Place: "http", Text: "mini_httpd"})
}

// TestDaemonMiniHTTPDWithTLS has the certificate of a FRITZ!Box, long over.
func TestDaemonMiniHTTPDWithTLS(t *testing.T) {
	bin, port := need(t, "mini_httpd", "mini-httpd"), closedPort(t)
	cert := certificate(t, pkix.Name{CommonName: "FRITZ!Box"})
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	both := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	both = append(both, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})...)
	dir := write(t, map[string]string{"index.html": fmt.Sprintf(page, "Index"), "pem": string(both)})
	daemon(t, port, bin, "-D", "-S", "-E", dir+"/pem", "-h", client.String(), "-p", fmt.Sprint(port), "-d", dir, "-i", dir+"/pid")
	expect(t, https, port, policy.Banner{Kind: device.Router, Vendor: "AVM", Place: "title", Text: "FRITZ!Box"})
}

func TestDaemonLighttpd(t *testing.T) {
	bin, port := need(t, "lighttpd", "lighttpd"), closedPort(t)
	dir := write(t, map[string]string{"index.html": fmt.Sprintf(page, "Login")})
	conf := filepath.Join(dir, "conf")
	text := fmt.Sprintf("server.bind = %q\nserver.port = %d\nserver.document-root = %q\nserver.tag = \"DNVRS-Webs\"\n"+
		"index-file.names = (\"index.html\")\nmimetype.assign = (\".html\" => \"text/html\")\n", client, port, dir)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	daemon(t, port, bin, "-D", "-f", conf)
	expect(t, http, port, policy.Banner{Kind: device.Recorder, Vendor: "Hikvision", Place: "http", Text: "DNVRS-Webs"})
}

func TestDaemonDropbear(t *testing.T) {
	bin, keygen, port := need(t, "dropbear", "dropbear-bin"), need(t, "dropbearkey", "dropbear-bin"), closedPort(t)
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command(keygen, "-t", "ed25519", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	daemon(t, port, bin, "-F", "-E", "-s", "-r", key, "-p", fmt.Sprintf("%s:%d", client, port), "-P", key+".pid")
	w := start(t, map[uint16]*protocol{port: ssh}, port)
	if b, outcome := w.probe(t, client); outcome != done || b.Kind != device.Other || !strings.HasPrefix(b.Text, "dropbear") {
		t.Errorf("%s, %+v", outcome, b)
	}
}

func TestDaemonVsftpd(t *testing.T) {
	bin, port := need(t, "vsftpd", "vsftpd"), closedPort(t)
	dir := write(t, nil)
	conf := filepath.Join(dir, "conf")
	text := fmt.Sprintf("listen=YES\nlisten_ipv6=NO\nlisten_address=%s\nlisten_port=%d\nbackground=NO\nrun_as_launching_user=YES\n"+
		"secure_chroot_dir=%s\nxferlog_enable=NO\nftpd_banner=NAS (QNAP) FTP server ready.\n", client, port, t.TempDir())
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon(t, port, bin, conf)
	expect(t, ftp, port, policy.Banner{Kind: device.NAS, Vendor: "QNAP", Place: "ftp", Text: "NAS QNAP"})
}

// TestDaemonAllPorts asks several daemons of one host, the way a router with all
// of them would be.
func TestDaemonAllPorts(t *testing.T) {
	box := busybox(t, "telnetd")
	dir := write(t, map[string]string{"index.html": fmt.Sprintf(page, "Welcome"), "issue": "DVR login: \n"})
	web, line := closedPort(t), closedPort(t)
	daemon(t, web, box, "httpd", "-f", "-p", fmt.Sprintf("%s:%d", client, web), "-h", dir)
	daemon(t, line, box, "telnetd", "-F", "-b", client.String(), "-p", fmt.Sprint(line), "-f", dir+"/issue", "-l", "/bin/true")
	closed := closedPort(t)
	w := start(t, map[uint16]*protocol{closed: http, web: http, line: telnet}, closed, web, line)
	b, outcome := w.probe(t, client)
	if outcome != done || b.Kind != device.Recorder || b.Place != "telnet" {
		t.Errorf("%s, %+v", outcome, b)
	}
	if want := fmt.Sprintf(`ports="%d=refused,%d=answered,%d=answered"`, closed, web, line); !strings.Contains(w.log.String(), want) {
		t.Errorf("no %s in %s", want, w.log.String())
	}
}
