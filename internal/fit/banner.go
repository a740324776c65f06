package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// bannerFile holds labelled greetings: the examples of Rapid7's Recog.
const bannerFile = "banners.tsv"

// banner is one labelled greeting.
type banner struct {
	place string // of bannerPlaces
	label string // consumer-or-office, infrastructure, general-os, or another that is not scored
	want  device.Kind
	got   device.Kind
}

// bannerPlaces are Recog's files of what the probe reads, the word that
// device.Identify knows for each, and the row of the table. Those of SNMP, which
// the probe does not read, have a row of their own.
var bannerPlaces = []struct{ file, word, name string }{
	{"http_servers.xml", "http", "HTTP Server"},
	{"html_title.xml", "title", "HTML title"},
	{"http_wwwauth.xml", "http", "WWW-Authenticate"},
	{"telnet_banners.xml", "telnet", "telnet"},
	{"ssh_banners.xml", "ssh", "SSH"},
	{"ftp_banners.xml", "ftp", "FTP"},
	{"rtsp_servers.xml", "rtsp", "RTSP"},
	{"smtp_banners.xml", "smtp", "SMTP"},
	{"snmp_sysdescr.xml", "snmp", snmpPlace},
}

const snmpPlace = "SNMP sysDescr, not probed"

// bannerKinds are the words of Recog's hw.device and os.device for consumer's and
// office devices as our kinds. Recog has one word for print servers and
// multifunction devices each, all of which print, and calls a recorder by what it
// does (encoder, decoder); a "Device Server" (serial or USB ports on a network) and
// whatever is missing here has no kind of ours but other.
var bannerKinds = map[string]device.Kind{
	"Printer": device.Printer, "Multifunction Device": device.Printer, "Print Server": device.Printer, "Network Scanner": device.Printer,
	"Router": device.Router, "Broadband Router": device.Router, "ADSL Router": device.Router, "ADSL Modem": device.Router,
	"DSL Modem": device.Router, "Cable Modem": device.Router, "DOCSIS Cable Modem": device.Router, "ATM DSL Unit": device.Router,
	"WAP": device.Router, "Powerline": device.Router, "Mobile Hotspot": device.Router,
	"NAS": device.NAS, "Storage": device.NAS, "Storage Appliance": device.NAS,
	"IP Camera": device.Camera, "Web Cam": device.Camera, "Camera": device.Camera,
	"DVR": device.Recorder, "Video Encoder": device.Recorder, "Video Decoder": device.Recorder, "Network Video Recorder": device.Recorder,
	"TV": device.TV, "Smart TV": device.TV, "IPTV": device.SetTop, "Set-top Box": device.SetTop,
	"Media Server": device.MediaPlayer, "Media Receiver": device.MediaPlayer, "Media Player": device.MediaPlayer,
	"Network Audio": device.MediaPlayer, "Audio Encoder": device.MediaPlayer, "Display Controller": device.MediaPlayer,
	"Game Console": device.Console,
	"VoIP":         device.Phone, "VoIP Phone": device.Phone, "VoIP Gateway": device.Phone, "IP Phone": device.Phone,
	"Light Bulb": device.Appliance, "Environment Control": device.Appliance, "Alarm Panel": device.Appliance,
}

// readBanners reads the labelled greetings; a directory without them has none.
func readBanners(dir string) ([]banner, error) {
	path := filepath.Join(dir, bannerFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []banner
	var head map[string]int
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "\t")
		if head == nil {
			head = columnsOf(cells)
			continue
		}
		if len(cells) != len(head) {
			return nil, fmt.Errorf("%s: %d columns, want %d", path, len(cells), len(head))
		}
		b, ok, err := parseBanner(func(name string) string { return cells[head[name]] })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if ok {
			out = append(out, b)
		}
	}
	return out, lines.Err()
}

func columnsOf(cells []string) map[string]int {
	head := make(map[string]int, len(cells))
	for i, name := range cells {
		head[name] = i
	}
	return head
}

// parseBanner identifies a greeting; ok is false for one of another place.
func parseBanner(cell func(string) string) (b banner, ok bool, err error) {
	for _, p := range bannerPlaces {
		if p.file != cell("file") {
			continue
		}
		text := unescape.Replace(cell("banner"))
		if cell("encoding") == "base64" {
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return b, false, err
			}
			text = string(raw)
		}
		word := cell("hw.device")
		if word == "" {
			word = cell("os.device")
		}
		b = banner{place: p.name, label: cell("class"), want: device.Other, got: device.Identify(p.word, text).Device}
		if k, known := bannerKinds[word]; known {
			b.want = k
		}
		return b, true, nil
	}
	return b, false, nil
}

var unescape = strings.NewReplacer(`\t`, "\t", `\r`, "\r", `\n`, "\n", `\\`, `\`)

// bannerRates are the figures of one place.
type bannerRates struct{ named, kind, infrastructure, mistaken rate }

func (r *bannerRates) add(b *banner) {
	named := b.got != device.None
	switch b.label {
	case "consumer-or-office":
		r.named.add(named)
		if named {
			r.kind.add(b.got == b.want)
		}
	case "infrastructure":
		r.infrastructure.add(named)
	case "general-os":
		r.mistaken.add(named)
	}
}

func (r *bannerRates) row(name string) []string {
	return []string{name, r.named.String(), r.kind.String(), r.infrastructure.String(), r.mistaken.String()}
}

// measureBanners counts by place; the total is of the places that the probe reads.
func measureBanners(banners []banner) (places map[string]*bannerRates, total bannerRates) {
	places = make(map[string]*bannerRates)
	for i := range banners {
		b := &banners[i]
		if places[b.place] == nil {
			places[b.place] = new(bannerRates)
		}
		places[b.place].add(b)
		if b.place != snmpPlace {
			total.add(b)
		}
	}
	return places, total
}

// banners writes what the device tables make of labelled greetings.
func (p *page) banners() {
	if len(p.d.banners) == 0 {
		return
	}
	p.f("## Banners\n\nWhat the device tables say of greetings, which the optional probe reads: the examples of Rapid7's Recog, with its labels. " +
		"\"Named\" is any device; the kind is right if it is ours for Recog's word. A general-purpose system must not be called a device. " +
		"No row of Recog's database is in the tables. But whoever wrote the tables had read this half of its examples, so " +
		"these figures flatter; the half that is sealed, which has other fingerprints, is the fair one. " +
		"Examples of fingerprints are not a sample of devices: a rare one counts as much as a common one. " +
		"Recog files the systems of some routers, such as EdgeOS and the Freebox's, under general-purpose Linux: naming them counts as a mistake.\n")
	places, total := measureBanners(p.d.banners)
	var rows [][]string
	for _, place := range bannerPlaces {
		if r := places[place.name]; r != nil && place.name != snmpPlace {
			rows = append(rows, r.row(place.name))
		}
	}
	rows = append(rows, total.row("**all that the probe reads**"))
	if r := places[snmpPlace]; r != nil {
		rows = append(rows, r.row(snmpPlace))
	}
	p.table([]string{"", "consumer's and office devices named", "… of the right kind", "infrastructure named", "general-purpose called a device"}, rows)
}
