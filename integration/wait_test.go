//go:build integration

package integration

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNobodyWaitsForAnAcceptedClient compares how long a mail server waits at RCPT
// with and without evidence, while DNS takes 50 ms. The bound is loose, for busy
// machines: one answer of DNS is twice as long. integration/bench/bench.sh -wait
// measures.
func TestNobodyWaitsForAnAcceptedClient(t *testing.T) {
	const loose = 25 * time.Millisecond
	with := waits(t, "dns.servers = [\""+illDNS+"\"]\n")
	without := waits(t, "dns.servers = [\""+illDNS+"\"]\ndns.enabled = false\ntcpinfo.enabled = false\n")
	t.Logf("RCPT is answered after %v with evidence, after %v without", with, without)
	if with > without+loose {
		t.Errorf("with evidence a mail server waits %v at RCPT, without %v", with, without)
	}
}

// waits is the median of the answers to RCPT.
func waits(t *testing.T, config string) (median time.Duration) {
	t.Run("sessions", func(t *testing.T) {
		tr := newTrial(t, config)
		tr.dnsDoes("!delay 50ms *")
		var all []time.Duration
		for i := range 25 {
			// A name of its own that is not the line's: DNS is asked each time.
			s := tr.send(faultServer, fmt.Sprintf("mail%d.other.example.org", i), "anna@fault.example.org")
			s.within(t, "the server", 0)
			all = append(all, s.rcpt)
		}
		tr.daemon.stop(syscall.SIGTERM)
		if asked := tr.dns.Count("", ""); asked < len(all)/2 && !strings.Contains(config, "enabled = false") {
			t.Errorf("DNS was asked %d times", asked)
		}
		slices.Sort(all)
		median = all[len(all)/2]
	})
	return median
}

// TestStackIsNobodyElses: a client has a connection of its own to Postfix, from a
// router, and somebody tells of the same client by XCLIENT at the same time. The stack
// of the one is not taken for the other's.
func TestStackIsNobodyElses(t *testing.T) {
	all := setUp(t)
	s := scenarioNamed(t, all, "75-host-router")
	tr := newTrial(t, "mode = \"tag\"\n")
	own := &dialogue{t: t, s: s, mta: postfix, daemon: tr.daemon, client: s.client, line: "own"}
	own.connect(nil)
	defer own.end(false)
	own.all("hello speedtouch.lan", "C: MAIL FROM:<x@example.com>", "S: 250", "C: RCPT TO:<user@example.test>", "S: 250")
	told := &dialogue{t: t, s: s, mta: postfix, told: true, daemon: tr.daemon, client: s.client, line: "told"}
	told.connect(nil)
	defer told.end(false)
	told.all("hello speedtouch.lan", "mail <x@example.com> <user@example.test> nas.eml")
	own.all("C: DATA", "S: 354", "M: nas.eml", "S: 250")
	lines := tr.daemon.verdicts(2)
	checkVerdicts(t, []string{
		"class=device signals+=helo-device signals-=stack-small-ram,stack-pppoe,stack-server",
		"class=device signals+=helo-device,stack-small-ram,stack-pppoe",
	}, lines)
}
