//go:build integration

package integration

import (
	"testing"
	"time"
)

// TestLookUpsBeginAtConnect: while the client has yet to say a word, the name server
// is asked about its address (quirk 14 of package milter).
func TestLookUpsBeginAtConnect(t *testing.T) {
	tr := newTrial(t, faultConfig+`dns.servers = ["`+illDNS+`"]
asn.cymru = true
`)
	d := &dialogue{t: t, s: &scenario{sections: map[string]string{}}, mta: postfix, daemon: tr.daemon, client: faultDevice, line: "connect"}
	d.connect(nil)
	defer d.end(false)
	if _, err := d.reply(); err != nil {
		t.Fatal(err)
	}
	const question = "203.113.0.203.origin.asn.cymru.com"
	for range 200 {
		if tr.dns.Count(question, "TXT") > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("nobody asked for %s within 2 s of the greeting; asked were %v", question, tr.dns.Questions())
}
