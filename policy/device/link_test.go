package device

import "testing"

func TestLinkDomain(t *testing.T) {
	for host, want := range map[string]string{
		"pills.example":               "pills.example",
		"a8d7f.track.pills.example":   "pills.example",
		"www.shop.example.co.uk":      "example.co.uk",
		"buy.pills.blogspot.com":      "pills.blogspot.com", // a customer of the site
		"co.uk":                       "",
		"example":                     "",
		"nas.lan":                     "",
		"nas.fritz.box":               "", // delegated, and the maker's
		"com":                         "",
		".example.com":                "",
		"a..example.com":              "",
		"example.com.":                "",
		"":                            "",
		".":                           "",
		"www.w3.org":                  "",
		"kb.synology.com":             "",
		"anna.synology.me":            "", // a name of the maker's, for its customer
		"fonts.googleapis.com":        "",
		"www.google.com":              "",
		"google.com.pills.example":    "pills.example",
		"xn--bcher-kva.example":       "xn--bcher-kva.example",
		"a.b.c.d.e.f.g.h.i.j.example": "j.example",
	} {
		if got := LinkDomain(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

// TestCommonAreDomains: an entry that is no registered domain would never be found.
func TestCommonAreDomains(t *testing.T) {
	for domain := range common {
		if LinkDomain("www."+domain) != "" || LinkDomain(domain) != "" {
			t.Errorf("%s is not found by its own name", domain)
		}
	}
}
