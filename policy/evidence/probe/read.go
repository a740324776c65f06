package probe

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

const (
	// MaxText is how much of an answer is read, in bytes: the telling part of a
	// greeting stands at its beginning, and device.Identify reads no more.
	MaxText = 4096
	// maxKept is how much of the text is kept for people to see.
	maxKept = 80
	// maxSayings bounds the work for an answer that is all challenges.
	maxSayings = 8
	// maxTitle is longer than any title that names a device.
	maxTitle = 256
)

// saying is a text that tells something, and the word of device.ParseProtocol for
// where it stood.
type saying struct{ place, text string }

// best returns what the sayings tell of the device, and how much that is: 0 is
// nothing, from named on they name a kind of device.
func best(all []saying) (b policy.Banner, worth int) {
	for _, s := range all {
		if !isText(s.text) {
			continue
		}
		a := device.Identify(s.place, s.text)
		if w := weigh(&a); w > worth {
			b = policy.Banner{Kind: a.Device, Vendor: a.Vendor, Place: s.place, Text: clean(strings.Join(a.Words, " "))}
			worth = w
		}
	}
	return b, worth
}

// isText tells greetings from binary protocols, in which letters stand side by side
// by chance: a tenth of random bytes are controls, while text has the odd bell.
// Bytes above 0x7f are text of some encoding.
func isText(s string) bool {
	controls := 0
	for _, c := range []byte(s) {
		if c < ' ' && strings.IndexByte("\t\r\n\x1b", c) < 0 || c == 0x7f {
			controls++
		}
	}
	return controls <= 2+len(s)/32
}

const named = 4

func weigh(a *device.Answer) (w int) {
	if a.Device == device.None {
		return 0
	}
	w = 1
	if a.Device != device.Other {
		w = named
	}
	if a.Vendor != "" {
		w += 2
	}
	if a.Model != "" {
		w++
	}
	return w
}

// clean makes an attacker's text one for people: what does not print becomes a
// blank, runs of blanks one, and the end is cut.
func clean(s string) string {
	out := make([]byte, 0, maxKept)
	blank := false
	for _, r := range s {
		if r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r) {
			blank = len(out) > 0
			continue
		}
		need := utf8.RuneLen(r)
		if blank {
			need++
		}
		if len(out)+need > maxKept {
			break
		}
		if blank {
			out, blank = append(out, ' '), false
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// split returns the head of an answer, if it has one, and what follows. A head
// that was cut is one, too.
func split(text []byte) (head, body []byte) {
	if !bytes.HasPrefix(text, []byte("HTTP/")) && !bytes.HasPrefix(text, []byte("RTSP/")) {
		return nil, text
	}
	for i, c := range text {
		if c != '\n' {
			continue
		}
		rest := text[i+1:]
		if bytes.HasPrefix(rest, []byte("\n")) {
			return text[:i+1], rest[1:]
		}
		if bytes.HasPrefix(rest, []byte("\r\n")) {
			return text[:i+1], rest[2:]
		}
	}
	return text, nil
}

// field calls f with the value of each field of that name in the head.
func field(head []byte, name string, f func(value string)) {
	for l := range bytes.Lines(head) {
		key, value, ok := bytes.Cut(l, []byte(":"))
		if ok && strings.EqualFold(string(key), name) {
			if v := strings.TrimSpace(string(value)); v != "" {
				f(v)
			}
		}
	}
}

// element returns the text in the first element of that name, "" if there is none
// or its end is missing; name is in lower case.
func element(body []byte, name string) string {
	low := asciiLower(body)
	for {
		i := bytes.Index(low, []byte("<"+name))
		if i < 0 {
			return ""
		}
		body, low = body[i+1+len(name):], low[i+1+len(name):]
		if len(low) > 0 && low[0] != '>' && low[0] != ' ' && low[0] != '\t' && low[0] != '\r' && low[0] != '\n' {
			continue // <titles>
		}
		open := bytes.IndexByte(low, '>')
		end := bytes.Index(low, []byte("</"+name))
		if open < 0 || end < open {
			return ""
		}
		body = bytes.TrimSpace(body[open+1 : end])
		return string(body[:min(len(body), maxTitle)])
	}
}

// asciiLower keeps each byte in its place, which bytes.ToLower does not.
func asciiLower(b []byte) []byte {
	low := bytes.Clone(b)
	for i, c := range low {
		if 'A' <= c && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	return low
}

func parseHTTP(text []byte) (all []saying) {
	head, body := split(text)
	for _, name := range []string{"Server", "WWW-Authenticate"} {
		field(head, name, func(value string) {
			if len(all) < maxSayings {
				all = append(all, saying{"http", value})
			}
		})
	}
	if t := element(body, "title"); t != "" {
		all = append(all, saying{"title", t})
	}
	return all
}

func parseRTSP(text []byte) (all []saying) {
	head, _ := split(text)
	for _, name := range []string{"Server", "WWW-Authenticate"} {
		field(head, name, func(value string) {
			if len(all) < maxSayings {
				all = append(all, saying{"rtsp", value})
			}
		})
	}
	return all
}

// parseUPnP reads a device description (UPnP Device Architecture 1.0, section 2.1)
// without an XML parser: it may be cut anywhere.
func parseUPnP(text []byte) (all []saying) {
	head, body := split(text)
	field(head, "Server", func(value string) {
		if len(all) < maxSayings {
			all = append(all, saying{"upnp", value})
		}
	})
	var words []string
	for _, name := range []string{"manufacturer", "modelname", "friendlyname"} {
		if s := element(body, name); s != "" {
			words = append(words, s)
		}
	}
	if len(words) > 0 {
		all = append(all, saying{"upnp", strings.Join(words, " ")})
	}
	return all
}

func parseFTP(text []byte) []saying {
	if !bytes.HasPrefix(text, []byte("220")) {
		return nil
	}
	return []saying{{"ftp", strings.TrimSpace(string(text))}}
}

// parseSSH returns the identification, which other lines may precede (RFC 4253,
// section 4.2).
func parseSSH(text []byte) []saying {
	for l := range bytes.Lines(text) {
		if bytes.HasPrefix(l, []byte("SSH-")) {
			return []saying{{"ssh", strings.TrimSpace(string(l))}}
		}
	}
	return nil
}

func parseTelnet(text []byte) []saying {
	if s := strings.TrimSpace(string(stripTelnet(text))); s != "" {
		return []saying{{"telnet", s}}
	}
	return nil
}

// Telnet's commands (RFC 854).
const (
	telnetSE   = 240
	telnetSB   = 250
	telnetWill = 251
	telnetIAC  = 255
)

// stripTelnet takes the negotiation out of what a telnet server says. Nothing of
// it is answered.
func stripTelnet(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == 0:
		case text[i] != telnetIAC:
			out = append(out, text[i])
		case i+1 == len(text):
		case text[i+1] == telnetSB:
			end := bytes.Index(text[i:], []byte{telnetIAC, telnetSE})
			if end < 0 {
				return out
			}
			i += end + 1
		case text[i+1] >= telnetWill && text[i+1] != telnetIAC:
			i += 2
		default:
			i++
		}
	}
	return out
}

func hasHead(text []byte) bool {
	return bytes.Contains(text, []byte("\n\r\n")) || bytes.Contains(text, []byte("\n\n"))
}

func enoughHTTP(text []byte) bool {
	head, body := split(text)
	if head == nil || !hasHead(text) {
		return false
	}
	whole := false
	field(head, "Content-Length", func(value string) {
		n, err := strconv.Atoi(value)
		whole = err == nil && len(body) >= n
	})
	return whole || bytes.Contains(asciiLower(body), []byte("</title"))
}

func enoughUPnP(text []byte) bool {
	_, body := split(text)
	return element(body, "modelname") != "" && element(body, "manufacturer") != "" || enoughHTTP(text)
}

// enoughFTP looks for the end of the greeting: the line with a blank after the
// code (RFC 959, section 4.2). A greeting with another code tells nothing.
func enoughFTP(text []byte) bool {
	if len(text) >= 3 && !bytes.HasPrefix(text, []byte("220")) {
		return true
	}
	for l := range bytes.Lines(text) {
		if bytes.HasPrefix(l, []byte("220 ")) && l[len(l)-1] == '\n' {
			return true
		}
	}
	return false
}

func enoughSSH(text []byte) bool {
	for l := range bytes.Lines(text) {
		if bytes.HasPrefix(l, []byte("SSH-")) && l[len(l)-1] == '\n' {
			return true
		}
	}
	return false
}
