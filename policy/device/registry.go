package device

import "golang.org/x/net/publicsuffix"

// Registered reports whether domain, a Name's Domain, was registered with a
// registry: names below a private public suffix, of dynamic DNS for one, are
// somebody's hosts.
func Registered(domain string) bool {
	_, icann := publicsuffix.PublicSuffix(domain)
	return icann
}
