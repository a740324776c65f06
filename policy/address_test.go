package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy/device"
)

// Whom the registry knows and the table of device makers does not is named, and
// makes no device of the client.
func TestMakerOfTheRegistry(t *testing.T) {
	makers, err := device.ParseMakers(strings.NewReader("00155D     (base 16)\t\tExample Cards\n001132     (base 16)\t\tExample Storage\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ addr, ptr, builtin, registry string }{
		{"2001:db8::215:5dff:fe12:3456", "", "", "ip-eui64 neutral mac=00:15:5d:12:34:56 (Example Cards) "},
		{"2001:db8::211:32ff:fe12:3456", "", "ip-eui64 fail mac=00:11:32:12:34:56 (Synology) nas", "ip-eui64 fail mac=00:11:32:12:34:56 (Synology) nas"},
		{"2001:db8::200:5eff:fe12:3456", "", "", ""},
		{"203.0.113.7", "cpe-00155d123456.isp.example", "ptr-mac neutral mac=00:15:5d:12:34:56 ", "ptr-mac neutral mac=00:15:5d:12:34:56 (Example Cards) "},
		{"203.0.113.7", "cpe-001132123456.isp.example", "ptr-mac neutral mac=00:11:32:12:34:56 (Synology) nas", "ptr-mac neutral mac=00:11:32:12:34:56 (Synology) nas"},
	} {
		for table, want := range map[*device.Table]string{nil: c.builtin, new(device.Table).WithMakers(makers): c.registry} {
			f := &Facts{Table: table, Client: Client{Addr: netip.MustParseAddr(c.addr)}}
			if c.ptr != "" {
				f.Client.Name, f.Client.Iprev = Seen(c.ptr), IprevPass
			}
			f.ParseClient()
			got := ""
			var found Findings
			found.Run(f, StageRcpt)
			for _, x := range found.List() {
				if x.Key == "mac" {
					got = strings.Join([]string{x.Signal.Name, x.Status.String(), x.Fact(), x.Kind.String()}, " ")
				}
			}
			if got != want {
				t.Errorf("%s %s, registry %t: %q, want %q", c.addr, c.ptr, table != nil, got, want)
			}
		}
	}
}
