//go:build integration

package integration

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// The tests of this file break one source of evidence each. Whatever breaks, mail
// flows, nobody is refused who would not be, no stage takes longer than the deadline
// for evidence, the log has a line and not a flood, and the metrics tell.

const (
	adminAddr   = "127.0.0.1:8894"
	illDNS      = "127.0.0.1:5300" // a name server of the daemon's own, to be broken
	evidenceMax = 2 * time.Second  // the default of limits.evidence
	// slack is what a busy machine may add to a stage.
	slack = 1500 * time.Millisecond
)

// faultConfig refuses what it may: whoever is let in is let in by the fault.
const faultConfig = `mode = "enforce"
class.access.action = "reject"
admin.listen = "` + adminAddr + `"
`

// The clients of faults: a mail server, a line that would be refused if DNS said that
// its sender's domain is somebody else's, and a device on a line.
var (
	faultServer = client{addr: "198.51.100.201", name: "mail.fault.example.org", iprev: "pass"}
	faultLine   = client{addr: "203.0.113.202", name: "cpe-203-0-113-202.dyn.isp.example", iprev: "pass"}
	faultDevice = client{addr: "203.0.113.203", name: "cpe-203-0-113-203.dyn.isp.example", iprev: "pass"}
)

// trial is a daemon behind Postfix, about to meet a fault.
type trial struct {
	t      *testing.T
	daemon *daemon
	dns    *dnstest.Server // its own, where illDNS is configured
}

// newTrial starts one; other tests wait until the test ends.
func newTrial(t *testing.T, config string, prefix ...string) *trial {
	t.Helper()
	setUp(t)
	z := newZone()
	for _, c := range []client{faultServer, faultLine, faultDevice} {
		if err := z.addClient(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := names.Set(z.text.String()); err != nil {
		t.Fatal(err)
	}
	tr := &trial{t: t}
	if strings.Contains(config, illDNS) {
		var err error
		if tr.dns, err = dnstest.Start(illDNS); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.dns.Close)
		tr.dnsDoes(z.text.String())
	}
	postfix.start(t)
	postfix.Lock()
	t.Cleanup(postfix.Unlock)
	postfix.clear()
	tr.daemon = newDaemon(t, postfix.socket())
	tr.daemon.prefix = prefix
	tr.daemon.base = override(tr.daemon.base, faultConfig)
	tr.daemon.configure(config)
	tr.daemon.start()
	t.Cleanup(func() {
		tr.daemon.stop(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", clip(tr.daemon.log.String()))
		}
	})
	return tr
}

func (tr *trial) dnsDoes(text string) {
	tr.t.Helper()
	if err := tr.dns.Set(text); err != nil {
		tr.t.Fatal(err)
	}
}

// session is how one client fared.
type session struct {
	refused bool
	longest time.Duration // of the answers to its commands
	rcpt    time.Duration
	header  string
}

// send plays one session of a client, up to the end of its message unless it is
// refused.
func (tr *trial) send(c client, helo, from string) (s session) {
	tr.t.Helper()
	d := &dialogue{t: tr.t, s: &scenario{sections: map[string]string{}}, mta: postfix, daemon: tr.daemon, client: c, line: helo}
	d.connect(nil)
	defer d.end(false)
	say := func(line, want string) string {
		start := time.Now()
		if line != "" {
			d.send(line)
		}
		got, err := d.reply()
		took := time.Since(start)
		s.longest = max(s.longest, took)
		if strings.HasPrefix(line, "RCPT") {
			s.rcpt = took
		}
		if err != nil || !strings.HasPrefix(got, want) && !strings.HasPrefix(got, "5") {
			tr.t.Fatalf("%s: %s: %q %v", helo, line, got, err)
		}
		return got
	}
	before := len(postfix.sink.Messages())
	say("", "220")
	say("EHLO "+helo, "250")
	say("MAIL FROM:<"+from+">", "250")
	if s.refused = strings.HasPrefix(say("RCPT TO:<user@example.test>", "250"), "5"); s.refused {
		say("QUIT", "221")
		return s
	}
	say("DATA", "354")
	d.message([]string{"ham.eml"}, true)
	s.refused = strings.HasPrefix(say("", "250"), "5")
	say("QUIT", "221")
	if got := postfix.sink.Wait(before+1, 10*time.Second); len(got) > before {
		fields, _ := parseMessage(got[before].Data)
		for _, f := range named(fields, headerName) {
			s.header = f.value
		}
	}
	return s
}

// all lets the three clients send, and says how they fared.
func (tr *trial) all() (server, line, device session) {
	tr.t.Helper()
	server = tr.send(faultServer, faultServer.name, "anna@fault.example.org")
	line = tr.send(faultLine, "user-pc", "offer@sender.example.org")
	device = tr.send(faultDevice, "DiskStation", "admin@sender.example.org")
	return server, line, device
}

// within checks that no stage of a session took longer than a deadline.
func (s session) within(t *testing.T, who string, most time.Duration) {
	t.Helper()
	if s.longest > most+slack {
		t.Errorf("%s: a stage took %v, more than %v", who, s.longest, most)
	}
	if s.refused {
		t.Errorf("%s is refused", who)
	}
}

// metrics are the daemon's, by name and labels.
func (tr *trial) metrics() map[string]float64 {
	tr.t.Helper()
	resp, err := http.Get("http://" + adminAddr + "/metrics")
	if err != nil {
		tr.t.Fatal(err)
	}
	defer resp.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			values[name] = v
		}
	}
	return values
}

// above checks that metrics, in their order of labels, have risen above 0.
func (tr *trial) above(names ...string) {
	tr.t.Helper()
	var values map[string]float64
	for _, name := range names {
		for range 100 {
			if values = tr.metrics(); values["iot_milter_"+name] > 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if values["iot_milter_"+name] <= 0 {
			var near []string
			for have := range values {
				if strings.Contains(have, name[:strings.IndexAny(name+"{", "{")]) {
					near = append(near, fmt.Sprintf("%s %g", have, values[have]))
				}
			}
			tr.t.Errorf("%s is 0; there are %q", name, near)
		}
	}
}

// quiet checks that no warning came more than once: a line a minute, and no test
// takes two.
func (tr *trial) quiet() {
	tr.t.Helper()
	log := tr.log()
	counts := map[string]int{}
	for _, line := range strings.Split(log, "\n") {
		if w := words(line); w["level"] == "WARN" || w["level"] == "ERROR" {
			counts[w["msg"]+" "+w["zone"]+w["problem"]]++
		}
	}
	for msg, n := range counts {
		if n > 1 {
			tr.t.Errorf("%q is logged %d times", msg, n)
		}
	}
	checkLog(tr.t, "", log)
}

// log is what the daemon has said so far. It writes lines 20 ms later, at most.
func (tr *trial) log() string {
	time.Sleep(100 * time.Millisecond)
	return tr.daemon.log.String()
}

// TestFaultNothing is the trial without a fault: two of the three clients are
// refused. Else the tests below would show nothing.
func TestFaultNothing(t *testing.T) {
	tr := newTrial(t, "dns.servers = [\""+illDNS+"\"]\n")
	server, line, device := tr.all()
	if server.refused || !line.refused || !device.refused {
		t.Errorf("refused are: server %v, line %v, device %v", server.refused, line.refused, device.refused)
	}
	tr.above(`lookups_total{outcome="found",source="tcpinfo"}`, `lookups_total{outcome="fail",source="sender"}`)
	tr.quiet()
}

// TestFaultDNSBlackHole: questions vanish. What would be refused unless DNS pardons
// it waits for the deadline and passes; a server is not kept waiting at all.
func TestFaultDNSBlackHole(t *testing.T) {
	tr := newTrial(t, "dns.servers = [\""+illDNS+"\"]\n")
	tr.dnsDoes("!drop *")
	for range 4 {
		server, line, device := tr.all()
		server.within(t, "the server", 0)
		line.within(t, "the line", evidenceMax)
		device.within(t, "the device", evidenceMax)
		t.Logf("RCPT was answered after %v, %v, %v", server.rcpt, line.rcpt, device.rcpt)
	}
	tr.above(`dns_servers_down`, `lookups_total{outcome="temperror",source="sender"}`)
	tr.quiet()
}

// TestFaultDNSStorm: SERVFAIL for everything.
func TestFaultDNSStorm(t *testing.T) {
	tr := newTrial(t, "dns.servers = [\""+illDNS+"\"]\n")
	tr.dnsDoes("!servfail *")
	for range 10 {
		server, line, device := tr.all()
		server.within(t, "the server", 0)
		line.within(t, "the line", 0)
		device.within(t, "the device", 0)
	}
	tr.above(`lookups_total{outcome="temperror",source="sender"}`)
	tr.quiet()
}

// TestFaultDNSIllEverywhere: the MTA asks the same ill server. Names are no evidence
// for anybody then (safety rule 4).
func TestFaultDNSIllEverywhere(t *testing.T) {
	tr := newTrial(t, "")
	if err := names.Set("!servfail *"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = names.Set("!clear *") })
	server, line, device := tr.all()
	server.within(t, "the server", 0)
	line.within(t, "the line", evidenceMax)
	device.within(t, "the device", evidenceMax)
	tr.quiet()
}

// TestFaultP0fKilled: p0f ends in the middle of a run, and comes back.
func TestFaultP0fKilled(t *testing.T) {
	const socket = "/srv/p0f-fault.sock"
	first, err := startP0f(socket)
	if err != nil {
		t.Fatal(err)
	}
	tr := newTrial(t, "p0f.socket = \""+socket+"\"\n")
	tr.send(faultServer, faultServer.name, "anna@fault.example.org")
	stopP0f(first)
	for range 5 {
		s := tr.send(client{addr: "198.51.100.204", iprev: "permerror"}, "mail.fault.example.org", "anna@fault.example.org")
		s.within(t, "a server", 0)
	}
	tr.above(`lookups_total{outcome="down",source="p0f"}`)
	_ = os.Remove(socket)
	if _, err = startP0f(socket); err != nil {
		t.Fatal(err)
	}
	before := tr.metrics()[`iot_milter_lookups_total{outcome="down",source="p0f"}`]
	time.Sleep(1200 * time.Millisecond)
	tr.send(client{addr: "198.51.100.205", iprev: "permerror"}, "mail.fault.example.org", "anna@fault.example.org")
	values := tr.metrics()
	if after := values[`iot_milter_lookups_total{outcome="down",source="p0f"}`]; after != before {
		t.Errorf("p0f is back and still called down: %g, then %g", before, after)
	}
	tr.quiet()
}

// TestFaultNetworksCorrupt: the database of networks is replaced by rubbish. A
// reload says so and changes nothing, a start goes without.
func TestFaultNetworksCorrupt(t *testing.T) {
	const path = "/srv/networks-fault.mmdb"
	if err := writeNetworks(path); err != nil {
		t.Fatal(err)
	}
	tr := newTrial(t, "mode = \"tag\"\nasn.database = \""+path+"\"\ntables.dir = \""+tablesDir+"\"\n")
	line := func() session {
		t.Helper()
		s := tr.send(client{addr: "203.0.113.206", iprev: "permerror"}, "user-pc", "offer@sender.example.org")
		s.within(t, "the line", 0)
		return s
	}
	if s := line(); !strings.Contains(s.header, "asn-access") {
		t.Errorf("the network is not known: %s", s.header)
	}
	for _, rubbish := range []string{"", strings.Repeat("rubbish ", 1000), strings.Repeat("\xab\xcd\xefMaxMind.com", 20)} {
		if err := replace(path, []byte(rubbish)); err != nil {
			t.Fatal(err)
		}
		tr.daemon.reload()
		if s := line(); !strings.Contains(s.header, "asn-access") {
			t.Errorf("the network is forgotten: %s", s.header)
		}
	}
	tr.above(`reloads_total{result="error"}`)
	tr.daemon.stop(syscall.SIGTERM)
	tr.daemon.start()
	if s := line(); strings.Contains(s.header, "asn-access") {
		t.Errorf("a network out of rubbish: %s", s.header)
	}
	if err := tr.daemon.says("a source of evidence is missing.*networks"); err != nil {
		t.Error(err)
	}
}

// TestFaultNetlinkDenied: the daemon may not use netlink, as by a unit without
// AF_NETLINK. It says so once and judges without the stack.
func TestFaultNetlinkDenied(t *testing.T) {
	tr := newTrial(t, "", restrictedPrefix()...)
	for range 5 {
		if s := tr.send(faultServer, faultServer.name, "anna@fault.example.org"); s.refused {
			t.Error("the server is refused")
		}
	}
	if s := tr.send(faultDevice, "DiskStation", "admin@sender.example.org"); !s.refused {
		t.Error("the device is not refused: line and greeting are enough")
	}
	if n := len(regexp.MustCompile(`tcpinfo`).FindAllString(tr.log(), -1)); n == 0 || n > 2 {
		t.Errorf("tcpinfo stands %d times in the log", n)
	}
	tr.quiet()
}

// TestFaultOtherNetwork: the daemon is in another network namespace than the MTA, as
// in a container. The stack stays unknown.
func TestFaultOtherNetwork(t *testing.T) {
	tr := newTrial(t, "mode = \"tag\"\nadmin.listen = \"\"\n", "unshare", "--net", "--")
	for range 25 {
		s := tr.send(faultDevice, "DiskStation", "admin@sender.example.org")
		s.within(t, "the device", 0)
		if strings.Contains(s.header, "stack-") {
			t.Fatalf("a stack that cannot be seen: %s", s.header)
		}
	}
	tr.quiet()
}

// TestFaultTooManyLookups: one look-up at a time, and the name server is slow. What
// is too much is left out and counted; mail flows.
func TestFaultTooManyLookups(t *testing.T) {
	tr := newTrial(t, "dns.servers = [\""+illDNS+"\"]\nlimits.lookups = 1\n")
	tr.dnsDoes("!delay 300ms *")
	for range 5 {
		server := tr.send(faultServer, faultServer.name, "anna@fault.example.org")
		server.within(t, "the server", 0)
		line := tr.send(faultLine, "user-pc", "offer@sender.example.org")
		if line.longest > evidenceMax+slack {
			t.Errorf("a stage took %v", line.longest)
		}
	}
	tr.above(`lookup_busy_total{source="spf"}`)
	tr.quiet()
}

// TestFaultNoRoomForAPardon: another client's look-up takes the only place. A small
// office that DNS would pardon cannot be asked about, and is not refused for that.
func TestFaultNoRoomForAPardon(t *testing.T) {
	tr := newTrial(t, "dns.servers = [\""+illDNS+"\"]\nlimits.lookups = 1\ntcpinfo.enabled = false\n")
	tr.dnsDoes("mail.slow.example.org A 198.51.100.254\n!delay 900ms mail.slow.example.org\n" +
		"office.example.org MX 10 mx.office.example.org\nmx.office.example.org A 203.0.113.202\n")
	other := &dialogue{t: t, s: &scenario{}, mta: postfix, daemon: tr.daemon, client: faultDevice, line: "other"}
	other.connect(nil)
	defer other.end(false)
	other.all("hello mail.slow.example.org", "C: MAIL FROM:<>", "S: 250", "C: RCPT TO:<user@example.test>", "S: 250")
	s := tr.send(faultLine, "server", "anna@office.example.org")
	s.within(t, "the office", 0)
	tr.above(`lookup_busy_total{source="sender"}`)
	if err := tr.daemon.says("reason=small-office"); err != nil {
		t.Error(err)
	}
	tr.quiet()
}

// restrictedPrefix is a program that restricts what it starts: this one by another
// name, see restricted.
func restrictedPrefix() []string {
	exe, err := os.Executable()
	if err == nil {
		err = exec.Command("install", "-m", "0755", exe, "/srv/restricted").Run()
	}
	if err != nil {
		panic(err)
	}
	return []string{"/srv/restricted"}
}
