package daemon_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// TestFactsOfTwoHosts: what the first host asked DNS about an address the second does not
// ask, the admin of each sees it, and one of them has it forgotten.
func TestFactsOfTwoHosts(t *testing.T) {
	socket := filepath.Join(short(t), "r.sock")
	startRedis(t, socket)
	dns, err := dnstest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	if err := dns.Set(`
2.0.0.127.list.example A 127.0.0.2
*.113.0.203.list.example 600 A 127.0.0.10
*.113.0.203.origin.asn.cymru.com 600 TXT "64496 | 203.0.113.0/24 | ZZ | arin | 2001-01-01"
`); err != nil {
		t.Fatal(err)
	}
	host := func() *process {
		dir := t.TempDir()
		p := launch(t, dir, fmt.Sprintf("state_dir = %q", dir), `mode = "enforce"`, `class.device.action = "limit"`, `tcpinfo.enabled = false`,
			`store.url = "unix://`+socket+`"`, fmt.Sprintf("dns.servers = [%q]", dns.Addr()), "asn.cymru = true",
			"[[dnslist]]", `zone = "list.example"`, `kind = "access"`, "weight = 4.0")
		p.says("msg=list")
		return p
	}
	a, b := host(), host()
	const tries = 5 // a host waits 5 ms for the store, which a busy machine may not have for it
	for last := 7; last < 7+tries; last++ {
		addr, reversed := fmt.Sprintf("203.0.113.%d", last), fmt.Sprintf("%d.113.0.203", last)
		asked := func() int {
			return dns.Count(reversed+".list.example", "") + dns.Count(reversed+".origin.asn.cymru.com", "")
		}
		for i, p := range []*process{a, b} {
			if got := p.sends(addr); !strings.Contains(got, "list-access") {
				t.Errorf("host %d: %q\n%s", i, got, p.log)
			}
			for end := time.Now().Add(5 * time.Second); asksRedis(t, socket, "EXISTS", "iot-milter:facts:"+addr) != "1"; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the store is not told")
				}
			}
			if h, err := asks[admin.Host](p, "GET", "/v1/hosts/"+addr, nil); err != nil || len(h.Facts) != 2 {
				t.Errorf("%+v, %v", h, err)
			}
		}
		if n := asked(); n != 2 {
			t.Logf("%d questions about %s", n, addr)
			continue
		}
		if _, err := asks[admin.Forgotten](b, "DELETE", "/v1/hosts?prefix="+addr+"/32", nil); err != nil {
			t.Error(err)
		}
		if left := asksRedis(t, socket, "EXISTS", "iot-milter:facts:"+addr); left != "0" {
			t.Errorf("%q of the facts are left", left)
		}
		b.sends(addr)
		if n := asked(); n != 4 {
			t.Errorf("%d questions when it was forgotten", n)
		}
		return
	}
	t.Errorf("the second host asked about each of %d addresses itself", tries)
}
