package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy/device"
)

// The rows are of Recog's shape, with made-up devices and kinds that the words of
// the greetings give away.
const someBanners = "file\tclass\thw.device\tos.device\tencoding\tbanner\n" +
	"html_title.xml\tconsumer-or-office\tIP Camera\t\t\tNetwork Camera - Login\n" +
	"html_title.xml\tconsumer-or-office\tDVR\t\t\tNetwork Camera - Login\n" +
	"html_title.xml\tconsumer-or-office\tPrinter\t\t\tHello\n" +
	"html_title.xml\tinfrastructure\t\tSwitch\t\tEthernet Switch\n" +
	"html_title.xml\tunlabelled\t\t\t\tCamera\n" +
	"telnet_banners.xml\tconsumer-or-office\t\tWAP\tbase64\t//0BQWNjZXNzIFBvaW50DQpsb2dpbjo=\n" +
	"ssh_banners.xml\tgeneral-os\t\tGeneral\t\tOpenSSH_9.2p1 Debian-2\n" +
	`telnet_banners.xml` + "\tgeneral-os\t\t\t\t" + `Debian\r\n\\printer` + "\n" +
	"snmp_sysdescr.xml\tconsumer-or-office\t\tDevice Server\t\tSerial device server\n" +
	"favicons.xml\tconsumer-or-office\t\tPrinter\t\tprinter\n"

func TestBanners(t *testing.T) {
	dir := t.TempDir()
	if b, err := readBanners(dir); b != nil || err != nil {
		t.Errorf("without the file: %v, %v", b, err)
	}
	path := filepath.Join(dir, bannerFile)
	if err := os.WriteFile(path, []byte(someBanners), 0o600); err != nil {
		t.Fatal(err)
	}
	banners, err := readBanners(dir)
	if err != nil || len(banners) != 9 {
		t.Fatalf("%d banners, %v", len(banners), err)
	}
	places, total := measureBanners(banners)
	if r := places["HTML title"]; r.named != (rate{2, 3}) || r.kind != (rate{1, 2}) || r.infrastructure != (rate{1, 1}) {
		t.Errorf("titles: %+v", r)
	}
	if want := (bannerRates{rate{3, 4}, rate{2, 3}, rate{1, 1}, rate{0, 2}}); total != want {
		t.Errorf("all: %+v, want %+v", total, want)
	}
	if r := places[snmpPlace]; r.kind != (rate{1, 1}) || banners[8].want != device.Other {
		t.Errorf("a serial device server is of no kind of ours: %+v", r)
	}
	p := &page{d: &data{banners: banners}}
	p.banners()
	if !strings.Contains(p.String(), "| HTML title | 66.7 %") || strings.Contains(p.String(), "Hello") {
		t.Error(p.String())
	}
	if err := os.WriteFile(path, []byte(someBanners+"short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readBanners(dir); err == nil {
		t.Error("a short line is read")
	}
}
