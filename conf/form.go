package conf

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// forms are the shapes of plain texts, by the name in the struct tag. "" passes
// where the form is of a thing that may be absent; in lists it never does.
var forms = map[string]func(string) *valueError{
	"hostname":  optional(checkHostname),
	"hostport":  optional(checkHostPort),
	"dir":       checkPath,
	"path":      optional(checkPath),
	"socket":    optional(checkSocket),
	"label":     checkLabel,
	"name":      checkName,
	"word":      optional(checkName),
	"host":      checkHost,
	"domain":    checkDomain,
	"recipient": checkRecipient,
	"mail":      optional(checkMail),
	"hash":      optional(checkHash),
	"store":     optional(checkStore),
	"ascii":     optional(checkASCII),
	"contact":   optional(checkContact),
	"reply4":    func(s string) *valueError { return checkReply(s, '4') },
	"reply5":    func(s string) *valueError { return checkReply(s, '5') },
}

func optional(check func(string) *valueError) func(string) *valueError {
	return func(s string) *valueError {
		if s == "" {
			return nil
		}
		return check(s)
	}
}

var label = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func isLabel(s string) bool    { return label.MatchString(s) }
func isHostname(s string) bool { return isLabel(s) && len(s) <= 253 }

func checkHostname(s string) *valueError {
	if !isHostname(s) {
		return badf(`letters, digits, ".", "_" and "-", at most 253`, "%q is no host name", s)
	}
	return nil
}

func checkLabel(s string) *valueError {
	if !isLabel(s) || len(s) > 64 {
		return badf(`letters, digits, ".", "_" and "-", at most 64`, "%q is no name", s)
	}
	return nil
}

func checkName(s string) *valueError {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		return badf("one word", "%q is no name", s)
	}
	return nil
}

func checkHost(s string) *valueError {
	inner, v6 := strings.CutPrefix(s, "[")
	if v6 {
		a, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		v6 = err == nil && a.Is6() && strings.HasSuffix(s, "]")
	}
	if !v6 && !isHostname(s) {
		return badf(`a name or address without a port, IPv6 as "[::1]"`, "%q is no host", s)
	}
	return nil
}

// checkHostPort takes no names but localhost: a page must not wait for DNS at
// start, nor move when an answer changes.
func checkHostPort(s string) *valueError {
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || n == 0 {
		return badf(`such as "127.0.0.1:8894", or "" to switch it off`, "%q is no address with a port", s)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		return badf("an IP address or localhost", "%q is no address", host)
	}
	return nil
}

func checkPath(s string) *valueError {
	switch {
	case s == "":
		return badf("an absolute path", "is empty")
	case strings.ContainsFunc(s, unicode.IsControl):
		return badf("an absolute path without control characters", "%q is no path", s)
	case !strings.HasPrefix(s, "/"):
		return badf(strconv.Quote(path.Join("/", s)), "%q is a relative path", s)
	}
	return nil
}

func checkSocket(s string) *valueError {
	if err := checkPath(s); err != nil {
		return err
	}
	if len(s) > maxSocketPath {
		return badf("at most "+strconv.Itoa(maxSocketPath)+" bytes, as the kernel demands",
			"the path of the socket has %d bytes", len(s))
	}
	return nil
}

func checkDomain(s string) *valueError {
	bare := strings.TrimPrefix(strings.TrimPrefix(s, "*"), ".")
	switch {
	case !isHostname(bare) || !strings.Contains(bare, "."):
		return badf(`such as "example.org"`, "%q is no domain", s)
	case bare != s:
		return badf(strconv.Quote(bare)+"; subdomains are included", "%q is no domain", s)
	case strings.HasSuffix(s, ".") || strings.Contains(s, ".."):
		return badf(`such as "example.org", without a closing dot`, "%q is no domain", s)
	}
	return nil
}

func checkRecipient(s string) *valueError {
	if err := checkName(s); err != nil || strings.HasPrefix(s, "@") || strings.ContainsAny(s, "<>,") {
		return badf(`a local part or an address, such as "postmaster" or "abuse@example.org"`, "%q is no recipient", s)
	}
	return nil
}

func checkMail(s string) *valueError {
	local, domain, _ := strings.Cut(s, "@")
	if checkRecipient(s) != nil || local == "" || !isHostname(domain) {
		return badf(`such as "postmaster@example.org"`, "%q is no mail address", s)
	}
	return nil
}

var (
	bcryptHash = regexp.MustCompile(`^\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$`)
	argonHash  = regexp.MustCompile(`^\$argon2id\$v=19\$m=[1-9][0-9]{0,5},t=[1-9][0-9]?,p=[1-9][0-9]?\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}$`)
)

// Costs are bounded, for what a login costs is the daemon's: bcrypt's to some
// seconds, argon2id's memory to a GiB.
//
// checkHash never repeats what it was given: it may be the password itself.
func checkHash(s string) *valueError {
	if !bcryptHash.MatchString(s) && !argonHash.MatchString(s) {
		return badf("the output of htpasswd -nBC 12 '' behind the colon, or an argon2id hash",
			"is neither a bcrypt hash of cost 4 to 15 nor an argon2id hash of at most 999999 KiB")
	}
	return nil
}

var storeSchemes = []string{"redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster", "unix"}

// checkStore does not repeat the address either: it may hold a password.
func checkStore(s string) *valueError {
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(s, unicode.IsControl) {
		return badf(`such as "redis://127.0.0.1:6379/0"`, "is no URL")
	}
	for _, scheme := range storeSchemes {
		if u.Scheme != scheme {
			continue
		}
		if (u.Host == "") == (scheme != "unix") {
			break
		}
		return nil
	}
	return badf(`such as "redis://127.0.0.1:6379/0", rediss, redis-sentinel, redis-cluster or unix:///path`,
		"is no URL of a store")
}
