package markup

import (
	"net/url"
	"strings"

	"maragu.dev/gomponents"
)

// Address is that of a page of ours: it begins in the source, and what is added stays a
// part of a path or a value of a query.
type Address struct{ s string }

// To is the address of a path.
func To(path literal) Address {
	if !strings.HasPrefix(string(path), "/") || strings.HasPrefix(string(path), "//") {
		panic("markup: " + string(path) + " is not a path of ours")
	}
	return Address{string(path)}
}

// Part adds to the last part of the path.
func (a Address) Part(s string) Address { return Address{a.s + url.PathEscape(s)} }

// Ask adds a key and its value to the query.
func (a Address) Ask(key literal, value string) Address {
	return a.ask(url.QueryEscape(string(key)) + "=" + url.QueryEscape(value))
}

// AskAll adds all of the keys.
func (a Address) AskAll(v url.Values) Address { return a.ask(v.Encode()) }

func (a Address) ask(s string) Address {
	if strings.Contains(a.s, "?") {
		return Address{a.s + "&" + s}
	}
	return Address{a.s + "?" + s}
}

// None reports whether there is no address.
func (a Address) None() bool { return a.s == "" }

// Href, Src and SrcSet are attributes with an address.
func (a Address) Href() Node { return gomponents.Attr("href", a.s) }

// Src is that of an image.
func (a Address) Src() Node { return gomponents.Attr("src", a.s) }

// SrcSet is that of one image among several.
func (a Address) SrcSet() Node { return gomponents.Attr("srcset", a.s) }
