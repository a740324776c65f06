package conf

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// codec reads and writes a type that is a text in the file.
type codec struct {
	what    string // for "want …"
	example string
	parse   func(string) (any, error)
	format  func(any) string
}

// codecs are all such types. Other texts are plain strings.
var codecs = map[reflect.Type]codec{
	reflect.TypeFor[policy.Mode]():   wordCodec("a mode", policy.ParseMode, policy.Words("mode")),
	reflect.TypeFor[policy.Stage]():  wordCodec("a stage", policy.ParseStage, policy.Words("stage")),
	reflect.TypeFor[policy.Class]():  wordCodec("a class", policy.ParseClass, policy.Words("class")),
	reflect.TypeFor[policy.Action](): wordCodec("an action", policy.ParseAction, policy.Words("action")),
	reflect.TypeFor[device.Kind]():   wordCodec("a device kind", device.ParseKind, device.Kinds[1:]),
	reflect.TypeFor[slog.Level]():    wordCodec("a level", parseLevel, []string{"debug", "info", "warn", "error"}),
	reflect.TypeFor[time.Duration](): makeCodec("a time", "5s", parseDuration, formatDuration),
	reflect.TypeFor[Size]():          makeCodec("a size", "64MiB", parseSize, Size.String),
	reflect.TypeFor[Percent]():       makeCodec("a percentage", "100%", parsePercent, Percent.String),
	reflect.TypeFor[Rate]():          makeCodec("a rate", "20/1h", parseRate, Rate.String),
	reflect.TypeFor[Listen]():        makeCodec("a socket", "inet:8899@localhost", ParseListen, Listen.String),
	reflect.TypeFor[fs.FileMode]():   makeCodec("a file mode", "0660", parseFileMode, formatFileMode),
	reflect.TypeFor[netip.Prefix]():  makeCodec("a network", "192.0.2.0/24", parsePrefix, netip.Prefix.String),
	reflect.TypeFor[netip.Addr]():    makeCodec("an address", "192.0.2.1", parseAddr, formatAddr),
	reflect.TypeFor[policy.Codes]():  makeCodec("an answer", "127.0.0.2", parseCodes, policy.Codes.String),
	reflect.TypeFor[netip.AddrPort](): makeCodec("an address", "192.0.2.53:53", parseServer,
		netip.AddrPort.String),
}

func makeCodec[T any](what, example string, parse func(string) (T, error), format func(T) string) codec {
	return codec{
		what:    what,
		example: example,
		parse:   func(s string) (any, error) { return parse(s) },
		format:  func(v any) string { return format(v.(T)) },
	}
}

func wordCodec[T fmt.Stringer](what string, parse func(string) (T, error), words []string) codec {
	known := func(s string) (T, error) {
		v, err := parse(s)
		if err != nil || s == "" {
			_, noun, _ := strings.Cut(what, " ")
			return v, badf(oneOf(s, words), "%q is no %s", s, noun)
		}
		return v, nil
	}
	return makeCodec(what, words[0], known, func(v T) string { return strings.ToLower(v.String()) })
}

func parseLevel(s string) (slog.Level, error) {
	var l slog.Level
	err := l.UnmarshalText([]byte(s))
	if err == nil && strings.ToLower(l.String()) != s { // slog also takes INFO and info+2
		err = fmt.Errorf("%q is no level", s)
	}
	return l, err
}

func parseFileMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 {
		return 0, badf(`three or four octal digits up to 0777, such as "0660"`, "%q is no file mode", s)
	}
	return fs.FileMode(n), nil
}

func formatFileMode(m fs.FileMode) string { return fmt.Sprintf("%04o", uint32(m)) }

// parsePrefix takes a bare address as a network of one. Bits beyond the mask
// are refused: nobody can tell which of the two was meant.
func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		s = netip.PrefixFrom(addr, addr.BitLen()).String()
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return p, badf(`such as "192.0.2.0/24", "2001:db8::/32" or "192.0.2.1"`, "%q is no network", s)
	case p.Addr().Is4In6():
		return p, badf("the IPv4 network; mapped addresses are taken as IPv4", "%q is an IPv4-mapped network", s)
	case p != p.Masked():
		return p, badf(strconv.Quote(p.Masked().String()), "%q has host bits set", s)
	}
	return p, nil
}

func parseAddr(s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Is4In6() {
		return netip.Addr{}, badf(`such as "192.0.2.1" or "2001:db8::1"`, "%q is no address", s)
	}
	return a, nil
}

func formatAddr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// parseCodes takes the answers of a list. An error code is none.
func parseCodes(s string) (policy.Codes, error) {
	c, err := policy.ParseCodes(s)
	switch {
	case err != nil:
		return c, badf(`such as "127.0.0.2", "127.0.0.4-7" or "127.0.*.2"`, "%q is no answer of a list", s)
	case c.Contains(errorCode):
		return c, badf("leave it out", "%s means an error of the list, never a listing", s)
	}
	return c, nil
}

// errorCode is one of the answers by which lists refuse to answer.
var errorCode = netip.MustParseAddr("127.255.255.254")

const dnsPort = 53

func parseServer(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, dnsPort), nil
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil || ap.Port() == 0 {
		return netip.AddrPort{}, badf(`such as "192.0.2.53", "192.0.2.53:53" or "[2001:db8::53]:53"`, "%q is no server", s)
	}
	return ap, nil
}
