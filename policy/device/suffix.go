package device

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// registered returns the registered domain of host by the public suffix list,
// and the one by its ICANN section alone: below a suffix such as synology.me
// the first belongs to a customer, the second to the provider, who chose the
// labels between them. The dot is the index of host's last dot.
func registered(host string, dot int) (domain, org string, ok bool) {
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann && !strings.Contains(suffix, ".") {
		if !reserved(host[dot+1:]) {
			return "", "", false
		}
		icann = true
	}
	domain = plusOne(host, suffix)
	if icann {
		return domain, domain, true
	}
	for !icann {
		_, suffix, ok = strings.Cut(suffix, ".")
		if !ok {
			return domain, domain, true
		}
		suffix, icann = publicsuffix.PublicSuffix(suffix)
	}
	org = plusOne(host, suffix)
	if domain == "" {
		domain = org // the host is itself a suffix: a cloud's machine
	}
	return domain, org, true
}

// plusOne returns the suffix and the label before it, "" if there is none.
func plusOne(host, suffix string) string {
	end := len(host) - len(suffix) - 1
	if end <= 0 {
		return ""
	}
	return host[strings.LastIndexByte(host[:end], '.')+1:]
}

// reserved reports the top-level domains that documentation and tests use as if
// they were delegated (RFC 2606, RFC 6761), and those that were delegated when
// their names were given (IANA's removed country codes).
func reserved(tld string) bool {
	switch tld {
	case "example", "test", "invalid":
		return true
	case "an", "cs", "tp", "um", "yu", "zr":
		return true
	}
	return false
}

// private returns the row of the private suffix that host ends with, or is, and
// where it begins; of two the longer. The dot is the index of the last one.
func (t *Table) private(host string, dot int) (end int, row *Suffix) {
	before := strings.LastIndexByte(host[:dot], '.')
	if row = t.suffixes[host[before+1:]]; row != nil {
		return before, row
	}
	return dot, t.suffixes[host[dot+1:]]
}

// domain returns the longest row whose domain is host or one above it.
func (t *Table) domain(host string) *Domain {
	for rest := host; ; {
		if row := t.domains[rest]; row != nil {
			return row
		}
		dot := strings.IndexByte(rest, '.')
		if dot < 0 {
			return nil
		}
		rest = rest[dot+1:]
	}
}
