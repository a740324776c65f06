package device_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/iot-milter/iot-milter/policy/device"
)

// The texts are of the shapes that the tables' sources describe, with made-up
// numbers.
func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		kind, text    string
		device        device.Kind
		vendor, model string
	}{
		{"ftp", "220 DiskStation FTP server ready.", device.NAS, "Synology", ""},
		{"ftp", "220-AXIS M9999 Network Camera 5.20 (2012) ready.", device.Camera, "Axis", "M9999"},
		{"ftp", "AXIS 9999+ FTP Network Print Server V1.0 ready.", device.Printer, "Axis", "9999+"},
		{"ftp", "AXIS X1 Network Door Controller 1.2 ready.", device.Other, "Axis", "X1"},
		{"ftp", "nas.example.org FTP server (Version 6.00LS) ready.", device.None, "", ""},
		{"http", "HP HTTP Server; HP LaserJet 999", device.Printer, "HP", "999"},
		{"http", `Basic realm="TD-W9999G"`, device.Router, "TP-Link", "TD-W9999G"},
		{"http", `Digest realm="WRT99G", nonce="dcs-1234 camera"`, device.Router, "Linksys", "WRT99G"},
		{"http", "mini_httpd/1.19 19dec2003", device.Other, "", ""},
		{"http", "lighttpd/1.4.35", device.None, "", ""},
		{"http", "Apache/2.4.57 (Debian)", device.None, "", ""},
		{"http", "Ubuntu/99 UPnP/1.0 MiniUPnPd/1.4", device.None, "", ""},
		{"upnp", "Linux/2.6 UPnP/1.0 MiniUPnPd/1.4", device.Router, "", ""},
		{"upnp", "SHP, UPnP/1.0, Samsung UPnP SDK/1.0", device.TV, "Samsung", ""},
		{"title", "FRITZ!Box", device.Router, "AVM", ""},
		{"title", "ADSL VPN Firewall Router", device.Router, "", ""},
		{"title", "Ethernet Switch", device.Other, "", ""},
		{"ftp", "220 X-999 FTP version 1.0 ready at Thu Jan 01 00:00:07 1970", device.Router, "", ""},
		{"ftp", "220 Welcome to the OpenDreambox FTP service.", device.SetTop, "", ""},
		{"http", "Virata-EmWeb/R6_0_9", device.Other, "", "R6_0_9"},
		{"http", "thttpd/2.25b 29dec2003", device.None, "", ""},
		{"http", "MS-MFC-HttpSvr/1.0", device.None, "", ""},
		{"http", `Basic realm="Login to the Example"`, device.None, "", ""},
		{"http", `Digest realm="Login to 9A99999"`, device.Recorder, "Dahua", "9A99999"},
		{"smtp", "220 example.org 4D WebSTAR V Mail ready", device.None, "", ""},
		{"title", "TEW-999AB Login", device.Router, "TRENDnet", "TEW-999AB"},
		{"title", "Network Camera - Login", device.Camera, "", ""},
		{"title", "Camera shop in Springfield, open all week", device.None, "", ""},
		{"title", "LaserJet toner and much more, the shop in Springfield", device.None, "", ""},
		{"title", "Axis Bank Login", device.None, "", ""},
		{"title", "IIS Windows Server", device.None, "", ""},
		{"title", "Brother HL-L9999DW series", device.Printer, "Brother", "HL-L9999DW"},
		{"title", "Integrated Lights-Out 9", device.Other, "", ""},
		{"ssh", "SSH-2.0-ROSSSH", device.Router, "MikroTik", ""},
		{"ssh", "SSH-2.0-dropbear_2022.83", device.Other, "", ""},
		{"ssh", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3", device.None, "", ""},
		{"telnet", "\xff\xfd\x01\xff\xfb\x03\r\nRT-AC99X login: ", device.Router, "ASUS", "RT-AC99X"},
		{"telnet", "(none) login: ", device.Other, "", ""},
		{"telnet", "Debian GNU/Linux 12\r\nprinter login: ", device.None, "", ""},
		{"rtsp", "Dahua Rtsp Server", device.Camera, "Dahua", ""},
		{"smtp", "220 Simple Mail Tranfer Service Ready", device.Printer, "Brother", ""},
		{"smtp", "220 printer.example.org ESMTP Postfix", device.None, "", ""},
		{"smtp", "220 gw.example.org SonicWALL ESMTP", device.None, "", ""},
		{"snmp", "RICOH Aficio 9999 1.00 / RICOH Network Printer C model", device.Printer, "Ricoh", "9999"},
		{"snmp", "Linux printer 6.1.0-13-amd64 #1 SMP", device.None, "", ""},
		{"snmp", "<<HW_REV: 9; VENDOR: Example; BOOTR: 1; SW_REV: 1; MODEL: X>>", device.Router, "", ""},
		{"snmp", "Example 24-port Ethernet Switch", device.Other, "", ""},
		{"snmp", "Hardware: x86 Family 6 - Software: Windows Version 6.3 printer", device.None, "", ""},
		{"helo", "speedtouch.lan", device.Router, "Technicolor", ""},
		{"ptr", "mail.example.org", device.None, "", ""},
		{"gopher", "DiskStation", device.None, "", ""},
		{"http", "", device.None, "", ""},
	} {
		a := device.Identify(c.kind, c.text)
		if a.Device != c.device || a.Vendor != c.vendor && c.vendor != "" || a.Model != c.model {
			t.Errorf("%s %q: %v %q %q %q, want %v %q %q", c.kind, c.text, a.Device, a.Vendor, a.Model, a.Words,
				c.device, c.vendor, c.model)
		}
	}
}

// Every router that hands out a LAN name is named by it: these were HELO names of
// real spam (SpamAssassin's FSL_HELO_DEVICE family and the list).
func TestRouterNames(t *testing.T) {
	for _, name := range []string{"speedtouch.lan", "dsldevice.lan", "device.lan", "bthomehub.home", "api.home",
		"wireless_broadband_router.home", "buffalo.setup", "host.belkin"} {
		if a := device.Identify("helo", name); a.Device != device.Router {
			t.Errorf("%s: %v", name, a)
		}
	}
}

// What is beyond the first 4096 bytes does not count, and costs nothing.
func TestIdentifyLong(t *testing.T) {
	pad := strings.Repeat("x ", device.MaxBanner/2)
	if a := device.Identify("telnet", pad+"MikroTik v6"); a.Device != device.None {
		t.Error(a)
	}
	if a := device.Identify("telnet", "MikroTik v6 "+pad); a.Device != device.Router {
		t.Error(a)
	}
}

func FuzzIdentify(f *testing.F) {
	for _, s := range []string{"", "220 ", `Basic realm="`, "SSH-2.0-", "&nbsp;&", "axis 1 video encoder", "\xff\xfd\x01", "et00 lexmark",
		strings.Repeat("hp ", 2000)} {
		f.Add("http", s)
		f.Add("ftp", s)
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		a := device.Identify(kind, text)
		if a.Device == device.None && (a.Vendor != "" || a.Model != "" || len(a.Words) > 0) {
			t.Errorf("no device, but %+v", a)
		}
		if a.Device.String() == "invalid" {
			t.Errorf("%+v", a)
		}
		for _, w := range append(a.Words, a.Model) {
			if !strings.Contains(strings.ToLower(text), strings.ToLower(w)) && utf8.ValidString(text) {
				t.Errorf("%q is not in %q", w, text)
			}
		}
	})
}

func BenchmarkIdentify(b *testing.B) {
	for _, c := range []struct{ name, kind, text string }{
		{"device", "snmp", "RICOH Aficio 9999 1.00 / RICOH Network Printer C model / RICOH Network Scanner C model"},
		{"none", "http", "Apache/2.4.57 (Debian) OpenSSL/3.0.11 mod_wsgi/4.9"},
		{"long", "telnet", strings.Repeat("axis hp dell lexmark s ", 200)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				device.Identify(c.kind, c.text)
			}
		})
	}
}
