// Package recog answers by fingerprints in the XML format of Rapid7 Recog, of
// which it has none itself: the admin names a directory. Its standard is the
// format's own description, https://github.com/rapid7/recog.
package recog

import (
	"encoding/xml"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// Database is fingerprints in the XML format of Rapid7 Recog
// (https://github.com/rapid7/recog, "fingerprints" files). It is immutable after
// Load and safe for concurrent use. An answer costs one regular expression
// for each fingerprint of the kind of text: use it off the mail path.
type Database struct {
	prints map[device.Protocols][]*fingerprint
}

// Report says what Load read.
type Report struct {
	Files        int      // XML files
	Fingerprints int      // in all of them
	Used         int      // of kinds of text that Identify takes
	Elsewhere    int      // of other kinds, which nobody asks: DHCP, SIP, favicons …
	Unusable     []string // file: description: why, of each that RE2 cannot express
}

// maxFile is more than ten times Recog's largest file, in bytes.
const maxFile = 16 << 20

// fingerprint is one fingerprint.
type fingerprint struct {
	re     *regexp.Regexp
	name   string // its description
	params []param
}

type param struct {
	Pos   int    `xml:"pos,attr"`
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// file is a file as it is written.
type file struct {
	XMLName  xml.Name `xml:"fingerprints"`
	Matches  string   `xml:"matches,attr"`
	Protocol string   `xml:"protocol,attr"`
	Prints   []struct {
		Pattern     string  `xml:"pattern,attr"`
		Flags       string  `xml:"flags,attr"`
		Description string  `xml:"description"`
		Params      []param `xml:"param"`
	} `xml:"fingerprint"`
}

// matches are the kinds of text by the file's attribute matches; files
// without one go by protocol.
var matches = map[string]device.Protocols{
	"http_header.server": device.HTTP, "http_header.wwwauth": device.HTTP, "html_title": device.Title, "telnet.banner": device.Telnet,
	"ssh.banner": device.SSH, "ftp.banner": device.FTP, "rtsp_header.server": device.RTSP, "smtp.banner": device.SMTP,
	"snmp.sys_description": device.SNMP, "upnp.server": device.UPnP,
}

var byProtocol = map[string]device.Protocols{"telnet": device.Telnet, "smtp": device.SMTP, "ftp": device.FTP, "ssh": device.SSH, "rtsp": device.RTSP}

// Load reads the XML files of the directory, and no other file. A file that
// is no XML or no fingerprints is an error; a fingerprint that cannot be used is
// reported.
func Load(dir fs.FS) (*Database, Report, error) {
	r := &Database{prints: make(map[device.Protocols][]*fingerprint)}
	var report Report
	names, err := fs.Glob(dir, "*.xml")
	if err != nil {
		return nil, report, err
	}
	for _, name := range names {
		if err := r.load(dir, name, &report); err != nil {
			return nil, report, fmt.Errorf("%s: %w", name, err)
		}
	}
	if report.Files == 0 {
		return nil, report, fmt.Errorf("no *.xml file; hint: the xml directory of Recog: %w", fs.ErrNotExist)
	}
	return r, report, nil
}

func (r *Database) load(dir fs.FS, name string, report *Report) error {
	info, err := fs.Stat(dir, name)
	if err != nil {
		return err
	}
	if info.Size() > maxFile {
		return fmt.Errorf("is larger than %d bytes; hint: is it the right directory?", maxFile)
	}
	data, err := fs.ReadFile(dir, name)
	if err != nil {
		return err
	}
	var f file
	if err := xml.Unmarshal(data, &f); err != nil {
		return err
	}
	report.Files++
	in := matches[f.Matches]
	if f.Matches == "" {
		in = byProtocol[f.Protocol]
	}
	for _, p := range f.Prints {
		report.Fingerprints++
		re, err := compile(p.Pattern, p.Flags)
		what := strings.Join(strings.Fields(p.Description), " ")
		switch {
		case err != nil:
			report.Unusable = append(report.Unusable, fmt.Sprintf("%s: %s: %v", path.Base(name), what, err))
		case in == 0:
			report.Elsewhere++
		default:
			report.Used++
			r.prints[in] = append(r.prints[in], &fingerprint{re, what, p.Params})
		}
	}
	return nil
}

// compile translates a pattern: Recog's are Ruby's, where ^ and $ are the ends
// of each line.
func compile(pattern, flags string) (*regexp.Regexp, error) {
	mode := "m"
	for _, flag := range strings.FieldsFunc(flags, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
		switch flag {
		case "REG_ICASE", "IGNORECASE":
			mode += "i"
		case "REG_DOT_NEWLINE", "REG_LINE_ANY_CRLF", "REG_MULTILINE":
			mode += "s"
		default:
			return nil, fmt.Errorf("flag %q is not known", flag)
		}
	}
	return regexp.Compile("(?" + mode + ")" + pattern)
}

// Identify says which device sent the text: by the first fingerprint that names
// one, else by the built-in tables.
func (r *Database) Identify(kind, text string) device.Answer {
	in, ok := device.ParseProtocol(kind)
	if !ok {
		return device.Answer{}
	}
	text = text[:min(len(text), device.MaxBanner)]
	lists := [][]*fingerprint{r.prints[in]}
	if in == device.UPnP {
		lists = append(lists, r.prints[device.HTTP])
	}
	texts := [...]string{text, device.Reply(in, text)}
	for _, list := range lists {
		for _, p := range list {
			for i, s := range texts {
				if i > 0 && s == texts[0] {
					break
				}
				if a, ok := p.match(s); ok {
					return a
				}
			}
		}
	}
	return device.Identify(kind, text)
}

// match answers by the fingerprint; ok is false unless it fits and names a device,
// or a computer that is none.
func (p *fingerprint) match(text string) (a device.Answer, ok bool) {
	found := p.re.FindStringSubmatch(text)
	if found == nil {
		return a, false
	}
	get := func(name string) string { return p.param(found, name, 0) }
	word := get("hw.device")
	if word == "" {
		word = get("os.device")
	}
	if a.Device, ok = kindOf(word); !ok {
		return device.Answer{}, false
	}
	if a.Device == device.None {
		return device.Answer{}, true
	}
	a.Vendor = firstOf(get("hw.vendor"), get("os.vendor"), get("service.vendor"))
	a.Model = firstOf(get("hw.model"), get("hw.product"), get("os.product"))
	a.Words = []string{p.name}
	return a, true
}

// maxTemplate is how deep a param's value may name other params.
const maxTemplate = 3

// param returns the value of a param: what its group matched, or its text with
// the values of params that it names in braces.
func (p *fingerprint) param(found []string, name string, depth int) string {
	for _, x := range p.params {
		if x.Name != name {
			continue
		}
		if x.Pos > 0 {
			if x.Pos < len(found) {
				return strings.TrimSpace(found[x.Pos])
			}
			return ""
		}
		return p.fill(found, x.Value, depth)
	}
	return ""
}

func (p *fingerprint) fill(found []string, value string, depth int) string {
	if strings.IndexByte(value, '{') < 0 {
		return value
	}
	if depth == maxTemplate {
		return ""
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(value, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			b.WriteString(value)
			return strings.TrimSpace(b.String())
		}
		b.WriteString(before)
		b.WriteString(p.param(found, name, depth+1))
		value = after
	}
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
